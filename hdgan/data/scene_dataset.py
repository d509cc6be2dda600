"""A `tf.data` pipeline of scenes from files."""

import re

import numpy as np
import tensorflow as tf

from hdgan.data.scene_cache import SceneCache

_FOREVER = np.iinfo(np.int64).max


def make_dataset(
    scenes,
    resizing,
    batch_size=1,
    shuffle=True,
    flip=True,
    seed=0,
    start_step=0,
    augmentation=None,
    cache_dir=None,
    transform=None,
    probabilities=None,
):
    """Makes an endless, repeatable stream of training batches.

    The batch of a step is a pure function of (seed, step): a stream that starts
    at step k yields exactly what one from step 0 yields there. Each epoch has
    its own order. Files are read, decoded and resized in parallel.

    Args:
        scenes: `SceneSource` with photos.
        resizing: `ResizePolicy`.
        batch_size: int, examples per batch, over all replicas. Defaults to 1.
        shuffle: bool, whether each epoch is shuffled. Defaults to True.
        flip: bool, whether each scene is mirrored with probability 0.5.
            Defaults to True.
        seed: int >= 0. Defaults to 0.
        start_step: int >= 0, number of batches to skip. Defaults to 0.
        augmentation: Keras (or KerasCV) layer that transforms a dict of
            `images` and `segmentation_masks` together. Its own randomness does
            not follow (seed, step). Masks hold the label map (or the RGB
            input), the instance map and the style map as float32 channels, and
            must be moved by nearest neighbor. Defaults to None.
        cache_dir: path of a folder that stores scaled scenes, so that each is
            decoded once (`SceneCache`). Defaults to None, no cache.
        transform: `RandomTransform` of each scene before the crop. Defaults to
            None.
        probabilities: float array, how often each scene is drawn, such as
            `balance_scenes` returns. Scenes are then drawn independently, also
            without `shuffle`. Defaults to None: each once per epoch.

    Returns:
        `tf.data.Dataset` of dicts: `label_map`, int32 `(batch, height, width)`,
        or uint8 `(batch, height, width, 3)` for RGB inputs; `photo`, uint8
        `(batch, height, width, 3)`; and where there are such files
        `instance_map`, int32 `(batch, height, width)`, and `style_map`, uint8
        `(batch, height, width, 3)`.

    Raises:
        ValueError: if the cache's folder can't be written to.

    Example:
        >>> dataset = make_dataset(find_scenes("data"), ResizePolicy())
        >>> batch = next(iter(dataset))
    """
    num_scenes = len(scenes)
    cache = None
    if cache_dir is not None:
        cache = SceneCache(cache_dir, scenes, resizing)

    def read_scaled(position):
        return resizing.scale(_read(scenes, position))

    bounds = None
    if probabilities is not None:
        bounds = tf.constant(np.cumsum(probabilities)[:-1])

    def load(number):
        epoch, position = number // num_scenes, number % num_scenes
        if bounds is not None:
            position = _draw_position(bounds, seed, number)
        elif shuffle:
            position = tf.random.experimental.index_shuffle(
                position,
                seed=tf.stack([tf.constant(seed, tf.int64), epoch]),
                max_index=tf.constant(num_scenes - 1, tf.int64),
            )
        if cache is None:
            scene = read_scaled(position)
        else:
            scene = cache.get(position, lambda: read_scaled(position))
        if transform is not None:
            # Another seed than that of the crop.
            scene = transform.apply(
                scene, tf.stack([tf.constant(~seed, tf.int64), number])
            )
        chance = tf.random.stateless_uniform(
            (3,), seed=tf.stack([tf.constant(seed, tf.int64), number])
        )
        scene = resizing.crop(scene, corner=(chance[0], chance[1]))
        if flip:
            scene = _flip(scene, chance[2] < 0.5)
        if augmentation is not None:
            scene = _augment(scene, augmentation)
        return _squeeze(scene)

    options = tf.data.Options()
    options.deterministic = True
    options.experimental_distribute.auto_shard_policy = (
        tf.data.experimental.AutoShardPolicy.DATA
    )
    numbers = tf.data.Dataset.range(start_step * batch_size, _FOREVER)
    return (
        numbers.map(load, num_parallel_calls=tf.data.AUTOTUNE)
        .batch(batch_size, drop_remainder=True)
        .prefetch(tf.data.AUTOTUNE)
        .with_options(options)
    )


