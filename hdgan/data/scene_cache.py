"""A cache of scaled scenes, so that each scene is decoded once."""

import dataclasses
import hashlib
import os
import pathlib

import tensorflow as tf

from hdgan.data.files import make_writable_folder, write_file


class SceneCache:
    """Stores decoded and scaled scenes in files.

    Decoding a PNG takes longer than the rest of the pipeline, and training
    reads each scene a few hundred times. A scene is written when it is first
    read. Other runs find it as long as its files, their times of change and the
    scaling are the same. Crops and flips come after the cache.

    A scene of 1024x512 takes 5.8 MB. Files are written atomically, so that
    several processes may share a folder.

    Args:
        directory: path of the folder of all caches, which is created if it is
            missing.
        scenes: `SceneFiles`.
        resizing: `ResizePolicy`.

    Raises:
        ValueError: if the folder can't be written to.
    """

    def __init__(self, directory, scenes, resizing):
        self.directory = pathlib.Path(directory) / _fingerprint(
            scenes, resizing
        )
        try:
            make_writable_folder(self.directory)
        except OSError as error:
            raise ValueError(
                f"The cache folder {directory} can't be written to: {error}. "
                "Choose another folder, or train without a cache."
            ) from error

    def get(self, position, make):
        """Reads a scene from the cache, or makes and writes it.

        Args:
            position: int64 scalar, the scene's position.
            make: function without arguments that returns a dict of tensors
                `(height, width, channels)`.

        Returns:
            Dict of tensors equal to the result of `make`.
        """
        stem = tf.strings.join(
            [f"{self.directory}{os.sep}", tf.strings.as_string(position)]
        )
        # Traced for its dtypes and shapes only; it runs inside the branch.
        signature = tf.function(make).get_concrete_function().structured_outputs

        def read():
            return {
                key: tf.ensure_shape(
                    tf.io.parse_tensor(
                        tf.io.read_file(tf.strings.join([stem, ".", key])),
                        tensor.dtype,
                    ),
                    tensor.shape,
                )
                for key, tensor in signature.items()
            }

        def make_and_write():
            scene = make()
            # The label map comes last, because `is_there` looks for it.
            keys = sorted(scene, key=lambda key: key == "label_map")
            done = tf.constant(True)
            for key in keys:
                with tf.control_dependencies([done]):
                    done = tf.numpy_function(
                        _write,
                        [
                            tf.strings.join([stem, ".", key]),
                            tf.io.serialize_tensor(scene[key]),
                        ],
                        tf.bool,
                    )
            with tf.control_dependencies([done]):
                return {k: tf.identity(tensor) for k, tensor in scene.items()}

        is_there = tf.numpy_function(
            lambda path: os.path.exists(path.decode() + ".label_map"),
            [stem],
            tf.bool,
        )
        return tf.cond(is_there, read, make_and_write)


def _write(path, contents):
    path = pathlib.Path(path.decode())
    try:
        write_file(path, contents)
    except OSError as error:
        raise OSError(
            f"The cache file {path} can't be written: {error}. Make room, or "
            "train without a cache."
        ) from error
    return True


def _fingerprint(scenes, resizing):
    """Returns a name for the cached scenes, from what they depend on."""
    # Crops come after the cache, so all crop sizes share it.
    scaling = dataclasses.replace(resizing, crop_size=1)
    parts = f"{scaling!r} {scenes.fingerprint()}"
    return hashlib.sha256(parts.encode()).hexdigest()[:16]
