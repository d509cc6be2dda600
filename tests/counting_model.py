"""A test double for `LabelToPhotoModel`, whose loss is its input."""

import keras
import tensorflow as tf


class CountingModel(keras.Model):
    """Counts steps as `AdversarialModel` does, and records its batches.

    Args:
        step: int, the step to start from. Defaults to 0.
        gradient_accumulation_steps: int >= 1, batches per step. Defaults to 1.
    """

    def __init__(self, step=0, gradient_accumulation_steps=1):
        super().__init__()
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self.generator_optimizer = keras.optimizers.SGD(0.25)
        self.generator_optimizer.iterations.assign(step)
        self.mean = keras.metrics.Mean(name="loss")
        self.seen = []
        self.built = True
        self.compile(run_eagerly=True)

    def train_step(self, data):
        self.seen.append(int(data))
        if len(self.seen) % self.gradient_accumulation_steps == 0:
            self.generator_optimizer.iterations.assign_add(1)
        self.mean.update_state(data)
        return {"loss": self.mean.result()}

    @property
    def step(self):
        return int(self.generator_optimizer.iterations)

    @property
    def metrics(self):
        return [self.mean]


def count_from(step):
    """Returns a dataset of `step`, `step + 1`, ..., practically endless."""
    return tf.data.Dataset.range(step, 1_000_000)
