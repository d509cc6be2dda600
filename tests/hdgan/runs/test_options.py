"""Options of a run are checked in one place, whoever gives them."""

import dataclasses
import math

import pytest

from hdgan.runs import Phase, TrainingOptions

OPTIONS = TrainingOptions(preset="tiny", data_dir="data", workdir="run")


def test_the_defaults_are_valid():
    OPTIONS.validate()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"data_dir": None}, "`data_dir` is missing"),
        ({"workdir": ""}, "`workdir` is missing"),
        ({"epochs": 1.5}, "`epochs` must be an integer. Received: 1.5"),
        ({"epochs": True}, "`epochs` must be an integer. Received: True"),
        ({"epochs": None}, "`epochs` must be an integer. Received: None"),
        ({"flip": 1}, "`flip` must be True or False. Received: 1"),
        ({"devices": "CPU:0"}, "`devices` must be a tuple. Received: 'CPU:0'"),
        ({"batch_size": 0}, "`batch_size` must be at least 1. Received: 0"),
        (
            {"losses": {"l1": -1}},
            "`l1_weight` must be at least 0. Received: -1",
        ),
        (
            {"losses": {"l1": math.nan}},
            "`l1_weight` must be finite. Received: nan",
        ),
        ({"learning_rate": 0}, "`learning_rate` must be above 0. Received: 0"),
        ({"beta_2": 1}, "`beta_2` must be below 1. Received: 1"),
        ({"resize_mode": "x"}, "`resize_mode` must be one of scale_width, "),
        ({"epochs": 0, "decay_epochs": 0}, "are both 0"),
        ({"jit": True, "pool_size": 2}, "`jit` with `pool_size`"),
        (
            {"diffaugment": ("color", "blur")},
            "`diffaugment` must hold some of color, translation, cutout. "
            "Received: 'blur'",
        ),
        (
            {"perceptual_network": "vgg16"},
            "`perceptual_network` must be one of",
        ),
        (
            {"perceptual_network": "none", "vgg_weights": "vgg19.h5"},
            "`vgg_weights` is vgg19.h5, but `perceptual_network` is none",
        ),
        (
            {"perceptual_network": "efficientnet_lite0", "vgg_inputs": "raw"},
            "`vgg_inputs` is raw, but `perceptual_network` is efficientnet_li",
        ),
        (
            {"load_style_maps": True, "networks": {"style_channels": 4}},
            "`style_channels` is 4",
        ),
    ],
    ids=str,
)
def test_a_bad_value_is_named(changes, words):
    options = dataclasses.replace(OPTIONS, **changes)
    with pytest.raises(ValueError, match="`") as error:
        options.validate()
    assert words in str(error.value)


def test_options_are_flat_in_the_record():
    options = dataclasses.replace(
        OPTIONS, devices=("CPU:0",), networks={"base_width": 4}
    )
    record = options.to_dict()
    assert record["base_width"] == 4
    assert record["devices"] == ["CPU:0"]
    assert record["workdir"] == "run"
    assert not {"preset", "networks"} & set(record)


def test_an_unknown_initial_state_is_named():
    with pytest.raises(ValueError, match=r"`init_from`.*Received: 'new'"):
        Phase(preset="tiny", epochs=1, decay_epochs=0, init_from="new")
