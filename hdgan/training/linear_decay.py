"""The learning-rate schedule of pix2pixHD."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="hdgan")
class LinearDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Learning rate that is constant at first, then decays linearly to zero.

    The rate changes once per epoch. In epoch e, counted from 1, it is
    `initial * (1 - max(0, e - 1 - flat) / decay)`. So epoch `flat + 1` still
    has the initial rate, epoch `flat + decay` has `initial / decay`, and later
    epochs have 0. Wang et al., 2018, appendix, counted as in the original
    PyTorch code.

    Args:
        initial_learning_rate: float >= 0.
        flat_epochs: int >= 0, number of epochs at the initial rate.
        decay_epochs: int >= 1, number of epochs of decay.
        steps_per_epoch: int >= 1, number of optimizer steps per epoch.

    Raises:
        ValueError: if `decay_epochs` or `steps_per_epoch` is less than 1.

    Example:
        >>> schedule = hdgan.LinearDecay(2e-4, 100, 100, steps_per_epoch=2975)
    """

    def __init__(
        self, initial_learning_rate, flat_epochs, decay_epochs, steps_per_epoch
    ):
        super().__init__()
        for name, value in (
            ("decay_epochs", decay_epochs),
            ("steps_per_epoch", steps_per_epoch),
        ):
            if value < 1:
                raise ValueError(
                    f"`{name}` must be at least 1. Received: {value}"
                )
        self.initial_learning_rate = initial_learning_rate
        self.flat_epochs = flat_epochs
        self.decay_epochs = decay_epochs
        self.steps_per_epoch = steps_per_epoch

    def __call__(self, step):
        # Whole epochs in integers: float32 loses count of steps at 2^24.
        epochs_done = ops.cast(step, "int64") // self.steps_per_epoch
        fallen = ops.cast(
            ops.maximum(epochs_done - self.flat_epochs, 0), "float32"
        )
        share = ops.maximum(1.0 - fallen / self.decay_epochs, 0.0)
        return self.initial_learning_rate * share

    def get_config(self):
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "flat_epochs": self.flat_epochs,
            "decay_epochs": self.decay_epochs,
            "steps_per_epoch": self.steps_per_epoch,
        }
