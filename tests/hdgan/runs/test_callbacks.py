"""Scalars, checkpoints and sample pages of a run."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from counting_model import CountingModel, count_from
from tensorboard.backend.event_processing.event_file_loader import (
    EventFileLoader,
)
from tiny_models import make_model, make_scenes

from hdgan.runs.callbacks.sample_page import SamplePage
from hdgan.runs.callbacks.scalar_log import ScalarLog
from hdgan.runs.callbacks.training_checkpoint import (
    TrainingCheckpoint,
    list_checkpoints,
)
from hdgan.runs.training_loop import train_steps


def read_events(directory):
    """Returns `{name: [(step, tensor), ...]}` of all event files."""
    events = {}
    for path in sorted(directory.glob("events.*"), key=str):
        for event in EventFileLoader(str(path)).Load():
            for value in event.summary.value:
                tensor = tf.make_ndarray(value.tensor)
                events.setdefault(value.tag, []).append((event.step, tensor))
    return {
        tag: sorted(values, key=lambda value: value[0])
        for tag, values in events.items()
    }


def scalars(directory, name):
    return [(s, float(v)) for s, v in read_events(directory)[name]]


def test_each_scalar_is_the_mean_since_the_last_one(tmp_path):
    log = ScalarLog(tmp_path, every_steps=3)
    # The loss of step k, counted from 0, is k.
    train_steps(CountingModel(), count_from, 9, 9, callbacks=[log], verbose=0)
    assert scalars(tmp_path, "losses/loss") == [(3, 1.0), (6, 4.0), (9, 7.0)]
    assert scalars(tmp_path, "learning_rate") == [(k, 0.25) for k in (3, 6, 9)]
    speeds = scalars(tmp_path, "steps_per_second")
    assert [step for step, _ in speeds] == [3, 6, 9]
    assert all(speed > 0 for _, speed in speeds)


@pytest.mark.parametrize("steps_per_epoch", [1, 2, 4, 5])
def test_means_go_on_over_the_end_of_an_epoch(tmp_path, steps_per_epoch):
    log = ScalarLog(tmp_path, every_steps=3)
    model = CountingModel()
    train_steps(
        model, count_from, 20, steps_per_epoch, callbacks=[log], verbose=0
    )
    steps, values = zip(*scalars(tmp_path, "losses/loss"), strict=True)
    assert steps == (3, 6, 9, 12, 15, 18, 20)
    means = [1, 4, 7, 10, 13, 16, 18.5]
    assert values == pytest.approx(means, rel=1e-5)


def test_steps_go_on_when_a_run_is_resumed(tmp_path):
    for stop in (4, 8):
        step = stop - 4
        log = ScalarLog(tmp_path, every_steps=2)
        train_steps(
            CountingModel(step), count_from, stop, 8, callbacks=[log], verbose=0
        )
    assert scalars(tmp_path, "losses/loss") == [
        (2, 0.5),
        (4, 2.5),
        (6, 4.5),
        (8, 6.5),
    ]


@pytest.mark.parametrize("steps_per_epoch", [1, 4])
def test_scalars_of_steps_of_several_batches(tmp_path, steps_per_epoch):
    log = ScalarLog(tmp_path, every_steps=2)
    # The loss of batch k, counted from 0, is k; step 1 has batches 0 to 2.
    train_steps(
        CountingModel(gradient_accumulation_steps=3),
        lambda step: count_from(3 * step),
        5,
        steps_per_epoch,
        callbacks=[log],
        verbose=0,
    )
    assert scalars(tmp_path, "losses/loss") == [
        (2, pytest.approx(2.5)),
        (4, pytest.approx(8.5)),
        (5, pytest.approx(13.0)),
    ]


@pytest.mark.parametrize("start", [0, 2, 3])
def test_checkpoints_and_samples_come_once_a_step(tmp_path, start):
    """With two batches per step; a resumed run does not repeat the last one."""
    model = CountingModel(start, gradient_accumulation_steps=2)
    seen = {"checkpoint": [], "samples": []}

    class Checkpoint(TrainingCheckpoint):
        def save(self):
            seen["checkpoint"].append((model.step, len(model.seen) // 2))
            self._saved_step = model.step

    class Samples(SamplePage):
        def _write(self):
            seen["samples"].append((model.step, len(model.seen) // 2))
            self._written_step = model.step

    train_steps(
        model,
        lambda step: count_from(2 * step),
        5,
        4,
        callbacks=[
            Checkpoint(tmp_path, every_steps=2),
            Samples(tmp_path, {}, every_steps=2),
        ],
        verbose=0,
    )
    steps = [step for step in (2, 4, 5) if step > start]
    expected = [(step, step - start) for step in steps]
    assert seen == {"checkpoint": expected, "samples": expected}


class _Validation(keras.callbacks.Callback):
    """Stands for `evaluate` inside `fit`."""

    def __init__(self, log):
        super().__init__()
        self.log = log

    def on_epoch_end(self, epoch, logs=None):
        self.log.on_test_end({"loss": 10.0 + epoch})


def test_validation_is_written_apart(tmp_path):
    log = ScalarLog(tmp_path, every_steps=2)
    train_steps(
        CountingModel(),
        count_from,
        4,
        2,
        callbacks=[log, _Validation(log)],
        verbose=0,
    )
    assert scalars(tmp_path, "validation/loss") == [(2, 10.0), (4, 11.0)]
    assert scalars(tmp_path, "losses/loss") == [(2, 0.5), (4, 2.5)]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of five steps with every callback; its folder, model, scenes."""
    directory = tmp_path_factory.mktemp("run")
    model = make_model(num_downsamplings=1, num_scales=1)
    model.compile(run_eagerly=True)
    data = make_scenes(1, 16, 24)
    scene = {name: array[0] for name, array in data.items()}
    scenes = {"first <scene>": scene, "second": scene}
    saved = []

    class WatchModelFile(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            path = directory / "model.keras"
            saved.append(path.exists() and path.stat().st_ino)

    train_steps(
        model,
        lambda step: tf.data.Dataset.from_tensors(data).repeat(),
        num_steps=7,
        steps_per_epoch=4,
        callbacks=[
            SamplePage(directory, scenes, every_steps=3),
            TrainingCheckpoint(directory, every_steps=2, keep=2),
            WatchModelFile(),
        ],
        verbose=0,
    )
    return directory, model, scenes, saved


def test_the_newest_checkpoints_are_kept(run):
    directory, _, _, _ = run
    names = [path.name for path in list_checkpoints(directory)]
    assert names == ["step-00000006.keras", "step-00000007.keras"]
    # Nothing unfinished is left.
    folder = directory / "checkpoints"
    assert sorted(p.name for p in folder.iterdir()) == names
    assert not list(directory.glob(".unfinished-*"))


def test_model_keras_is_the_newest_checkpoint(run):
    directory, model, _, saved = run
    newest = list_checkpoints(directory)[-1]
    path = directory / "model.keras"
    assert path.read_bytes() == newest.read_bytes()
    loaded = keras.models.load_model(path)
    assert int(loaded.generator_optimizer.iterations) == 7
    for weight, expected in zip(loaded.weights, model.weights, strict=True):
        np.testing.assert_array_equal(weight, expected)
    # It came with the second step, and again with the fourth and the sixth.
    assert saved[0] is False
    assert all(saved[1:])
    assert saved[1] == saved[2] != saved[3]
    assert saved[4] != saved[5]


def test_lost_weights_do_not_replace_a_checkpoint(tmp_path):
    model = make_model()
    model.compile(keras.optimizers.SGD(1e-3), keras.optimizers.SGD(1e-3))
    scenes = tf.data.Dataset.from_tensors(make_scenes(1)).repeat()
    checkpoint = TrainingCheckpoint(tmp_path, every_steps=2)
    options = {"callbacks": [checkpoint], "verbose": 0}
    train_steps(model, lambda step: scenes, 2, 2, **options)
    model.generator_optimizer.learning_rate = float("nan")
    with pytest.raises(ValueError, match=r"step 4.*step-00000002"):
        train_steps(model, lambda step: scenes, 6, 6, **options)
    assert [path.stem for path in list_checkpoints(tmp_path)] == [
        "step-00000002"
    ]


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("network", ["generator", "discriminator"])
def test_weights_that_an_update_breaks_are_not_saved(tmp_path, value, network):
    """The losses of a step are those before its update."""
    model = make_model(num_downsamplings=1, num_scales=1)
    model.compile(run_eagerly=True)
    scenes = tf.data.Dataset.from_tensors(make_scenes(1, 16, 24)).repeat()

    class Break(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if self.model.step == 4:
                bias = getattr(self.model, network).weights[1]
                bias.assign([value, *bias.numpy()[1:]])

    callbacks = [Break(), TrainingCheckpoint(tmp_path, every_steps=2)]
    with pytest.raises(ValueError, match=rf"step 4, .*1 in the {network}"):
        train_steps(
            model, lambda step: scenes, 6, 6, callbacks=callbacks, verbose=0
        )
    (kept,) = list_checkpoints(tmp_path)
    assert kept.stem == "step-00000002"
    saved = (tmp_path / "model.keras").read_bytes()
    assert saved == kept.read_bytes()


def test_a_run_without_checkpoints_lists_none(tmp_path):
    assert list_checkpoints(tmp_path) == []
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / ".unfinished-step-00000004.keras").touch()
    (tmp_path / "checkpoints" / "step-2.keras").touch()
    assert list_checkpoints(tmp_path) == []


def test_the_sample_page_shows_the_last_step(run):
    directory, _, scenes, _ = run
    text = (directory / "samples" / "index.html").read_text()
    assert "Samples after 7 steps" in text
    assert "first &lt;scene&gt;" in text
    images = list((directory / "samples" / "images").iterdir())
    generated = [image for image in images if "-step-" in image.name]
    # Label map, boundary map and photo stay the same.
    assert len(images) - len(generated) == 3 * len(scenes)
    # Every third step, and where a fit ended.
    assert {image.stem[-1] for image in generated} >= {"3", "6", "7"}
    for image in images:
        assert f"images/{image.name}" in text


def test_a_long_history_is_thinned(tmp_path):
    model = make_model(num_downsamplings=1)
    page = SamplePage(tmp_path, {}, 1)
    page.set_model(model)
    picture = np.zeros((4, 6, 3), "uint8")
    for step in range(1, 100):
        history = page._add_to_history("scene-0", step, picture)
        assert max(history.sources) == step
        assert len(history.sources) <= 60
    files = list((tmp_path / "samples" / "images").iterdir())
    assert len(files) == len(history.sources)
    steps = sorted(history.sources)
    assert steps[0] < 5
    assert max(np.diff(steps)) < 10


def test_the_samples_are_in_tensorboard_too(run):
    directory, _, scenes, _ = run
    events = read_events(directory / "tensorboard")
    assert set(events) == set(scenes)
    for values in events.values():
        # Every third step, and where a fit ended.
        assert {3, 6, 7} <= {step for step, _ in values}
        # Width and height, then the picture: four beside each other.
        assert values[0][1][:2].tolist() == [b"96", b"16"]
