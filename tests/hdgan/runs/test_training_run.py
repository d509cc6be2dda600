"""Training runs that Python code starts, without flags."""

import dataclasses
import json
import re

import keras
import numpy as np
import pytest
import tensorflow as tf
from eager_steps import eager_steps

import hdgan
from hdgan.data.street.data_set import draw_scenes
from hdgan.models.model_file import load_model
from hdgan.recipes.pix2pixhd_1024p import OPTIONS as COARSE_TO_FINE
from hdgan.recipes.pix2pixhd_1024p import make_phases
from hdgan.recipes.spade_512x256 import OPTIONS as SPADE
from hdgan.runs import Phase, TrainingOptions
from hdgan.training.loss_terms import LossTerm

NETWORKS = {
    "base_width": 2,
    "num_downsamplings": 1,
    "num_blocks": 1,
    "num_scales": 2,
    "num_discriminator_layers": 1,
    "discriminator_width": 4,
}


@pytest.fixture(scope="module", autouse=True)
def without_graphs():
    """Steps are eager here; in `tests/recipes/` they are graphs."""
    with eager_steps():
        yield


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    data_dir = tmp_path_factory.mktemp("data")
    draw_scenes(data_dir, "train", count=3, height=32, width=64)
    return str(data_dir)


def one_phase(data_dir, workdir, **changes):
    """Options of a run that takes moments."""
    values = {
        "preset": "tiny",
        "networks": {**NETWORKS, "num_scales": 1},
        "data_dir": data_dir,
        "workdir": str(workdir),
        "load_size": 32,
        "losses": {"perceptual": 0.0},
        "epochs": 1,
        "decay_epochs": 1,
        "num_sample_scenes": 1,
        **changes,
    }
    return TrainingOptions(**values)


def phase_model(workdir, name):
    return keras.models.load_model(workdir / name / "model.keras")


def test_a_coarse_to_fine_run_is_started_and_resumed(data_dir, tmp_path):
    options = dataclasses.replace(
        COARSE_TO_FINE,
        networks={
            **COARSE_TO_FINE.networks,
            **NETWORKS,
            "num_local_blocks": 1,
        },
        data_dir=data_dir,
        workdir=str(tmp_path / "run"),
        load_size=64,
        losses={"perceptual": 0.0},
        global_epochs=1,
        global_decay_epochs=0,
        fix_global_epochs=1,
        epochs=1,
        decay_epochs=1,
        max_steps=5,
    )
    model = hdgan.runs.train(options, make_phases(options))
    # Three steps of the first phase, two of the second.
    assert type(model.generator).__name__ == "LocalEnhancer"
    assert model.step == 2
    coarse = phase_model(tmp_path / "run", "1_global")
    assert type(coarse.generator).__name__ == "GlobalGenerator"
    assert coarse.generator.base_width == 4
    assert coarse.discriminator.num_scales == 1
    assert not (tmp_path / "run" / "3_joint").exists()

    options = dataclasses.replace(options, max_steps=None, resume=True)
    resumed = hdgan.runs.train(options, make_phases(options))
    assert phase_model(tmp_path / "run", "2_enhancer").step == 3
    assert phase_model(tmp_path / "run", "3_joint").step == 3
    label_map = np.zeros((20, 24), "uint8")
    np.testing.assert_array_equal(
        load_model(tmp_path / "run").synthesize(label_map),
        resumed.synthesize(label_map),
    )


