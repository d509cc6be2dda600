"""Instance boundary map."""

import keras
from keras import ops

from hdgan.layers.kernels import call_shared, recompute_from
from hdgan.layers.one_hot_labels import squeeze_channel


@keras.saving.register_keras_serializable(package="hdgan")
class BoundaryMap(keras.layers.Layer):
    """Marks the pixels whose instance id differs from a neighbor's.

    A pixel is 1 if the id of any of its four neighbors differs, so that both
    sides of a border are marked, and 0 elsewhere. Wang et al., 2018, section
    3.3. A gradient recomputes the map from the ids instead of keeping it.

    Args:
        **kwargs: `name`, `trainable` and `dtype` of the layer.

    Input shape:
        `(batch, height, width)` or `(batch, height, width, 1)`, integers.

    Output shape:
        `(batch, height, width, 1)` in the layer's compute dtype.

    Raises:
        ValueError: if the map has several channels.

    Example:
        >>> instance_map = np.array([[[7, 7, 8, 8]]])
        >>> hdgan.layers.BoundaryMap()(instance_map)[0, 0, :, 0].numpy()
        array([0., 1., 1., 0.], dtype=float32)
    """

    def __init__(self, **kwargs):
        # Ids must not be cast to a floating compute dtype on their way in.
        super().__init__(autocast=False, **kwargs)

    def call(self, inputs):
        return recompute_from(self._mark, squeeze_channel(inputs))

    def _mark(self, ids):
        return call_shared(
            _find_boundary, (ids,), self.compute_dtype, shape=(*ids.shape, 1)
        )

    def compute_output_shape(self, input_shape):
        return (*input_shape[:3], 1)


def _find_boundary(ids, dtype):
    vertical = ids[:, 1:] != ids[:, :-1]
    horizontal = ids[:, :, 1:] != ids[:, :, :-1]
    above = ops.pad(vertical, ((0, 0), (1, 0), (0, 0)))
    below = ops.pad(vertical, ((0, 0), (0, 1), (0, 0)))
    left = ops.pad(horizontal, ((0, 0), (0, 0), (1, 0)))
    right = ops.pad(horizontal, ((0, 0), (0, 0), (0, 1)))
    boundary = above | below | left | right
    return ops.cast(boundary[..., None], dtype)
