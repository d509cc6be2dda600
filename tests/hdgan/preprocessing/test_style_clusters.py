"""`StyleClusters`: a style for each instance, drawn from those of its class."""

import pickle

import keras
import numpy as np
import programs
import pytest
from tiny_models import (
    LABELS,
    inputs_for,
    make_model,
    make_scenes,
    sharpen,
    synthesize,
)

import hdgan
from hdgan.data.image_files import write_png

CENTERS = {
    0: np.float64([[0.1, 0.2, 0.3]]),
    2: np.float32([[-1, -1, -1], [1, 1, 1], [0, 0, 0]]),
    3: np.float32([[-0.5, 0.5, 0.0], [0.5, -0.5, 0.25]]),
}


@pytest.fixture
def clusters():
    return hdgan.StyleClusters(CENTERS)


@pytest.fixture(scope="module")
def model():
    """A model that encodes a style per instance, not trained."""
    return sharpen(make_model(styles="instances"))


def _scene():
    """Classes 0, 1, 2, 3 in four quarters; class 2 has 50 instances."""
    label_map = np.zeros((20, 20), "int32")
    label_map[:10, 10:] = 1
    label_map[10:, :10] = 2
    label_map[10:, 10:] = 3
    instance_map = label_map.copy()
    instance_map[10:, :10] = 2000 + np.arange(50).repeat(2).reshape(10, 10)
    return label_map, instance_map


def test_every_instance_gets_a_style_of_its_class(clusters):
    label_map, instance_map = _scene()
    style_map = clusters.sample(label_map, instance_map, seed=3)
    assert style_map.shape == (20, 20, 3)
    assert style_map.dtype == np.float32
    drawn = set()
    for instance in np.unique(instance_map):
        region = style_map[instance_map == instance]
        assert (region == region[0]).all()
        label = label_map[instance_map == instance][0]
        if label in CENTERS:
            centers = np.float32(CENTERS[label]).tolist()
            assert region[0].tolist() in centers
        if label == 2:
            drawn.add(tuple(region[0]))
    assert len(drawn) == 3  # Instances of a class draw independently.
    # A class without clusters gets the mean of all centers.
    mean = np.concatenate(list(CENTERS.values())).mean(axis=0)
    np.testing.assert_allclose(style_map[label_map == 1][0], mean, atol=1e-6)


def test_the_same_seed_draws_the_same_styles(clusters):
    maps = _scene()
    first = clusters.sample(*maps, seed=3)
    np.testing.assert_array_equal(first, clusters.sample(*maps, seed=3))
    assert (first != clusters.sample(*maps, seed=4)).any()


def test_an_axis_of_one_channel_is_dropped(clusters):
    label_map, instance_map = _scene()
    np.testing.assert_array_equal(
        clusters.sample(label_map[..., None], instance_map[..., None], seed=3),
        clusters.sample(label_map, instance_map, seed=3),
    )


def test_maps_that_do_not_fit_are_refused(clusters):
    label_map, instance_map = _scene()
    with pytest.raises(ValueError, match=r"same size.*\(20, 20\).*\(10, 20\)"):
        clusters.sample(label_map, instance_map[:10], seed=3)
    with pytest.raises(ValueError, match="`label_map` must be of integers"):
        clusters.sample(label_map + 0.6, instance_map, seed=3)


@pytest.mark.parametrize("kind", ["npy", "pickle"])
def test_load_reads_a_file_of_the_original_pytorch_code(
    tmp_path, clusters, kind
):
    path = tmp_path / "features_clustered_010.npy"
    if kind == "npy":
        np.save(path, CENTERS)
    else:
        path.write_bytes(pickle.dumps(CENTERS))
    loaded = hdgan.StyleClusters.load(path)
    assert loaded.get_config() == clusters.get_config()


def test_error_names_a_file_that_holds_something_else(tmp_path):
    path = tmp_path / "other.npy"
    np.save(path, {1: np.ones((2, 3)), 2: np.ones((2, 4))})
    with pytest.raises(ValueError, match=r"other\.npy.*same style channels"):
        hdgan.StyleClusters.load(path)
    np.save(path, {1: np.ones(3)})
    with pytest.raises(ValueError, match=r"other\.npy.*\(clusters, style_ch"):
        hdgan.StyleClusters.load(path)
    np.save(path, {float("inf"): np.ones((2, 3))})
    with pytest.raises(ValueError, match=r"other\.npy.*class ids.*inf"):
        hdgan.StyleClusters.load(path)
    np.save(path, {1: np.full((2, 3), np.nan)})
    with pytest.raises(ValueError, match=r"other\.npy.*finite"):
        hdgan.StyleClusters.load(path)
    np.save(path, {})
    with pytest.raises(ValueError, match=r"other\.npy.*at least one class"):
        hdgan.StyleClusters.load(path)


