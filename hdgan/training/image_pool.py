"""Fakes of earlier steps, for the discriminator."""

import threading

import numpy as np
import tensorflow as tf


class ImagePool:
    """Gives the discriminator old fakes among the new ones.

    Until it is full, it keeps every fake and gives it back. Then, with
    probability 1/2, it gives a random one of those it keeps and keeps the new
    one in its place: Shrivastava et al., 2017, section 2.3, as in the published
    code. It lies in the host's memory, one for each replica, and is not saved
    with a model. What it keeps are label and instance maps and the fake in
    float32, 2 to 3 times the fake alone. The images of a batch have one size;
    in batches of one each may have another.

    Args:
        size: int >= 1, examples kept for each replica.
        seed: int, of its choices.
    """

    def __init__(self, size, seed=0):
        self.size = size
        self._seed = seed
        self._lock = threading.Lock()
        self._kept = {}
        self._draws = {}

    def __call__(self, example):
        """Swaps a batch.

        Args:
            example: dict of tensors with the batch in front: what the fakes
                were made from, and the fakes.

        Returns:
            Dict of tensors of the same kinds; no gradient flows through it.
        """
        replica = tf.distribute.get_replica_context()
        tensors = list(example.values())
        swapped = tf.py_function(
            lambda number, *arrays: self._swap(
                int(number), [array.numpy() for array in arrays]
            ),
            [replica.replica_id_in_sync_group, *tensors],
            [tensor.dtype for tensor in tensors],
        )
        # An old fake may have another height and width than the new one.
        return {
            name: tf.ensure_shape(
                old, [new.shape[0], None, None, *new.shape[3:]]
            )
            for (name, new), old in zip(example.items(), swapped, strict=True)
        }

    def _swap(self, replica, arrays):
        with self._lock:  # Replicas run in threads of their own.
            kept = self._kept.setdefault(replica, [])
            draw = self._draws.setdefault(
                replica, np.random.default_rng([self._seed, replica])
            )
        given = []
        for new in zip(*arrays, strict=True):
            if len(kept) < self.size:
                kept.append(new)
                given.append(new)
            elif draw.random() < 0.5:
                index = draw.integers(self.size)
                given.append(kept[index])
                kept[index] = new
            else:
                given.append(new)
        if not given:  # A replica may be left without examples.
            return arrays
        return [np.stack(column) for column in zip(*given, strict=True)]
