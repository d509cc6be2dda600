"""Losses scaled for float16, with two optimizers and several replicas."""

import keras
import tensorflow as tf

from hdgan.training.conditional_update import update_if

# Without a limit, a loss whose gradient is exactly 0 for long would double its
# scale to infinity, from where no halving leads back.
_LARGEST_SCALE = 2.0**24


@keras.saving.register_keras_serializable(package="hdgan")
class LossScaledOptimizer(keras.optimizers.LossScaleOptimizer):
    """Keras' optimizer with a dynamic loss scale, for `update_if_finite`.

    Keras' own looks for overflows on the first replica only, and decides for
    itself alone. This one leaves both to `update_if_finite`: `apply` takes
    gradients that are known to be finite, and `adapt` then changes the scale.

    Args:
        inner_optimizer: Keras optimizer of the float32 weights.
        initial_scale: float > 0.
        dynamic_growth_steps: int >= 1, steps without an overflow after which
            the scale is doubled.
        name: str.
    """

    def build(self, variables):
        if self.built:  # Keras' own would begin again at the initial scale.
            return
        super().build(variables)
        self.skipped_steps = self.add_variable(
            shape=(), dtype="int", name="skipped_steps"
        )

    def apply(self, grads, trainable_variables=None):
        # Weights are in float32, and so are their gradients.
        unscaled = [g if g is None else g / self.dynamic_scale for g in grads]
        self.inner_optimizer.apply(unscaled, trainable_variables)

    def adapt(self, is_finite, is_skipped):
        """Halves the scale after an overflow, doubles it after many steps.

        Args:
            is_finite: bool tensor, whether this optimizer's gradients were, on
                every replica.
            is_skipped: bool tensor, whether there was no update.
        """
        count = self.step_counter.value + 1
        scale = self.dynamic_scale.value
        is_grown = is_finite & tf.equal(count, self.dynamic_growth_steps)
        starts_again = is_grown | tf.logical_not(is_finite)
        self.step_counter.assign(
            tf.where(starts_again, tf.zeros_like(count), count)
        )
        # A user's initial scale may lie above the largest.
        grown = tf.minimum(2.0 * scale, tf.maximum(scale, _LARGEST_SCALE))
        scale = tf.where(is_grown, grown, scale)
        self.dynamic_scale.assign(tf.where(is_finite, scale, 0.5 * scale))
        self.skipped_steps.assign_add(
            tf.cast(is_skipped, self.skipped_steps.dtype)
        )


def scale_losses(optimizer):
    """Returns a `LossScaledOptimizer` around a Keras optimizer.

    Args:
        optimizer: any Keras optimizer. Of a `keras.optimizers.
            LossScaleOptimizer` the settings are kept.
    """
    if isinstance(optimizer, LossScaledOptimizer):
        return optimizer
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return LossScaledOptimizer(
            optimizer.inner_optimizer,
            optimizer.initial_scale,
            optimizer.dynamic_growth_steps,
        )
    return LossScaledOptimizer(optimizer)


def update_if_finite(update, optimizers, *gradients):
    """Updates, unless a gradient on any replica has overflowed.

    Each optimizer has a scale of its own, because the two losses' gradients
    differ in size, and halves it only for an overflow of its own. But the
    update is skipped for all: both networks learn from the same batch, and one
    that went on alone would be a step ahead in a game that needs a balance.

    Args:
        update: function that takes `gradients`, applies them with `optimizers`
            and returns None.
        optimizers: list of `LossScaledOptimizer`.
        *gradients: for each of them the list of scaled gradients.
    """
    overflows = tf.stack([_has_overflow(part) for part in gradients])
    overflows = tf.distribute.get_replica_context().all_reduce(
        tf.distribute.ReduceOp.SUM, tf.cast(overflows, tf.float32)
    )
    are_finite = tf.equal(overflows, 0.0)
    is_update = tf.reduce_all(are_finite)
    update_if(is_update, update, *gradients)
    for number, optimizer in enumerate(optimizers):
        optimizer.adapt(are_finite[number], tf.logical_not(is_update))


def _has_overflow(gradients):
    return tf.reduce_any(
        [
            tf.reduce_any(tf.logical_not(tf.math.is_finite(gradient)))
            for gradient in gradients
            if gradient is not None
        ]
    )
