"""Scenes from files as a `tf.data` pipeline."""

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

    What a step sees is a pure function of (seed, step): a stream that starts at
    step k goes on exactly as one from 0 would have. Each epoch has an order of
    its own. Files are read, decoded and resized in parallel.

    Args:
        scenes: `SceneFiles` with photos.
        resizing: `ResizePolicy`.
        batch_size: int, examples of a batch over all replicas.
        shuffle: bool; False takes the scenes in their order.
        flip: bool, mirror each scene with probability 0.5.
        seed: int >= 0.
        start_step: int, batches already done.
        augmentation: Keras (or KerasCV) layer that transforms a dict of
            `images` and `segmentation_masks` together; its own randomness is
            not bound to (seed, step). Masks hold the label map (or the RGB
            input), the instance map and the style map as channels in float32,
            and must be moved by nearest neighbour.
        cache_dir: path of a folder where scaled scenes are kept, so that each
            is decoded once (`SceneCache`); None for none.

    Returns:
        `tf.data.Dataset` of dicts: `label_map` int32 `(batch, height, width)`
        (uint8 `(batch, height, width, 3)` for RGB inputs), `instance_map` int32
        `(batch, height, width)` if there are any, `photo` uint8 `(batch,
        height, width, 3)`, `style_map` of the same kind if there are any.

    Raises:
        ValueError: if the cache's folder can't be written to.
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
    """Decodes to uint8 RGB; grey is spread over three channels, alpha dropped.

    PNG and JPEG by TensorFlow, other formats by Pillow: TensorFlow ignores the
    palette of a BMP.
    """

    def decode_jpeg():
        # As Pillow does; the default is up to 18 grey levels off, and -1 on
        # average in red and blue.
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

    Grey PNG of 8 or 16 bits by TensorFlow; what it would turn into something
    else (palettes, fewer bits, other formats) by Pillow.
    """
    bits = grey_bits(contents)

    def decode_other():
        return _with_pillow(read_id_map, contents, tf.int32)[..., None]

    ids = tf.cond(bits > 0, lambda: decode_grey(contents, bits), decode_other)
    return tf.ensure_shape(ids, (None, None, 1))


def _with_pillow(read, contents, dtype):
    # `tf.numpy_function` would pass bytes in a graph, but an array eagerly.
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
