"""Signatures of a served model, asked as a server would."""

import functools
import io
import json
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tiny_models import LABELS, inputs_for, make_model, sharpen

from hdgan import LabelSet, StyleClusters
from hdgan.data.image_files import encode_png
from hdgan.serving import ServingOptions
from hdgan.serving.checks import refuse_first, too_large
from hdgan.serving.description import PATH

SIZE = 17, 33
_png = functools.partial(encode_png, "a map")
MODELS = {
    "labels": {},
    "local": {"preset": "pix2pixhd_1024p"},
    "no instances": {"use_instances": False},
    "encoder": {"styles": "instances"},
    "encoder of labels": {"styles": "labels"},
    "loaded": {"styles": "loaded", "style_channels": 3},
    "rgb": {"labels": None, "use_instances": False},
    "rgb, loaded": {
        "labels": None,
        "styles": "loaded",
        "style_channels": 1,
    },
}


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """By name: a model, the signatures of its export, and its directory."""
    exports, alive = {}, []
    for name, options in MODELS.items():
        directory = tmp_path_factory.mktemp("served") / "1"
        model = sharpen(make_model(num_downsamplings=1, **options))
        model.export(
            directory,
            ServingOptions(fixed_sizes=((32, 16),), max_pixels=2000),
        )
        loaded = tf.saved_model.load(directory)
        exports[name] = model, loaded.signatures, directory
        # Without the object that holds them the signatures are gone.
        alive.append(loaded)
    yield exports
    alive.clear()


def _requests(scenes, index):
    """Returns the files of a scene by the name of their input."""
    files = {
        f"{name.removesuffix('_map')}_bytes": _png(array[index])
        for name, array in scenes.items()
    }
    files.setdefault("instance_bytes", b"")
    return files


def _ask(signature, **files):
    return signature(**{k: tf.constant([v]) for k, v in files.items()})


@pytest.mark.parametrize("name", MODELS)
def test_files_give_the_photographs_of_synthesize(served, name):
    model, signatures, _ = served[name]
    files, expected = [], []
    # Of different sizes in one request.
    for size in (SIZE, (1, 1), (16, 32)):
        scenes = inputs_for(model, 1, *size)
        if "label_map" in scenes and model.labels is not None:
            scenes["label_map"] = scenes["label_map"].astype("uint8")
        files.append(_requests(scenes, 0))
        scenes.setdefault("instance_map", np.zeros((1, *size), "int32"))
        expected.append(model.synthesize(**scenes)[0])
    images = signatures["synthesize_png"](
        **{key: tf.constant([f[key] for f in files]) for key in files[0]}
    )["image_bytes"].numpy()
    for contents, photo in zip(images, expected, strict=True):
        image = np.asarray(Image.open(io.BytesIO(contents)))
        assert image.shape == photo.shape
        assert np.abs(image.astype(int) - photo).max() <= 1


def test_ids_of_16_bits_and_none_at_all(served):
    model, signatures, _ = served["labels"]
    scenes = inputs_for(model, 1, *SIZE)
    label = scenes["label_map"][0]
    files = {"label_bytes": _png(label.astype("uint16"))}
    instances = scenes["instance_map"][0].astype("int32") + 25_000
    for instance_map, contents in (
        (instances, _png(instances)),
        (None, b""),
        (None, _png(np.zeros(SIZE, "uint8"))),
    ):
        (image,) = _ask(
            signatures["synthesize_png"], instance_bytes=contents, **files
        )["image_bytes"].numpy()
        photo = model.synthesize(label, instance_map)
        image = np.asarray(Image.open(io.BytesIO(image)))
        assert np.abs(image.astype(int) - photo).max() <= 1


def test_a_fixed_size_does_what_the_free_one_does(served):
    model, signatures, _ = served["labels"]
    scenes = inputs_for(model, 2, 16, 32)
    fixed = signatures["synthesize_32x16"]
    assert fixed.structured_outputs["photo"].shape[1:] == (16, 32, 3)
    arrays = {
        "label_map": tf.constant(scenes["label_map"], tf.uint8),
        "instance_map": tf.constant(scenes["instance_map"], tf.int32),
    }
    free = signatures["serving_default"](**arrays)["photo"].numpy()
    difference = free.astype(int) - fixed(**arrays)["photo"].numpy()
    assert np.abs(difference).max() <= 1


def _list_styles(answer):
    names = "style_examples", "style_instances", "style_vectors"
    return zip(*[answer[name].numpy() for name in names], strict=True)


