"""`load_folder`: a folder of scenes as a dataset for `fit`."""

import keras
import numpy as np
import pytest
from tiny_models import make_model, sharpen

import hdgan
from hdgan.data.street.data_set import draw_scenes

COUNT = 5


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    data_dir = tmp_path_factory.mktemp("data")
    draw_scenes(data_dir, "train", count=COUNT, height=32, width=64)
    return data_dir


@pytest.fixture(scope="module")
def labels(data_dir):
    return hdgan.LabelSet.load(data_dir / "labels.json")


def _load(data_dir, labels, **options):
    resizing = hdgan.data.ResizePolicy(load_size=32)
    return hdgan.data.load_folder(
        data_dir, labels, **{"resizing": resizing, **options}
    )


def _photos(dataset):
    return [batch["photo"].numpy() for batch in dataset]


def test_a_pass_has_each_scene_once_and_the_next_another_order(
    data_dir, labels
):
    dataset = _load(data_dir, labels, flip=False)
    assert int(dataset.cardinality()) == COUNT
    first, second = _photos(dataset), _photos(dataset)
    assert [photo.shape for photo in first] == [(1, 16, 32, 3)] * COUNT
    assert not np.array_equal(first, second)
    for photos in (first, second):
        assert len({photo.tobytes() for photo in photos}) == COUNT
    assert {p.tobytes() for p in first} == {p.tobytes() for p in second}
    again = _photos(_load(data_dir, labels, flip=False))
    np.testing.assert_array_equal(again, first)


def test_scenes_that_do_not_fill_a_batch_come_next(data_dir, labels):
    dataset = _load(data_dir, labels, batch_size=2, shuffle=False, flip=False)
    assert int(dataset.cardinality()) == 2
    photos = np.concatenate(
        [photo for _ in range(5) for photo in _photos(dataset)]
    )
    # Five passes of four scenes are four rounds of five.
    np.testing.assert_array_equal(photos[:COUNT], photos[COUNT : 2 * COUNT])
    assert len({photo.tobytes() for photo in photos}) == COUNT


def test_fit_evaluate_and_predict_take_it(data_dir, labels):
    model = sharpen(make_model(labels=labels, num_downsamplings=1))
    model.compile()
    steps = []
    count = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: steps.append(batch)
    )
    dataset = _load(data_dir, labels)
    history = model.fit(
        dataset,
        epochs=2,
        shuffle=False,
        verbose=0,
        validation_data=dataset,
        callbacks=[count],
    )
    assert steps == 2 * list(range(COUNT))
    assert "val_generator_loss" in history.history
    fixed = _load(data_dir, labels, shuffle=False, flip=False)
    assert model.evaluate(fixed, verbose=0) == model.evaluate(fixed, verbose=0)
    assert model.predict(fixed, verbose=0).shape == (COUNT, 16, 32, 3)


def test_rgb_input_and_scenes_without_instances(data_dir, labels, tmp_path):
    (tmp_path / "train_A").symlink_to(data_dir / "train_img")
    (tmp_path / "train_B").symlink_to(data_dir / "train_img")
    (batch,) = _load(tmp_path, None, use_instances=False).take(1)
    np.testing.assert_array_equal(batch["label_map"], batch["photo"])
    assert "instance_map" not in batch
    (batch,) = _load(data_dir, list(labels.names)).take(1)
    assert batch.keys() == {"label_map", "instance_map", "photo"}


def test_what_does_not_fit_is_an_error(data_dir, labels):
    with pytest.raises(ValueError, match="val_label"):
        _load(data_dir, labels, split="val")
    with pytest.raises(ValueError, match=r"train_label.*label ids"):
        _load(data_dir, ["sky"])
    with pytest.raises(ValueError, match=r"5 scenes, fewer than a batch of 9"):
        _load(data_dir, labels, batch_size=9)
    with pytest.raises(ValueError, match="`batch_size`"):
        _load(data_dir, labels, batch_size=0)
    with pytest.raises(ValueError, match="no label set 'street'"):
        _load(data_dir, "street")
    resizing = hdgan.data.ResizePolicy("crop", crop_size=48)
    with pytest.raises(ValueError, match="too small to crop"):
        _load(data_dir, labels, resizing=resizing)


def test_two_replicas_train_on_it(two_replicas, data_dir, labels):
    with two_replicas.scope():
        model = make_model(labels=labels, num_downsamplings=1, num_scales=1)
        model.compile()
    dataset = _load(data_dir, labels, batch_size=2)
    history = model.fit(dataset, epochs=2, shuffle=False, verbose=0)
    assert np.isfinite(history.history["generator_loss"]).all()
    assert model.step == 4