def read_scene(scenes, index, resizing):
    """Reads one scene as training would, without shuffling or flipping.

    Args:
        scenes: `SceneSource`.
        index: int, the position of the scene.
        resizing: `ResizePolicy`.

    Returns:
        Dict of NumPy arrays, as `make_dataset` yields, without the batch axis.

    Raises:
        ValueError: naming the file, if it can't be read.
    """
    scene = {
        key: tf.constant(array if array.ndim == 3 else array[..., None])
        for key, array in scenes.read(index).items()
    }
    scene = _squeeze(resizing.apply(scene))
    return {key: tensor.numpy() for key, tensor in scene.items()}


def find_data_error(error):
    """Returns what was wrong with a file that the data set could not read.

    Args:
        error: `tf.errors.InvalidArgumentError` of a step.

    Returns:
        Str that names the file, or None if the step failed for another reason.
    """
    # TensorFlow keeps of the Python error only this text.
    match = re.search(
        r"ValueError: (.*?)\nTraceback \(most recent call last\)",
        error.message,
        re.DOTALL,
    )
    return match and match.group(1)


def _draw_position(bounds, seed, number):
    """Returns the scene whose part of [0, 1) a random number falls into."""
    # Another seed than those of crop and transform.
    chance = tf.random.stateless_uniform(
        (1,), tf.stack([number, tf.constant(seed, tf.int64)]), dtype=tf.float64
    )
    return tf.searchsorted(bounds, chance, "right", tf.int64)[0]


def _read(scenes, position):
    """Reads the files of a scene as tensors `(height, width, channels)`."""
    kinds = list(scenes.kinds)
    types = {
        kind: (tf.int32, 1) if scenes.holds_ids(kind) else (tf.uint8, 3)
        for kind in kinds
    }

    def read(index):
        scene = scenes.read(index)
        return [np.atleast_3d(scene[kind]) for kind in kinds]

    arrays = tf.numpy_function(
        read, [position], [types[kind][0] for kind in kinds], stateful=False
    )
    return {
        kind: tf.ensure_shape(array, (None, None, types[kind][1]))
        for kind, array in zip(kinds, arrays, strict=True)
    }


def _flip(scene, is_flipped):
    return {
        key: tf.cond(is_flipped, lambda t=t: tf.reverse(t, [1]), lambda t=t: t)
        for key, t in scene.items()
    }


def _augment(scene, augmentation):
    inputs = {key: scene[key] for key in scene if key != "photo"}
    masks = [tf.cast(tensor, tf.float32) for tensor in inputs.values()]
    changed = augmentation(
        {
            "images": tf.cast(scene["photo"], tf.float32),
            "segmentation_masks": tf.concat(masks, axis=-1),
        }
    )
    photo = tf.saturate_cast(tf.round(changed["images"]), tf.uint8)
    masks = tf.split(
        tf.round(changed["segmentation_masks"]),
        [tensor.shape[-1] for tensor in inputs.values()],
        axis=-1,
    )
    return {
        "photo": photo,
        **{
            key: tf.saturate_cast(mask, inputs[key].dtype)
            for key, mask in zip(inputs, masks, strict=True)
        },
    }


def _squeeze(scene):
    """Drops the channel axis of the id maps."""
    return {
        key: tensor[..., 0] if tensor.dtype == tf.int32 else tensor
        for key, tensor in scene.items()
    }
