"""The recipes from their command line to their files."""

import json
import re
import shutil
import signal
import subprocess
import types

import keras
import numpy as np
import pytest
import vgg_weights
from eager_steps import eager_steps
from programs import (
    NARROW,
    assert_one_clear_error,
    finish,
    run,
    run_inside,
    start,
)
from tensorboard.backend.event_processing.event_file_loader import (
    EventFileLoader,
)

from hdgan.data.image_files import write_png
from hdgan.data.street.data_set import draw_scenes
from hdgan.data.street.scenes import draw_street_scene
from hdgan.models.model_file import load_model

pytestmark = pytest.mark.journey

PRESET = "pix2pixhd_512p"
RECIPE = f"recipes.{PRESET}"
NUM_SCENES = 4


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """Scenes from the command that draws them."""
    data_dir = tmp_path_factory.mktemp("data") / "scenes"
    run(
        "tools.draw_scenes",
        f"--output_dir={data_dir}",
        f"--count={NUM_SCENES}",
        "--height=32",
        "--width=64",
    )
    return data_dir


@pytest.fixture(scope="module")
def rgb_dir(tmp_path_factory):
    """Pairs of RGB images: a photo, and the same with red and blue swapped."""
    data_dir = tmp_path_factory.mktemp("rgb")
    for kind in ("A", "B"):
        (data_dir / f"train_{kind}").mkdir()
    for number in range(3):
        photo = draw_street_scene(1, number, 32, 64).photo
        write_png(data_dir / "train_A" / f"{number}.png", photo[..., ::-1])
        write_png(data_dir / "train_B" / f"{number}.png", photo)
    return data_dir


def flags(data_dir, workdir, *more):
    return (
        f"--data_dir={data_dir}",
        f"--workdir={workdir}",
        "--load_size=64",
        *NARROW,
        # Every kind of state that a resumed run restores.
        "--ema_decay=0.9",
        "--dropout_rate=0.5",
        "--epochs=1",
        "--decay_epochs=1",
        "--checkpoint_steps=2",
        "--log_steps=2",
        *more,
    )


def resume(workdir, *more):
    return f"--workdir={workdir}", "--resume", *more


def train(*arguments):
    """Runs the recipe, which must succeed, in this process; returns stdout."""
    result = run_inside(RECIPE, *arguments)
    assert result.code == 0, result.err
    return result.out


@pytest.fixture(scope="module")
def runs(data_dir, tmp_path_factory):
    """One run of seven steps, and one stopped at 3 and at 5.

    Epochs have four steps: both stops are inside one. A process of its own
    trains between the two.
    """
    whole, stopped = (tmp_path_factory.mktemp("runs") / n for n in "ab")
    whole_out = train(*flags(data_dir, whole, "--max_steps=7"))
    first = train(*flags(data_dir, stopped, "--max_steps=3"))
    second = run(RECIPE, *resume(stopped, "--max_steps=5"))
    third = train(*resume(stopped, "--max_steps=7"))
    return types.SimpleNamespace(
        whole=whole,
        whole_out=whole_out,
        stopped=stopped,
        outs=(first, second, third),
    )


def contents(directory):
    return sorted(str(path) for path in directory.rglob("*"))


def states(workdir):
    """Returns weights and optimizers of a run's model, by name."""
    model = keras.models.load_model(workdir / "model.keras")
    parts = {
        "generator": model.generator.weights,
        "average": model.average_generator.weights,
        "discriminator": model.discriminator.weights,
        "generator_optimizer": model.generator_optimizer.variables,
        "discriminator_optimizer": model.discriminator_optimizer.variables,
    }
    return {
        # Without the name of the model or optimizer, whose number says how many
        # a process has made.
        f"{part} {number} {variable.path.partition('/')[2]}": variable.numpy()
        for part, variables in parts.items()
        for number, variable in enumerate(variables)
    }


def test_a_dry_run_says_its_plan_and_writes_nothing(data_dir, tmp_path):
    before = contents(data_dir.parent)
    result = run_inside(RECIPE, *flags(data_dir, tmp_path / "run", "--dry_run"))
    assert result.code == 0, result.err
    assert "4 scenes; 4 steps per epoch, 8 steps in all" in result.out
    assert "Dry run" in result.out
    assert contents(data_dir.parent) == before
    assert not list(tmp_path.iterdir())


def test_a_run_leaves_model_checkpoints_samples_and_options(runs):
    saved = json.loads((runs.whole / "options.json").read_text())
    assert saved["preset"] == PRESET
    assert saved["num_scenes"] == NUM_SCENES
    assert saved["options"]["base_width"] == 4
    assert saved["options"]["max_steps"] == 7
    names = [p.name for p in (runs.whole / "checkpoints").iterdir()]
    assert sorted(names) == ["step-00000006.keras", "step-00000007.keras"]
    page = (runs.whole / "samples" / "index.html").read_text()
    assert "after 7 steps" in page
    assert f"Model:       {runs.whole / 'model.keras'}" in runs.whole_out


