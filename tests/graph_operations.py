"""Counts the operations of a traced graph."""

import collections


def count_operations(graph):
    """Counts operations by type, with those of each call of a shared graph."""
    definition = graph.as_graph_def()
    functions = {f.signature.name: f for f in definition.library.function}
    counts = collections.Counter()
    pending = list(definition.node)
    while pending:
        node = pending.pop()
        counts[node.op] += 1
        if node.op == "PartitionedCall":
            pending += functions[node.attr["f"].func.name].node_def
    return counts
