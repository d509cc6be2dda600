"""The optimizer of the published code."""

import keras
import tensorflow as tf

from hdgan.layers.keras_internals import adam_moments


# Files saved earlier have it under its former name. The last name registered
# is the one that new files get.
@keras.saving.register_keras_serializable(package="hdgan")
@keras.saving.register_keras_serializable(package="hdgan", name="PublishedAdam")
class TorchAdam(keras.optimizers.Adam):
    """Adam as PyTorch computes it, with the published betas.

    Wang et al., 2018, appendix. Keras adds epsilon before the bias correction
    and PyTorch after it, so that in the first steps the same number weighs up
    to thirty times more. A weight is updated by one fused kernel: what Keras
    composes of ten is, after the convolutions, what a step takes longest for.

    Args:
        learning_rate: float or `LearningRateSchedule`.
        beta_1: float in [0, 1).
        beta_2: float in [0, 1).
        epsilon: float > 0.
        **kwargs: `name` and what else `keras.optimizers.Adam` takes.

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
            # The kernel adds it before the bias correction, PyTorch after.
            epsilon=self.epsilon * tf.sqrt(1 - beta_2_power),
            grad=tf.cast(gradient, dtype),
        )
