"""`LabelSet`: names and colors of classes."""

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


def test_things_are_kept_and_may_be_unknown(tmp_path):
    labels = hdgan.LabelSet(["sky", "person", "car"], things=["car", "person"])
    assert labels.things == ("person", "car")
    labels = labels.ignoring([255])
    labels.save(tmp_path / "labels.json")
    copy = hdgan.LabelSet.load(tmp_path / "labels.json")
    assert [copy.is_thing(k) for k in range(4)] == [False, True, True, False]
    assert hdgan.LabelSet(["sky"]).is_thing(0) is None
    assert "things" not in hdgan.LabelSet(["sky"]).get_config()


def test_things_of_cityscapes():
    labels = hdgan.LabelSet.named("cityscapes35")
    things = [k for k in range(35) if labels.is_thing(k)]
    assert things == [*range(24, 34)]


def test_a_thing_without_class_is_an_error():
    with pytest.raises(ValueError, match="no class of that name"):
        hdgan.LabelSet(["sky"], things=["car"])
    with pytest.raises(ValueError, match="must be a list of class names"):
        hdgan.LabelSet(["sky"], things="sky")


def test_colours_may_be_left_out_of_a_file(tmp_path):
    path = tmp_path / "labels.json"
    path.write_text(json.dumps({"names": ["sky", "road"]}))
    assert hdgan.LabelSet.load(path).colors[1] == (128, 0, 0)


def test_a_file_may_start_with_a_byte_order_mark(tmp_path):
    path = tmp_path / "labels.json"
    path.write_text('{"names": ["sky", "Straße"]}', "utf-8-sig")
    assert hdgan.LabelSet.load(path).names == ("sky", "Straße")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", ""),
        ("[]", "Received: a list"),
        ("{}", "no `names`"),
        ('{"names": []}', "at least one class name"),
        ('{"names": ["a"], "colour": 1}', "unknown key 'colour'"),
        ('{"names": "sky"}', "list of strings.*'sky'"),
        ('{"names": ["sky", 1]}', "list of strings"),
        ('{"names": {"sky": 0}}', "list of strings"),
        ('{"names": ["a"], "colors": [[256, 0, 0]]}', "256, 0, 0.*class 0"),
        ('{"names": ["a"], "colors": "red"}', "one .*per class"),
        ('{"names": ["a", "b"], "colors": [[1, 2], [3]]}', "one .*per class"),
    ],
)
def test_error_names_a_bad_file(tmp_path, text, message):
    path = tmp_path / "labels.json"
    path.write_text(text)
    with pytest.raises(
        ValueError, match=rf"labels\.json is not a label.*{message}"
    ):
        hdgan.LabelSet.load(path)


def test_an_interrupted_save_keeps_the_file(tmp_path, monkeypatch):
    path = tmp_path / "labels.json"
    hdgan.LabelSet(["sky"]).save(path)

    def fail(*_):
        raise OSError("no space left")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="no space"):
        hdgan.LabelSet(["road"]).save(path)
    assert hdgan.LabelSet.load(path).names == ("sky",)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("names", [[], ["a", "a"]])
def test_names_must_differ(names):
    with pytest.raises(ValueError, match=r"at least one class name.*once"):
        hdgan.LabelSet(names)


@pytest.mark.parametrize("names", ["sky", ["sky", 1], [b"sky"], 3, None])
def test_names_must_be_strings(names):
    with pytest.raises(ValueError, match="must be a list of strings"):
        hdgan.LabelSet(names)


@pytest.mark.parametrize("colors", [[], [(1, 2, 3)], [(1, 2), (3, 4)]])
def test_every_class_needs_a_color(colors):
    with pytest.raises(ValueError, match=r"one .*per class"):
        hdgan.LabelSet(["a", "b"], colors)


@pytest.mark.parametrize(
    ("colors", "message"),
    [
        ([(0.9, 0.5, 0.1), (0.0, 1.0, 0.0)], "float64.*multiply.*255"),
        ([(256, 0, 0), (0, 9, 0)], r"\[256, 0, 0\] for class 0"),
        ([(0, 9, 0), (-1, 0, 0)], r"\[-1, 0, 0\] for class 1"),
        ([("1", "2", "3"), ("4", "5", "6")], "Received: <U1"),
    ],
)
def test_colors_must_be_integers_of_one_byte(colors, message):
    with pytest.raises(ValueError, match=rf"integers in 0\.\.255.*{message}"):
        hdgan.LabelSet(["a", "b"], colors)


def test_colors_may_be_of_numpy():
    colors = np.array([[1, 2, 3]], "uint8")
    labels = hdgan.LabelSet(np.array(["a"]), colors)
    assert labels == hdgan.LabelSet(["a"], [[1, 2, 3]])
    json.dumps(labels.get_config())


def test_equal_label_sets_have_equal_names_and_colors():
    labels = hdgan.LabelSet(["sky", "road"])
    assert labels == hdgan.LabelSet(("sky", "road"))
    assert hash(labels) == hash(hdgan.LabelSet(("sky", "road")))
    assert labels != hdgan.LabelSet(["sky", "street"])
    assert labels != hdgan.LabelSet(["sky", "road"], [(0, 0, 0), (1, 1, 1)])
    assert labels != ("sky", "road")


def test_a_label_set_prints_itself():
    labels = hdgan.LabelSet(["sky", "road"])
    assert repr(labels) == "<LabelSet of 2 classes: sky, road>"
    assert repr(hdgan.LabelSet.numbered(300)).endswith("class 9, ...>")


@pytest.mark.parametrize("dtype", ["float32", "bool"])
def test_only_integers_are_colorized(dtype):
    with pytest.raises(ValueError, match=f"of integers. Received: {dtype}"):
        hdgan.LabelSet(["sky", "road"]).colorize(np.zeros((2, 2), dtype))


@pytest.mark.parametrize("label", [-1, 2])
def test_only_ids_of_a_class_are_colorized(label):
    with pytest.raises(ValueError, match=r"label ids.*Expected 0\.\.1"):
        hdgan.LabelSet(["sky", "road"]).colorize(np.full((2, 2), label))


def test_a_map_with_a_channel_is_colorized():
    labels = hdgan.LabelSet(["sky", "road"])
    label_map = np.array([[0, 1, 1]])
    np.testing.assert_array_equal(
        labels.colorize(label_map[..., None]), labels.colorize(label_map)
    )


def test_the_label_sets_of_cityscapes():
    labels = hdgan.LabelSet.named("cityscapes35")
    assert len(labels) == 35
    ids = {"unlabeled": 0, "road": 7, "car": 26, "bicycle": 33}
    assert {name: labels.index(name) for name in ids} == ids
    assert labels.names[34] == "license plate"
    assert labels.colors[labels.index("road")] == (128, 64, 128)
    trained = hdgan.LabelSet.named("cityscapes19")
    assert len(trained) == 19
    ids = {"road": 0, "sky": 10, "car": 13, "train": 16, "bicycle": 18}
    assert {name: trained.index(name) for name in ids} == ids
    for name, color in zip(trained.names, trained.colors, strict=True):
        assert labels.colors[labels.index(name)] == color


def test_an_unknown_label_set_is_refused_with_those_known():
    with pytest.raises(ValueError, match=r"'coco'.*cityscapes35, cityscapes19"):
        hdgan.LabelSet.named("coco")
