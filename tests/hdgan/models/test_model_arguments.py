"""Arguments of models: defaults, mistakes and unusual values."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_models import make_model, make_scenes, sharpen

import hdgan
from hdgan.training.loss_terms import L1, DiscriminatorFake


@pytest.mark.parametrize("preset", ["tiny", "pix2pix_256"])
def test_compile_uses_the_losses_of_the_preset(preset):
    model = make_model(preset)
    model.compile()
    losses = hdgan.PRESETS[preset]["losses"]
    assert list(losses) == [term.name for term in model.loss_terms]
    for term in model.loss_terms:
        assert losses[term.name].items() <= term.get_config().items()
    model.compile(
        losses={"generator_adversarial": {"kind": "hinge"}, "l1": 3.0}
    )
    terms = {term.name: term for term in model.loss_terms}
    assert terms["generator_adversarial"].kind == "hinge"
    assert terms["l1"].weight == 3.0
    assert terms["discriminator_fake"].weight == 0.5


def test_a_list_of_terms_replaces_the_losses_of_the_preset():
    model = make_model()
    terms = [L1(2.0), DiscriminatorFake("hinge")]
    model.compile(losses=terms, run_eagerly=True)
    logs = model.train_on_batch(make_scenes(1), return_dict=True)
    assert set(logs) == {
        "generator_loss",
        "l1",
        "discriminator_loss",
        "discriminator_fake",
    }
    assert logs["l1"] == logs["generator_loss"] > 0


def test_a_network_without_a_loss_is_refused():
    model = make_model()
    with pytest.raises(ValueError, match="the generator without a loss"):
        model.compile(losses=[DiscriminatorFake()])
    with pytest.raises(ValueError, match="the discriminator without a loss"):
        model.compile(
            losses={"discriminator_real": 0.0, "discriminator_fake": 0.0}
        )


def test_a_variant_of_a_term_does_not_replace_it():
    class Variant(L1):
        pass

    model = make_model("pix2pix_256")
    model.compile(losses={"l1": Variant(3.0)})
    assert any(isinstance(term, Variant) for term in model.loss_terms)
    model.compile(losses={"l1": 2.0})
    assert not any(isinstance(term, Variant) for term in model.loss_terms)


@pytest.mark.parametrize("preset", hdgan.PRESETS)
def test_compile_uses_the_optimizers_of_the_preset(preset):
    model = make_model(preset)
    model.compile()
    for side in ("generator", "discriminator"):
        expected = hdgan.PRESETS[preset][f"{side}_optimizer"]
        optimizer = getattr(model, f"{side}_optimizer")
        rate = float(optimizer.learning_rate)
        assert rate == pytest.approx(expected["learning_rate"])
        assert optimizer.beta_1 == expected["beta_1"]
        assert optimizer.beta_2 == expected["beta_2"]


def test_a_file_keeps_the_losses_of_its_preset(tmp_path):
    model = make_model("pix2pix_256")
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    loaded.compile()
    assert isinstance(loaded, hdgan.Pix2Pix)
    weights = {term.name: term.weight for term in loaded.loss_terms}
    assert weights["l1"] == 100.0
    assert weights["feature_matching"] == 0.0


@pytest.mark.parametrize("preset", ["tiny", "pix2pixhd_1024p", "pix2pix_256"])
def test_every_generator_draws_samples_by_dropout(preset):
    model = sharpen(make_model(preset, dropout_rate=0.5, num_downsamplings=4))
    label_map = make_scenes(1)["label_map"][0]
    first = model.synthesize(label_map, noise_seed=1)
    assert (first != model.synthesize(label_map, noise_seed=2)).any()


def test_an_encoder_without_instances_is_refused():
    with pytest.raises(ValueError, match="style per instance"):
        make_model(labels=None, use_instances=False, styles="instances")


def test_an_encoder_per_class_without_labels_is_refused():
    with pytest.raises(ValueError, match=r"needs `labels`.*RGB"):
        make_model(labels=None, styles="labels")
    with pytest.raises(ValueError, match=r"'instances', 'labels'.*'pixels'"):
        hdgan.InstanceEncoder(regions="pixels")


@pytest.fixture(scope="module")
def compiled():
    """A model that runs eagerly, which needs no tracing."""
    model = make_model()
    model.compile(run_eagerly=True)
    return model


def test_one_optimizer_for_both_networks_is_refused(compiled):
    adam = keras.optimizers.Adam()
    with pytest.raises(ValueError, match="same optimizer"):
        compiled.compile(adam, adam)


def test_an_rgb_image_as_label_map_is_refused(compiled):
    scenes = make_scenes(1)
    scenes["label_map"] = np.repeat(scenes["label_map"][..., None], 3, -1)
    with pytest.raises(ValueError, match=r"one channel.*replace each"):
        compiled.evaluate(scenes, verbose=0)


def test_photos_with_a_wrong_range_or_size_are_refused(compiled):
    scenes = make_scenes(1)
    scaled = {**scenes, "photo": scenes["photo"].astype("float32") / 255}
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"0\.\.255"):
        compiled.evaluate(scaled, verbose=0)
    smaller = {**scenes, "photo": scenes["photo"][:, 4:]}
    with pytest.raises(tf.errors.InvalidArgumentError, match="differ"):
        compiled.evaluate(smaller, verbose=0)


def test_a_smaller_last_batch_is_weighted_by_its_examples(compiled):
    scenes = make_scenes(3)
    alone = compiled.evaluate(scenes, batch_size=1, verbose=0)
    uneven = compiled.evaluate(scenes, batch_size=2, verbose=0)
    np.testing.assert_allclose(uneven, alone, rtol=1e-5)


def test_logged_losses_do_not_depend_on_keras_json(odd_keras_settings):
    with odd_keras_settings():
        model = make_model()
        model.compile()
    assert {metric.dtype for metric in model.metrics} == {"float32"}
