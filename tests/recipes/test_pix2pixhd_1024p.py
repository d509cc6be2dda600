"""The recipe of three phases, from its command line to its files."""

import pathlib
import types

import keras
import numpy as np
import pytest
from eager_steps import eager_steps
from programs import assert_one_clear_error, run, run_inside

from hdgan.data.street.data_set import draw_scenes
from hdgan.models.model_file import load_model
from hdgan.models.pix2pixhd.pytorch_checkpoint import named_layers

pytestmark = pytest.mark.journey

RECIPE = "recipes.pix2pixhd_1024p"
GOLDEN = pathlib.Path(__file__).parent.parent / "golden"
# Each epoch has four steps: 8 of the first phase, 4 of the second, 8 of the
# third.
EPOCHS = (
    "--global_epochs=1",
    "--global_decay_epochs=1",
    "--fix_global_epochs=1",
    "--epochs=2",
    "--decay_epochs=1",
)
NETWORKS = (
    "--base_width=2",
    "--num_downsamplings=1",
    "--num_blocks=1",
    "--num_scales=2",
    "--num_discriminator_layers=1",
    "--discriminator_width=4",
)
COMMON = (
    "--num_local_blocks=1",
    "--perceptual_weight=0",
    "--load_size=64",
    "--checkpoint_steps=3",
    "--sample_steps=1000",
)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    data_dir = tmp_path_factory.mktemp("data") / "scenes"
    draw_scenes(data_dir, "train", count=4, height=64, width=128)
    return data_dir


def _train(data_dir, workdir, *more):
    result = run_inside(
        RECIPE,
        f"--data_dir={data_dir}",
        f"--workdir={workdir}",
        *COMMON,
        *EPOCHS,
        *more,
    )
    assert result.code == 0, result.err
    return result.out


def _resume(workdir, *more):
    result = run_inside(RECIPE, f"--workdir={workdir}", "--resume", *more)
    assert result.code == 0, result.err
    return result.out


@pytest.fixture(scope="module")
def whole(data_dir, tmp_path_factory):
    """A run through all phases in eager steps; two devices take graphs."""
    workdir = tmp_path_factory.mktemp("whole")
    with eager_steps():
        out = _train(data_dir, workdir, *NETWORKS)
    return types.SimpleNamespace(workdir=workdir, out=out)


def _kernels(model):
    """Returns a model's kernels by their names in PyTorch checkpoints."""
    return {
        f"{letter}/{name}": layer.kernel.numpy()
        for letter, network in (
            ("G", model.generator),
            ("D", model.discriminator),
        )
        for name, layer in named_layers(network)
    }


def _phase(workdir, name):
    return keras.models.load_model(workdir / name / "model.keras")


def test_the_memory_of_each_phase_is_known_before_the_first(whole):
    plan = whole.out.split("\nstep ")[0]
    assert plan.count("Memory of a step of 1 x 32x16") == 1
    assert plan.count("Memory of a step of 1 x 64x32") == 2


def test_progress_names_the_phases_and_what_they_train(whole):
    for words in (
        "Phase 1 of 3: 1_global, which trains all of the generator at 1/2",
        "Phase 2 of 3: 2_enhancer, which trains the outermost enhancer for",
        "Phase 3 of 3: 3_joint, which trains all of the generator for 1 + 1",
        "4 scenes; 4 steps per epoch, 20 steps in all",
    ):
        assert words in whole.out


def test_each_phase_trains_its_part(whole):
    coarse, alone, joint = (
        _kernels(_phase(whole.workdir, name))
        for name in ("1_global", "2_enhancer", "3_joint")
    )
    assert alone.keys() == joint.keys()
    inner = {name for name in alone if name.startswith("G/model.")}
    outermost = {name for name in alone if name.startswith("G/model1_")}
    discriminators = {name for name in alone if name.startswith("D/")}
    assert inner | outermost | discriminators == set(alone)
    # The enhancer's phase leaves the global generator unchanged.
    for name in inner:
        np.testing.assert_array_equal(alone[name], coarse[name], name)
    # The joint phase trains everything.
    for name in joint:
        assert not np.array_equal(joint[name], alone[name]), name
    # Only the coarse output layer has no place in the enhancer.
    assert {n for n in coarse if n[0] == "G"} - inner == {"G/model.12"}