@pytest.mark.parametrize(
    ("name", "regions"),
    [("encoder", "instance_map"), ("encoder of labels", "label_map")],
)
def test_encode_gives_what_the_encoder_finds(served, name, regions):
    model, signatures, _ = served[name]
    scenes = inputs_for(model, 2, *SIZE)
    answer = signatures["encode"](
        label_map=tf.constant(scenes["label_map"], tf.uint8),
        instance_map=tf.constant(scenes["instance_map"], tf.int32),
        photo=tf.constant(scenes["photo"]),
    )
    features = answer["style_map"].numpy()
    expected = model.encode(scenes).numpy()
    assert features.shape == (2, *SIZE, model.style_channels)
    np.testing.assert_allclose(features, expected, atol=1e-4)
    assert np.ptp(features) > 0.01
    # And once for each instance of each example.
    found = set()
    for example, instance, vector in _list_styles(answer):
        is_there = scenes[regions][example] == instance
        np.testing.assert_allclose(
            np.broadcast_to(vector, features[example][is_there].shape),
            features[example][is_there],
            atol=1e-6,
        )
        found.add((example, instance))
    assert found == {
        (example, instance)
        for example in range(2)
        for instance in np.unique(scenes[regions][example])
    }
    assert "encode" not in served["labels"][1]


def test_files_are_encoded_as_arrays_are(served):
    model, signatures, _ = served["encoder"]
    scenes = [inputs_for(model, 1, *size) for size in ((8, 12), SIZE)]
    files = [_requests(scene, 0) for scene in scenes]
    for scene, contents in zip(scenes, files, strict=True):
        contents["label_bytes"] = _png(scene["label_map"][0].astype("uint8"))
    answer = signatures["encode_png"](
        **{key: tf.constant([one[key] for one in files]) for key in files[0]}
    )
    found = set()
    for example, instance, vector in _list_styles(answer):
        scene = scenes[example]
        expected = model.encode(scene).numpy()[
            scene["instance_map"] == instance
        ]
        np.testing.assert_allclose(vector, expected[0], atol=1e-4)
        found.add((example, instance))
    assert found == {
        (example, instance)
        for example in range(2)
        for instance in np.unique(scenes[example]["instance_map"])
    }
    assert "encode_png" not in served["labels"][1]


def test_it_describes_itself(served):
    _, signatures, directory = served["labels"]
    descriptions = signatures["describe"](request=tf.constant(["", ""]))
    first, second = descriptions["description"].numpy()
    assert first == second
    description = json.loads(first)
    assert description["labels"] == LABELS.get_config()
    assert description["num_labels"] == 5
    assert description["max_pixels"] == 2000
    assert description["versions"]["tensorflow"] == tf.__version__
    descriptions = served["rgb"][1]["describe"](request=tf.constant([""]))
    rgb = json.loads(descriptions["description"].numpy()[0])
    assert rgb["labels"] is None
    assert description["preset"] == "tiny"
    assert description["signatures"]["synthesize_png"] == [
        "label_bytes",
        "instance_bytes",
    ]
    assert set(description["signatures"]) == set(signatures)
    # And without being loaded.
    assert json.loads((directory / PATH).read_text()) == description


def test_jpeg_in_the_quality_that_was_asked_for(tmp_path):
    model = sharpen(make_model(num_downsamplings=1))
    contents = []
    for quality in (20, 95):
        directory = tmp_path / str(quality)
        model.export(directory, ServingOptions("jpeg", quality))
        loaded = tf.saved_model.load(directory)
        files = _requests(inputs_for(model, 1, 64, 64), 0)
        files["label_bytes"] = _png(
            inputs_for(model, 1, 64, 64)["label_map"][0].astype("uint8")
        )
        (image,) = _ask(loaded.signatures["synthesize_png"], **files)[
            "image_bytes"
        ].numpy()
        assert Image.open(io.BytesIO(image)).format == "JPEG"
        contents.append(image)
    assert len(contents[0]) < len(contents[1])


GREY = _png(np.zeros((8, 8), "uint8"))
PALETTE = io.BytesIO()
Image.fromarray(np.zeros((8, 8), "uint8")).convert("P").save(PALETTE, "PNG")


