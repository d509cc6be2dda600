"""Scenes from files: decoding, order, flips, crops, augmentation."""

import dataclasses
import pathlib

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from hdgan.data.class_balance import balance_scenes
from hdgan.data.image_files import read_id_map, read_photo, write_png
from hdgan.data.random_transform import RandomTransform
from hdgan.data.resize_policy import ResizePolicy
from hdgan.data.scene_dataset import make_dataset, read_scene
from hdgan.data.scene_files import SceneFiles, find_scenes
from hdgan.data.street.scenes import draw_street_scene

AS_IS = ResizePolicy("none", size_multiple=1)
NUM_SCENES = 5
HEIGHT, WIDTH = 8, 12
CITYSCAPES = (
    pathlib.Path(__file__).resolve().parents[4] / "shared/data/cityscapes"
)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """Scenes whose maps and photo encode number and place of each pixel."""
    directory = tmp_path_factory.mktemp("data")
    places = np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH)
    for kind in ("label", "inst", "img"):
        (directory / f"train_{kind}").mkdir()
    for number in range(NUM_SCENES):
        name = f"{number}.png"
        photo = np.stack([places, 255 - places, 0 * places + number], axis=-1)
        write_png(directory / "train_label" / name, places.astype("uint8"))
        write_png(directory / "train_inst" / name, 26_000 + places)
        write_png(directory / "train_img" / name, photo.astype("uint8"))
    return find_scenes(directory)


@pytest.fixture(scope="module")
def featured(scenes):
    """The same scenes, with their photos also as style maps."""
    return dataclasses.replace(scenes, style_maps=scenes.photos)


def take(scenes, count, resizing=AS_IS, **options):
    dataset = make_dataset(scenes, resizing, **options)
    return list(dataset.take(count).as_numpy_iterator())


def order(scenes, count, **options):
    """Returns the numbers of the scenes in each of `count` batches."""
    batches = take(scenes, count, **options)
    return [tuple(batch["photo"][:, 0, 0, 2]) for batch in batches]


def assert_maps_and_photo_agree(scene):
    label_map = scene["label_map"].astype(int)
    photo = scene["photo"].astype(int)
    np.testing.assert_array_equal(scene["instance_map"], 26_000 + label_map)
    np.testing.assert_array_equal(photo[..., 0], label_map)
    np.testing.assert_array_equal(photo[..., 1], 255 - label_map)


def test_a_batch_holds_maps_and_photos(scenes):
    (batch,) = take(scenes, 1, batch_size=2)
    assert {key: (a.shape, a.dtype.name) for key, a in batch.items()} == {
        "label_map": ((2, HEIGHT, WIDTH), "int32"),
        "instance_map": ((2, HEIGHT, WIDTH), "int32"),
        "photo": ((2, HEIGHT, WIDTH, 3), "uint8"),
    }


def test_style_maps_are_read_flipped_and_cropped_with_the_rest(featured):
    is_flipped = set()
    for batch in take(featured.take(3), 20, ResizePolicy("crop", crop_size=5)):
        assert batch["style_map"].shape == (1, 5, 5, 3)
        assert batch["style_map"].dtype == np.uint8
        np.testing.assert_array_equal(batch["style_map"], batch["photo"])
        first_row = batch["label_map"][0, 0]
        is_flipped.add(bool(first_row[0] > first_row[1]))
    assert is_flipped == {False, True}
    scene = read_scene(featured, 2, AS_IS)
    np.testing.assert_array_equal(scene["style_map"], scene["photo"])


def test_a_keras_layer_moves_style_maps_along(featured):
    layer = keras.layers.RandomFlip("horizontal", seed=3)
    firsts = set()
    for batch in take(featured, 20, flip=False, augmentation=layer):
        assert batch["style_map"].dtype == np.uint8
        np.testing.assert_array_equal(batch["style_map"], batch["photo"])
        firsts.add(int(batch["label_map"][0, 0, 0]))
    assert firsts == {0, WIDTH - 1}


@pytest.mark.parametrize(("batch_size", "start"), [(1, 7), (3, 1)])
def test_a_stream_from_step_k_goes_on_as_one_from_0(scenes, batch_size, start):
    options = {
        "batch_size": batch_size,
        "resizing": ResizePolicy("crop", crop_size=5),
        "seed": 4,
    }
    whole = take(scenes, 9, **options)
    rest = take(scenes, 9 - start, start_step=start, **options)
    for batch, expected in zip(rest, whole[start:], strict=True):
        for key, array in expected.items():
            np.testing.assert_array_equal(batch[key], array)