def test_phases_have_their_resolution_scales_and_optimizers(whole):
    coarse, alone, joint = (
        _phase(whole.workdir, name)
        for name in ("1_global", "2_enhancer", "3_joint")
    )
    assert coarse.generator.base_width == 4
    assert [m.discriminator.num_scales for m in (coarse, alone, joint)] == [
        1,
        2,
        2,
    ]
    iterations = [
        (
            int(model.generator_optimizer.iterations),
            int(model.discriminator_optimizer.iterations),
        )
        for model in (coarse, alone, joint)
    ]
    # In the joint phase G's optimizer is new and D's continues.
    assert iterations == [(8, 8), (4, 4), (8, 12)]
    # Their learning rates reach 0 after 1 + 1 and 2 + 1 epochs.
    for optimizer in (
        joint.generator_optimizer,
        joint.discriminator_optimizer,
    ):
        schedule = keras.saving.deserialize_keras_object(
            optimizer.get_config()["learning_rate"]
        )
        rate = keras.ops.convert_to_numpy(schedule(optimizer.iterations - 1))
        assert rate == pytest.approx(2e-4)
        rate = keras.ops.convert_to_numpy(schedule(optimizer.iterations))
        assert rate == pytest.approx(0.0, abs=1e-9)


def test_the_run_ends_with_a_model_of_the_full_size(whole):
    model = load_model(whole.workdir)
    label_map = np.zeros((37, 61), "uint8")
    photo = model.synthesize(label_map)
    assert photo.shape == (37, 61, 3)
    expected = load_model(whole.workdir / "3_joint")
    np.testing.assert_array_equal(photo, expected.synthesize(label_map))
    for name in ("1_global", "2_enhancer", "3_joint"):
        page = whole.workdir / name / "samples" / "index.html"
        assert page.is_file()


def test_a_run_stopped_in_every_phase_ends_as_one_never_stopped(
    data_dir, tmp_path, whole
):
    with eager_steps():
        # Inside the first phase, at its end, inside the second and the third.
        out = _train(data_dir, tmp_path, *NETWORKS, "--max_steps=5")
        # Only in the plan.
        assert out.count("Phase 2 of 3: 2_enhancer") == 1
        assert not (tmp_path / "2_enhancer").exists()
        for stop in (8, 11, 15):
            out = _resume(tmp_path, f"--max_steps={stop}")
            assert "Resuming at step" in out
        out = _resume(tmp_path)
    assert "Resuming at step 3 from" in out
    assert "3_joint" in out
    for name in ("1_global", "2_enhancer", "3_joint"):
        expected = _phase(whole.workdir, name)
        model = _phase(tmp_path, name)
        for one, other in zip(
            [*model.weights, *model.generator_optimizer.variables],
            [*expected.weights, *expected.generator_optimizer.variables],
            strict=True,
        ):
            np.testing.assert_allclose(
                one, other, rtol=1e-4, atol=1e-7, err_msg=one.path
            )


