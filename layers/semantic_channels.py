"""The channels of a scene that condition a network."""

import keras

from hdgan.layers.boundary_map import BoundaryMap
from hdgan.layers.kernels import join_channels
from hdgan.layers.one_hot_labels import OneHotLabels


@keras.saving.register_keras_serializable(package="hdgan")
class SemanticChannels(keras.layers.Layer):
    """Encodes label map and instance map as the condition of a network.

    One channel of 0 and 1 per class, then the boundary map: Wang et al., 2018,
    section 3.3. A gradient recomputes the channels from the ids instead of
    keeping them; the ids take a tenth of the memory or less.

    Args:
        num_classes: int >= 1.
        use_boundaries: bool, whether to add the boundary map. Defaults to
            `True`.
        **kwargs: `name`, `trainable` and `dtype` of the layer.

    Call arguments:
        label_map: integers, `(batch, height, width)` or
            `(batch, height, width, 1)`.
        instance_map: integers of the same shape. Defaults to `None`, which
            takes the boundaries from the label map.

    Output shape:
        `(batch, height, width, num_classes)` without and
        `(batch, height, width, num_classes + 1)` with boundaries, in the
        layer's compute dtype.

    Raises:
        ValueError: if `num_classes` is not an integer >= 1, or a map has
            several channels.

    Example:
        >>> layer = hdgan.layers.SemanticChannels(num_classes=35)
        >>> layer(label_map, instance_map).shape
        TensorShape([1, 512, 1024, 36])
    """

    def __init__(self, num_classes, use_boundaries=True, **kwargs):
        # Ids must not be cast to a floating compute dtype on their way in.
        super().__init__(autocast=False, **kwargs)
        dtype = self.dtype_policy
        self.one_hot = OneHotLabels(num_classes, dtype=dtype, name="one_hot")
        self.boundary = BoundaryMap(dtype=dtype, name="boundary")
        self.num_classes = num_classes
        self.use_boundaries = use_boundaries
        self.built = True

    @property
    def num_channels(self):
        """int, the number of channels of the output."""
        return self.num_classes + bool(self.use_boundaries)

    def build(self, label_map_shape, instance_map_shape=None):
        self.built = True

    def call(self, label_map, instance_map=None):
        classes = self.one_hot(label_map)
        if not self.use_boundaries:
            return classes
        if instance_map is None:
            instance_map = label_map
        return join_channels([classes, self.boundary(instance_map)])

    def compute_output_shape(self, label_map_shape, instance_map_shape=None):
        return (*label_map_shape[:3], self.num_channels)

    def get_config(self):
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "use_boundaries": self.use_boundaries,
        }