@pytest.mark.parametrize(
    ("label", "instance", "message"),
    [
        (b"", b"", "`label_bytes` is not a PNG"),
        (b"P", b"", "`label_bytes` is not a PNG"),
        (
            b"<html>not a picture at all</html>",
            b"",
            "`label_bytes` is not a PNG",
        ),
        (GREY, b"GIF89a", "`instance_bytes` is not a PNG"),
        (_png(np.zeros((8, 8, 3), "uint8")), b"", "not a gray PNG of 8 or 16"),
        (PALETTE.getvalue(), b"", "not a gray PNG of 8 or 16"),
        (GREY[:-20], b"", "`label_bytes` is cut short. Send the whole"),
        (GREY, GREY[:30], "`instance_bytes` is cut short"),
        # Of several things that are wrong, the first.
        (GREY[:20], b"", "`label_bytes` is cut short"),
        (_png(np.zeros((50, 50, 3), "uint8")), b"", "not a gray PNG of 8 or"),
        (_png(np.full((8, 8), 5, "uint8")), b"", "outside 0..4.*5 classes"),
        (_png(np.full((8, 8), 256, "uint16")), b"", "outside 0..4"),
        (GREY, _png(np.zeros((8, 9), "uint8")), "differ in batch, height"),
        (_png(np.zeros((50, 50), "uint8")), b"", "larger than the 2000 pix"),
    ],
)
def test_bad_files_are_refused_clearly(served, label, instance, message):
    _, signatures, _ = served["labels"]
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        _ask(
            signatures["synthesize_png"],
            label_bytes=label,
            instance_bytes=instance,
        )


def test_bytes_after_a_pngs_end_do_no_harm(served):
    _, signatures, _ = served["labels"]
    images = [
        _ask(
            signatures["synthesize_png"], label_bytes=label, instance_bytes=b""
        )
        for label in (GREY, GREY + b"\xff\x00 made by hand")
    ]
    first, second = [image["image_bytes"].numpy() for image in images]
    assert first == second


@pytest.mark.parametrize("end", [-20, 40])
def test_a_photo_that_is_cut_short_is_refused(served, end):
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (8, 8, 3), "uint8")
    Image.fromarray(noise).save(buffer, "JPEG")
    for photo, message in (
        (_png(noise), "`photo_bytes` is cut short"),
        (buffer.getvalue(), "JPEG"),
    ):
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            _ask(
                served["encoder"][1]["synthesize_png"],
                label_bytes=GREY,
                instance_bytes=b"",
                photo_bytes=photo[:end],
            )


def test_what_comes_after_the_end_of_a_png_is_passed_over(served):
    ask = served["labels"][1]["synthesize_png"]
    answers = [
        _ask(ask, label_bytes=contents, instance_bytes=b"")["image_bytes"]
        for contents in (GREY, GREY + bytes(10_000))
    ]
    assert answers[0] == answers[1]


def test_an_image_too_large_to_be_counted_in_32_bits(served):
    # 65536 x 65536 is 0 there.
    huge = bytearray(GREY)
    huge[16:24] = 2 * (65536).to_bytes(4, "big")
    with pytest.raises(tf.errors.InvalidArgumentError, match="larger than"):
        _ask(
            served["labels"][1]["synthesize_png"],
            label_bytes=bytes(huge),
            instance_bytes=b"",
        )
    # As arrays they would need gigabytes here.
    with pytest.raises(tf.errors.InvalidArgumentError, match="It is larger"):
        refuse_first(too_large("It", (1, 65536, 65536), 9))


def test_more_classes_than_a_byte_has_numbers(tmp_path):
    model = make_model(num_downsamplings=1, labels=LabelSet.numbered(300))
    sharpen(model).export(tmp_path / "1", ServingOptions(fixed_sizes=((8, 8),)))
    loaded = tf.saved_model.load(tmp_path / "1")
    label_map = np.int32([[0, 43, 255, 256, 299]])
    expected = model.synthesize(label_map)
    (image,) = _ask(
        loaded.signatures["synthesize_png"],
        label_bytes=_png(label_map),
        instance_bytes=b"",
    )["image_bytes"].numpy()
    _assert_near(expected, np.asarray(Image.open(io.BytesIO(image))))
    assert (expected != model.synthesize(label_map % 256)).any()
    photo = loaded.signatures["serving_default"](
        label_map=tf.constant(label_map[None]),
        instance_map=tf.zeros((1, 1, 5), tf.int32),
    )["photo"]
    _assert_near(expected, photo.numpy()[0])
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"outside 0\.\.29"
    ):
        _ask(
            loaded.signatures["synthesize_png"],
            label_bytes=_png(label_map + 1),
            instance_bytes=b"",
        )


def test_files_that_differ_in_number_are_refused(served):
    ask = served["labels"][1]["synthesize_png"]
    for labels, instances in (([GREY], [b"", b""]), ([GREY, GREY], [b""])):
        with pytest.raises(tf.errors.InvalidArgumentError, match="in number"):
            ask(
                label_bytes=tf.constant(labels),
                instance_bytes=tf.constant(instances),
            )


