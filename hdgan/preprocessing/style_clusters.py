"""The styles of each class that synthesis draws from."""

import keras
import numpy as np
import tensorflow as tf

from hdgan.checks import as_id_map
from hdgan.data.pickled_arrays import read_array_dict


@keras.saving.register_keras_serializable(package="hdgan")
class StyleClusters:
    """Typical styles of each class, one of which each instance gets.

    They are the centers of the clusters that the encoder's styles of the
    training photos form: Wang et al., 2018, section 3.4.

    Args:
        centers: dict from class id to an array `(clusters, style_channels)` of
            floats, in [-1, 1] for pix2pixHD. A model with one style per image
            has those of class 0 alone.
        thumbnails: dict from class id to a list of str, for each cluster a
            small picture of a typical instance: a JPEG file in base64.
            Defaults to none.

    Raises:
        ValueError: if `centers` is empty, a key is not a class id, the arrays
            are not finite or differ in their style channels, or there are not
            as many thumbnails as clusters.

    Example:
        >>> clusters = hdgan.StyleClusters.load("features_clustered_010.npy")
        >>> style_map = clusters.sample(label_map, instance_map, seed=1)
    """

    def __init__(self, centers, thumbnails=None):
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

        self.thumbnails = _check_thumbnails(thumbnails or {}, self.centers)

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

    def of_class(self, label):
        """Returns the styles that instances of a class draw from.

        Args:
            label: int, the label id of the class.

        Returns:
            float32 `(clusters, style_channels)`; for a class without clusters
            the mean of all centers, `(1, style_channels)`.
        """
        if label in self.centers:
            return self.centers[label]
        every = np.concatenate(list(self.centers.values()))
        return every.mean(axis=0, keepdims=True)

    def sample(self, label_map, instance_map, seed):
        """Draws a style for each instance.

        Args:
            label_map: `(height, width)` or `(height, width, 1)`, integers, the
                classes.
            instance_map: the same size, integers. The class at an instance's
                first pixel decides which styles it draws from.
            seed: int. The same seed draws the same style for an instance of
                the same id and class, whatever else is in the scene.

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
        ids, first, inverse = np.unique(
            instance_map, return_index=True, return_inverse=True
        )
        choices = [self.of_class(k) for k in label_map.ravel()[first].tolist()]
        counts = np.array([len(centers) for centers in choices], "int32")
        drawn = draw_clusters(seed, ids, counts).numpy()
        styles = [c[k] for c, k in zip(choices, drawn, strict=True)]
        return np.stack(styles)[inverse.reshape(instance_map.shape)]

    def get_config(self):
        config = {
            "centers": {str(k): a.tolist() for k, a in self.centers.items()}
        }
        if self.thumbnails:
            config["thumbnails"] = {
                str(k): list(files) for k, files in self.thumbnails.items()
            }
        return config

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def draw_clusters(seed, ids, counts):
    """Draws a cluster for each region, also inside served graphs.

    Args:
        seed: int, or int tensor of shape `()`.
        ids: int array or tensor `(n,)`, the ids of the regions.
        counts: int32 `(n,)`, clusters of the class of each region.

    Returns:
        int32 tensor `(n,)`, indices of clusters.
    """
    # A hash of seed and id only: a car keeps its style when another leaves.
    names = tf.strings.join(
        [tf.as_string(seed), tf.as_string(ids)], separator=" "
    )
    drawn = tf.strings.to_hash_bucket_strong(names, 2**31 - 1, [17, 29])
    return tf.cast(drawn, tf.int32) % counts


def _check_thumbnails(thumbnails, centers):
    checked = {int(key): list(files) for key, files in thumbnails.items()}
    for label, files in checked.items():
        expected = len(centers.get(label, ()))
        if len(files) != expected:
            raise ValueError(
                f"`thumbnails` of class {label} must be one picture for each "
                f"of its {expected} clusters. Received: {len(files)}"
            )
    return checked
