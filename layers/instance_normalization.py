"""Instance normalization."""

import keras
from keras import ops

from hdgan.layers.kernels import instance_normalize


@keras.saving.register_keras_serializable(package="hdgan")
class InstanceNormalization(keras.layers.Layer):
    """Normalizes each channel of each example over its height and width.

    `y = (x - mean) / sqrt(variance + epsilon)`, with the statistics of the
    example itself in training and in inference (the variance is the biased
    one), taken in float32 whatever the dtype of `x`.

    Source: Ulyanov et al., "Instance Normalization: The Missing Ingredient for
    Fast Stylization", 2016. pix2pixHD uses it without scale and offset.

    Args:
        epsilon: float > 0, added to the variance.
        center: bool, whether to add a learnt offset per channel.
        scale: bool, whether to multiply by a learnt factor per channel.

    Input shape:
        `(batch, height, width, channels)`, floating; height and width may be
        unknown.

    Output shape:
        The input's.

    Raises:
        ValueError: if `epsilon` is not positive.

    Example:
        >>> x = keras.random.normal((2, 16, 16, 8))
        >>> y = hdgan.layers.InstanceNormalization()(x)
    """

    def __init__(self, epsilon=1e-5, center=False, scale=False, **kwargs):
        super().__init__(**kwargs)
        if not epsilon > 0:
            raise ValueError(
                f"`epsilon` must be greater than 0. Received: {epsilon}"
            )
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.supports_masking = True

    def build(self, input_shape):
        channels = (input_shape[-1],)
        if self.scale:
            self.gamma = self.add_weight(
                name="gamma", shape=channels, initializer="ones"
            )
        if self.center:
            self.beta = self.add_weight(
                name="beta", shape=channels, initializer="zeros"
            )
        self.built = True

    def call(self, inputs):
        outputs = instance_normalize(inputs, self.epsilon)
        if self.scale:
            outputs = outputs * ops.cast(self.gamma, outputs.dtype)
        if self.center:
            outputs = outputs + ops.cast(self.beta, outputs.dtype)
        return outputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
        }