def test_a_run_without_labels_file_takes_the_names_of_the_data_set(runs):
    model = load_model(runs.whole)
    assert "cobblestone" in model.labels.names


def test_a_run_writes_losses_and_samples_for_tensorboard(runs):
    for workdir in (runs.whole, runs.stopped):
        steps = {}
        for path in (workdir / "tensorboard").glob("events.*"):
            for event in EventFileLoader(str(path)).Load():
                for value in event.summary.value:
                    steps.setdefault(value.tag, set()).add(event.step)
        assert {"losses/feature_matching", "learning_rate"} <= set(steps)
        assert max(steps["losses/generator_loss"]) in (6, 7)
        assert (
            sum(tag.startswith("Training: street_") for tag in steps)
            == NUM_SCENES
        )


def test_a_stopped_and_resumed_run_ends_as_one_never_stopped(runs):
    whole, stopped = states(runs.whole), states(runs.stopped)
    assert list(whole) == list(stopped)
    for name, expected in whole.items():
        np.testing.assert_allclose(
            stopped[name], expected, rtol=1e-4, atol=1e-7, err_msg=name
        )
    moments = [a for name, a in whole.items() if "momentum" in name]
    assert any(np.abs(moment).max() > 0 for moment in moments)
    iterations = [int(a) for name, a in whole.items() if "iteration" in name]
    assert iterations == [7, 7]


def test_a_resumed_run_says_where_it_goes_on(runs):
    _, second, third = runs.outs
    assert "Resuming at step 3" in second
    assert "Resuming at step 5" in third
    # Epochs are numbered as in a run never stopped.
    assert "epoch 2 of 2" in third
    assert "epoch 1 of" not in third


def test_a_flag_that_contradicts_the_run_is_refused(runs):
    for flag, shown, was in (
        ("--base_width=8", "base_width=8", "4"),
        ("--seed=1", "seed=1", "0"),
        ("--noflip", "flip=False", "True"),
    ):
        result = run_inside(RECIPE, *resume(runs.stopped, flag))
        assert_one_clear_error(result, shown, f"the run's {was}", "`workdir`")
    # The same value again is no contradiction.
    result = run_inside(
        RECIPE, *resume(runs.stopped, "--base_width=4", "--dry_run")
    )
    assert result.code == 0, result.err


def test_other_data_or_another_recipe_cannot_go_on_with_a_run(runs, tmp_path):
    draw_scenes(tmp_path, "train", 3, 32, 64)
    for module, flag, words in (
        (RECIPE, "--data_dir=elsewhere", ("elsewhere", "no such folder")),
        (RECIPE, f"--data_dir={tmp_path}", ("num_scenes=4", "is 3")),
        ("recipes.pix2pix_256", "--resume", (f"preset={PRESET}",)),
    ):
        result = run_inside(module, *resume(runs.stopped, flag))
        assert_one_clear_error(result, *words)


def test_a_used_workdir_is_not_overwritten(runs, data_dir):
    before = (runs.whole / "model.keras").stat().st_mtime_ns
    result = run_inside(RECIPE, *flags(data_dir, runs.whole))
    assert_one_clear_error(result, runs.whole, "already holds", "`resume`")
    assert (runs.whole / "model.keras").stat().st_mtime_ns == before


def test_a_run_that_is_done_trains_nothing_more(runs):
    before = contents(runs.whole)
    result = run_inside(RECIPE, *resume(runs.whole, "--max_steps=7"))
    assert result.code == 0, result.err
    assert "\nstep " not in result.out
    assert contents(runs.whole) == before