@pytest.mark.parametrize("styles", ["instances", "labels", "loaded"])
def test_a_model_synthesizes_with_its_clusters(tmp_path, clusters, styles):
    model = sharpen(make_model(styles=styles))
    model.style_clusters = clusters
    model.save(tmp_path / "model.keras")
    loaded = hdgan.load_model(tmp_path / "model.keras")
    scenes = make_scenes(2)
    maps = scenes["label_map"], scenes["instance_map"]
    photos = loaded.synthesize(*maps, style_seed=5)
    np.testing.assert_array_equal(photos, model.synthesize(*maps, style_seed=5))
    assert (photos != loaded.synthesize(*maps, style_seed=6)).any()
    # An instance map of zeros is none: each class has a style.
    np.testing.assert_array_equal(
        loaded.synthesize(maps[0], 0 * maps[1], style_seed=5),
        loaded.synthesize(maps[0], style_seed=5),
    )
    # Styles that the test draws itself give the same photographs.
    regions = maps[0] if styles == "labels" else maps[1]
    style_map = np.stack(
        [
            clusters.sample(label_map, region_map, 5)
            for label_map, region_map in zip(maps[0], regions, strict=True)
        ]
    )
    expected = loaded.synthesize(*maps, style_map=style_map)
    np.testing.assert_array_equal(photos, expected)


def test_a_photos_encoded_style_map_replaces_the_photo(model):
    scenes = inputs_for(model, 1)
    style_map = model.encode(
        {**scenes, "label_map": scenes["label_map"].astype("int32")}
    )
    photo = scenes.pop("photo")
    by_style_map = synthesize(model, scenes, style_map=style_map.numpy())
    by_photo = synthesize(model, scenes, photo=photo)
    difference = by_style_map.astype(int) - by_photo.astype(int)
    assert np.abs(difference).max() <= 1


def test_without_labels_the_classes_follow_from_the_instance_ids(clusters):
    model = make_model(labels=None, styles="instances")
    model.style_clusters = clusters
    sharpen(model)
    image = make_scenes(1, is_rgb=True)["label_map"]
    ids = np.full(image.shape[:3], 2017)
    style_map = np.full((*ids.shape, 3), CENTERS[2][0])
    options = [
        model.synthesize(image, ids, style_map=style_map + shift)
        for shift in (0.0, 1.0, 2.0)
    ]
    photo = model.synthesize(image, ids, style_seed=1)
    assert any((photo == option).all() for option in options)


def test_clusters_and_style_maps_that_do_not_fit_are_refused(clusters, model):
    networks = make_model(styles="instances", style_channels=5).get_config()
    config = keras.saving.serialize_keras_object(clusters)
    with pytest.raises(ValueError, match=r"have 3 channels.*styles of 5"):
        hdgan.Pix2PixHD.from_config({**networks, "style_clusters": config})
    label_map = make_scenes(1)["label_map"]
    with pytest.raises(ValueError, match="no style clusters"):
        model.synthesize(label_map, style_seed=1)
    with pytest.raises(ValueError, match=r"numbers in \[-1, 1\].*2\.0"):
        model.synthesize(
            label_map, style_map=np.full((*label_map.shape, 3), 2.0)
        )


def test_from_pytorch_files_to_photographs_of_drawn_styles(tmp_path):
    """Converts G, E and style clusters, then synthesizes by the tools."""
    torch = pytest.importorskip("torch")
    from hdgan.models.pix2pixhd.pytorch_checkpoint import state_dict

    model = sharpen(make_model(styles="instances", num_blocks=2))
    for letter, network in (("G", model.generator), ("E", model.encoder)):
        state = state_dict(network)
        torch.save(
            {k: torch.tensor(v) for k, v in state.items()},
            tmp_path / f"latest_net_{letter}.pth",
        )
    np.save(tmp_path / "clusters.npy", CENTERS)
    result = programs.run_inside(
        "tools.convert_checkpoint",
        f"--generator={tmp_path / 'latest_net_G.pth'}",
        f"--encoder={tmp_path / 'latest_net_E.pth'}",
        f"--style_clusters={tmp_path / 'clusters.npy'}",
        f"--label_nc={len(LABELS)}",
        f"--output={tmp_path / 'model.keras'}",
    )
    assert result.code == 0, result.err
    assert "of the classes 0, 2, 3" in result.out
    maps = make_scenes(1)
    for folder, name in (("label", "label_map"), ("inst", "instance_map")):
        (tmp_path / folder).mkdir()
        array = maps[name][0]
        array = array.astype("uint8" if folder == "label" else "uint16")
        write_png(tmp_path / folder / "a.png", array)
    result = programs.run_inside(
        "tools.synthesize",
        f"--model={tmp_path / 'model.keras'}",
        f"--label_dir={tmp_path / 'label'}",
        f"--instance_dir={tmp_path / 'inst'}",
        f"--output_dir={tmp_path / 'photos'}",
        "--samples=2",
        "--seed=7",
    )
    assert result.code == 0, result.err
    converted = hdgan.load_model(tmp_path / "model.keras")
    from hdgan.data.image_files import read_photo

    for number in (0, 1):
        photo = read_photo(tmp_path / "photos" / f"a_{number}.png")
        expected = converted.synthesize(
            maps["label_map"][0],
            maps["instance_map"][0],
            style_seed=7 + number,
        )
        np.testing.assert_array_equal(photo, expected)
