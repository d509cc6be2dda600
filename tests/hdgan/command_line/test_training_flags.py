"""Flags of a recipe become its options."""

import dataclasses
import json

import pytest
from absl import flags

from hdgan.command_line import training_flags
from hdgan.runs import TrainingOptions

RECIPE = TrainingOptions(
    preset="tiny",
    networks={"base_width": 16, "norm": "batch", "image_size": (8, 16)},
    data_dir="data",
    workdir="run",
    epochs=3,
    generator_learning_rate=1e-4,
    discriminator_learning_rate=4e-4,
)


@pytest.fixture
def resolve():
    """Function from a recipe's options and flags to the resolved options."""
    known = set(flags.FLAGS)

    def resolve(options, *arguments, **fixed):
        training_flags.define(options)
        flags.FLAGS(["recipe", *arguments])
        return training_flags.resolve(options, **fixed)

    yield resolve
    flags.FLAGS.remove_flag_values(set(flags.FLAGS) - known)


def test_without_flags_the_recipe_decides(resolve):
    assert resolve(RECIPE) == RECIPE


def test_flags_replace_options_and_values_of_the_networks(resolve):
    options = resolve(
        RECIPE,
        "--base_width=4",
        "--noflip",
        "--devices=CPU:0,CPU:1",
        "--diffaugment=color,cutout",
    )
    assert options == dataclasses.replace(
        RECIPE,
        networks={**RECIPE.networks, "base_width": 4},
        flip=False,
        devices=("CPU:0", "CPU:1"),
        diffaugment=("color", "cutout"),
    )


def test_one_rate_replaces_those_of_both_networks(resolve):
    options = resolve(RECIPE, "--learning_rate=1e-3")
    assert options.learning_rate == 1e-3
    assert options.generator_learning_rate is None
    assert options.discriminator_learning_rate is None


def test_a_rate_of_one_network_is_kept_beside_the_shared_one(resolve):
    options = resolve(
        RECIPE, "--learning_rate=1e-3", "--generator_learning_rate=2e-3"
    )
    assert options.learning_rate == 1e-3
    assert options.generator_learning_rate == 2e-3
    assert options.discriminator_learning_rate is None


def test_a_resumed_run_keeps_what_is_not_given(resolve, tmp_path):
    saved = {"epochs": 7, "base_width": 2, "max_steps": 5, "seed": 3}
    record = {"options": saved, "labels": None, "preset": "tiny"}
    (tmp_path / "options.json").write_text(json.dumps(record))
    options = resolve(RECIPE, "--seed=4", workdir=str(tmp_path), resume=True)
    assert options.resume
    assert options.workdir == str(tmp_path)
    assert (options.epochs, options.seed) == (7, 4)
    assert options.networks == {**RECIPE.networks, "base_width": 2}
    # A run that was stopped early goes on to its end.
    assert options.max_steps is None
