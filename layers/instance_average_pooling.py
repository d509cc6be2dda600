"""Average pooling over instances."""

import keras
from keras import ops

from hdgan.layers.kernels import mean_per_instance
from hdgan.layers.one_hot_labels import squeeze_channel


@keras.saving.register_keras_serializable(package="hdgan")
class InstanceAveragePooling(keras.layers.Layer):
    """Gives every pixel the mean of the features over its instance.

    Wang et al., 2018, section 3.4. Each example of a batch is pooled by
    itself; ids are any integers; means are taken in float32.

    Call arguments:
        features: floating tensor, `(batch, height, width, channels)`.
        instance_map: integer tensor, `(batch, height, width)` or
            `(batch, height, width, 1)`.

    Output shape:
        The shape of `features`.

    Example:
        >>> features = np.array([1.0, 3.0, 5.0]).reshape(1, 1, 3, 1)
        >>> instance_map = np.array([[[7, 7, 26001]]])
        >>> layer = hdgan.layers.InstanceAveragePooling()
        >>> layer(features, instance_map)[0, 0, :, 0].numpy()
        array([2., 2., 5.], dtype=float32)
    """

    def __init__(self, **kwargs):
        # Ids must not be cast to a floating compute dtype on their way in.
        super().__init__(autocast=False, **kwargs)

    def call(self, features, instance_map):
        means = mean_per_instance(
            ops.cast(features, "float32"), squeeze_channel(instance_map)
        )
        return ops.cast(means, self.compute_dtype)

    def compute_output_shape(self, features_shape, instance_map_shape):
        return features_shape
