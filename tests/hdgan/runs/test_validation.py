"""Validation during a run: the best model, an early end, resuming."""

import dataclasses
import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from color_segmenter import make_color_segmenter
from counting_model import CountingModel, count_from

import hdgan
from hdgan.data.scene_files import find_scenes
from hdgan.data.scene_split import split_by_name
from hdgan.data.street.data_set import draw_scenes
from hdgan.runs import TrainingOptions
from hdgan.runs.callbacks.validation import Validation
from hdgan.runs.training_loop import train_steps

NUM_SCENES = 6


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    draw_scenes(folder, "train", NUM_SCENES, 32, 64)
    draw_scenes(folder, "val", 2, 32, 64, start=50)
    return folder


@pytest.fixture(scope="module")
def segmenter(data_dir, tmp_path_factory):
    labels = hdgan.LabelSet.load(data_dir / "labels.json")
    path = tmp_path_factory.mktemp("segmenter") / "colors.keras"
    make_color_segmenter(labels).save(path)
    return str(path)


def _options(data_dir, workdir, **changes):
    values = {
        "preset": "tiny",
        "networks": {
            "base_width": 2,
            "num_downsamplings": 2,
            "num_blocks": 1,
            "num_scales": 1,
            "num_discriminator_layers": 1,
            "discriminator_width": 4,
        },
        "data_dir": str(data_dir),
        "workdir": str(workdir),
        "load_size": 64,
        "losses": {"perceptual": 0.0},
        "epochs": 3,
        "decay_epochs": 0,
        "num_sample_scenes": 1,
        "val_split": "0.34",
        "val_epochs": 1,
        **changes,
    }
    return TrainingOptions(**values)


def _read(folder):
    return json.loads((folder / "validation.json").read_text())


