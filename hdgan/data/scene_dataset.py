"""A `tf.data` pipeline of scenes from files."""

import io

import numpy as np
import tensorflow as tf

from hdgan.data.image_files import read_id_map, read_photo
from hdgan.data.png import decode_grey, grey_bits, is_png
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
):
    """Makes an endless, repeatable stream of training batches.

    The batch of a step is a pure function of (seed, step): a stream that starts
    at step k yields exactly what one from step 0 yields there. Each epoch has
    its own order. Files are read, decoded and resized in parallel.

    Args:
        scenes: `SceneFiles` with photos.
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
    columns = {
        key: tf.constant([str(path) for path in paths])
        for key, paths in scenes.columns.items()
    }
    num_scenes = len(scenes)
    cache = None
    if cache_dir is not None:
        cache = SceneCache(cache_dir, scenes, resizing)

    def read_scaled(position):
        return resizing.scale(_read(scenes, columns, position))

    def load(number):
        epoch, position = number // num_scenes, number % num_scenes
        if shuffle:
            position = tf.random.experimental.index_shuffle(
                position,
                seed=tf.stack([tf.constant(seed, tf.int64), epoch]),
                max_index=tf.constant(num_scenes - 1, tf.int64),
            )
        if cache is None:
            scene = read_scaled(position)
        else:
            scene = cache.get(position, lambda: read_scaled(position))
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
        scenes: `SceneFiles`.
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


def _read(scenes, columns, position):
    """Reads the files of a scene as tensors `(height, width, channels)`.

    The twin of `SceneFiles.read` inside of a graph: TensorFlow decodes most
    files without holding Python's lock.
    """
    scene = {}
    for key, paths in columns.items():
        contents = tf.io.read_file(tf.gather(paths, position))
        decode = _decode_ids if scenes.holds_ids(key) else _decode_photo
        scene[key] = decode(contents)
    return scene


def _decode_photo(contents):
    """Decodes a photo to uint8 RGB, as `read_photo` does.

    TensorFlow decodes PNG and JPEG. Pillow decodes other formats, because
    TensorFlow ignores the palette of a BMP.
    """

    def decode_jpeg():
        # Pillow's method. The default differs from it by up to 18 levels, and
        # by -1 on average in red and blue.
        return tf.io.decode_jpeg(contents, 3, dct_method="INTEGER_ACCURATE")

    image = tf.case(
        [
            (tf.io.is_jpeg(contents), decode_jpeg),
            (is_png(contents), lambda: tf.io.decode_png(contents, 3)),
        ],
        default=lambda: _with_pillow(read_photo, contents, tf.uint8),
    )
    return tf.ensure_shape(image, (None, None, 3))


def _decode_ids(contents):
    """Decodes an id map exactly to int32 `(height, width, 1)`.

    TensorFlow decodes gray PNG of 8 or 16 bits. Pillow decodes the files whose
    ids TensorFlow would change: palettes, fewer bits, other formats.
    """
    bits = grey_bits(contents)

    def decode_other():
        return _with_pillow(read_id_map, contents, tf.int32)[..., None]

    ids = tf.cond(bits > 0, lambda: decode_grey(contents, bits), decode_other)
    return tf.ensure_shape(ids, (None, None, 1))


def _with_pillow(read, contents, dtype):
    # `tf.numpy_function` passes bytes in a graph, but an array eagerly.
    return tf.py_function(
        lambda data: read(io.BytesIO(data.numpy())), [contents], dtype
    )


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