@pytest.mark.parametrize("kind", ["label", "instance", "photo"])
def test_a_small_file_of_a_huge_image_is_not_decoded(served, kind):
    buffer = io.BytesIO()
    # Decoded, it would be 300 MB or more.
    if kind == "photo":
        Image.new("RGB", (10000, 10000)).save(buffer, "JPEG")
    else:
        Image.new("1", (20000, 20000)).convert("L").save(buffer, "PNG")
    files = {
        "label_bytes": GREY,
        "instance_bytes": b"",
        "photo_bytes": _png(np.zeros((8, 8, 3), "uint8")),
    } | {f"{kind}_bytes": buffer.getvalue()}
    # The process's peak begins anew.
    pathlib.Path("/proc/self/clear_refs").write_text("5")
    before = _peak_kilobytes()
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=f"{kind}_bytes` is larger than"
    ):
        _ask(served["encoder"][1]["synthesize_png"], **files)
    assert _peak_kilobytes() - before < 100_000


def _peak_kilobytes():
    status = pathlib.Path("/proc/self/status").read_text()
    (line,) = (li for li in status.splitlines() if li.startswith("VmHWM"))
    return int(line.split()[1])


def test_a_photo_that_is_none_is_refused(served):
    _, signatures, _ = served["encoder"]
    with pytest.raises(
        tf.errors.InvalidArgumentError,
        match="`photo_bytes` is not a PNG or JPEG",
    ):
        _ask(
            signatures["synthesize_png"],
            label_bytes=GREY,
            instance_bytes=b"",
            photo_bytes=b"BM",
        )


@pytest.mark.parametrize(
    ("shape", "instance_shape", "message"),
    [
        ((1, 0, 8), (1, 0, 8), "`label_map` is empty"),
        ((0, 8, 8), (0, 8, 8), "`label_map` is empty"),
        ((1, 8, 8), (1, 8, 9), "`instance_map` and `label_map` differ"),
        ((2, 8, 8), (1, 8, 8), "`instance_map` and `label_map` differ"),
        ((1, 50, 50), (1, 50, 50), "larger than the 2000 pixels"),
        # Together they are.
        ((4, 20, 30), (4, 20, 30), "larger than the 2000 pixels"),
    ],
)
def test_bad_arrays_are_refused_clearly(served, shape, instance_shape, message):
    _, signatures, _ = served["labels"]
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        signatures["serving_default"](
            label_map=tf.zeros(shape, tf.uint8),
            instance_map=tf.zeros(instance_shape, tf.int32),
        )


STYLES = {
    1: np.array([[0.9, -0.9, 0.5], [-0.9, 0.9, -0.5]], "float32"),
    2: np.array([[0.2, 0.3, 0.4]], "float32"),
}


@pytest.fixture(scope="module")
def styled(tmp_path_factory):
    """A model with clusters of styles, and a function that asks for some."""
    directory = tmp_path_factory.mktemp("styled") / "1"
    model = make_model(num_downsamplings=1, styles="loaded", style_channels=3)
    sharpen(model)
    model.style_clusters = StyleClusters(STYLES)
    model.export(directory)
    loaded = tf.saved_model.load(directory)

    def ask(label_map, instance_map, asked=(), seed=0):
        """`asked` holds ids with a vector or the number of a cluster."""
        vectors = np.zeros((1, len(asked), 3), "float32")
        clusters = np.full((1, len(asked)), -1)
        for index, (_, style) in enumerate(asked):
            if isinstance(style, int):
                clusters[0, index] = style
            else:
                vectors[0, index] = style
        styles = {
            "style_instances": tf.constant(
                [[instance for instance, _ in asked]], tf.int32
            ),
            "style_vectors": tf.constant(vectors),
            "style_clusters": tf.constant(clusters, tf.int32),
            "seed": tf.constant([seed], tf.int32),
        }
        photo = loaded.signatures["synthesize_with_style"](
            label_map=tf.constant(label_map[None], tf.uint8),
            instance_map=tf.constant(instance_map[None], tf.int32),
            **styles,
        )["photo"].numpy()[0]
        (image,) = loaded.signatures["synthesize_with_style_png"](
            label_bytes=tf.constant([_png(label_map)]),
            instance_bytes=tf.constant([_png(instance_map)]),
            **styles,
        )["image_bytes"].numpy()
        _assert_near(photo, np.asarray(Image.open(io.BytesIO(image))))
        return photo

    return model, ask


