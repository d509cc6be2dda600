"""The optimizer of the published code."""

import keras


def published_adam(learning_rate=2e-4):
    """Returns Adam with betas 0.5 and 0.999 and epsilon 1e-8.

    Wang et al., 2018, appendix. Keras adds epsilon before the bias correction
    and PyTorch after it, so that in the first steps the same number weighs up
    to thirty times more: of no account where gradients exceed 1e-6.

    Args:
        learning_rate: float or `LearningRateSchedule`.
    """
    return keras.optimizers.Adam(
        learning_rate, beta_1=0.5, beta_2=0.999, epsilon=1e-8
    )
