"""Styles to choose from, class by class."""

import keras
import numpy as np

from hdgan.data.pickled_arrays import read_array_dict


@keras.saving.register_keras_serializable(package="hdgan")
class StyleClusters:
    """Typical feature vectors of each class, of which an instance gets one.

    The centres of the clusters that an encoder's features of the training
    images form: Wang et al., 2018, section 3.4.

    Args:
        centers: dict from class id to `(clusters, features)` floats in [-1, 1].

    Raises:
        ValueError: if there are none, or they differ in the number of features.

    Example:
        >>> clusters = hdgan.StyleClusters.load("features_clustered_010.npy")
        >>> features = clusters.sample(label_map, instance_map, seed=1)
    """

    def __init__(self, centers):
        # JSON, in which a model keeps them, has no integers for keys.
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
                "`centers` must hold for one class or more an array (clusters, "
                "features) of finite numbers, with the same number of "
                "features. Received the "
                f"shapes { ({k: a.shape for k, a in self.centers.items()}) }"
            )

    @classmethod
    def load(cls, path):
        """Reads the published code's file, without running what it holds.

        Args:
            path: of a dict from class id to array, pickled or saved by
                `numpy.save`, such as `features_clustered_010.npy`.

        Raises:
            ValueError: naming the file, if it holds something else.
        """
        centers = read_array_dict(path)
        try:
            return cls(centers)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path}: {error}") from error

    @property
    def style_channels(self):
        """Length of a feature vector."""
        return next(iter(self.centers.values())).shape[1]

    def sample(self, label_map, instance_map, seed):
        """Draws a style for each instance.

        Args:
            label_map: `(height, width)`, integers, the classes.
            instance_map: the same shape, integers; each id gets one of the
                styles of the class at its first pixel.
            seed: int; the same one draws the same styles.

        Returns:
            `(height, width, features)`, float32 in [-1, 1], constant over each
            instance. A class without clusters gets the mean of all.
        """
        _, first, inverse = np.unique(
            instance_map, return_index=True, return_inverse=True
        )
        mean = np.concatenate(list(self.centers.values())).mean(axis=0)
        draw = np.random.default_rng(seed)
        vectors = []
        for label in np.ravel(label_map)[first]:
            centers = self.centers.get(int(label), mean[None])
            vectors.append(centers[draw.integers(len(centers))])
        return np.stack(vectors)[inverse.reshape(np.shape(instance_map))]

    def get_config(self):
        return {
            "centers": {str(k): a.tolist() for k, a in self.centers.items()}
        }

    @classmethod
    def from_config(cls, config):
        return cls(**config)
