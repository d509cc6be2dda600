"""Evaluations of photographs whose scores are known, and their comparison."""

import shutil

import numpy as np
import pytest
from color_segmenter import make_color_segmenter
from PIL import Image
from tiny_models import LABELS

from hdgan.data.image_files import write_png
from hdgan.data.scene_files import find_scenes
from hdgan.evaluation import Segmenter
from hdgan.evaluation.comparison import compare_reports
from hdgan.evaluation.evaluation import Measures, evaluate, rank_scenes
from hdgan.evaluation.feature_networks import FeatureNetwork
from hdgan.evaluation.ignored_labels import find_ignored
from hdgan.evaluation.photograph_sources import FolderPhotographs
from hdgan.evaluation.report import load_report, save_report
from hdgan.evaluation.report_page import write_report_page

NUM_SCENES = 12


class _PixelDifferences:
    """In place of `PairedDistances`, which needs a network."""

    perceptual_reason = None

    def __call__(self, photo, generated):
        difference = np.abs(photo.astype(int) - generated).mean()
        return {"perceptual": float(difference), "psnr": 10.0}

    def diversity(self, photos):
        return None


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """Scenes whose photographs show each class in its color, with noise."""
    folder = tmp_path_factory.mktemp("data")
    random = np.random.default_rng(0)
    for kind in ("label", "inst", "img"):
        (folder / f"test_{kind}").mkdir()
    for index in range(NUM_SCENES):
        blocks = random.integers(0, 4, (4, 6)).astype("uint8")
        label_map = np.kron(blocks, np.ones((6, 6), "uint8"))
        instance_map = np.kron(
            np.arange(24, dtype="uint16").reshape(4, 6),
            np.ones((6, 6), "uint16"),
        )
        noise = random.integers(-9, 9, (*label_map.shape, 3))
        photo = np.clip(LABELS.colorize(label_map) + noise, 0, 255)
        # A part of each photograph shows the wrong class.
        photo[:3, :5] = LABELS.colors[4]
        name = f"scene_{index:02d}.png"
        write_png(folder / "test_label" / name, label_map)
        write_png(folder / "test_inst" / name, instance_map)
        write_png(folder / "test_img" / name, photo.astype("uint8"))
    return folder


@pytest.fixture(scope="module")
def scenes(data_dir):
    return find_scenes(data_dir, "test")


@pytest.fixture(scope="module")
def measures():
    import keras

    # Mean and maximum of a photograph as its features.
    image = keras.Input((None, None, 3))
    mean = keras.layers.GlobalAveragePooling2D()(image)
    highest = keras.layers.GlobalMaxPooling2D()(image)
    model = keras.Model(image, keras.layers.Concatenate()([mean, highest]))
    return Measures(
        Segmenter(make_color_segmenter(LABELS), LABELS),
        FeatureNetwork("means", model, None, 0, 1, "none"),
        _PixelDifferences(),
    )


def _write(tmp_path, scenes, make):
    """Writes a photograph of each scene into a folder, and returns it."""
    folder = tmp_path / "photographs"
    folder.mkdir()
    for index, name in enumerate(scenes.names):
        write_png(folder / name, make(scenes.read(index), index))
    return folder


def _evaluate(folder, scenes, measures, **options):
    return evaluate(
        FolderPhotographs(folder, scenes), LABELS, measures, **options
    )


@pytest.fixture(scope="module")
def real_report(data_dir, scenes, measures):
    """The report of the real photographs, fed as generated ones."""
    return _evaluate(data_dir / "test_img", scenes, measures)


@pytest.fixture(scope="module")
def blind_report(tmp_path_factory, scenes, measures):
    """The report of a generator that ignores its label map."""

    def other_photo(scene, index):
        return scenes.read((index + 1) % NUM_SCENES)["photo"]

    folder = tmp_path_factory.mktemp("blind")
    return _evaluate(_write(folder, scenes, other_photo), scenes, measures)


def test_real_photographs_score_exactly_the_real_row(real_report):
    rows = real_report["segmentation"]
    assert rows["generated"] == rows["real"]
    assert 0.95 < rows["real"]["pixel_accuracy"]["value"] < 1
    edges = real_report["instance_edges"]
    assert edges["generated"] == edges["real"]
    assert real_report["distances"]["frechet"]["value"] < 1e-6
    distances = real_report["distances"]
    assert distances["frechet"]["halves"] == distances["frechet"]["floor"]
    assert real_report["paired"]["perceptual"]["value"] == 0


def test_floor_of_the_kernel_distance_has_zero_in_its_interval(real_report):
    low, high = real_report["distances"]["kernel"]["floor_interval"]
    assert low < 0 < high


def test_ignoring_the_label_map_scores_near_chance(blind_report):
    """The classes are equally frequent: chance is a quarter of the pixels."""
    rows = blind_report["segmentation"]
    assert 0.1 < rows["generated"]["pixel_accuracy"]["value"] < 0.4
    assert rows["generated"]["mean_iou"]["value"] < 0.25
    assert rows["real"]["pixel_accuracy"]["value"] > 0.95
    assert blind_report["instance_edges"]["real"] is not None
    # The distributions are the same: only the maps are not followed.
    assert blind_report["distances"]["frechet"]["value"] < 1e-6


