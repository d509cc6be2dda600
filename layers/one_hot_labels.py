"""One-hot encoding of label maps."""

import keras
from keras import ops

from hdgan.layers.kernels import recompute_from


@keras.saving.register_keras_serializable(package="hdgan")
class OneHotLabels(keras.layers.Layer):
    """Turns a map of label ids into one channel of 0 and 1 per class.

    An id outside `0 .. num_classes - 1` gives zeros in every channel; readers
    of data check the ids before. A gradient recomputes the channels from the
    ids instead of keeping them.

    Args:
        num_classes: int >= 1.
        **kwargs: `name`, `trainable` and `dtype` of the layer.

    Input shape:
        `(batch, height, width)` or `(batch, height, width, 1)`, integers.

    Output shape:
        `(batch, height, width, num_classes)` in the layer's compute dtype.

    Raises:
        ValueError: if `num_classes` is not an integer >= 1, or the map has
            several channels.

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
        return recompute_from(self._encode, squeeze_channel(inputs))

    def _encode(self, ids):
        ids = ops.cast(ids, "int32")
        return ops.one_hot(ids, self.num_classes, dtype=self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:3], self.num_classes)

    def get_config(self):
        return {**super().get_config(), "num_classes": self.num_classes}


def squeeze_channel(id_map):
    """Drops the channel axis of `(batch, height, width, 1)` if there is one.

    Raises:
        ValueError: if there are several channels, or another number of axes.
    """
    rank = len(id_map.shape)
    if rank == 3:
        return id_map
    if rank != 4 or id_map.shape[-1] != 1:
        raise ValueError(
            "A map of ids has one channel: expected shape (batch, height, "
            "width) or (batch, height, width, 1). Received: "
            f"{tuple(id_map.shape)}. If it shows classes as colors, replace "
            "each color by the id of its class."
        )
    return id_map[..., 0]