def test_each_epoch_is_a_permutation_of_its_own(scenes):
    numbers = np.ravel(order(scenes, 8 * NUM_SCENES))
    epochs = numbers.reshape(8, NUM_SCENES)
    np.testing.assert_array_equal(
        np.sort(epochs), np.tile(np.arange(NUM_SCENES), (8, 1))
    )
    assert len({tuple(epoch) for epoch in epochs}) > 4


def test_the_seed_decides_the_order(scenes):
    orders = [order(scenes, 10, seed=seed) for seed in (0, 0, 1)]
    assert orders[0] == orders[1]
    assert orders[0] != orders[2]


def test_without_shuffling_the_order_is_that_of_the_files(scenes):
    numbers = np.ravel(order(scenes, 6, shuffle=False, batch_size=2))
    np.testing.assert_array_equal(numbers, np.arange(12) % NUM_SCENES)


def test_only_the_scenes_taken_are_seen(scenes):
    assert set(np.ravel(order(scenes.take(2), 8))) == {0, 1}


def test_about_half_of_the_scenes_are_mirrored_maps_and_photo_alike(scenes):
    batches = take(scenes, 200)
    is_flipped = []
    for batch in batches:
        assert_maps_and_photo_agree(batch)
        first_row = batch["label_map"][0, 0]
        is_flipped.append(first_row[0] == WIDTH - 1)
        expected = np.arange(WIDTH)[:: -1 if is_flipped[-1] else 1]
        np.testing.assert_array_equal(first_row, expected)
    # Of 200 fair flips, 1 in 10 000 is outside.
    assert 72 < sum(is_flipped) < 128
    # Mirroring does not depend on the scene alone.
    numbers = [batch["photo"][0, 0, 0, 2] for batch in batches]
    assert len(set(zip(numbers, is_flipped, strict=True))) == 2 * NUM_SCENES


def test_without_flips_nothing_is_mirrored(scenes):
    for batch in take(scenes, 20, flip=False):
        np.testing.assert_array_equal(batch["label_map"][0, 0], range(WIDTH))


def test_crops_are_joint_and_reach_every_place(scenes):
    places = set()
    resizing = ResizePolicy("crop", crop_size=5)
    for batch in take(scenes, 250, resizing, flip=False):
        assert batch["label_map"].shape == (1, 5, 5)
        assert_maps_and_photo_agree(batch)
        places.add(int(batch["label_map"][0, 0, 0]))
    tops, lefts = np.arange(HEIGHT - 4), np.arange(WIDTH - 4)
    assert places == set((tops[:, None] * WIDTH + lefts).ravel().tolist())


@pytest.mark.parametrize(
    "augmentation",
    [
        keras.layers.RandomFlip("horizontal", seed=3),
        keras.layers.RandomTranslation(
            0.3, 0.3, fill_mode="reflect", interpolation="nearest", seed=3
        ),
    ],
    ids=["flip", "translation"],
)
def test_a_keras_layer_moves_maps_and_photo_together(scenes, augmentation):
    firsts = set()
    for batch in take(
        scenes, 30, batch_size=2, flip=False, augmentation=augmentation
    ):
        assert batch["instance_map"].dtype == np.int32
        assert_maps_and_photo_agree(batch)
        firsts |= set(batch["label_map"][:, 0, 0].tolist())
    # The augmentation has an effect.
    assert len(firsts) > 1


def test_a_keras_layer_moves_rgb_inputs_along(scenes):
    rgb = SceneFiles(scenes.photos, None, scenes.photos, is_rgb=True)
    layer = keras.layers.RandomFlip("horizontal", seed=3)
    firsts = set()
    for batch in take(rgb, 20, flip=False, augmentation=layer):
        assert batch["label_map"].dtype == np.uint8
        np.testing.assert_array_equal(batch["label_map"], batch["photo"])
        firsts.add(batch["photo"][0, 0, 0, 0])
    assert firsts == {0, WIDTH - 1}