def test_rates_of_both_networks_and_callbacks(data_dir, tmp_path):
    steps = []

    class Steps(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            steps.append(self.model.step)

    options = one_phase(
        data_dir,
        tmp_path / "run",
        decay_epochs=0,
        learning_rate=1e-3,
        generator_learning_rate=1e-4,
        beta_1=0.0,
        beta_2=0.9,
    )
    model = hdgan.runs.train(options, callbacks=[Steps()])
    assert steps == [1, 2, 3]
    generator, discriminator = (
        model.generator_optimizer,
        model.discriminator_optimizer,
    )
    assert float(generator.learning_rate) == pytest.approx(1e-4)
    assert float(discriminator.learning_rate) == pytest.approx(1e-3)
    for optimizer in (generator, discriminator):
        assert (optimizer.beta_1, optimizer.beta_2) == (0.0, 0.9)


def test_without_options_the_preset_decides(data_dir, tmp_path):
    options = one_phase(data_dir, tmp_path / "run", decay_epochs=0, max_steps=1)
    model = hdgan.runs.train(options)
    assert float(model.generator_optimizer.learning_rate) == pytest.approx(2e-4)
    assert model.generator_optimizer.beta_1 == 0.5
    record = json.loads((tmp_path / "run" / "options.json").read_text())
    assert record["preset"] == "tiny"
    assert record["options"]["learning_rate"] is None


def test_a_trained_model_starts_the_first_phase(data_dir, tmp_path):
    coarse_dir, workdir = tmp_path / "coarse", tmp_path / "run"
    coarse = hdgan.runs.train(one_phase(data_dir, coarse_dir, max_steps=1))
    options = one_phase(
        data_dir,
        workdir,
        preset="pix2pixhd_1024p",
        networks={},
        load_size=64,
        max_steps=1,
    )
    phase = Phase(
        preset="pix2pixhd_1024p",
        init_from="enlarged",
        epochs=1,
        decay_epochs=0,
        weights_to_train="outermost_enhancer",
    )
    model = hdgan.runs.train(
        options, [phase], load_initial_model=lambda: load_model(coarse_dir)
    )
    assert model.generator.num_enhancers == 1
    assert model.discriminator.num_scales == 2
    assert model.labels.names == coarse.labels.names

    # The checkpoint is enough; the first model is not read again.
    def load_nothing():
        raise AssertionError("The initial model was loaded.")

    options = dataclasses.replace(options, max_steps=2, resume=True)
    model = hdgan.runs.train(options, [phase], load_nothing)
    assert model.step == 2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"init_from": "continued"}, "no model before it"),
        ({"preset": "huge"}, "no preset 'huge'"),
        ({"networks": {"num_parts": 2}}, "has no num_parts"),
        ({"weights_to_train": "eyes"}, r"must be one of .*'all'.*'eyes'"),
    ],
    ids=str,
)
def test_a_wrong_phase_is_found_before_the_first(
    data_dir, tmp_path, changes, words
):
    options = one_phase(data_dir, tmp_path / "run", max_steps=1)
    values = {"preset": "tiny", "epochs": 1, "decay_epochs": 0, **changes}
    phases = [Phase(**values)]
    if "init_from" not in changes:
        first = Phase(preset="tiny", name="first", epochs=1, decay_epochs=0)
        phases = [first, *phases]
    with pytest.raises(ValueError, match=words):
        hdgan.runs.train(options, phases)
    assert not (tmp_path / "run").exists()


def tiny_spade(data_dir, workdir, **changes):
    """Options of the recipe of SPADE with tiny networks."""
    networks = {
        **SPADE.networks,
        "base_width": 2,
        "hidden_channels": 4,
        "discriminator_width": 4,
        "encoder_width": 2,
        "style_channels": 4,
        **changes.pop("networks", {}),
    }
    return dataclasses.replace(
        SPADE,
        networks=networks,
        data_dir=data_dir,
        workdir=str(workdir),
        load_size=64,
        losses={**SPADE.losses, "perceptual": 0.0},
        batch_size=1,
        num_sample_scenes=1,
        max_steps=1,
        **changes,
    )


def test_the_recipe_of_spade_trains_with_an_encoder(data_dir, tmp_path, capsys):
    options = tiny_spade(data_dir, tmp_path / "run", use_vae=True)
    words = r"64x32 pixels.*64x32 after resizing.*`image_size` is 512x256"
    with pytest.raises(ValueError, match=words):
        hdgan.runs.train(options)
    assert not (tmp_path / "run").exists()
    options = tiny_spade(
        data_dir,
        tmp_path / "run",
        use_vae=True,
        networks={"num_upsamplings": 5, "image_size": (64, 128)},
    )
    model = hdgan.runs.train(dataclasses.replace(options, load_size=128))
    assert isinstance(model, hdgan.Spade)
    assert model.update_order == "alternating"
    assert model.generator_optimizer.beta_1 == 0.0
    weights = {term.name: term.weight for term in model.loss_terms}
    assert weights["kl_divergence"] == 0.05
    assert weights["feature_matching"] == 10.0
    assert (
        f"encoder {model.encoder.count_params():,}." in capsys.readouterr().out
    )


