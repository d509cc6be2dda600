"""Presets: the numbers of the papers, and networks that fit together."""

import inspect

import pytest
from tiny_models import LABELS, make_model

import hdgan
from hdgan.models.pix2pixhd.presets import (
    build_networks,
    resolve_preset,
    size_multiple,
)


@pytest.mark.parametrize("preset", hdgan.PRESETS)
def test_every_preset_makes_a_model_that_compiles(preset):
    model = make_model(preset)
    model.compile(**hdgan.PRESETS[preset]["losses"])
    assert model.generator.input_shape[-1] == len(LABELS) + 1
    assert model.discriminator.input_shape[-1] == len(LABELS) + 1 + 3


@pytest.mark.parametrize("preset", hdgan.PRESETS)
def test_losses_of_a_preset_are_arguments_of_compile(preset):
    arguments = inspect.signature(hdgan.Pix2PixHD.compile).parameters
    assert set(hdgan.PRESETS[preset]["losses"]) <= set(arguments)


def test_published_numbers():
    numbers = hdgan.PRESETS["pix2pixhd_512p"]
    assert numbers["base_width"] == numbers["discriminator_width"] == 64
    assert (numbers["num_downsamplings"], numbers["num_blocks"]) == (4, 9)
    assert numbers["num_scales"] == 2
    assert numbers["losses"]["feature_matching_weight"] == 10.0
    assert numbers["losses"]["perceptual_weight"] == 10.0
    numbers = hdgan.PRESETS["pix2pixhd_1024p"]
    assert (numbers["base_width"], numbers["num_enhancers"]) == (32, 1)
    assert (numbers["num_local_blocks"], numbers["num_scales"]) == (3, 3)
    for numbers in hdgan.PRESETS.values():
        assert numbers["style_channels"] == 3
    numbers = hdgan.PRESETS["pix2pix_256"]
    assert numbers["num_scales"] == 1
    assert numbers["dropout_rate"] == 0.5
    assert numbers["losses"]["l1_weight"] == 100.0


def test_width_is_that_of_the_output_resolution():
    numbers = resolve_preset(
        "pix2pixhd_1024p",
        base_width=2,
        num_enhancers=2,
        num_blocks=1,
        num_local_blocks=1,
        discriminator_width=4,
    )
    generator, _, _ = build_networks(numbers, 6)
    widths = {
        layer.name: layer.filters
        for layer in generator.layers
        if layer.name.endswith("stem")
    }
    assert widths == {"enhancer_1_stem": 4, "enhancer_2_stem": 2}
    assert generator.size_multiple == 2 ** (4 + 2)
    inner = generator.get_config()["global_generator"]["config"]
    assert inner["base_width"] == 8


@pytest.mark.parametrize("styles", ["instances", "labels", "loaded"])
@pytest.mark.parametrize("count", [None, 5])
def test_styles_add_channels_to_the_generator_alone(styles, count):
    numbers = resolve_preset(
        "tiny",
        base_width=4,
        num_blocks=1,
        encoder_width=4,
        num_scales=1,
        style_channels=count,
    )
    generator, discriminator, encoder = build_networks(numbers, 6, styles)
    assert generator.input_shape[-1] == 6 + (count or 3)
    assert discriminator.input_shape[-1] == 6 + 3
    if styles == "loaded":
        assert encoder is None
    else:
        assert encoder.output_shape[-1] == (count or 3)
        assert encoder.regions == styles
    plain, _, none = build_networks(numbers, 6)
    assert plain.input_shape[-1] == 6
    assert none is None


def test_unknown_styles_or_none_of_their_channels_are_refused():
    with pytest.raises(ValueError, match=r"'instances', 'labels'.*'clusters'"):
        make_model(styles="clusters")
    for styles in ("instances", "loaded"):
        with pytest.raises(ValueError, match=r"style_channels.*Received: 0"):
            make_model(styles=styles, style_channels=0)


def test_sizes_suit_generator_and_encoder():
    model = make_model(
        styles="instances", num_downsamplings=1, encoder_downsamplings=3
    )
    assert size_multiple(model.generator) == 2
    assert size_multiple(model.generator, model.encoder) == 8
    assert model.preprocessing.size_multiple == 8


def test_overrides_replace_and_none_leaves():
    numbers = resolve_preset("tiny", base_width=8, num_blocks=None)
    assert numbers["base_width"] == 8
    assert numbers["num_blocks"] == hdgan.PRESETS["tiny"]["num_blocks"]
    assert hdgan.PRESETS["tiny"]["base_width"] != 8


def test_unknown_names_are_refused_with_those_that_exist():
    with pytest.raises(ValueError, match=r"no preset 'huge'.*pix2pixhd_512p"):
        resolve_preset("huge")
    with pytest.raises(ValueError, match=r"has no wings.*base_width"):
        resolve_preset("tiny", wings=2)
    with pytest.raises(ValueError, match="has no num_enhancers"):
        hdgan.Pix2PixHD.from_preset("tiny", labels=LABELS, num_enhancers=2)