def test_rgb_inputs_are_images(scenes):
    rgb = SceneFiles(scenes.photos, None, scenes.photos, is_rgb=True)
    for batch in take(rgb, 6, ResizePolicy("crop", crop_size=4)):
        assert set(batch) == {"label_map", "photo"}
        np.testing.assert_array_equal(batch["label_map"], batch["photo"])


def photo_files():
    """Returns images of every kind by file name."""
    photo = Image.fromarray(draw_street_scene(0, 1, 48, 80).photo)
    grey = np.asarray(photo.convert("L"))
    return {
        "rgb.png": photo,
        "rgba.png": photo.convert("RGBA"),
        "grey.png": photo.convert("L"),
        "grey_alpha.png": photo.convert("LA"),
        "grey16.png": Image.fromarray(grey.astype("uint16") * 251 + 17),
        "palette.png": photo.quantize(32),
        "one_bit.png": photo.convert("1"),
        "rgb.jpg": photo,
        "grey.jpg": photo.convert("L"),
        "rgb.bmp": photo,
        "palette.bmp": photo.quantize(32),
        # A file's ending may not match its format.
        "tiff.png": photo,
    }


def id_map_files():
    """Returns id maps of every kind by file name."""
    ids = np.random.default_rng(0).integers(0, 65536, (48, 80), "uint16")
    ids[0, :2] = 0, 65535
    small = Image.fromarray((ids >> 8).astype("uint8"))
    palette = Image.frombytes("P", small.size, small.tobytes())
    palette.putpalette(np.arange(768)[::-1].astype("uint8").tobytes())
    return {
        "grey8.png": small,
        "grey16.png": Image.fromarray(ids),
        "palette.png": palette,
        "one_bit.png": Image.fromarray(ids > 30000),
        "grey.bmp": small,
        "grey16.tif": Image.fromarray(ids),
    }


@pytest.fixture(scope="module")
def decoded(tmp_path_factory):
    """Function from kind and file name to path and decoded array."""
    directory = tmp_path_factory.mktemp("decoded")
    formats = {"tiff.png": "TIFF"}
    paths = {}
    for kind, images in (
        ("label_map", id_map_files()),
        ("photo", photo_files()),
    ):
        (directory / kind).mkdir()
        for name, image in images.items():
            path = directory / kind / name
            image.save(path, format=formats.get(name))
            paths[kind, name] = path
    # As many label maps as photos: each label map several times.
    label_maps, photos = (
        [path for (of, _), path in paths.items() if of == kind]
        for kind in ("label_map", "photo")
    )
    label_maps = (label_maps * 3)[: len(photos)]
    scenes = SceneFiles(tuple(label_maps), None, tuple(photos))
    batches = take(scenes, len(scenes), shuffle=False, flip=False)

    def look_up(kind, name):
        path = paths[kind, name]
        index = {"label_map": label_maps, "photo": photos}[kind].index(path)
        array = batches[index][kind][0]
        alone = read_scene(scenes, index, AS_IS)[kind]
        np.testing.assert_array_equal(array, alone)
        assert array.dtype == alone.dtype
        return path, array

    return look_up


@pytest.mark.parametrize("name", photo_files())
def test_photos_are_decoded_as_read_photo_does(decoded, name):
    path, photo = decoded("photo", name)
    assert photo.dtype == np.uint8
    np.testing.assert_array_equal(photo, read_photo(path))


@pytest.mark.parametrize("name", id_map_files())
def test_id_maps_are_decoded_exactly(decoded, name):
    path, label_map = decoded("label_map", name)
    np.testing.assert_array_equal(label_map, read_id_map(path))
    np.testing.assert_array_equal(label_map, np.asarray(id_map_files()[name]))


@pytest.mark.skipif(
    not CITYSCAPES.is_dir(), reason="needs real Cityscapes in ../shared/data"
)
def test_instance_ids_of_cityscapes_survive_the_pipeline():
    scenes = find_scenes(CITYSCAPES).take(2)
    resizing = ResizePolicy("scale_width", 512)
    batches = take(scenes, 2, resizing, shuffle=False, flip=False)
    for index, batch in enumerate(batches):
        instance_map = batch["instance_map"][0]
        # In 8 bits there would be no such ids.
        assert instance_map.max() > 20_000
        image = Image.open(scenes.instance_maps[index])
        expected = image.resize((512, 256), Image.Resampling.NEAREST)
        np.testing.assert_array_equal(instance_map, expected)
        assert batch["photo"].shape == (1, 256, 512, 3)


