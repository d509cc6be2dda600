"""Average pooling over instances."""

import keras
from keras import ops

from hdgan.layers.kernels import mean_per_instance
from hdgan.layers.one_hot_labels import squeeze_channel


@keras.saving.register_keras_serializable(package="hdgan")
class InstanceAveragePooling(keras.layers.Layer):
    """Replaces the values of every pixel by their mean over its instance.

    Wang et al., 2018, section 3.4. Each example of a batch has its own means,
    computed in float32. Ids are any integers.

    Args:
        **kwargs: `name`, `trainable` and `dtype` of the layer.

    Call arguments:
        inputs: floating tensor, `(batch, height, width, channels)`.
        instance_map: integer tensor, `(batch, height, width)` or
            `(batch, height, width, 1)`.

    Output shape:
        The shape of `inputs`.

    Raises:
        ValueError: if `inputs` has another rank than 4, or the instance map
            several channels.

    Example:
        >>> x = np.array([1.0, 3.0, 5.0]).reshape(1, 1, 3, 1)
        >>> instance_map = np.array([[[7, 7, 26001]]])
        >>> layer = hdgan.layers.InstanceAveragePooling()
        >>> layer(x, instance_map)[0, 0, :, 0].numpy()
        array([2., 2., 5.], dtype=float32)
    """

    def __init__(self, **kwargs):
        # Ids must not be cast to a floating compute dtype on their way in.
        super().__init__(autocast=False, **kwargs)
        # Checks the first argument.
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, inputs_shape, instance_map_shape=None):
        self.built = True

    def call(self, inputs, instance_map):
        means = mean_per_instance(
            ops.cast(inputs, "float32"), squeeze_channel(instance_map)
        )
        return ops.cast(means, self.compute_dtype)

    def compute_output_shape(self, inputs_shape, instance_map_shape):
        return inputs_shape