def test_ctrl_c_saves_and_prints_the_command_that_continues(data_dir, tmp_path):
    process = start(RECIPE, *flags(data_dir, tmp_path / "run", "--epochs=99"))
    for line in process.stdout:
        if line.startswith("step "):
            break
    process.send_signal(signal.SIGINT)
    result = finish(process)
    assert result.code == 130
    (step,) = re.findall(r"Stopped by SIGINT at step (\d+)", result.err)
    (command,) = re.findall(r"Continue it with: (.*)", result.err)
    assert "Traceback" not in result.err
    assert (tmp_path / f"run/checkpoints/step-{int(step):08d}.keras").exists()
    result = subprocess.run(
        f"{command} --max_steps={int(step) + 1}",
        shell=True,
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"Resuming at step {step} from " in result.stdout
    # A log is plain text: no codes that move a cursor.
    assert "\x1b" not in result.stdout
    assert "\r" not in result.stdout


def test_a_run_stopped_before_its_first_checkpoint_starts_again(runs, tmp_path):
    workdir = shutil.copytree(runs.whole, tmp_path / "run")
    for path in (workdir / "checkpoints").iterdir():
        path.unlink()
    (workdir / "model.keras").unlink()
    with eager_steps():
        train(*resume(workdir, "--max_steps=2"))
    model = keras.models.load_model(workdir / "model.keras")
    assert int(model.generator_optimizer.iterations) == 2


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("--instance_feat", "--style_channels=4"), "instances"),
        (("--label_feat",), "labels"),
        # As in commands of the original PyTorch code.
        (("--load_style_maps", "--instance_feat"), "loaded"),
        (("--load_style_maps", "--label_feat"), "loaded"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_flags_choose_where_styles_come_from(
    data_dir, tmp_path, given, expected
):
    copy = shutil.copytree(data_dir, tmp_path / "data")
    # Photos serve as style maps.
    shutil.copytree(copy / "train_img", copy / "train_feat")
    workdir = tmp_path / "run"
    arguments = flags(copy, workdir, "--max_steps=1", "--encoder_width=4")
    with eager_steps():
        train(*arguments, *given)
    model = load_model(workdir)
    count = 4 if expected == "instances" else 3
    condition = len(model.labels) + 1
    assert model.generator.input_shape[-1] == condition + count
    if expected == "loaded":
        assert model.encoder is None
    else:
        assert model.encoder.regions == expected
        assert model.encoder.output_shape[-1] == count
    page = (workdir / "samples" / "index.html").read_text()
    assert ("Style map" in page) == (expected == "loaded")
    # A resumed run keeps its flags.
    with eager_steps():
        train(*resume(workdir, "--max_steps=2"))


def test_steps_of_several_batches_go_on_as_if_never_stopped(data_dir, tmp_path):
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    several = ("--gradient_accumulation_steps=2", "--flip", "--dropout_rate=0")
    # The same scenes in the same order as in batches of two.
    large = tmp_path / "large"
    with eager_steps():
        whole_out = train(*flags(data_dir, whole, *several))
        train(*flags(data_dir, stopped, *several, "--max_steps=1"))
        train(*resume(stopped, "--max_steps=3"))
        out = train(*resume(stopped))
        train(*flags(data_dir, large, "--batch_size=2", "--dropout_rate=0"))
    # Four scenes.
    assert "2 steps per epoch, 4 steps in all" in whole_out
    assert "Resuming at step 3" in out
    assert "epoch 2 of 2" in out
    for workdir, steps in ((whole, (2, 4)), (stopped, (3, 4))):
        names = [p.name for p in (workdir / "checkpoints").iterdir()]
        assert sorted(names) == [f"step-{step:08d}.keras" for step in steps]
    expected = states(whole).items()
    for workdir, tolerance in ((stopped, 1e-7), (large, 1e-5)):
        for state, (name, value) in zip(
            states(workdir).values(), expected, strict=True
        ):
            # Offsets before a norm are left out: their gradient is rounding
            # noise, which Adam scales to full steps of up to 2e-4.
            if name.endswith("kernel"):
                assert np.abs(state - value).mean() < tolerance, name
            elif name.endswith("iteration"):
                assert state == value == 4
    result = run_inside(
        RECIPE, *resume(whole, "--gradient_accumulation_steps=1")
    )
    assert_one_clear_error(
        result, "gradient_accumulation_steps=1", "the run's 2"
    )


def test_float16_goes_on_with_its_scales(data_dir, tmp_path):
    workdir = tmp_path / "run"
    train(*flags(data_dir, workdir, "--precision=float16", "--max_steps=3"))
    out = train(*resume(workdir, "--max_steps=5"))
    assert "Resuming at step 3" in out
    model = keras.models.load_model(workdir / "model.keras")
    assert model.generator.children_policy.name == "mixed_float16"
    assert model.step == 5
    # Steps that overflowed count too.
    optimizer = model.discriminator_optimizer
    assert int(optimizer.iterations) + int(optimizer.skipped_steps) == 5
    assert float(optimizer.dynamic_scale) <= 2.0**15


def test_help_lists_the_flags():
    result = finish(start(RECIPE, "--help"))
    for name in (
        "data_dir",
        "base_width",
        "style_channels",
        "instance_feat",
        "label_feat",
        "load_style_maps",
        "l1_weight",
        "epochs",
        "gradient_accumulation_steps",
        "devices",
    ):
        assert f"--{name}" in result.out or f"--[no]{name}" in result.out


def test_rgb_pairs_train_on_two_devices(rgb_dir, tmp_path):
    # In a process of its own: strategies of one process share keys.
    out = run(
        RECIPE,
        f"--data_dir={rgb_dir}",
        f"--workdir={tmp_path / 'run'}",
        *NARROW,
        "--load_size=64",
        "--label_nc=0",
        "--nouse_instances",
        "--devices=CPU:0,CPU:1",
        "--batch_size=2",
        "--max_steps=1",
    )
    assert "3 scenes; 2 steps per epoch" in out
    model = load_model(tmp_path / "run")
    assert model.labels is None
    assert model.generator.input_shape[-1] == 3
    image = np.zeros((20, 30, 3), "uint8")
    assert model.synthesize(image).shape == image.shape


def test_the_published_loss_by_torchvisions_weights(data_dir, tmp_path):
    """Raw inputs and a weight of 10, in half precision, with a pool."""
    pytest.importorskip("torch")
    vgg19 = vgg_weights.write_torchvision(tmp_path / "vgg19-dcbb9e9d.pth")
    result = run_inside(
        RECIPE,
        f"--data_dir={data_dir}",
        f"--workdir={tmp_path / 'run'}",
        *NARROW[:-1],  # With the perceptual loss.
        "--load_size=64",
        f"--vgg_weights={vgg19}",
        "--precision=bfloat16",
        "--pool_size=1",
        "--max_steps=3",
    )
    assert result.code == 0, result.err
    assert re.search(r"^step .* perceptual \d", result.out, re.MULTILINE)
    assert "OFF" not in result.err
    model = keras.models.load_model(tmp_path / "run" / "model.keras")
    assert model.generator.children_policy.name == "mixed_bfloat16"
    assert model.get_compile_config()["pool_size"] == 1
    (term,) = (t for t in model.loss_terms if t.name == "perceptual")
    assert term.weight == 10.0
    features = term.loss.features
    assert (features.weights, features.inputs) == (vgg19, "raw")


def test_pix2pix_trains_a_u_net_without_instances(data_dir, tmp_path):
    result = run_inside(
        "recipes.pix2pix_256",
        f"--data_dir={data_dir}",
        f"--workdir={tmp_path / 'run'}",
        "--num_downsamplings=4",
        "--base_width=4",
        "--discriminator_width=4",
        "--num_discriminator_layers=1",
        "--load_size=36",
        "--crop_size=32",
        "--max_steps=2",
    )
    assert result.code == 0, result.err
    steps = [s for s in result.out.splitlines() if s.startswith("step ")]
    assert all(" l1 " in step for step in steps)
    assert all("perceptual" not in step for step in steps)
    assert steps
    model = load_model(tmp_path / "run")
    assert type(model.generator).__name__ == "UNetGenerator"
    assert not model.use_instances
    assert model.generator.input_shape[-1] == len(model.labels)


DEMO = (
    *NARROW[:-1],
    "--epochs=1",
    "--decay_epochs=0",
    "--num_scenes=4",
    "--scene_height=48",
    "--scene_width=96",
    "--load_size=96",
)


def test_the_demo_shows_edits_and_serves_and_goes_on(tmp_path):
    workdir = tmp_path / "demo"
    out = run("recipes.demo", f"--workdir={workdir}", *DEMO)
    page = (workdir / "index.html").read_text()
    for text in ("Scene 4", "Edited label map", "Generated after"):
        assert text in page
    for line in out.splitlines():
        if "differs from the model's" in line:
            assert int(line.split(" of 255")[0].split()[-1]) <= 1
            break
    else:
        pytest.fail(f"The served photograph was not compared:\n{out}")
    versions = workdir / "serving" / "hdgan"
    assert [p.name for p in versions.iterdir()] == ["1"]
    assert (versions / "1" / "saved_model.pb").is_file()

    again = run_inside("recipes.demo", f"--workdir={workdir}", *DEMO)
    assert again.code == 0, again.err
    assert "Resuming at step 4" in again.out
    assert sorted(p.name for p in versions.iterdir()) == ["1", "2"]
    # The command that it proposes works as printed.
    command = out.split("label maps:")[1].strip()
    result = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert len(list((workdir / "photos").glob("*.png"))) == 4


def test_a_dry_run_of_the_demo_trains_nothing(tmp_path):
    result = run_inside(
        "recipes.demo", f"--workdir={tmp_path}", "--dry_run", *DEMO
    )
    assert result.code == 0, result.err
    assert "Dry run" in result.out
    assert [p.name for p in tmp_path.iterdir()] == ["data"]


def test_the_demo_refuses_what_it_can_not_show(tmp_path):
    result = run_inside(
        "recipes.demo", f"--workdir={tmp_path / 'demo'}", "--instance_feat"
    )
    assert_one_clear_error(result, "`instance_feat`", "pix2pixhd_512p")
    assert not (tmp_path / "demo").exists()
