"""Applies gradients to both networks."""

import functools

import tensorflow as tf

from hdgan.training.gradient_accumulation import GradientAccumulation
from hdgan.training.loss_scaling import update_if_finite


class GradientUpdates:
    """Applies gradients after the last batch of a step, if all are finite.

    Args:
        optimizers: dict from `"generator"` and `"discriminator"` to a built
            Keras optimizer; `LossScaledOptimizer`s where losses are scaled.
        variables: dict from the same names to the variables that each trains.
        num_batches: int >= 1, batches of a step, whose mean gradient is used.
        together: bool, whether `apply` takes both networks' gradients at once.
        num_replicas: int, replicas that train together.
        is_scaled: bool, whether losses are scaled.
        after_step: function without arguments, called after the last update
            of each step.
    """

    def __init__(
        self,
        optimizers,
        variables,
        *,
        num_batches,
        together,
        num_replicas,
        is_scaled,
        after_step,
    ):
        self._optimizers = optimizers
        self._variables = variables
        self._num_batches = num_batches
        self._num_replicas = num_replicas
        self._is_scaled = is_scaled
        self._after_step = after_step
        self._accumulations = {}
        if num_batches > 1:
            groups = (
                [tuple(variables)] if together else [(s,) for s in variables]
            )
            self._accumulations = {
                group: GradientAccumulation(
                    num_batches, [variables[side] for side in group]
                )
                for group in groups
            }

    def share_of_step(self, num_examples):
        """Returns how much this replica's batch weighs in a step's gradient.

        Gradients are summed over replicas, and over the batches of a step:
        without this factor two of them would take twice the step of one.

        Args:
            num_examples: int32 scalar tensor, this replica's examples. In the
                last batch of an epoch some replicas may have fewer.

        Returns:
            Scalar, for `prepare_loss`.
        """
        if self._num_replicas == 1:
            return 1.0 / self._num_batches
        num_examples = tf.cast(num_examples, tf.float32)
        total = tf.distribute.get_replica_context().all_reduce(
            tf.distribute.ReduceOp.SUM, num_examples
        )
        return num_examples / (total * self._num_batches)

    def prepare_loss(self, side, loss, share):
        """Returns the loss whose gradient `apply` takes.

        Args:
            side: `"generator"` or `"discriminator"`.
            loss: scalar, the mean over a replica's examples.
            share: from `share_of_step`.
        """
        return self._optimizers[side].scale_loss(loss * share)

    def apply(self, gradients):
        """Updates the networks, unless batches follow or a gradient overflowed.

        Args:
            gradients: dict from a side to the gradients of its variables.
        """
        sides = tuple(gradients)
        update = functools.partial(self._update, sides)
        if self._is_scaled:
            optimizers = [self._optimizers[side] for side in sides]
            # The sums are checked: an overflow in one batch stays in them.
            update = functools.partial(update_if_finite, update, optimizers)
        accumulation = self._accumulations.get(sides)
        if accumulation is None:
            update(*gradients.values())
        else:
            accumulation.update(update, *gradients.values())

    def _update(self, sides, *gradients):
        for side, part in zip(sides, gradients, strict=True):
            self._optimizers[side].apply(part, self._variables[side])
        # In alternating order, the discriminator's update moves the
        # generator's statistics once more.
        if sides[-1] == "discriminator":
            self._after_step()
