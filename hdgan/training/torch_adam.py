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
        self._scalars = None

    def apply(self, grads, trainable_variables=None):
        self._scalars = _Scalars()
        try:
            return super().apply(grads, trainable_variables)
        finally:
            self._scalars = None

    def update_step(self, gradient, variable, learning_rate):
        momentum, velocity = adam_moments(self, variable)
        scalars = self._scalars or _Scalars()
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=momentum.value.handle,
            v=velocity.value.handle,
            grad=tf.cast(gradient, variable.dtype),
            **scalars.find(self, variable.dtype, learning_rate),
        )


class _Scalars:
    """Arguments of the kernel that all weights of a step share.

    Computed for each weight they would be a tenth of a step's operations.
    """

    def __init__(self):
        self._of_dtype = {}

    def find(self, optimizer, dtype, learning_rate):
        if dtype not in self._of_dtype:
            beta_1 = tf.cast(optimizer.beta_1, dtype)
            beta_2 = tf.cast(optimizer.beta_2, dtype)
            step = tf.cast(optimizer.iterations.value + 1, dtype)
            beta_2_power = tf.pow(beta_2, step)
            self._of_dtype[dtype] = {
                "beta1": beta_1,
                "beta2": beta_2,
                "beta1_power": tf.pow(beta_1, step),
                "beta2_power": beta_2_power,
                "lr": tf.cast(learning_rate, dtype),
                # Corrects for the kernel, which adds epsilon before the bias
                # correction.
                "epsilon": optimizer.epsilon * tf.sqrt(1 - beta_2_power),
            }
        return self._of_dtype[dtype]
