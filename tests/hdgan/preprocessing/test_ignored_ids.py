"""Ids of pixels without a class, such as 255 and -1."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tiny_models import LABELS, make_model, make_scenes, sharpen

import hdgan
from hdgan.data.image_files import encode_png
from hdgan.data.street.data_set import draw_scenes

IDS = (-1, 255)
LAST = len(LABELS)


@pytest.fixture(scope="module")
def model():
    return sharpen(make_model(labels=LABELS.ignoring(IDS), num_downsamplings=1))


@pytest.fixture(scope="module")
def maps():
    """A label map with ignored ids, and one with their class instead."""
    ids = make_scenes(1, 24, 32)["label_map"][0].astype("int32")
    ids[2:9, 3:11] = 255
    ids[12:15, 3:11] = -1
    return ids, np.where((ids == 255) | (ids == -1), LAST, ids)


def test_one_more_class_stands_for_them():
    labels = hdgan.LabelSet(["sky", "road"]).ignoring([255, -1, 255])
    assert labels.names == ("sky", "road", "ignored")
    assert labels.ignore_ids == IDS
    colors = labels.colorize(np.array([[0, 255, 2, -1]]))[0]
    np.testing.assert_array_equal(colors[1:], np.zeros((3, 3)))
    assert colors[0].any() or labels.colors[0] == (0, 0, 0)
    again = hdgan.LabelSet.from_config(labels.get_config())
    assert again == labels
    assert again != hdgan.LabelSet(labels.names, labels.colors)


def test_a_file_may_name_them(tmp_path):
    labels = hdgan.LabelSet(["sky", "road"], ignore_ids=[255])
    labels.save(tmp_path / "labels.json")
    assert hdgan.LabelSet.load(tmp_path / "labels.json") == labels


@pytest.mark.parametrize(
    ("ids", "words"),
    [([1], "id of the class 'road'"), (["x"], "must be integers")],
)
def test_ids_that_can_not_be_ignored(ids, words):
    with pytest.raises(ValueError, match=words):
        hdgan.LabelSet(["sky", "road"], ignore_ids=ids)


def test_synthesis_takes_them(model, maps):
    ignored, replaced = maps
    np.testing.assert_array_equal(
        model.synthesize(ignored), model.synthesize(replaced)
    )
    with pytest.raises(ValueError, match="label ids"):
        model.synthesize(np.full((8, 8), 254))


def test_training_takes_them(model, maps):
    photo = np.zeros((1, 24, 32, 3), "uint8")
    model.compile()
    losses = [
        model.evaluate(ids[None], photo, verbose=0, return_dict=True)
        for ids in maps
    ]
    assert losses[0] == losses[1]


def test_an_export_takes_them(model, maps, tmp_path):
    model.export(tmp_path / "export")
    signatures = tf.saved_model.load(tmp_path / "export").signatures
    ids = np.maximum(maps[0], 0).astype("uint8")  # A PNG holds no -1.
    expected = model.synthesize(ids).astype(int)
    arrays = signatures["serving_default"](
        label_map=tf.constant(ids[None]),
        instance_map=tf.zeros((1, 24, 32), tf.int32),
    )
    files = signatures["synthesize_png"](
        label_bytes=tf.constant([encode_png("map", ids)]),
        instance_bytes=tf.constant([b""]),
    )
    photo = tf.io.decode_png(files["image_bytes"][0]).numpy()
    for made in (next(iter(arrays.values()))[0].numpy(), photo):
        assert np.abs(made.astype(int) - expected).max() <= 1


def test_a_run_takes_them(tmp_path):
    data_dir = tmp_path / "data"
    draw_scenes(data_dir, "train", count=2, height=16, width=32)
    for path in (data_dir / "train_label").iterdir():
        ids = np.asarray(Image.open(path)).copy()
        ids[:3] = 255
        Image.fromarray(ids).save(path)
    options = hdgan.runs.TrainingOptions(
        preset="tiny",
        networks={"base_width": 2, "num_blocks": 1, "num_scales": 1},
        data_dir=str(data_dir),
        workdir=str(tmp_path / "run"),
        load_size=32,
        losses={"perceptual": 0.0},
        max_steps=1,
        num_sample_scenes=1,
    )
    with pytest.raises(ValueError, match="--ignore_ids=255"):
        hdgan.runs.train(options)
    options = dataclasses.replace(options, ignore_ids=(255,))
    model = hdgan.runs.train(options)
    assert model.labels.names[-1] == "ignored"
    loaded = hdgan.load_model(options.workdir)
    assert loaded.labels == model.labels
