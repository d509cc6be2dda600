"""Maps and photos in the forms that people have them."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_models import LABELS, make_model, make_scenes, sharpen

import hdgan
from hdgan.preprocessing.scene_preprocessing import ScenePreprocessing

InvalidArgumentError = tf.errors.InvalidArgumentError


@pytest.fixture(scope="module")
def model():
    """A model that runs eagerly, which needs no tracing."""
    model = sharpen(make_model(num_downsamplings=1, num_scales=1))
    model.compile(run_eagerly=True)
    return model


@pytest.fixture(scope="module")
def encoder_model():
    model = sharpen(make_model(styles="instances"))
    model.compile(run_eagerly=True)
    return model


def _with_channel(scenes):
    maps = ("label_map", "instance_map")
    return {k: v[..., None] if k in maps else v for k, v in scenes.items()}


# === Axes ===


def test_synthesize_drops_an_axis_of_one_channel(model):
    scenes = make_scenes(2)
    label_maps, instance_maps = scenes["label_map"], scenes["instance_map"]
    photos = model.synthesize(label_maps, instance_maps)
    np.testing.assert_array_equal(
        model.synthesize(label_maps[..., None], instance_maps[..., None]),
        photos,
    )
    photo = model.synthesize(label_maps[0][..., None], instance_maps[0])
    assert photo.shape == (32, 48, 3)
    np.testing.assert_array_equal(
        photo, model.synthesize(label_maps[0], instance_maps[0])
    )


def test_training_calls_and_predictions_drop_an_axis_of_one_channel(model):
    scenes = make_scenes(2)
    with_channel = _with_channel(scenes)
    np.testing.assert_array_equal(model(with_channel), model(scenes))
    np.testing.assert_array_equal(
        model.predict(with_channel, verbose=0),
        model.predict(scenes, verbose=0),
    )
    assert model.evaluate(with_channel, verbose=0) == model.evaluate(
        scenes, verbose=0
    )


def test_encode_drops_an_axis_of_one_channel(encoder_model):
    scenes = make_scenes(1)
    np.testing.assert_array_equal(
        encoder_model.encode(_with_channel(scenes)),
        encoder_model.encode(scenes),
    )


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((32, 48), "axis of the batch is missing"),
        ((32, 48, 1), "add the axis of the batch"),
        ((32, 48, 3), "add the axis of the batch"),
        ((1, 32, 48, 3), "replace each color"),
        ((1, 32, 48, 1, 1), "one channel"),
    ],
)
def test_ambiguous_label_maps_are_refused(model, shape, message):
    label_map = np.zeros(shape, "uint8")
    with pytest.raises(ValueError, match=message) as error:
        model(label_map)
    assert str(shape) in str(error.value)


@pytest.mark.parametrize("shape", [(48,), (32, 48, 3), (1, 32, 48, 3)])
def test_synthesize_refuses_ambiguous_label_maps(model, shape):
    with pytest.raises(ValueError, match=r"must be \(height, width") as error:
        model.synthesize(np.zeros(shape, "uint8"))
    assert str(shape) in str(error.value)


def test_a_dataset_without_batches_is_refused(model):
    scenes = {k: v[0] for k, v in _with_channel(make_scenes(1)).items()}
    dataset = tf.data.Dataset.from_tensors(scenes)
    with pytest.raises(ValueError, match="add the axis of the batch"):
        model.fit(dataset, shuffle=False, verbose=0)


def test_a_label_map_of_unknown_shape_is_refused(model):
    with pytest.raises(ValueError, match="ensure_shape"):
        tf.function(model).get_concrete_function(tf.TensorSpec(None, tf.uint8))


# === Ids ===


@pytest.mark.parametrize("dtype", ["float32", "float64", "bool"])
@pytest.mark.parametrize("name", ["label_map", "instance_map"])
def test_ids_must_be_integers(model, name, dtype):
    scenes = make_scenes(1)
    scenes[name] = scenes[name].astype(dtype)
    message = f"`{name}` must .*integers. Received: (float32|{dtype})"
    for call in (model, model.predict, model.evaluate):
        with pytest.raises(ValueError, match=message):
            call(scenes)
    with pytest.raises(ValueError, match=message):
        model.synthesize(scenes["label_map"], scenes["instance_map"])


@pytest.mark.parametrize("dtype", ["int64", "uint32", "uint64"])
def test_ids_that_int32_cannot_hold_are_refused(model, dtype):
    scenes = make_scenes(1)
    wide = {k: scenes[k].astype(dtype) for k in ("label_map", "instance_map")}
    # The same ids in a wider dtype are the same.
    np.testing.assert_array_equal(model(wide), model(scenes))
    # After a cast to int32, this id would be 1.
    wide["label_map"][0, 0, 0] = 2**32 + 1 if "64" in dtype else 2**31 + 1
    with pytest.raises(InvalidArgumentError, match=r"outside 0\.\.4"):
        model(wide)
    with pytest.raises(ValueError, match=r"Expected 0\.\.4"):
        model.synthesize(wide["label_map"])
    wide = {"label_map": scenes["label_map"], "instance_map": wide["label_map"]}
    with pytest.raises(InvalidArgumentError, match="outside of int32"):
        model(wide)
    with pytest.raises(ValueError, match="int32"):
        model.synthesize(**wide)


# === Photos ===


def _evaluate(model, photo):
    return model.evaluate(
        {**make_scenes(1), "photo": photo}, verbose=0, return_dict=True
    )


@pytest.mark.parametrize("dtype", ["int32", "int64", "float32", "float64"])
def test_photos_in_0_to_255_may_have_any_wide_dtype(model, dtype):
    photo = make_scenes(1)["photo"]
    expected = _evaluate(model, photo)
    assert _evaluate(model, photo.astype(dtype)) == expected


def test_a_black_photo_of_floats_is_accepted(model):
    photo = np.zeros_like(make_scenes(1)["photo"])
    assert _evaluate(model, photo.astype("float32")) == _evaluate(model, photo)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x / 255, r"from \[0, 1\]: x \* 255"),
        (lambda x: x / 127.5 - 1, r"from \[-1, 1\]: \(x \+ 1\) \* 127\.5"),
        (lambda x: x * 257.0, "Clip or scale it"),
        (lambda x: x - 100.0, "Clip or scale it"),
        (lambda x: np.where(x == x.max(), np.nan, x), "NaN"),
        (lambda x: np.where(x == x.max(), np.inf, x), "infinity"),
        (lambda x: np.where(x == x.max(), np.nan, x / 255), "NaN"),
        (lambda x: x * np.int64(257), "Clip or scale it"),
        (lambda x: x - np.int64(100), "Clip or scale it"),
    ],
)
def test_photos_in_another_range_get_advice(model, change, message):
    photo = change(make_scenes(1)["photo"])
    if photo.dtype == np.float64:
        photo = photo.astype("float32")
    with pytest.raises(InvalidArgumentError, match=message) as error:
        _evaluate(model, photo)
    assert "`photo` must be in 0..255" in str(error.value)


def test_photos_in_another_range_get_advice_in_a_graph():
    preprocessing = ScenePreprocessing(3, True, 4, 8)

    @tf.function
    def normalize(photo):
        return preprocessing.normalize_photo(photo, photo[..., 0])

    with pytest.raises(InvalidArgumentError, match=r"from \[-1, 1\]"):
        normalize(tf.fill((1, 8, 8, 3), -1.0))
    assert normalize(tf.fill((1, 8, 8, 3), 255.0)).shape == (1, 8, 8, 3)
    # As the last batch of a replica may be.
    assert normalize(tf.zeros((0, 8, 8, 3))).shape == (0, 8, 8, 3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x.astype("uint16") * 257, "uint16. Scale 16 bits to 8"),
        (lambda x: x > 100, "Received: bool"),
        (lambda x: x[..., :1], r"32, 48, 1\). Convert the image to RGB"),
        (lambda x: x[..., 0], r"32, 48\). Convert the image to RGB"),
        (
            lambda x: np.concatenate([x, x[..., :1]], -1),
            r"32, 48, 4\). Drop the alpha channel",
        ),
        (lambda x: x[0], "axis of the batch is missing"),
    ],
)
def test_photos_of_another_kind_are_refused(
    model, encoder_model, change, message
):
    scenes = make_scenes(32)
    scenes["photo"] = change(scenes["photo"])
    with pytest.raises(ValueError, match=message):
        model.evaluate(scenes, batch_size=32, verbose=0)
    for call in (encoder_model, encoder_model.encode):
        with pytest.raises(ValueError, match=message):
            call(scenes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x: x.astype("uint16") * 257, r"Expected 0\.\.255. Scale"),
        (lambda x: x.astype("int64") - 1, r"Expected 0\.\.255. Scale"),
        (lambda x: x / 255, "float64. Scale it"),
        (lambda x: x[..., :1], r"\(32, 48, 3\). Received: .*\(32, 48, 1\)"),
    ],
)
def test_synthesize_refuses_style_photos_of_another_kind(
    encoder_model, change, message
):
    scene = {k: v[0] for k, v in make_scenes(1).items()}
    photo = scene.pop("photo")
    with pytest.raises(ValueError, match=message):
        encoder_model.synthesize(**scene, style_photo=change(photo))
    encoder_model.synthesize(**scene, style_photo=photo.astype("int64"))


def test_rgb_input_is_checked_like_a_photo():
    model = make_model(labels=None, use_instances=False, num_downsamplings=1)
    image = make_scenes(1, is_rgb=True)["label_map"]
    np.testing.assert_array_equal(
        model({"label_map": image.astype("int32")}), model(image)
    )
    with pytest.raises(InvalidArgumentError, match=r"`label_map`.*\[0, 1\]"):
        model(image.astype("float32") / 255)
    with pytest.raises(ValueError, match=r"`label_map`.*Drop the alpha"):
        model(np.zeros((1, 32, 48, 4), "uint8"))
    with pytest.raises(ValueError, match=r"`label_map` .*RGB"):
        model.synthesize(image[..., :1])
    with pytest.raises(ValueError, match=r"integers. Received: float64"):
        model.synthesize(image / 255)


def test_style_maps_of_other_integers_are_refused():
    model = make_model(styles="loaded")
    scenes = make_scenes(1, style_channels=3)
    scenes["style_map"] = scenes["style_map"].astype("uint16")
    with pytest.raises(ValueError, match=r"uint8.*Received: uint16"):
        model(scenes)
    model.synthesize(**{k: scenes[k] for k in ("label_map", "style_map")})
    with pytest.raises(ValueError, match=r"Expected 0\.\.255"):
        model.synthesize(scenes["label_map"], style_map=scenes["style_map"] + 1)


# === Structures ===


def test_photos_may_be_in_the_dict_or_beside_it(model):
    scenes = make_scenes(2)
    inputs = {k: scenes[k] for k in ("label_map", "instance_map")}
    label_map, photo = scenes["label_map"], scenes["photo"]
    slices = tf.data.Dataset.from_tensor_slices
    with_instances, without = (
        [model.evaluate(*data, verbose=0) for data in forms]
        for forms in (
            (
                (slices(scenes).batch(2),),
                (slices((inputs, photo)).batch(2),),
                (scenes,),
                (inputs, photo),
            ),
            (
                (slices((label_map, photo)).batch(2),),
                (label_map, photo),
                (label_map[..., None], photo),
            ),
        )
    )
    assert all(logs == with_instances[0] for logs in with_instances)
    assert all(logs == without[0] for logs in without)
    assert with_instances[0] != without[0]


def test_fit_takes_pairs():
    scenes = make_scenes(1)
    photo = scenes.pop("photo")
    model = make_model(num_downsamplings=1, num_scales=1)
    model.compile(run_eagerly=True)
    pairs = tf.data.Dataset.from_tensors((scenes["label_map"], photo))
    for data in ((scenes, photo), (pairs,)):
        logs = model.fit(*data, shuffle=False, verbose=0).history
        assert np.isfinite(logs["generator_loss"]).all()
    assert model.step == 2


def test_predict_takes_arrays(model):
    label_map = make_scenes(2)["label_map"]
    expected = model({"label_map": label_map})
    np.testing.assert_array_equal(model.predict(label_map, verbose=0), expected)
    np.testing.assert_array_equal(model(label_map), expected)


@pytest.mark.parametrize(
    ("make_data", "message"),
    [
        (lambda s: (s["label_map"], s["instance_map"], s["photo"]), "three"),
        (lambda s: ((s["label_map"], s["instance_map"]), s["photo"]), "dict"),
        (lambda s: s["label_map"], "need the photos.*only: label_map"),
        (lambda s: {"label": s["label_map"], **s}, "Received: .*label,"),
        (lambda s: {"photo": s["photo"]}, "label_map.*required"),
        (lambda s: (s["photo"], s["label_map"]), "`label_map`.*one channel"),
    ],
)
def test_data_in_another_structure_is_refused(model, make_data, message):
    dataset = tf.data.Dataset.from_tensors(make_data(make_scenes(1)))
    with pytest.raises(ValueError, match=message):
        model.fit(dataset, shuffle=False, verbose=0)
    with pytest.raises(ValueError, match=message):
        model.evaluate(dataset, verbose=0)


# === Labels ===


@pytest.mark.parametrize("kind", [list, tuple])
def test_labels_may_be_names(kind, tmp_path):
    model = make_model(labels=kind(LABELS.names), num_downsamplings=1)
    assert model.labels == hdgan.LabelSet(LABELS.names)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.labels == model.labels
    parts = {k: getattr(model, k) for k in ("generator", "discriminator")}
    made = hdgan.Pix2PixHD(**parts, labels=kind(LABELS.names))
    assert made.labels == model.labels


def test_labels_may_be_the_name_of_a_label_set():
    model = make_model(labels="cityscapes19", num_downsamplings=1)
    assert model.labels == hdgan.LabelSet.named("cityscapes19")
    assert model.preprocessing.num_classes == 19


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (35, "Received: 35.*LabelSet.numbered"),
        ({"sky": 0}, "must be a LabelSet"),
        ("cityscape", "no label set 'cityscape'"),
        ([], "at least one class name"),
        (["sky", 2], "list of strings"),
    ],
)
def test_other_labels_are_refused(labels, message):
    with pytest.raises(ValueError, match=message):
        hdgan.Pix2PixHD.from_preset("tiny", labels=labels)
    with pytest.raises(ValueError, match=message):
        hdgan.Pix2PixHD(None, None, labels=labels)