# Road, two cars, and a house of a class without clusters.
LABEL_MAP = np.repeat(np.array([[1, 2, 2, 4]]), 8, axis=0).repeat(8, axis=1)
INSTANCE_MAP = np.repeat(np.array([[1, 21, 22, 4]]), 8, axis=0).repeat(8, 1)


def _expected(model, styles):
    features = np.zeros((*LABEL_MAP.shape, 3), "float32")
    for instance, vector in styles.items():
        features[instance == INSTANCE_MAP] = vector
    return model.synthesize(LABEL_MAP, INSTANCE_MAP, style_map=features)


def _assert_near(photo, expected):
    assert np.abs(photo.astype(int) - expected).max() <= 1


def test_styles_that_are_asked_for_are_given(styled):
    model, ask = styled
    vectors = {1: (1, 0, -1), 21: (0.5, 0.5, 0), 22: (0, 0, 1), 4: (-1, 0, 0)}
    photo = ask(LABEL_MAP, INSTANCE_MAP, list(vectors.items()))
    _assert_near(photo, _expected(model, vectors))
    other = {**vectors, 22: (-1, -1, -1)}
    assert (photo != ask(LABEL_MAP, INSTANCE_MAP, list(other.items()))).any()
    # Clusters by their number, and a vector beside them.
    photo = ask(LABEL_MAP, INSTANCE_MAP, [(1, 1), (21, (0.5, 0.5, 0)), (4, 0)])
    mean = np.concatenate(list(STYLES.values())).mean(axis=0)
    expected = {1: STYLES[1][1], 21: (0.5, 0.5, 0), 22: STYLES[2][0], 4: mean}
    _assert_near(photo, _expected(model, expected))


def test_seeds_draw_clusters_of_the_class(styled):
    model, ask = styled
    mean = np.concatenate(list(STYLES.values())).mean(axis=0)
    fixed = {21: STYLES[2][0], 22: STYLES[2][0], 4: mean}
    possible = [_expected(model, {**fixed, 1: one}) for one in STYLES[1]]
    drawn = set()
    for seed in range(12):
        photo = ask(LABEL_MAP, INSTANCE_MAP, seed=seed)
        np.testing.assert_array_equal(
            photo, ask(LABEL_MAP, INSTANCE_MAP, seed=seed)
        )
        differences = [
            np.abs(photo.astype(int) - one).max() for one in possible
        ]
        assert min(differences) <= 1
        drawn.add(int(np.argmin(differences)))
    assert drawn == {0, 1}


def test_without_instances_classes_have_the_styles(styled):
    model, ask = styled
    none = np.zeros_like(INSTANCE_MAP)
    photo = ask(LABEL_MAP, none, [(2, (1, 1, 1)), (1, 0), (4, 0)])
    mean = np.concatenate(list(STYLES.values())).mean(axis=0)
    features = np.zeros((*LABEL_MAP.shape, 3), "float32")
    for label, vector in ((1, STYLES[1][0]), (2, (1, 1, 1)), (4, mean)):
        features[label == LABEL_MAP] = vector
    expected = model.synthesize(LABEL_MAP, none, style_map=features)
    _assert_near(photo, expected)


@pytest.mark.parametrize(
    ("style", "message"),
    [
        (2, "does not have"),
        ((0, 1.5, 0), r"must be in \[-1, 1\]"),
        ((0, float("nan"), 0), r"must be in \[-1, 1\]"),
    ],
)
def test_styles_that_there_are_not(styled, style, message):
    _, ask = styled
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        ask(LABEL_MAP, INSTANCE_MAP, [(1, style)])


@pytest.mark.parametrize(
    ("name", "regions"),
    [("encoder", "instance_map"), ("encoder of labels", "label_map")],
)
def test_an_encoders_styles_can_be_asked_for(served, name, regions):
    """What `encode` finds, sent back, gives the photograph."""
    model, signatures, _ = served[name]
    scenes = inputs_for(model, 1, *SIZE)
    features = model.encode(scenes).numpy()[0]
    ids, first = np.unique(scenes[regions], return_index=True)
    photo = signatures["synthesize_with_style"](
        label_map=tf.constant(scenes["label_map"], tf.uint8),
        instance_map=tf.constant(scenes["instance_map"], tf.int32),
        style_instances=tf.constant(ids[None], tf.int32),
        style_vectors=tf.constant(features.reshape(-1, 3)[first][None]),
        style_clusters=tf.fill((1, len(ids)), -1),
        seed=tf.constant([0]),
    )["photo"].numpy()
    _assert_near(photo, model.synthesize(**scenes))
