"""Gradient accumulation: one update for several batches."""

import tensorflow as tf

from hdgan.training.conditional_update import update_if


class GradientAccumulation:
    """Sums the gradients of several batches for one update.

    The `gradient_accumulation_steps` of a Keras optimizer fails on two
    replicas. A saved model does not contain the sums.

    Args:
        num_batches: int >= 2, number of batches per update.
        variables: list of lists of variables whose gradients are summed.
    """

    def __init__(self, num_batches, variables):
        self.num_batches = num_batches
        self._count = _make_local((), tf.int32)
        self._sums = [
            [_make_local(v.shape, v.dtype) for v in part] for part in variables
        ]

    def update(self, update, *gradients):
        """Adds the gradients of a batch, and updates after a step's last one.

        Args:
            update: function that takes the sums, structured like `gradients`,
                and returns None.
            *gradients: one list of tensors per list in `variables`; None for a
                variable without a gradient.
        """
        for sums, part in zip(self._sums, gradients, strict=True):
            for total, gradient in zip(sums, part, strict=True):
                if gradient is not None:
                    total.assign_add(gradient)
        self._count.assign_add(1)

        def update_and_start_again():
            update(
                *(
                    [
                        None if gradient is None else total.read_value()
                        for total, gradient in zip(sums, part, strict=True)
                    ]
                    for sums, part in zip(self._sums, gradients, strict=True)
                )
            )
            for total in sum(self._sums, [self._count]):
                total.assign(tf.zeros_like(total))

        is_last = tf.equal(self._count.read_value(), self.num_batches)
        update_if(is_last, update_and_start_again)


def _make_local(shape, dtype):
    # Each replica sums its own gradients without communication. The optimizer
    # sums over the replicas, once per update as without accumulation.
    return tf.Variable(
        tf.zeros(shape, dtype),
        trainable=False,
        synchronization=tf.VariableSynchronization.ON_READ,
        aggregation=tf.VariableAggregation.SUM,
    )
