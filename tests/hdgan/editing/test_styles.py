"""Styles of objects, and photographs of edited scenes."""

import numpy as np
import pytest
from tiny_models import LABELS, make_model, make_scenes, sharpen

import hdgan
from hdgan.editing import (
    WHOLE_IMAGE,
    EditableScene,
    blend_styles,
    choose_cluster,
    copy_style,
    encode_styles,
    list_styles,
    make_style_map,
    reset_style,
    set_style,
    synthesize_scene,
)

CENTERS = {
    0: [[0.1, 0.2, 0.3]],
    2: [[-1, -1, -1], [1, 1, 1], [0, 0, 0]],
}


@pytest.fixture(scope="module")
def model():
    """An untrained model with a style per instance and clusters."""
    model = sharpen(make_model(styles="instances"))
    model.style_clusters = hdgan.StyleClusters(CENTERS)
    return model


def _make_scene(**options):
    scene = make_scenes(1)
    return EditableScene(
        scene["label_map"][0], scene["instance_map"][0], LABELS, **options
    )


def test_a_scene_gives_the_photograph_of_its_seed(model):
    scene = _make_scene(seed=5)
    np.testing.assert_array_equal(
        synthesize_scene(model, scene),
        model.synthesize(scene.label_map, scene.instance_map, style_seed=5),
    )
    plain = make_model()
    np.testing.assert_array_equal(
        synthesize_scene(plain, scene),
        plain.synthesize(scene.label_map, scene.instance_map),
    )


def test_other_objects_keep_their_drawn_styles_in_an_edit(model):
    scene = _make_scene(seed=5)
    before = make_style_map(model, scene)
    car = next(iter(scene.objects("car")))
    region = scene.region(car)
    label_map = np.where(region, 0, scene.label_map)
    instance_map = np.where(region, 0, scene.instance_map)
    edited = scene.replace(label_map=label_map, instance_map=instance_map)
    after = make_style_map(model, edited)
    np.testing.assert_array_equal(before[~region], after[~region])


def test_a_style_changes_its_object_alone(model):
    scene = _make_scene()
    first, second = list(scene.objects("car"))[:2]
    edited = set_style(scene, first, [0.5, -0.5, 0.25])
    region = scene.region(first)
    style_map = make_style_map(model, edited)
    assert (style_map[region] == np.float32([0.5, -0.5, 0.25])).all()
    np.testing.assert_array_equal(
        style_map[~region], make_style_map(model, scene)[~region]
    )
    copied = copy_style(model, edited, first, second)
    assert copied.styles[second] == (0.5, -0.5, 0.25)
    assert reset_style(copied, first).styles == {second: (0.5, -0.5, 0.25)}
    # Also a style that the seed drew can be copied.
    drawn = list_styles(model, scene)[second]
    assert copy_style(model, scene, second, first).styles[first] == drawn
    chosen = choose_cluster(model, scene, first, 1)
    assert chosen.styles[first] == (1, 1, 1)
    half = blend_styles((1, 1, 1), (0, -1, 0.5), 0.5)
    assert half == (0.5, 0, 0.75)


def test_styles_of_a_photograph(model):
    scene = _make_scene()
    photo = make_scenes(1)["photo"][0]
    styles = encode_styles(model, scene, photo)
    edited = scene.replace(styles=styles)
    by_styles = synthesize_scene(model, edited).astype(int)
    by_photo = model.synthesize(
        scene.label_map, scene.instance_map, style_photo=photo
    )
    assert np.abs(by_styles - by_photo).max() <= 1
    with pytest.raises(ValueError, match=r"must be uint8 \(32, 48, 3\)"):
        encode_styles(model, scene, photo[:8])


def test_a_model_with_a_style_per_class():
    model = sharpen(make_model(styles="labels"))
    scene = set_style(_make_scene(), 2, [0.5, 0.5, 0.5])
    style_map = make_style_map(model, scene)
    is_car = scene.label_map == 2
    assert (style_map[is_car] == 0.5).all()
    assert (style_map[~is_car] == 0).all()


def test_a_model_with_a_style_per_image():
    model = make_model("spade_256", styles="image")
    label_map = np.zeros((64, 64), int)
    scene = EditableScene(label_map, None, LABELS, seed=3)
    photo = synthesize_scene(model, scene)
    np.testing.assert_array_equal(
        photo, model.synthesize(label_map, style_seed=3)
    )
    style = [5.0, 0, -4.0, 1, 2]
    edited = set_style(scene, WHOLE_IMAGE, style)
    np.testing.assert_array_equal(make_style_map(model, edited), [[style]])
    assert list_styles(model, edited) == {WHOLE_IMAGE: tuple(style)}
    with pytest.raises(ValueError, match="no style clusters"):
        choose_cluster(model, scene, WHOLE_IMAGE, 0)
    model.style_clusters = hdgan.StyleClusters({0: [[1.0] * 5, [2.0] * 5]})
    chosen = choose_cluster(model, scene, WHOLE_IMAGE, 1)
    assert chosen.styles == {WHOLE_IMAGE: (2.0,) * 5}


def test_what_does_not_fit_is_refused(model):
    scene = _make_scene()
    car = next(iter(scene.objects("car")))
    for style in ([0.5, 0.5], [0.0, 0.0, 1.5]):
        with pytest.raises(ValueError, match=r"3 numbers in \[-1, 1\]"):
            synthesize_scene(model, set_style(scene, car, style))
    with pytest.raises(ValueError, match="has 3 clusters"):
        choose_cluster(model, scene, car, 3)
    with pytest.raises(ValueError, match="no region of the id 77"):
        choose_cluster(model, scene, 77, 0)
    with pytest.raises(ValueError, match="no region of the id 77"):
        copy_style(model, scene, 77, car)
    with pytest.raises(ValueError, match="takes no style"):
        synthesize_scene(make_model(), set_style(scene, car, [0.5]))
    others = EditableScene(scene.label_map, None, hdgan.LabelSet.numbered(5))
    with pytest.raises(ValueError, match="other classes than the model"):
        synthesize_scene(model, others)
    with pytest.raises(ValueError, match="share in"):
        blend_styles((1, 2), (1, 2), 1.5)
