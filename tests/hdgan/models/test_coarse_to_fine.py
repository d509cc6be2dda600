"""`enlarge`: doubles the resolution of a trained model."""

import numpy as np
import pytest
from tiny_models import make_model, make_scenes

from hdgan.models.pix2pixhd.coarse_to_fine import enlarge


def _arrays(layer):
    return [weight.numpy() for weight in layer.weights]


def _assert_same(one, other):
    for a, b in zip(_arrays(one), _arrays(other), strict=True):
        np.testing.assert_array_equal(a, b)


def _scales(model):
    return model.discriminator.get_layer("multiscale").scales


def test_enlarge_keeps_trained_weights_and_adds_new_ones():
    coarse = make_model(styles="instances", num_scales=2)
    fine = enlarge(coarse, num_blocks=2)
    generator = fine.generator
    _assert_same(
        generator.get_layer("global_features"), coarse.generator.features()
    )
    assert generator.num_enhancers == 1
    assert generator.num_blocks == 2
    assert generator.size_multiple == 2 * coarse.generator.size_multiple
    # The scale at half of the new resolution was at full resolution before.
    assert len(_scales(fine)) == 3
    for old, new in zip(_scales(coarse), _scales(fine)[1:], strict=True):
        _assert_same(old, new)
    fresh, trained = _scales(fine)[0], _scales(fine)[1]
    assert not np.array_equal(_arrays(fresh)[0], _arrays(trained)[0])
    _assert_same(coarse.encoder, fine.encoder)
    assert fine.labels.names == coarse.labels.names
    configs = [
        [term.get_config() for term in model.default_losses()]
        for model in (fine, coarse)
    ]
    assert configs[0] == configs[1]
    # Training the new model leaves the old one unchanged.
    fine.compile(run_eagerly=True)
    before = coarse.get_weights()
    fine.train_on_batch(make_scenes(1))
    for one, other in zip(coarse.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_model_with_an_enhancer_gets_a_second_one():
    coarse = make_model("pix2pixhd_1024p")
    fine = enlarge(coarse)
    inner, outer = coarse.generator, fine.generator
    assert outer.num_enhancers == 2
    for layer in inner.layers:
        if layer.name not in ("output", "image"):
            _assert_same(layer, outer.get_layer(layer.name))
    scenes = make_scenes(1, 40, 72)
    photo = fine.synthesize(scenes["label_map"], scenes["instance_map"])
    assert photo.shape == (1, 40, 72, 3)


def test_enlarge_starts_from_the_moving_average():
    coarse = make_model(ema_decay=0.9)
    coarse.average_generator.set_weights(
        [weight + 1 for weight in coarse.generator.get_weights()]
    )
    fine = enlarge(coarse)
    assert fine.ema_decay == 0.9
    for generator in (fine.generator, fine.average_generator):
        _assert_same(
            generator.get_layer("global_features"),
            coarse.average_generator.features(),
        )


def test_enlarge_can_add_a_moving_average():
    fine = enlarge(make_model(), ema_decay=0.9)
    assert fine.ema_decay == 0.9
    _assert_same(fine.average_generator, fine.generator)


def test_enlarge_can_change_the_precision():
    coarse = make_model(styles="labels")
    fine = enlarge(coarse, dtype="mixed_bfloat16")
    for network in (fine.generator, fine.discriminator, fine.encoder):
        assert network.children_policy.name == "mixed_bfloat16"
    _assert_same(
        fine.generator.get_layer("global_features"), coarse.generator.features()
    )


def test_enlarge_keeps_the_upsampling():
    fine = enlarge(make_model(upsampling="resize"))
    assert fine.generator.upsampling == "resize"
    assert fine.generator.get_layer("enhancer_1_up").upsampling == "resize"


def test_generators_that_can_not_take_an_enhancer_are_refused():
    with pytest.raises(ValueError, match=r"LocalEnhancer.*UNetGenerator"):
        enlarge(make_model("pix2pix_256"))
    with pytest.raises(ValueError, match=r"have 1 residual.*num_blocks=7"):
        enlarge(make_model("pix2pixhd_1024p"), num_blocks=7)
    with pytest.raises(ValueError, match=r"multiple of 2.*base_width=3"):
        enlarge(make_model(base_width=3))
