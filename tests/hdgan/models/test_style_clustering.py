"""Style clusters from a model's encoder, and the tool that stores them."""

import base64
import io
import zipfile

import keras
import numpy as np
import programs
import pytest
import tensorflow as tf
from PIL import Image
from tiny_models import LABELS, make_model, sharpen

import hdgan
from hdgan.data.image_files import write_png
from hdgan.data.resize_policy import ResizePolicy
from hdgan.data.scene_files import find_scenes
from hdgan.models.model_file import load_model, save_model
from hdgan.models.style_clustering import cluster_styles

AS_IS = ResizePolicy("none", size_multiple=1)
SKY, ROAD, CAR = 0, 1, 2
RED, BLUE = (200, 20, 20), (20, 20, 200)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """Six scenes with a red and a blue car, and a car of few pixels."""
    folder = tmp_path_factory.mktemp("cars")
    for kind in ("label", "inst", "img"):
        (folder / f"train_{kind}").mkdir()
    for number in range(6):
        label_map = np.full((32, 48), SKY, "uint8")
        label_map[16:] = ROAD
        instance_map = label_map.astype("uint16")
        photo = np.full((32, 48, 3), 120, "uint8")
        for k, (color, place) in enumerate(
            [
                (RED, np.s_[18:26, 2 + number : 18 + number]),
                (BLUE, np.s_[18:26, 24 + number : 40 + number]),
                ((0, 255, 0), np.s_[30:32, 0:4]),
            ]
        ):
            label_map[place] = CAR
            instance_map[place] = 2000 + k
            photo[place] = color
        for kind, array in (
            ("label", label_map),
            ("inst", instance_map),
            ("img", photo),
        ):
            write_png(folder / f"train_{kind}" / f"{number}.png", array)
    return folder


def _thumbnail_color(clusters, label, index):
    file = base64.b64decode(clusters.thumbnails[label][index])
    image = np.asarray(Image.open(io.BytesIO(file)))
    height, width, _ = image.shape
    return image[height // 2, width // 2].astype(int)


def test_clusters_are_the_typical_styles_of_large_instances(data_dir):
    model = sharpen(make_model(styles="instances"))
    scenes = find_scenes(data_dir)
    clusters = cluster_styles(model, scenes, AS_IS, num_clusters=2)
    assert set(clusters.centers) == {SKY, ROAD, CAR}
    # The mean styles of the red and of the blue cars, each its own cluster.
    styles = {2000: [], 2001: []}
    for index in range(len(scenes)):
        scene = scenes.read(index)
        batch = {k: tf.constant(v[None]) for k, v in scene.items()}
        style_map = model.encode(batch)[0].numpy()
        for instance, found in styles.items():
            found.append(style_map[scene["instance_map"] == instance][0])
    means = np.stack([np.mean(found, axis=0) for found in styles.values()])
    centers = clusters.centers[CAR]
    order = np.argsort(centers[:, 0])
    expected = means[np.argsort(means[:, 0])]
    np.testing.assert_allclose(centers[order], expected, atol=1e-4)
    # And each has the picture of such a car.
    red = int(np.abs(centers - means[0]).sum(axis=1).argmin())
    for index, color in ((red, RED), (1 - red, BLUE)):
        shown = _thumbnail_color(clusters, CAR, index)
        assert np.abs(shown - color).max() < 40


def test_smaller_areas_count_if_asked(data_dir):
    model = sharpen(make_model(styles="instances"))
    scenes = find_scenes(data_dir)
    clusters = cluster_styles(model, scenes, AS_IS, min_area=0)
    assert len(clusters.centers[CAR]) == 10
    # Ten clusters of 18 cars; six of the road, one per photograph.
    assert len(clusters.centers[ROAD]) == 6
    with pytest.raises(ValueError, match=r"covers more than 0\.9"):
        cluster_styles(model, scenes, AS_IS, min_area=0.9)
    with pytest.raises(ValueError, match=r"share in \[0, 1\)"):
        cluster_styles(model, scenes, AS_IS, min_area=1.0)
    with pytest.raises(ValueError, match="has no encoder"):
        cluster_styles(make_model(), scenes, AS_IS)


def test_styles_of_classes_and_of_whole_images_have_clusters(data_dir):
    scenes = find_scenes(data_dir)
    model = sharpen(make_model(styles="labels"))
    clusters = cluster_styles(model, scenes, AS_IS, num_clusters=3)
    assert {k: len(c) for k, c in clusters.centers.items()} == {
        0: 3,
        1: 3,
        2: 3,
    }
    model = make_model("spade_256", styles="image")
    resizing = ResizePolicy("resize_and_crop", load_size=64, crop_size=64)
    clusters = cluster_styles(model, scenes, resizing, num_clusters=3)
    assert {k: c.shape for k, c in clusters.centers.items()} == {0: (3, 5)}
    # A style seed draws one of them.
    model.style_clusters = clusters
    drawn = [model.draw_style_map(None, None, seed)[0, 0] for seed in range(20)]
    assert len({tuple(style) for style in drawn}) == 3
    for style in drawn:
        assert (clusters.centers[0] == style).all(axis=1).any()


def test_the_tool_changes_nothing_but_the_clusters(tmp_path, data_dir):
    model = sharpen(make_model(styles="instances"))
    model.compile()
    path = tmp_path / "model.keras"
    save_model(model, path)
    before = path.read_bytes()
    result = programs.run_inside(
        "tools.cluster_styles",
        f"--model={path}",
        f"--data_dir={data_dir}",
        "--num_clusters=2",
        f"--output={tmp_path / 'styled.keras'}",
    )
    assert result.code == 0, result.err
    assert "car: 2 clusters" in result.out
    assert "No clusters: tree, house" in result.out
    assert path.read_bytes() == before
    result = programs.run_inside(
        "tools.cluster_styles",
        f"--model={tmp_path}",
        f"--data_dir={data_dir}",
        "--num_clusters=2",
    )
    assert result.code == 0, result.err
    archives = [
        zipfile.ZipFile(io.BytesIO(before)),
        zipfile.ZipFile(path),
        zipfile.ZipFile(tmp_path / "styled.keras"),
    ]
    for name in archives[0].namelist():
        contents = [archive.read(name) for archive in archives]
        assert contents[1] == contents[2]
        assert (contents[0] == contents[1]) == (name != "config.json")
    loaded = load_model(path)
    assert set(loaded.style_clusters.thumbnails) == {SKY, ROAD, CAR}
    for one, other in zip(loaded.weights, model.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    # With its optimizers, as before.
    assert keras.models.load_model(path).generator_optimizer is not None


def test_thumbnails_must_be_as_many_as_clusters():
    centers = {2: np.zeros((2, 3))}
    clusters = hdgan.StyleClusters(centers, {2: ["YQ==", "Yg=="]})
    copy = hdgan.StyleClusters.from_config(clusters.get_config())
    assert copy.thumbnails == {2: ["YQ==", "Yg=="]}
    with pytest.raises(ValueError, match=r"each of its 2 clusters.*1"):
        hdgan.StyleClusters(centers, {2: ["YQ=="]})
    assert LABELS.names[CAR] == "car"