def test_the_recipe_of_spade_has_no_encoder_unless_asked(
    data_dir, tmp_path, capsys
):
    options = tiny_spade(data_dir, tmp_path / "run")
    hdgan.runs.train(dataclasses.replace(options, dry_run=True))
    plan = capsys.readouterr().out
    (losses,) = re.findall("^Losses: .*", plan, re.MULTILINE)
    assert "feature_matching 10.0" in losses
    assert "kl_divergence" not in losses
    assert ", encoder " not in plan


def test_spade_has_no_style_maps():
    for name in ("instance_feat", "label_feat", "load_style_maps"):
        options = dataclasses.replace(
            SPADE, data_dir="data", workdir="run", **{name: True}
        )
        with pytest.raises(ValueError, match=f"`{name}`.*`use_vae`"):
            options.validate()


def test_rgb_input_has_no_labels_file(data_dir, tmp_path):
    options = one_phase(
        data_dir, tmp_path / "run", label_nc=0, labels_file="labels.json"
    )
    with pytest.raises(ValueError, match=r"`label_nc` is 0.*labels\.json"):
        hdgan.runs.train(options)


def test_a_label_set_is_chosen_by_name(data_dir, tmp_path):
    options = one_phase(
        # The drawn label maps hold fewer ids, and labels.json is not read.
        data_dir,
        tmp_path / "run",
        labels="cityscapes19",
        max_steps=1,
    )
    model = hdgan.runs.train(options)
    assert model.labels == hdgan.LabelSet.named("cityscapes19")
    record = json.loads((tmp_path / "run" / "options.json").read_text())
    assert record["classes"] == list(model.labels.names)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"label_nc": 0}, "`label_nc` is 0.*`labels` is cityscapes35"),
        ({"label_nc": 34}, "label_nc=34, but labels=cityscapes35 names 35"),
        ({"labels_file": "a.json"}, "`labels_file` is a.json. Leave one"),
        ({"labels": "cityscapes"}, "one of cityscapes35, cityscapes19"),
    ],
)
def test_a_label_set_that_does_not_fit_is_refused(
    data_dir, tmp_path, changes, message
):
    changes = {"labels": "cityscapes35", **changes}
    options = one_phase(data_dir, tmp_path / "run", **changes)
    with pytest.raises(ValueError, match=message):
        hdgan.runs.train(options)


def test_the_options_add_a_term_of_ones_own(data_dir, tmp_path):
    @keras.saving.register_keras_serializable(package="tests")
    class Brightness(LossTerm):
        name = "brightness"
        side = "generator"

        def call(self, step):
            difference = step.fake - step.scene.photo
            return abs(tf.reduce_mean(difference, (1, 2, 3)))

    losses = {"perceptual": 0.0, "brightness": 5.0}
    options = one_phase(data_dir, tmp_path / "run", max_steps=1, losses=losses)
    model = hdgan.runs.train(options)
    weights = {term.name: term.weight for term in model.loss_terms}
    assert weights["brightness"] == 5.0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"workdir": "other"}, r"other holds no run to resume"),
        ({"seed": 1}, r"seed=1 differs from the run's 0"),
        ({"networks": {"base_width": 3}}, r"base_width=3 .* the run's 2"),
        # The record does not have it, as that of an older version.
        ({"networks": {"upsampling": "resize"}}, r"the run's transposed"),
        ({"preset": "pix2pixhd_512p"}, r"preset=tiny, but now it is pix2pixhd"),
        ({"max_dataset_size": 2}, r"num_scenes=3, but now it is 2"),
    ],
    ids=str,
)
def test_a_run_is_not_resumed_with_other_options(
    data_dir, tmp_path_factory, changes, words
):
    workdir = tmp_path_factory.getbasetemp() / "resumed"
    options = one_phase(data_dir, workdir, max_steps=1)
    if not workdir.exists():
        hdgan.runs.train(options)
    options = dataclasses.replace(options, resume=True, **changes)
    with pytest.raises(ValueError, match=words):
        hdgan.runs.train(options)


def test_a_value_that_the_preset_lacks_is_named(data_dir, tmp_path):
    options = one_phase(
        data_dir, tmp_path / "run", networks={"num_local_blocks": 2}
    )
    with pytest.raises(ValueError, match="'tiny' has no num_local_blocks"):
        hdgan.runs.train(options)
    assert not (tmp_path / "run").exists()
