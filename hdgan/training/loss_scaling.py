"""Dynamic loss scales for float16, for two optimizers on several replicas."""

import keras
import tensorflow as tf

from hdgan.training.conditional_update import update_if

# Without a limit, a loss whose gradient stays at exactly 0 would double its
# scale up to infinity, and half of infinity is still infinity.
_LARGEST_SCALE = 2.0**24


@keras.saving.register_keras_serializable(package="hdgan")
class LossScaledOptimizer(keras.optimizers.LossScaleOptimizer):
    """An optimizer with a dynamic loss scale, for `update_if_finite`.

    The base class of Keras checks the gradients on the first replica only, and
    each optimizer skips steps on its own. Here `update_if_finite` checks the
    gradients of both optimizers on all replicas. It calls `apply` with finite
    gradients only, and `adapt` after every step to change the scale.

    Args:
        inner_optimizer: Keras optimizer of the float32 weights.
        initial_scale: float > 0. Defaults to 2^15.
        dynamic_growth_steps: int >= 1. The scale doubles after this many steps
            without an overflow. Defaults to 2000.
        name: str. Defaults to None: the name of the class.
    """

    def build(self, variables):
        if self.built:  # Keras would reset the scale to its initial value.
            return
        super().build(variables)
        self.skipped_steps = self.add_variable(
            shape=(), dtype="int", name="skipped_steps"
        )

    def apply(self, grads, trainable_variables=None):
        # Weights are float32, so their gradients are too.
        unscaled = [g if g is None else g / self.dynamic_scale for g in grads]
        self.inner_optimizer.apply(unscaled, trainable_variables)

    def adapt(self, is_finite, is_skipped):
        """Halves the scale after an overflow, doubles it after many steps.

        Args:
            is_finite: bool tensor, whether this optimizer's gradients were
                finite on every replica.
            is_skipped: bool tensor, whether the update was skipped.
        """
        count = self.step_counter.value + 1
        scale = self.dynamic_scale.value
        is_grown = is_finite & tf.equal(count, self.dynamic_growth_steps)
        starts_again = is_grown | tf.logical_not(is_finite)
        self.step_counter.assign(
            tf.where(starts_again, tf.zeros_like(count), count)
        )
        # A user may have set an initial scale above the limit.
        grown = tf.minimum(2.0 * scale, tf.maximum(scale, _LARGEST_SCALE))
        scale = tf.where(is_grown, grown, scale)
        self.dynamic_scale.assign(tf.where(is_finite, scale, 0.5 * scale))
        self.skipped_steps.assign_add(
            tf.cast(is_skipped, self.skipped_steps.dtype)
        )


def scale_losses(optimizer):
    """Returns a `LossScaledOptimizer` around a Keras optimizer.

    Args:
        optimizer: Keras optimizer. A `LossScaledOptimizer` is returned
            unchanged. A `keras.optimizers.LossScaleOptimizer` passes on its
            inner optimizer, initial scale and growth steps.
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
    """Applies gradients unless one of them has overflowed on any replica.

    Each optimizer has its own loss scale, because the gradients of the two
    losses differ in size, and halves it only if its own gradients overflow.
    But an overflow skips the update of every optimizer in the list: otherwise
    one network would train for more steps than the other, and the balance
    between generator and discriminator would shift. (In alternating order each
    call has one optimizer, because the generator is updated before the
    discriminator's gradients exist.)

    Args:
        update: function that takes `gradients`, applies them with `optimizers`
            and returns None.
        optimizers: list of `LossScaledOptimizer`.
        *gradients: one list of scaled gradients per optimizer.
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
