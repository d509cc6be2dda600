"""Conditional updates of variables under a distribution strategy."""

import tensorflow as tf


def update_if(condition, update, *arguments):
    """Calls a function that updates variables if a condition holds.

    Call this in a replica context. A plain `tf.cond` fails there: optimizers
    call `merge_call`, which TensorFlow does not allow inside a branch. So this
    function merges the replicas first, and runs each of them inside the branch.

    Args:
        condition: bool tensor, the same on every replica.
        update: function that takes `arguments` and returns None.
        *arguments: nested tensors of this replica.
    """

    def on_all_replicas(strategy, condition, arguments):
        condition = strategy.experimental_local_results(condition)[0]
        tf.cond(
            condition,
            lambda: strategy.extended.call_for_each_replica(
                update, args=arguments
            ),
            lambda: None,
        )

    tf.distribute.get_replica_context().merge_call(
        on_all_replicas, args=(condition, arguments)
    )
