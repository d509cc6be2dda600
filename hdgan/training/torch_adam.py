"""The optimizer of the original PyTorch code."""

import keras
import tensorflow as tf

from hdgan.layers.keras_internals import adam_moments


# Older `.keras` files contain the former name. New files get the name that is
# registered last: decorators apply from the bottom up.
@keras.saving.register_keras_serializable(package="hdgan")
@keras.saving.register_keras_serializable(package="hdgan", name="PublishedAdam")
class TorchAdam(keras.optimizers.Adam):
    """Adam as PyTorch computes it, with the betas of pix2pixHD.

    Kingma and Ba, 2015, algorithm 1; Wang et al., 2018, appendix. Keras adds
    epsilon before the bias correction and PyTorch adds it after, so in the
    first steps the same epsilon has up to thirty times the effect in Keras.
    One fused kernel updates each weight. Keras runs about ten small kernels
    instead, which take more time than anything else in a step except the
    convolutions.

    Args:
        learning_rate: float or `LearningRateSchedule`. Defaults to 2e-4.
        beta_1: float in [0, 1). Defaults to 0.5.
        beta_2: float in [0, 1). Defaults to 0.999.
        epsilon: float > 0. Defaults to 1e-8.
        **kwargs: `name` and other arguments of `keras.optimizers.Adam`.

    Example:
        >>> schedule = hdgan.LinearDecay(2e-4, 100, 100, steps_per_epoch=2975)
        >>> model.compile(TorchAdam(schedule), TorchAdam(schedule))
    """

    def __init__(
        self,
        learning_rate=2e-4,
        beta_1=0.5,
        beta_2=0.999,
        epsilon=1e-8,
        **kwargs,
    ):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, **kwargs)

    def update_step(self, gradient, variable, learning_rate):
        momentum, velocity = adam_moments(self, variable)
        dtype = variable.dtype
        step = tf.cast(self.iterations.value + 1, dtype)
        beta_1_power = tf.pow(tf.cast(self.beta_1, dtype), step)
        beta_2_power = tf.pow(tf.cast(self.beta_2, dtype), step)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=momentum.value.handle,
            v=velocity.value.handle,
            beta1_power=beta_1_power,
            beta2_power=beta_2_power,
            lr=tf.cast(learning_rate, dtype),
            beta1=tf.cast(self.beta_1, dtype),
            beta2=tf.cast(self.beta_2, dtype),
            # Corrects for the kernel, which adds epsilon before the bias
            # correction.
            epsilon=self.epsilon * tf.sqrt(1 - beta_2_power),
            grad=tf.cast(gradient, dtype),
        )
