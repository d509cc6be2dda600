"""The signatures of an export, called as a server calls them."""

import io
import json

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from shared_exports import (
    MODELS,
    OPTIONS,
    ask,
    assert_near,
    read_image,
    to_files,
)
from tiny_models import LABELS, inputs_for, make_model, sharpen, synthesize

from hdgan import LabelSet
from hdgan.data.image_files import encode_png
from hdgan.serving import ServingOptions
from hdgan.serving.description import PATH

SIZE = 17, 33


@pytest.mark.parametrize("name", MODELS)
def test_files_give_the_photographs_of_synthesize(exports, name):
    model = exports[name].model
    files, expected = [], []
    # One request with scenes of three sizes.
    for size in (SIZE, (1, 1), (16, 32)):
        scenes = inputs_for(model, 1, *size)
        files.append(to_files(scenes))
        scenes.setdefault("instance_map", np.zeros((1, *size), "int32"))
        expected.append(synthesize(model, scenes)[0])
    images = (
        exports[name]
        .signatures["synthesize_png"](
            **{key: tf.constant([f[key] for f in files]) for key in files[0]}
        )["image_bytes"]
        .numpy()
    )
    for contents, photo in zip(images, expected, strict=True):
        assert_near(np.asarray(Image.open(io.BytesIO(contents))), photo)


def test_ids_of_16_bits_and_empty_instance_maps(exports):
    model = exports["labels"].model
    scenes = inputs_for(model, 1, *SIZE)
    label_map = scenes["label_map"][0]
    label_bytes = encode_png("", label_map.astype("uint16"))
    instances = scenes["instance_map"][0] + 25_000
    for instance_map, contents in (
        (instances, encode_png("", instances)),
        (None, b""),
        (None, encode_png("", np.zeros(SIZE, "uint8"))),
    ):
        answer = ask(
            exports["labels"].signatures["synthesize_png"],
            label_bytes=label_bytes,
            instance_bytes=contents,
        )
        photo = model.synthesize(label_map, instance_map)
        assert_near(read_image(answer), photo)


def test_a_fixed_size_gives_the_photographs_of_the_free_one(exports):
    signatures = exports["labels"].signatures
    scenes = inputs_for(exports["labels"].model, 2, 16, 32)
    fixed = signatures["synthesize_32x16"]
    assert fixed.structured_outputs["photo"].shape[1:] == (16, 32, 3)
    arrays = {name: tf.constant(array) for name, array in scenes.items()}
    free = signatures["serving_default"](**arrays)["photo"].numpy()
    assert_near(fixed(**arrays)["photo"].numpy(), free)


def test_an_export_describes_itself(exports):
    signatures = exports["labels"].signatures
    descriptions = signatures["describe"](request=tf.constant(["", ""]))
    first, second = descriptions["description"].numpy()
    assert first == second
    description = json.loads(first)
    assert description["labels"] == LABELS.get_config()
    assert description["num_labels"] == 5
    assert description["max_pixels"] == OPTIONS.max_pixels
    assert description["versions"]["tensorflow"] == tf.__version__
    assert description["preset"] == "tiny"
    assert description["signatures"]["synthesize_png"] == [
        "label_bytes",
        "instance_bytes",
    ]
    assert set(description["signatures"]) == set(signatures)
    # Without an encoder and styles, there are no signatures for them.
    assert set(signatures) == {
        "serving_default",
        "synthesize_png",
        "synthesize_32x16",
        "describe",
    }
    # The file says the same without loading the model.
    path = exports["labels"].directory / PATH
    assert json.loads(path.read_text()) == description
    rgb = exports["rgb"].signatures["describe"](request=tf.constant([""]))
    assert json.loads(rgb["description"].numpy()[0])["labels"] is None


def test_photographs_are_jpegs_of_the_requested_quality(tmp_path):
    model = sharpen(make_model(num_downsamplings=1))
    model.export(tmp_path / "1", ServingOptions("jpeg", jpeg_quality=20))
    loaded = tf.saved_model.load(tmp_path / "1")
    scenes = inputs_for(model, 1, 64, 64)
    answer = ask(loaded.signatures["synthesize_png"], **to_files(scenes))
    (contents,) = answer["image_bytes"].numpy()
    assert Image.open(io.BytesIO(contents)).format == "JPEG"
    (photo,) = synthesize(model, scenes)
    sizes = [
        len(tf.io.encode_jpeg(photo, quality=quality).numpy())
        for quality in (10, 20, 30)
    ]
    # Rounding may change a few bytes; another quality changes a fifth of them.
    assert abs(len(contents) / sizes[1] - 1) < 0.02
    assert sizes[0] < 0.9 * sizes[1] < 0.9 * 0.9 * sizes[2]


def test_more_classes_than_a_byte_can_hold(tmp_path):
    model = make_model(num_downsamplings=1, labels=LabelSet.numbered(300))
    sharpen(model).export(tmp_path / "1")
    signatures = tf.saved_model.load(tmp_path / "1").signatures
    label_map = np.int32([[0, 43, 255, 256, 299]])
    expected = model.synthesize(label_map)
    answer = ask(
        signatures["synthesize_png"],
        label_bytes=encode_png("", label_map),
        instance_bytes=b"",
    )
    assert_near(read_image(answer), expected)
    assert (expected != model.synthesize(label_map % 256)).any()
    photo = signatures["serving_default"](
        label_map=tf.constant(label_map[None]),
        instance_map=tf.zeros((1, 1, 5), tf.int32),
    )["photo"]
    assert_near(photo.numpy()[0], expected)
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"outside 0\.\.299"
    ):
        ask(
            signatures["synthesize_png"],
            label_bytes=encode_png("", label_map + 1),
            instance_bytes=b"",
        )
