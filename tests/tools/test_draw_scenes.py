"""Drawing a data set."""

import pytest
from programs import assert_one_clear_error, run_inside

from hdgan.data.scene_checks import check_scenes
from hdgan.data.scene_files import find_scenes
from hdgan.data.street.data_set import draw_scenes
from hdgan.data.street.scenes import CLASS_NAMES
from hdgan.preprocessing.label_set import LabelSet


def contents(directory):
    return {
        path.relative_to(directory): path.read_bytes()
        for path in directory.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A data set of three scenes by the command."""
    data_dir = tmp_path_factory.mktemp("drawn") / "new" / "scenes"
    result = run_inside(
        "tools.draw_scenes",
        f"--output_dir={data_dir}",
        "--count=3",
        "--height=31",
        "--width=45",
        "--seed=2",
    )
    assert result.code == 0, result.err
    assert str(data_dir) in result.out
    return data_dir


def test_it_is_a_data_set_that_the_recipes_read(drawn):
    scenes = find_scenes(drawn)
    assert check_scenes(scenes, len(CLASS_NAMES)) == [(31, 45)] * 3
    assert {path.name for path in drawn.iterdir()} == {
        "labels.json",
        "train_label",
        "train_inst",
        "train_img",
    }


def test_labels_json_names_the_classes(drawn):
    labels = LabelSet.load(drawn / "labels.json")
    assert labels.names == CLASS_NAMES
    assert labels.colors[labels.index("sky")] == (70, 130, 180)


def test_the_same_command_draws_the_same_again(drawn, tmp_path):
    draw_scenes(tmp_path, "train", 3, 31, 45, seed=2)
    assert contents(tmp_path) == contents(drawn)


def test_another_seed_draws_other_scenes(drawn, tmp_path):
    draw_scenes(tmp_path, "train", 3, 31, 45, seed=3)
    ours, theirs = contents(tmp_path), contents(drawn)
    assert ours.keys() == theirs.keys()
    for path, content in ours.items():
        if path.parts[0] == "train_img":
            assert content != theirs[path]


def test_a_later_start_goes_on_with_the_same_series(drawn, tmp_path):
    draw_scenes(tmp_path, "train", 1, 31, 45, seed=2, start=2)
    (path,) = (tmp_path / "train_img").iterdir()
    assert path.read_bytes() == (drawn / "train_img" / path.name).read_bytes()


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("--count=0", ("--count", "at least 1")),
        ("--height=5", ("height", ">= 16")),
        ("--seed=-1", ("seed", ">= 0")),
    ],
)
def test_a_number_too_small_is_named(tmp_path, flag, words):
    result = run_inside(
        "tools.draw_scenes", f"--output_dir={tmp_path / 'scenes'}", flag
    )
    assert_one_clear_error(result, *words)


def test_a_file_in_the_way_is_named(tmp_path):
    path = tmp_path / "scenes"
    path.write_text("in the way")
    result = run_inside("tools.draw_scenes", f"--output_dir={path}")
    assert_one_clear_error(result, path)
