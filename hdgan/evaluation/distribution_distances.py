"""Distances between the features of real and of generated photographs."""

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from hdgan.checks import check_integers

# Fewer photographs than features give a covariance of low rank, and a Fréchet
# distance that is far too large: Heusel et al., 2017, use 50,000 photographs,
# and at least the number of Inception's features, 2,048, is advised.
FEW_PHOTOGRAPHS = 2048


class _DistanceOfFeatures(keras.metrics.Metric):
    """Base of metrics of two sets of feature vectors.

    Args:
        num_features: int >= 1, length of a feature vector.
        name: str.
    """

    def __init__(self, num_features, name, dtype=None):
        super().__init__(name=name, dtype=dtype)
        check_integers(num_features=num_features)
        self.num_features = num_features

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Adds feature vectors.

        Args:
            y_true: float `(batch, num_features)`, of real photographs, or
                None to add none.
            y_pred: the same of generated ones; another number of them is fine.
            sample_weight: must be None.
        """
        if sample_weight is not None:
            raise ValueError(
                f"{type(self).__name__} takes no `sample_weight`: each "
                "photograph counts once."
            )
        for features, part in ((y_true, self._real), (y_pred, self._generated)):
            if features is not None:
                part.add(ops.convert_to_tensor(features))

    def get_config(self):
        return {
            "num_features": self.num_features,
            "name": self.name,
            "dtype": self.dtype,
        }


@keras.saving.register_keras_serializable(package="hdgan")
class FrechetDistance(_DistanceOfFeatures):
    """Fréchet distance of two sets of feature vectors.

    `|m - n|^2 + tr(S + T - 2 (S T)^(1/2))` of the means and covariances of
    real and generated features: Heusel et al., 2017, equation 6. With the
    standard Inception network and its resizing it is the FID; with any other
    network it has other values.

    Sums are kept in float64: `num_features ** 2` numbers of each set, however
    many photographs are added. The estimate is biased upwards, the more, the
    fewer the photographs.

    Args:
        num_features: int >= 1, length of a feature vector.
        name: str. Defaults to `"frechet_distance"`.

    Call arguments:
        y_true: float `(batch, num_features)`, of real photographs, or None.
        y_pred: the same of generated photographs. The sets may differ in size.

    Returns:
        `result()`: Python float >= 0; NaN with fewer than two vectors in a set.
        It is computed on the host and can't be part of a graph.

    Example:
        >>> distance = FrechetDistance(network.num_features)
        >>> distance.update_state(network(photos), network(generated))
        >>> distance.result()
    """

    def __init__(self, num_features, name="frechet_distance", dtype=None):
        super().__init__(num_features, name, dtype)
        self._real = _Moments(self, "real")
        self._generated = _Moments(self, "generated")

    def result(self):
        return frechet_distance(self._real.compute(), self._generated.compute())


class _Moments:
    """Count, sum and sum of products of the vectors of one set."""

    def __init__(self, metric, name):
        size = metric.num_features
        self._count, self._sum, self._products = (
            metric.add_variable(
                shape, "zeros", dtype="float64", name=f"{name}_{part}"
            )
            for part, shape in (
                ("count", ()),
                ("sum", (size,)),
                ("products", (size, size)),
            )
        )

    def add(self, features):
        features = ops.cast(features, "float64")
        self._count.assign_add(ops.cast(ops.shape(features)[0], "float64"))
        self._sum.assign_add(ops.sum(features, axis=0))
        self._products.assign_add(ops.transpose(features) @ features)

    def compute(self):
        """Returns mean and unbiased covariance, float64 in NumPy."""
        count, total, products = (
            ops.convert_to_numpy(variable)
            for variable in (self._count, self._sum, self._products)
        )
        if count < 2:
            return np.full(total.shape, np.nan), np.full(products.shape, np.nan)
        mean = total / count
        return mean, (products - count * np.outer(mean, mean)) / (count - 1)


def frechet_distance(real, generated):
    """Returns the Fréchet distance of two normal distributions.

    Args:
        real: tuple of mean `(size,)` and covariance `(size, size)`, float64.
        generated: the same.

    Returns:
        Float >= 0, or NaN if a number is not finite.
    """
    (mean, covariance), (other_mean, other_covariance) = real, generated
    if not all(np.isfinite(part).all() for part in (*real, *generated)):
        return float("nan")
    # tr (S T)^(1/2) = tr (S^(1/2) T S^(1/2))^(1/2), whose matrix is symmetric:
    # its eigenvalues are real and not negative, but for rounding.
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
    products = np.linalg.eigvalsh(root @ other_covariance @ root)
    trace = np.sqrt(np.maximum(products, 0)).sum()
    distance = ((mean - other_mean) ** 2).sum()
    distance += np.trace(covariance) + np.trace(other_covariance) - 2 * trace
    return float(max(distance, 0.0))


@keras.saving.register_keras_serializable(package="hdgan")
class KernelDistance(_DistanceOfFeatures):
    """Kernel distance (KID) of two sets of feature vectors.

    The unbiased estimate of the squared maximum mean discrepancy with the
    kernel `(x y / num_features + 1)^3`: Binkowski et al., 2018, section 4. It
    has no bias in small sets, and can therefore be below 0.

    At most `capacity` vectors of each set are kept, a random choice of all
    that were added, so memory does not grow with the photographs. The choice
    depends on `seed` and the vectors' order alone, not on batches.

    Args:
        num_features: int >= 1, length of a feature vector.
        capacity: int >= 2, vectors of each set that are kept. Defaults to
            4,096.
        seed: int, of the choice. Defaults to 0.
        name: str. Defaults to `"kernel_distance"`.

    Call arguments:
        y_true: float `(batch, num_features)`, of real photographs, or None.
        y_pred: the same of generated photographs. The sets may differ in size.

    Returns:
        `result()`: Python float, NaN with fewer than two vectors in a set. It
        is computed on the host and can't be part of a graph. `standard_error()`
        is the jackknife's estimate of its standard deviation.

    Example:
        >>> distance = KernelDistance(network.num_features)
        >>> distance.update_state(network(photos), network(generated))
        >>> distance.result(), distance.standard_error()
    """

    def __init__(
        self,
        num_features,
        capacity=4096,
        seed=0,
        name="kernel_distance",
        dtype=None,
    ):
        super().__init__(num_features, name, dtype)
        check_integers(2, capacity=capacity)
        self.capacity = capacity
        self.seed = seed
        self._real = _Reservoir(self, "real", 0)
        self._generated = _Reservoir(self, "generated", 1)

    def result(self):
        return kernel_distance(self._real.read(), self._generated.read())[0]

    def standard_error(self):
        """Returns the standard deviation of `result()`, by the jackknife."""
        return kernel_distance(self._real.read(), self._generated.read())[1]

    def reset_state(self):
        for part in (self._real, self._generated):
            part.reset()

    def get_config(self):
        return {
            **super().get_config(),
            "capacity": self.capacity,
            "seed": self.seed,
        }


class _Reservoir:
    """The vectors of one set with the smallest of random ranks."""

    def __init__(self, metric, name, stream):
        self._capacity = metric.capacity
        self._seed = (metric.seed, stream)
        # Every replica sees the vectors of all, and holds the same.
        options = {"aggregation": "only_first_replica"}
        self._count = metric.add_variable(
            (), "zeros", dtype="int64", name=f"{name}_count", **options
        )
        self._ranks = metric.add_variable(
            (self._capacity,),
            "ones",
            dtype="float32",
            name=f"{name}_ranks",
            **options,
        )
        self._vectors = metric.add_variable(
            (self._capacity, metric.num_features),
            "zeros",
            dtype="float32",
            name=f"{name}_vectors",
            **options,
        )

    def add(self, features):
        features = _gather_replicas(ops.cast(features, "float32"))
        size = tf.shape(features)[0]
        start = tf.convert_to_tensor(self._count)
        numbers = start + tf.range(tf.cast(size, tf.int64))
        # A rank is a function of the vector's number, so batches don't matter.
        # Uniform in [0, 1): an empty place has the rank 1.
        ranks = tf.map_fn(
            lambda number: tf.random.stateless_uniform(
                (), tf.stack([number, self._seed[0] * 2 + self._seed[1]])
            ),
            numbers,
            fn_output_signature=tf.float32,
        )
        ranks = tf.concat([tf.convert_to_tensor(self._ranks), ranks], 0)
        vectors = tf.concat([tf.convert_to_tensor(self._vectors), features], 0)
        kept = tf.math.top_k(-ranks, self._capacity).indices
        self._ranks.assign(tf.gather(ranks, kept))
        self._vectors.assign(tf.gather(vectors, kept))
        self._count.assign(start + tf.cast(size, tf.int64))

    def read(self):
        """Returns the vectors, float32 in NumPy, in an order of ranks."""
        is_filled = ops.convert_to_numpy(self._ranks) < 1
        return ops.convert_to_numpy(self._vectors)[is_filled]

    def reset(self):
        self._count.assign(ops.zeros_like(self._count))
        self._ranks.assign(ops.ones_like(self._ranks))
        self._vectors.assign(ops.zeros_like(self._vectors))


def _gather_replicas(features):
    """Returns the vectors of all replicas, in their order."""
    context = tf.distribute.get_replica_context()
    if context is None or context.num_replicas_in_sync == 1:
        return features
    return context.all_gather(features, axis=0)


def kernel_distance(real, generated):
    """Returns the kernel distance of two sets and its standard error.

    Args:
        real: float NumPy array `(count, num_features)`.
        generated: the same; the counts may differ.

    Returns:
        Two floats. The first is the unbiased estimate, the second its standard
        deviation, by leaving out each vector in turn (the jackknife). Both are
        NaN with fewer than two vectors in a set, the second with fewer than
        three.
    """
    count, other_count = len(real), len(generated)
    if min(count, other_count) < 2:
        return float("nan"), float("nan")
    within = _without_diagonal(_kernel(real, real)).sum(1)
    other_within = _without_diagonal(_kernel(generated, generated)).sum(1)
    across = _kernel(real, generated)

    def estimate(within, other_within, across, count, other_count):
        return (
            within / (count * (count - 1))
            + other_within / (other_count * (other_count - 1))
            - 2 * across / (count * other_count)
        )

    sums = within.sum(), other_within.sum(), across.sum()
    distance = estimate(*sums, count, other_count)
    if min(count, other_count) < 3:
        return float(distance), float("nan")
    # A vector's part in the sum within its set counts twice: its row and its
    # column.
    left_out = estimate(
        sums[0] - 2 * within,
        sums[1],
        sums[2] - across.sum(1),
        count - 1,
        other_count,
    )
    other_left_out = estimate(
        sums[0],
        sums[1] - 2 * other_within,
        sums[2] - across.sum(0),
        count,
        other_count - 1,
    )
    variance = sum(
        (len(values) - 1) * np.var(values)
        for values in (left_out, other_left_out)
    )
    return float(distance), float(np.sqrt(variance))


def _kernel(x, y):
    # In float64: the distance is a small difference of large sums.
    x, y = np.asarray(x, "float64"), np.asarray(y, "float64")
    return (x @ y.T / x.shape[1] + 1.0) ** 3


def _without_diagonal(matrix):
    np.fill_diagonal(matrix, 0.0)
    return matrix