@pytest.fixture(scope="module")
def whole_run(data_dir, segmenter, tmp_path_factory):
    """The folder of a run that was not interrupted, and its options."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    options = _options(data_dir, folder, segmenter=segmenter)
    hdgan.runs.train(options)
    return folder, options


def test_scenes_are_held_back_and_measured(whole_run, data_dir):
    folder, _ = whole_run
    rest, held_back = split_by_name(find_scenes(data_dir), 0.34)
    record = json.loads((folder / "options.json").read_text())
    assert record["num_scenes"] == len(rest) == NUM_SCENES - len(held_back)
    entries = _read(folder)
    assert [e["step"] for e in entries] == [len(rest) * k for k in (1, 2, 3)]
    for entry in entries:
        assert 0 <= entry["mean_iou"] <= 1
        assert np.isfinite(entry["kernel_distance"])


def test_best_model_is_that_of_the_best_step(whole_run):
    folder, _ = whole_run
    best = max(_read(folder), key=lambda entry: entry["mean_iou"])
    model = hdgan.load_model(folder / "best.keras")
    saved = keras.models.load_model(folder / "best.keras")
    assert saved.step == best["step"]
    assert model.synthesize(np.zeros((8, 8), int)).shape == (8, 8, 3)


def test_interrupted_run_ends_with_the_same_values(whole_run, tmp_path):
    """It stops inside an epoch, after the first validation."""
    folder, options = whole_run
    steps = _read(folder)[0]["step"]
    options = dataclasses.replace(
        options, workdir=str(tmp_path / "run"), max_steps=steps + 1
    )
    hdgan.runs.train(options)
    first = _read(tmp_path / "run")
    # The end of a run is measured, too.
    assert [entry["step"] for entry in first] == [steps, steps + 1]
    options = dataclasses.replace(options, max_steps=None, resume=True)
    hdgan.runs.train(options)
    entries = _read(tmp_path / "run")
    assert [e for e in entries if e["step"] != steps + 1] == _read(folder)
    models = [
        keras.models.load_model(path / "model.keras")
        for path in (folder, tmp_path / "run")
    ]
    for one, other in zip(*(m.weights for m in models), strict=True):
        np.testing.assert_array_equal(one, other)


def test_another_split_without_a_segmenter(data_dir, tmp_path):
    options = _options(
        data_dir,
        tmp_path / "run",
        val_split="val",
        segmenter="none",
        epochs=1,
        max_steps=2,
    )
    hdgan.runs.train(options)
    (entry,) = _read(tmp_path / "run")
    assert entry.keys() == {"step", "kernel_distance"}
    record = json.loads((tmp_path / "run" / "options.json").read_text())
    assert record["num_scenes"] == NUM_SCENES


class _Values:
    """A validator that finds given values."""

    def __init__(self, values):
        self.values = iter(values)

    def __call__(self, model):
        return {"mean_iou": next(self.values)}


class _SavedModel(CountingModel):
    def save(self, path):
        path.write_text(str(self.step))


def _train(folder, values, last_step=20, **options):
    model = _SavedModel()
    callback = Validation(
        folder, _Values(values), 2, last_step, "mean_iou", **options
    )
    train_steps(
        model, count_from, last_step, 4, callbacks=[callback], verbose=0
    )
    return model, callback


def test_training_ends_without_a_better_model(tmp_path):
    values = [0.1, 0.3, 0.2, 0.3, 0.25, 0.4]
    model, callback = _train(tmp_path, values, stop_after=3)
    assert model.step == 10
    assert callback.best == {"step": 4, "mean_iou": 0.3}
    assert (tmp_path / "best.keras").read_text() == "4"
    assert callback.is_over(10)
    assert not callback.is_over(8)


def test_failed_validation_is_a_warning(tmp_path, caplog):
    model, _ = _train(tmp_path, [0.1], last_step=6)
    assert model.step == 6
    assert "Validating failed; training goes on" in caplog.text
    assert len(_read(tmp_path)) == 1


def test_values_that_are_not_finite_are_never_best(tmp_path):
    _, callback = _train(tmp_path, [np.nan, 0.2, np.nan], last_step=6)
    assert callback.best["step"] == 4


def test_damaged_history_is_a_warning(tmp_path, caplog):
    (tmp_path / "validation.json").write_text("{")
    _train(tmp_path, [0.1], last_step=2)
    assert "Reading" in caplog.text
    assert _read(tmp_path)[0]["step"] == 2


def test_split_by_name_is_stable(data_dir):
    scenes = find_scenes(data_dir)
    rest, held_back = split_by_name(scenes, 0.34)
    assert sorted(rest.names + held_back.names) == list(scenes.names)
    without_last = split_by_name(scenes.take(NUM_SCENES - 1), 0.34)[1]
    assert set(without_last.names) <= set(held_back.names)
    # At least one on each side.
    for share in (1e-9, 1 - 1e-9):
        assert all(map(len, split_by_name(scenes, share)))
    with pytest.raises(ValueError, match=r"in \(0, 1\)"):
        split_by_name(scenes, 1.0)
    with pytest.raises(ValueError, match="1 scene can't be divided"):
        split_by_name(scenes.take(1), 0.5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"val_split": "train"}, "the scenes of the training"),
        ({"val_split": "1.5"}, r"a share in \(0, 1\)"),
        ({"val_split": None, "stop_after": 2}, "`stop_after` belongs to"),
        ({"segmenter": "none", "best_by": "mean_iou"}, "`best_by` is mean_iou"),
        ({"segmenter": "no.keras"}, "no segmenter 'no.keras'"),
        ({"val_split": "valid"}, "valid_label"),
    ],
)
def test_bad_options_are_refused(changes, message, data_dir, tmp_path):
    options = _options(data_dir, tmp_path / "run", **changes)
    with pytest.raises(ValueError, match=message):
        hdgan.runs.train(options)
    assert not (tmp_path / "run").exists()


def test_scalars_are_written(whole_run):
    folder, _ = whole_run
    events = list((folder / "tensorboard").glob("events.*"))
    tags = {
        value.tag
        for path in events
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
    }
    assert "validation/mean_iou" in tags
