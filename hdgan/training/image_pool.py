"""A pool of fakes from earlier steps for the discriminator."""

import threading

import numpy as np
import tensorflow as tf


class ImagePool:
    """Replaces some of a batch's fakes by fakes from earlier steps.

    Until the pool is full, it stores and returns each new fake. After that it
    returns the new fake with probability 1/2; otherwise it returns a random
    stored fake and stores the new one in its place. Shrivastava et al., 2017,
    section 2.3, as in the original PyTorch code.

    Each replica has its own pool, in the host's memory. A saved model does not
    contain it. A stored example holds the label map, the instance map and the
    fake in float32, which takes 2 to 3 times the memory of the fake. Examples
    of a batch have the same size. In batches of one, sizes may differ.

    Args:
        size: int >= 1, number of examples stored per replica.
        seed: int, seed of the random choices. Defaults to 0.
    """

    def __init__(self, size, seed=0):
        self.size = size
        self._seed = seed
        self._lock = threading.Lock()
        self._kept = {}
        self._draws = {}

    def __call__(self, example):
        """Swaps the examples of a batch with stored ones.

        Args:
            example: dict of tensors `(batch, height, width, ...)`: the fakes
                and the maps that they were generated from.

        Returns:
            Dict with the same keys and dtypes. Height and width may differ. No
            gradient flows through it.
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
        # A stored fake and the new one may differ in height and width.
        return {
            name: tf.ensure_shape(
                old, [new.shape[0], None, None, *new.shape[3:]]
            )
            for (name, new), old in zip(example.items(), swapped, strict=True)
        }

    def _swap(self, replica, arrays):
        with self._lock:  # Each replica runs in its own thread.
            kept = self._kept.setdefault(replica, [])
            draw = self._draws.setdefault(
                replica, np.random.default_rng([self._seed, replica])
            )
        swapped = []
        for new in zip(*arrays, strict=True):
            if len(kept) < self.size:
                kept.append(new)
                swapped.append(new)
            elif draw.random() < 0.5:
                index = draw.integers(self.size)
                swapped.append(kept[index])
                kept[index] = new
            else:
                swapped.append(new)
        if not swapped:  # A replica can get an empty batch at an epoch's end.
            return arrays
        return [np.stack(column) for column in zip(*swapped, strict=True)]