def test_ignored_classes_are_left_out_everywhere(data_dir, scenes, measures):
    report = _evaluate(
        data_dir / "test_img", scenes, measures, ignore_labels=[0, 2]
    )
    confusion = np.array(report["segmentation"]["real"]["confusion"])
    assert not confusion[[0, 2]].any()
    labeled = sum(
        np.isin(scenes.read(i)["label_map"], [1, 3]).sum()
        for i in range(NUM_SCENES)
    )
    assert confusion.sum() == labeled
    counts = [scene["real"]["labeled"] for scene in report["scenes"]]
    assert np.sum(counts) == labeled
    assert report["protocol"]["ignore_labels"] == [0, 2]


def test_page_of_maps_with_ignored_ids(tmp_path, data_dir, measures):
    """255 is no class: it is shown in black, and counts nowhere."""
    folder = tmp_path / "data"
    shutil.copytree(data_dir, folder)
    path = folder / "test_label" / "scene_00.png"
    label_map = np.array(Image.open(path))
    label_map[:6] = 255
    write_png(path, label_map)
    scenes = find_scenes(folder, "test")
    labels = LABELS.ignoring([255])
    photographs = FolderPhotographs(folder / "test_img", scenes)
    ignored = find_ignored(labels)
    assert ignored == (5, 255)
    report = evaluate(photographs, labels, measures, ignored)
    confusion = np.array(report["segmentation"]["real"]["confusion"])
    assert confusion.sum() == NUM_SCENES * label_map.size - 6 * 36
    page = tmp_path / "report" / "index.html"
    page.parent.mkdir()
    write_report_page(page, report, photographs, measures.segmenter)
    assert "ignored" in page.read_text()


def test_report_states_its_protocol(real_report):
    protocol = real_report["protocol"]
    assert protocol["size"] == "36x24"
    assert protocol["num_scenes"] == NUM_SCENES
    assert protocol["feature_network"]["name"] == "means"
    assert protocol["versions"].keys() >= {"hdgan", "keras", "tensorflow"}
    assert len(real_report["warnings"]) == 1
    assert "12 photographs are few" in real_report["warnings"][0]


def test_intervals_hold_their_values(blind_report):
    row = blind_report["segmentation"]["generated"]
    for name in ("pixel_accuracy", "mean_iou"):
        low, high = row[name]["interval"]
        assert low < row[name]["value"] < high


def test_comparison_finds_a_difference_and_none(real_report, blind_report):
    result = compare_reports(blind_report, real_report)
    assert result["mean_iou"]["verdict"] == "worse"
    assert result["perceptual"]["verdict"] == "worse"
    assert result["mean_iou"]["difference"] < 0
    assert result["kernel"]["verdict"] == "no difference"
    assert result["frechet"]["verdict"] is None
    assert result["not_compared"] == []
    same = compare_reports(real_report, real_report)
    assert same["mean_iou"]["verdict"] == "no difference"
    assert same["mean_iou"]["interval"] == [0.0, 0.0]
    better = compare_reports(real_report, blind_report)
    assert better["pixel_accuracy"]["verdict"] == "better"


def test_what_was_measured_otherwise_is_not_compared(real_report):
    other = {
        **real_report,
        "protocol": {**real_report["protocol"], "ignore_labels": [3]},
    }
    result = compare_reports(real_report, other)
    assert "mean_iou" not in result
    assert result["not_compared"] == [
        "Segmentation: the baseline has another ignore labels: [3], not []."
    ]
    other = {**real_report, "scenes": real_report["scenes"][1:]}
    with pytest.raises(ValueError, match="other scenes: 1 of 12 are missing"):
        compare_reports(real_report, other)
    other = {**real_report, "classes": {"names": ["sky"]}}
    with pytest.raises(ValueError, match="other classes: sky"):
        compare_reports(real_report, other)


def test_scenes_are_ranked(tmp_path, scenes, measures):
    """The photographs of two scenes show what is not in their maps."""

    def make(scene, index):
        photo = scene["photo"].copy()
        if index in (3, 7):
            photo[: 12 if index == 3 else 20] = LABELS.colors[4]
        return photo

    report = _evaluate(_write(tmp_path, scenes, make), scenes, measures)
    best, worst, by = rank_scenes(report)
    assert worst[:2] == ["scene_07.png", "scene_03.png"]
    assert len(best) == len(worst) == 4
    assert by == "pixel accuracy"


def test_photographs_of_another_size_are_compared_at_it(
    tmp_path, scenes, measures
):
    def make(scene, index):
        return scene["photo"][::2, ::2]

    folder = _write(tmp_path, scenes, make)
    report = _evaluate(folder, scenes, measures)
    assert report["protocol"]["size"] == "18x12"
    photographs = FolderPhotographs(folder, scenes, load_size=36)
    report = evaluate(photographs, LABELS, measures)
    assert report["protocol"]["size"] == "36x24"
    assert report["segmentation"]["generated"]["pixel_accuracy"]["value"] > 0.8


def test_photographs_of_other_proportions_are_named(tmp_path, scenes, measures):
    folder = _write(tmp_path, scenes, lambda scene, i: scene["photo"][:10])
    with pytest.raises(ValueError, match=r"scene_00\.png is 36x10 pixels"):
        _evaluate(folder, scenes, measures)


def test_report_is_written_and_read(tmp_path, real_report):
    path = tmp_path / "report.json"
    save_report(path, real_report)
    assert load_report(tmp_path) == load_report(path)
    assert load_report(path)["segmentation"] == real_report["segmentation"]
    for text in ("{", "[]", '{"format": "x"}'):
        path.write_text(text)
        with pytest.raises(ValueError, match=r"report\.json is no report"):
            load_report(path)
    with pytest.raises(ValueError, match=r"none\.json is no report"):
        load_report(tmp_path / "none.json")
