"""What the model makes of arguments left out, mistaken or unusual."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_models import make_model, make_scenes, sharpen

import hdgan
from hdgan.models.pix2pixhd.presets import PRESETS


@pytest.mark.parametrize("preset", ["tiny", "pix2pix_256"])
def test_compile_takes_the_losses_of_the_preset(preset):
    model = make_model(preset)
    model.compile()
    config = model.objective.get_config()
    assert PRESETS[preset]["losses"].items() <= config.items()
    model.compile(adversarial_loss="hinge", l1_weight=3.0)
    assert model.objective.get_config()["adversarial_loss"] == "hinge"
    assert model.objective.get_config()["l1_weight"] == 3.0


def test_a_file_remembers_the_losses_of_its_preset(tmp_path):
    model = make_model("pix2pix_256")
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    loaded.compile()
    config = loaded.objective.get_config()
    assert PRESETS["pix2pix_256"]["losses"].items() <= config.items()


@pytest.mark.parametrize("preset", ["tiny", "pix2pixhd_1024p", "pix2pix_256"])
def test_every_generator_draws_samples_by_dropout(preset):
    model = sharpen(make_model(preset, dropout_rate=0.5, num_downsamplings=4))
    label_map = make_scenes(1)["label_map"][0]
    first = model.synthesize(label_map, noise_seed=1)
    assert (first != model.synthesize(label_map, noise_seed=2)).any()


def test_one_optimizer_for_both_networks_is_refused():
    adam = keras.optimizers.Adam()
    with pytest.raises(ValueError, match="same optimizer"):
        make_model().compile(adam, adam)


def test_an_encoder_without_instances_is_refused():
    with pytest.raises(ValueError, match="style per instance"):
        make_model(labels=None, use_instances=False, styles="instances")


def test_an_encoder_over_classes_without_labels_is_refused():
    with pytest.raises(ValueError, match=r"needs `labels`.*RGB"):
        make_model(labels=None, styles="labels")
    with pytest.raises(ValueError, match=r"'instances', 'labels'.*'pixels'"):
        hdgan.InstanceEncoder(regions="pixels")


@pytest.fixture(scope="module")
def compiled():
    model = make_model()
    model.compile(run_eagerly=True)
    return model


def test_a_colour_picture_is_no_label_map(compiled):
    scenes = make_scenes(1)
    scenes["label_map"] = np.repeat(scenes["label_map"][..., None], 3, -1)
    with pytest.raises(ValueError, match=r"one channel.*replace each"):
        compiled.evaluate(scenes, verbose=0)


def test_photos_of_another_range_or_size_are_refused(compiled):
    scenes = make_scenes(1)
    scaled = {**scenes, "photo": scenes["photo"].astype("float32") / 255}
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"0\.\.255"):
        compiled.evaluate(scaled, verbose=0)
    smaller = {**scenes, "photo": scenes["photo"][:, 4:]}
    with pytest.raises(tf.errors.InvalidArgumentError, match="differ"):
        compiled.evaluate(smaller, verbose=0)


def test_a_smaller_last_batch_counts_by_its_examples(compiled):
    scenes = make_scenes(3)
    alone = compiled.evaluate(scenes, batch_size=1, verbose=0)
    uneven = compiled.evaluate(scenes, batch_size=2, verbose=0)
    np.testing.assert_allclose(uneven, alone, rtol=1e-5)
