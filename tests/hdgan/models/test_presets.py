"""Presets have the values of the papers and make networks that fit."""

import sys
import types

import pytest
from tiny_models import LABELS, make_model

import hdgan
from hdgan.models.presets import find_model_class, resolve_preset


def make_networks(preset, channels, styles=None, **overrides):
    networks = resolve_preset(preset, **overrides)["networks"]
    return find_model_class(preset).make_networks(networks, channels, styles)


@pytest.mark.parametrize("preset", hdgan.PRESETS)
def test_every_preset_makes_a_model_that_compiles(preset):
    model = make_model(preset)
    model.compile()
    assert type(model) is find_model_class(preset)
    assert model.update_order == hdgan.PRESETS[preset]["update_order"]
    assert model.generator.input_shape[-1] == len(LABELS) + 1
    assert model.discriminator.input_shape[-1] == len(LABELS) + 1 + 3


def test_only_transposed_convolutions_can_be_replaced():
    for preset in ("tiny", "pix2pixhd_512p", "pix2pixhd_1024p"):
        assert hdgan.PRESETS[preset]["networks"]["upsampling"] == "transposed"
        generator, _, _ = make_networks(
            preset,
            6,
            base_width=2,
            num_blocks=1,
            discriminator_width=2,
            upsampling="resize",
        )
        assert generator.upsampling == "resize"
    # The U-Net's kernels of 4x4 at stride 2 treat all pixels alike, and SPADE
    # resizes.
    for preset in ("pix2pix_256", "spade_256"):
        with pytest.raises(ValueError, match="has no upsampling"):
            resolve_preset(preset, upsampling="resize")


def test_presets_have_the_values_of_the_papers():
    config = hdgan.PRESETS["pix2pixhd_512p"]
    networks, losses = config["networks"], config["losses"]
    assert networks["base_width"] == networks["discriminator_width"] == 64
    assert (networks["num_downsamplings"], networks["num_blocks"]) == (4, 9)
    assert networks["num_scales"] == 2
    assert losses["feature_matching"]["weight"] == 10.0
    assert losses["perceptual"]["weight"] == 10.0
    networks = hdgan.PRESETS["pix2pixhd_1024p"]["networks"]
    assert (networks["base_width"], networks["num_enhancers"]) == (32, 1)
    assert (networks["num_local_blocks"], networks["num_scales"]) == (3, 3)
    for name in ("pix2pixhd_512p", "pix2pixhd_1024p", "pix2pix_256"):
        assert hdgan.PRESETS[name]["networks"]["style_channels"] == 3
    config = hdgan.PRESETS["pix2pix_256"]
    assert config["networks"]["num_scales"] == 1
    assert config["networks"]["dropout_rate"] == 0.5
    assert config["losses"]["l1"]["weight"] == 100.0


def test_base_width_is_the_width_at_the_output_resolution():
    generator, _, _ = make_networks(
        "pix2pixhd_1024p",
        6,
        base_width=2,
        num_enhancers=2,
        num_blocks=1,
        num_local_blocks=1,
        discriminator_width=4,
    )
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
def test_styles_add_channels_to_the_generator_only(styles, count):
    overrides = {
        "base_width": 4,
        "num_blocks": 1,
        "encoder_width": 4,
        "num_scales": 1,
        "style_channels": count,
    }
    generator, discriminator, encoder = make_networks(
        "tiny", 6, styles, **overrides
    )
    assert generator.input_shape[-1] == 6 + (count or 3)
    assert discriminator.input_shape[-1] == 6 + 3
    if styles == "loaded":
        assert encoder is None
    else:
        assert encoder.output_shape[-1] == (count or 3)
        assert encoder.regions == styles
    plain, _, encoder = make_networks("tiny", 6, **overrides)
    assert plain.input_shape[-1] == 6
    assert encoder is None


def test_unknown_styles_or_zero_style_channels_are_refused():
    with pytest.raises(ValueError, match=r"'instances', 'labels'.*'clusters'"):
        make_model(styles="clusters")
    for styles in ("instances", "loaded"):
        with pytest.raises(ValueError, match=r"style_channels.*Received: 0"):
            make_model(styles=styles, style_channels=0)


def test_size_multiple_fits_generator_and_encoder():
    model = make_model(
        styles="instances", num_downsamplings=1, encoder_downsamplings=3
    )
    assert model.generator.size_multiple == 2
    assert model.size_multiple == 8
    assert model.preprocessing.size_multiple == 8


def test_overrides_replace_values_and_none_keeps_them():
    changed = resolve_preset("tiny", base_width=8, num_blocks=None)["networks"]
    preset = hdgan.PRESETS["tiny"]["networks"]
    assert changed["base_width"] == 8
    assert changed["num_blocks"] == preset["num_blocks"]
    assert preset["base_width"] != 8


def test_error_for_an_unknown_name_lists_the_choices():
    with pytest.raises(ValueError, match=r"no preset 'huge'.*pix2pixhd_512p"):
        resolve_preset("huge")
    with pytest.raises(ValueError, match=r"has no wings.*base_width"):
        resolve_preset("tiny", wings=2)
    with pytest.raises(ValueError, match="has no num_enhancers"):
        hdgan.Pix2PixHD.from_preset("tiny", labels=LABELS, num_enhancers=2)


def test_a_preset_of_another_family_is_refused():
    with pytest.raises(
        ValueError, match=r"preset of Pix2PixHD, not of Pix2Pix"
    ):
        hdgan.Pix2Pix.from_preset("tiny", labels=LABELS)
    model = make_model("pix2pix_256")
    assert isinstance(model, hdgan.Pix2Pix)


def test_from_preset_opens_a_trained_model(tmp_path, monkeypatch):
    model = make_model(num_downsamplings=1, num_scales=1)
    model.save(tmp_path / "model.keras")
    monkeypatch.chdir(tmp_path.parent)
    for path in (tmp_path, tmp_path / "model.keras", tmp_path.name):
        loaded = hdgan.LabelToPhotoModel.from_preset(str(path))
        assert isinstance(loaded, hdgan.Pix2PixHD)
        assert loaded.labels.names == LABELS.names
    with pytest.raises(ValueError, match=r"`base_width`.*brings its own"):
        hdgan.LabelToPhotoModel.from_preset(str(tmp_path), base_width=8)
    with pytest.raises(ValueError, match=r"`use_instances`.*brings its own"):
        hdgan.LabelToPhotoModel.from_preset(str(tmp_path), use_instances=False)
    with pytest.raises(ValueError, match=r"Pix2PixHD. Expected a Pix2Pix"):
        hdgan.Pix2Pix.from_preset(str(tmp_path))


def test_a_model_on_the_hub_is_downloaded(tmp_path, monkeypatch):
    make_model(num_downsamplings=1, num_scales=1).save(tmp_path / "model.keras")

    # Stands for the library: the Hub can't be reached from every machine.
    def download(repository, file):
        if repository != "someone/streets":
            raise OSError("404")
        return str(tmp_path / file)

    hub = types.SimpleNamespace(hf_hub_download=download)
    monkeypatch.setitem(sys.modules, "huggingface_hub", hub)
    model = hdgan.LabelToPhotoModel.from_preset("hf://someone/streets")
    assert model.labels.names == LABELS.names
    with pytest.raises(ValueError, match=r"hf://nobody/here.*404"):
        hdgan.load_model("hf://nobody/here")
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ValueError, match="pip install huggingface_hub"):
        hdgan.load_model("hf://someone/streets")
