"""Updates of variables that depend on a condition, on all replicas alike."""

import tensorflow as tf


def update_if(condition, update, *arguments):
    """Calls a function that updates variables, if a condition holds.

    Called in a replica. There a plain `tf.cond` would not do: an optimizer's
    update has its replicas meet, which TensorFlow refuses inside a branch. So
    they meet before it, and each goes on inside.

    Args:
        condition: bool tensor, the same on every replica.
        update: function that returns None.
        *arguments: nests of tensors, each replica's own, that it is given.
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
