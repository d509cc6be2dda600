"""Errors in flags name the flag that was probably meant."""

import pytest
from programs import assert_one_clear_error, run_inside

RECIPE = "recipes.pix2pixhd_512p"
RUN = ("--data_dir=data", "--workdir=run")
SYNTHESIS = ("--model=m.keras", "--label_dir=data", "--output_dir=photos")


@pytest.mark.parametrize(
    ("module", "arguments", "words"),
    [
        (
            RECIPE,
            (*RUN, "--no_instance"),
            ("--no_instance is --nouse_instances",),
        ),
        (
            RECIPE,
            ("--name", "a", "--dataroot=b", "--loadSize", "512", "--no_flip"),
            (
                "--name is --workdir=FOLDER",
                "--dataroot is --data_dir=FOLDER",
                "--loadSize is --load_size=N",
                "--no_flip is --noflip",
            ),
        ),
        (RECIPE, ("--gpu_ids", "0,1"), ("--devices=GPU:0,GPU:1",)),
        (RECIPE, ("--netG=local",), ("the recipe", "pix2pixhd_1024p")),
        (RECIPE, ("--nThreads=4",), ("--nThreads is not needed",)),
        (RECIPE, ("--which_epoch=8",), ("--which_epoch is not needed",)),
        (RECIPE, ("--results_dir=a",), ("in synthesis and not needed here",)),
        ("recipes.spade_512x256", ("--z_dim=8",), ("--style_channels=N",)),
        (
            "tools.synthesize",
            ("--name", "a", "--dataroot", "b", "--which_epoch", "latest"),
            (
                "--name is --model=FILE",
                "--dataroot is --label_dir=FOLDER --instance_dir=FOLDER",
                "--which_epoch is --model=FILE",
            ),
        ),
        (
            "tools.synthesize",
            ("--ngf=8",),
            ("in training and not needed here",),
        ),
        ("tools.encode_styles", ("--dataroot=a",), ("is --data_dir=FOLDER",)),
    ],
)
def test_flags_of_the_original_code_are_translated(module, arguments, words):
    assert_one_clear_error(run_inside(module, *arguments), *words)


@pytest.mark.parametrize(
    ("argument", "meant"),
    [
        ("--load_siz=512", "--load_size?"),
        ("--load-size=512", "--load_size?"),
        ("--loadsize=512", "--load_size?"),
        ("--no_shuffle", "--noshuffle?"),
        ("--no-use-instances", "--nouse_instances?"),
        ("--epoch=3", "--epochs"),
        ("--num_class=3", "There is no flag --num_class."),
        ("--verbose_level=3", "There is no flag --verbose_level."),
    ],
)
def test_a_misspelled_flag_is_answered_with_the_right_one(argument, meant):
    result = run_inside(RECIPE, *RUN, argument)
    assert_one_clear_error(result, meant)


@pytest.mark.parametrize(
    ("module", "arguments", "words"),
    [
        (RECIPE, (), ("--data_dir is missing; --workdir is missing (--help",)),
        (RECIPE, ("--workdir=a",), ("error: --data_dir is missing",)),
        # The run has the data set; only the run is not there.
        (RECIPE, ("--workdir=a", "--resume"), ("a holds no run to resume",)),
        ("tools.synthesize", SYNTHESIS[1:], ("error: --model is missing",)),
        ("recipes.demo", ("--data_dir=a",), ("no flag --data_dir",)),
    ],
)
def test_a_missing_flag_is_named(
    tmp_path, monkeypatch, module, arguments, words
):
    monkeypatch.chdir(tmp_path)
    assert_one_clear_error(run_inside(module, *arguments), *words)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--noflip=1",), ("--noflip=1 does not take an argument",)),
        (("--epochs=3.5",), ("--epochs must be an integer", "'3.5'")),
        (("--beta_1=1e",), ("--beta_1 must be a number", "'1e'")),
        (("--flip=maybe",), ("--flip must be true or false", "'maybe'")),
        (("--norm",), ("Missing value for flag --norm",)),
        (("--precision=half",), ("--precision=half", "bfloat16")),
        (("--seed",), ("Missing value for flag --seed",)),
        (("--flip", "False"), ("unexpected argument 'False'",)),
        (("data",), ("unexpected argument 'data'",)),
    ],
)
def test_a_value_of_another_form_is_named(arguments, words):
    assert_one_clear_error(run_inside(RECIPE, *RUN, *arguments), *words)
