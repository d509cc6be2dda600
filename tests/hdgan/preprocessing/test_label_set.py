"""`LabelSet`: names and colours of classes."""

import json

import numpy as np
import pytest

import hdgan


def test_index_length_and_colours():
    labels = hdgan.LabelSet(["sky", "road"], [(1, 2, 3), (4, 5, 6)])
    assert len(labels) == 2
    assert [labels.index(name) for name in labels.names] == [0, 1]
    picture = labels.colorize(np.array([[1, 0, 1]]))
    assert picture.dtype == np.uint8
    np.testing.assert_array_equal(picture, [[[4, 5, 6], [1, 2, 3], [4, 5, 6]]])
    assert labels.colorize(np.zeros((2, 4, 5), int)).shape == (2, 4, 5, 3)


def test_unknown_class_error_lists_the_classes():
    with pytest.raises(ValueError, match=r"no class 'sea'.*sky, road"):
        hdgan.LabelSet(["sky", "road"]).index("sea")


def test_default_palette_has_different_colours():
    colors = hdgan.LabelSet.numbered(256).colors
    assert len(set(colors)) == 256
    assert colors[:4] == ((0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0))
    assert 0 <= np.min(colors) <= np.max(colors) <= 255


def test_numbered_names():
    assert hdgan.LabelSet.numbered(2).names == ("class 0", "class 1")


def test_file_and_config_round_trip(tmp_path):
    labels = hdgan.LabelSet(["sky", "Straße"], [(1, 2, 3), (4, 5, 6)])
    labels.save(tmp_path / "labels.json")
    for copy in (
        hdgan.LabelSet.load(tmp_path / "labels.json"),
        hdgan.LabelSet.from_config(labels.get_config()),
    ):
        assert (copy.names, copy.colors) == (labels.names, labels.colors)


def test_colours_may_be_left_out_of_a_file(tmp_path):
    path = tmp_path / "labels.json"
    path.write_text(json.dumps({"names": ["sky", "road"]}))
    assert hdgan.LabelSet.load(path).colors[1] == (128, 0, 0)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"names": []}', '{"names": ["a"], "colour": 1}']
)
def test_error_names_a_bad_file(tmp_path, text):
    path = tmp_path / "labels.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"labels\.json is not a label"):
        hdgan.LabelSet.load(path)


@pytest.mark.parametrize("names", [[], ["a", "a"], ["1", 1]])
def test_names_must_differ(names):
    with pytest.raises(ValueError, match=r"at least one class name.*once"):
        hdgan.LabelSet(names)


@pytest.mark.parametrize("colors", [[], [(1, 2, 3)], [(1, 2), (3, 4)]])
def test_every_class_needs_a_colour(colors):
    with pytest.raises(ValueError, match=r"one .*per class"):
        hdgan.LabelSet(["a", "b"], colors)
