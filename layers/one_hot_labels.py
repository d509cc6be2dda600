"""One-hot coding of label maps."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="hdgan")
class OneHotLabels(keras.layers.Layer):
    """Turns a map of label ids into one channel of 0 and 1 per class.

    An id outside `0 .. num_classes - 1` gives zeros in every channel; what
    reads data checks the ids before.

    Args:
        num_classes: int >= 1.

    Input shape:
        `(batch, height, width)` or `(batch, height, width, 1)`, integers.

    Output shape:
        `(batch, height, width, num_classes)` in the layer's compute dtype.

    Raises:
        ValueError: if `num_classes` is not an integer >= 1.

    Example:
        >>> label_map = np.array([[[0, 2]]])
        >>> hdgan.layers.OneHotLabels(3)(label_map)[0, 0].numpy()
        array([[1., 0., 0.], [0., 0., 1.]], dtype=float32)
    """

    def __init__(self, num_classes, **kwargs):
        # Ids must not be cast to a floating compute dtype on their way in.
        super().__init__(autocast=False, **kwargs)
        if not isinstance(num_classes, int) or num_classes < 1:
            raise ValueError(
                "`num_classes` must be an integer >= 1. "
                f"Received: {num_classes!r}"
            )
        self.num_classes = num_classes

    def call(self, inputs):
        ids = ops.cast(squeeze_channel(inputs), "int32")
        return ops.one_hot(ids, self.num_classes, dtype=self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:3], self.num_classes)

    def get_config(self):
        return {**super().get_config(), "num_classes": self.num_classes}


def squeeze_channel(id_map):
    """Drops the channel axis of `(batch, height, width, 1)` if there is one.

    Raises:
        ValueError: if there are several channels.
    """
    if len(id_map.shape) == 3:
        return id_map
    if id_map.shape[-1] != 1:
        raise ValueError(
            "A map of ids has one channel: expected shape (batch, height, "
            f"width) or (batch, height, width, 1). Received: {id_map.shape}. "
            "If it shows classes in colours, replace each by its class's id."
        )
    return id_map[..., 0]
