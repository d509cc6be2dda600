"""The styles of each class that synthesis draws from."""

import keras
import numpy as np

from hdgan.checks import as_id_map
from hdgan.data.pickled_arrays import read_array_dict


@keras.saving.register_keras_serializable(package="hdgan")
class StyleClusters:
    """Typical styles of each class, one of which each instance gets.

    They are the centers of the clusters that the encoder's styles of the
    training photos form: Wang et al., 2018, section 3.4.

    Args:
        centers: dict from class id to an array `(clusters, style_channels)` of
            floats in [-1, 1].

    Raises:
        ValueError: if `centers` is empty, a key is not a class id, or the
            arrays are not finite or differ in their style channels.

    Example:
        >>> clusters = hdgan.StyleClusters.load("features_clustered_010.npy")
        >>> style_map = clusters.sample(label_map, instance_map, seed=1)
    """

    def __init__(self, centers):
        # A saved model keeps the centers in JSON, whose keys are strings.
        wrong = [k for k in centers if not str(k).isdecimal()]
        if wrong:
            raise ValueError(
                "The keys of `centers` must be class ids, integers >= 0. "
                f"Received: {wrong[0]!r}"
            )
        self.centers = {
            int(key): np.asarray(array, "float32")
            for key, array in centers.items()
        }
        shapes = {array.shape[1:] for array in self.centers.values()}
        is_right = len(shapes) == 1 and all(
            array.ndim == 2 and array.size and np.isfinite(array).all()
            for array in self.centers.values()
        )
        if not is_right:
            raise ValueError(
                "`centers` must hold at least one class, and for each class "
                "an array (clusters, style_channels) of finite numbers, with "
                "the same style channels for all classes. Received the shapes: "
                f"{ ({k: a.shape for k, a in self.centers.items()}) }"
            )

    @classmethod
    def load(cls, path):
        """Reads the cluster file that the original PyTorch code writes.

        A pickle can contain code; this function does not run it.

        Args:
            path: path of a file with a dict from class id to array, pickled or
                saved by `numpy.save`, such as `features_clustered_010.npy`.

        Raises:
            ValueError: if the file holds something else. It names the file.
        """
        centers = read_array_dict(path)
        try:
            return cls(centers)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path}: {error}") from error

    @property
    def style_channels(self):
        """int, length of a style."""
        return next(iter(self.centers.values())).shape[1]

    def sample(self, label_map, instance_map, seed):
        """Draws a style for each instance.

        Args:
            label_map: `(height, width)` or `(height, width, 1)`, integers, the
                classes.
            instance_map: the same size, integers. The class at an instance's
                first pixel decides which styles it draws from.
            seed: int. The same seed draws the same styles.

        Returns:
            The style map, float32 `(height, width, style_channels)` in
            [-1, 1], constant over each instance. An instance whose class has no
            clusters gets the mean of all centers.

        Raises:
            ValueError: if a map does not hold integers, or the sizes differ.
        """
        label_map = as_id_map("`label_map`", label_map)
        instance_map = as_id_map("`instance_map`", instance_map)
        if label_map.shape != instance_map.shape:
            raise ValueError(
                "`label_map` and `instance_map` must have the same size. "
                f"Received: shapes {label_map.shape} and {instance_map.shape}"
            )
        _, first, inverse = np.unique(
            instance_map, return_index=True, return_inverse=True
        )
        mean = np.concatenate(list(self.centers.values())).mean(axis=0)
        draw = np.random.default_rng(seed)
        styles = []
        for label in label_map.ravel()[first]:
            centers = self.centers.get(int(label), mean[None])
            styles.append(centers[draw.integers(len(centers))])
        return np.stack(styles)[inverse.reshape(instance_map.shape)]

    def get_config(self):
        return {
            "centers": {str(k): a.tolist() for k, a in self.centers.items()}
        }

    @classmethod
    def from_config(cls, config):
        return cls(**config)