def test_a_transform_moves_maps_and_photo_together():
    height, width = 60, 80
    rows, columns = np.mgrid[:height, :width]
    # The photo shows row and column, the instance map holds both.
    scene = {
        "label_map": tf.constant((rows // 2 % 2)[..., None], tf.int32),
        "instance_map": tf.constant(
            (2**24 + 1 + rows * width + columns)[..., None], tf.int32
        ),
        "photo": tf.constant(
            np.stack([rows * 3, columns * 3, 0 * rows], -1), tf.uint8
        ),
    }
    transform = RandomTransform(zoom=0.3, rotation=20)
    seen = set()
    for number in range(20):
        seed = tf.constant([1, number], tf.int64)
        moved = transform.apply(scene, seed)
        ids = moved["instance_map"][..., 0].numpy() - 2**24 - 1
        # Exact ids of pixels of the scene, no mixtures.
        assert ids.min() >= 0
        assert ids.max() < height * width
        old_rows, old_columns = ids // width, ids % width
        np.testing.assert_array_equal(
            moved["label_map"][..., 0], old_rows // 2 % 2
        )
        photo = moved["photo"].numpy().astype(int)
        inside = np.s_[15:-15, 20:-20]
        for channel, places in enumerate((old_rows, old_columns)):
            shift = photo[..., channel] - 3 * places
            # Half a pixel by nearest neighbor, and rounding.
            assert np.abs(shift[inside]).max() <= 3
        seen.add(int(ids[30, 10]))
        for key, array in transform.apply(scene, seed).items():
            np.testing.assert_array_equal(array, moved[key])
    assert len(seen) > 15


def test_a_transform_of_nothing_changes_nothing():
    scene = draw_street_scene(0, 1, 32, 64)
    tensors = {
        "label_map": tf.constant(scene.label_map[..., None], tf.int32),
        "photo": tf.constant(scene.photo),
    }
    moved = RandomTransform(zoom=1e-9).apply(tensors, tf.constant([0, 0]))
    for key, array in tensors.items():
        np.testing.assert_array_equal(moved[key], array)
    assert not RandomTransform().does_something
    for wrong in ({"zoom": 1}, {"rotation": 181}, {"color": -0.1}):
        with pytest.raises(ValueError, match="must be in"):
            RandomTransform(**wrong)


def test_colors_change_in_the_photo_alone(scenes):
    plain = take(scenes, 3, flip=False)
    transform = RandomTransform(color=0.5)
    changed = take(scenes, 3, flip=False, transform=transform)
    for one, other in zip(plain, changed, strict=True):
        for key in ("label_map", "instance_map"):
            np.testing.assert_array_equal(one[key], other[key])
        assert (one["photo"] != other["photo"]).mean() > 0.5
    # A stream that starts later continues it.
    later = take(scenes, 1, flip=False, transform=transform, start_step=2)
    np.testing.assert_array_equal(later[0]["photo"], changed[2]["photo"])


def test_scenes_with_rare_classes_are_drawn_more_often(tmp_path):
    for kind in ("label", "img"):
        (tmp_path / f"train_{kind}").mkdir()
    for number in range(10):
        label_map = np.zeros((8, 8), "uint8")
        label_map[0, 0] = number == 3
        photo = np.full((8, 8, 3), number, "uint8")
        write_png(tmp_path / "train_label" / f"{number}.png", label_map)
        write_png(tmp_path / "train_img" / f"{number}.png", photo)
    scenes = find_scenes(tmp_path, use_instances=False)
    assert np.ptp(balance_scenes(scenes, 2, 0)) == 0
    probabilities = balance_scenes(scenes, 2, 1)
    np.testing.assert_allclose(probabilities[[0, 3]], [1 / 19, 10 / 19])
    drawn = order(scenes, 2000, probabilities=probabilities)
    counts = np.bincount(np.ravel(drawn), minlength=10)
    assert abs(counts[3] / 2000 - 10 / 19) < 0.04
    assert np.delete(counts, 3).min() > 60
    # Every stream of this seed draws the same.
    assert (
        order(scenes, 5, probabilities=probabilities, start_step=1990)
        == (drawn[1990:1995])
    )
    with pytest.raises(ValueError, match=r"in \[0, 1\]"):
        balance_scenes(scenes, 2, 1.5)