def test_a_published_checkpoint_gains_an_enhancer(data_dir, tmp_path):
    """Six channels: the golden generator's are five classes and boundary."""
    converted = tmp_path / "converted.keras"
    result = run_inside(
        "tools.convert_checkpoint",
        f"--generator={GOLDEN / 'global.pth'}",
        # Narrower than the preset's, which would take its place.
        f"--discriminator={GOLDEN / 'discriminator.pth'}",
        "--label_nc=5",
        f"--output={converted}",
    )
    assert result.code == 0, result.err
    five = tmp_path / "five"
    draw_scenes(five, "train", count=2, height=64, width=64)
    (five / "labels.json").unlink()
    for path in (five / "train_label").iterdir():
        _keep_five_classes(path)
    workdir = tmp_path / "run"
    with eager_steps():
        out = _train(
            five,
            workdir,
            f"--global_model={converted}",
            "--ema_decay=0.9",
            "--max_steps=2",
        )
        assert "Phase 1 of 2: 2_enhancer" in out
        # A started run no longer needs the file.
        converted.rename(tmp_path / "elsewhere.keras")
        _resume(workdir, "--max_steps=3")
    original = load_model(tmp_path / "elsewhere.keras")
    assert original.ema_decay is None
    newest = load_model(workdir)
    assert newest.ema_decay == 0.9
    assert newest.labels.names == original.labels.names
    # Two steps of the enhancer alone, one of both.
    alone, joint = (
        _kernels(_phase(workdir, name)) for name in ("2_enhancer", "3_joint")
    )
    original = dict(named_layers(original.generator))
    for name, kernel in alone.items():
        if name.startswith("G/model."):
            start = original[name.removeprefix("G/")].kernel.numpy()
            np.testing.assert_array_equal(kernel, start, name)
            assert not np.array_equal(joint[name], start), name


def test_two_devices_train_all_phases(data_dir, tmp_path):
    """In a process of its own: strategies of one process share keys."""
    workdir = tmp_path / "run"
    run(
        RECIPE,
        f"--data_dir={data_dir}",
        f"--workdir={workdir}",
        *COMMON,
        *NETWORKS,
        "--global_epochs=1",
        "--global_decay_epochs=0",
        "--fix_global_epochs=1",
        "--epochs=1",
        "--decay_epochs=1",
        "--devices=CPU:0,CPU:1",
        "--batch_size=2",
        "--log_steps=1",
    )
    iterations = [
        int(_phase(workdir, name).generator_optimizer.iterations)
        for name in ("1_global", "2_enhancer", "3_joint")
    ]
    assert iterations == [2, 2, 2]


def _keep_five_classes(path):
    from hdgan.data.image_files import read_id_map, write_png

    write_png(path, (read_id_map(path) % 5).astype("uint8"))


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--fix_global_epochs=3"], ["fix_global_epochs=3", "epochs=2"]),
        (["--num_scales=1"], ["`num_scales`", "at least 2"]),
        (
            ["--global_epochs=0", "--global_decay_epochs=0"],
            ["`global_epochs`", "`global_model`"],
        ),
        (["--global_model=nowhere.keras"], ["nowhere.keras"]),
        (["--global_model={whole}/3_joint"], ["LocalEnhancer", "Expected"]),
        (
            ["--global_model={whole}/1_global", "--base_width=2"],
            ["`base_width`", "Leave it out"],
        ),
        (
            ["--global_model={whole}/1_global", "--label_nc=7"],
            ["label_nc=7", "classes"],
        ),
        (
            ["--global_model={whole}/1_global", "--nouse_instances"],
            ["with instance maps"],
        ),
        (
            ["--global_model={whole}/1_global", "--instance_feat"],
            ["without an encoder"],
        ),
        (
            ["--resize_mode=crop", "--crop_size=96"],
            ["64x32 before the crop", "48x48"],
        ),
    ],
    ids=lambda value: " ".join(value),
)
def test_bad_options_are_refused_before_training(
    data_dir, tmp_path, whole, flags, words
):
    workdir = tmp_path / "run"
    result = run_inside(
        RECIPE,
        f"--data_dir={data_dir}",
        f"--workdir={workdir}",
        *COMMON,
        *EPOCHS,
        *(flag.format(whole=whole.workdir) for flag in flags),
    )
    assert_one_clear_error(result, *words)
    assert not workdir.exists()
