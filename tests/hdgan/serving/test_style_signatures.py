"""The signatures that find styles and take them."""

import numpy as np
import pytest
import tensorflow as tf
from shared_exports import CLUSTERS, assert_near, read_image, to_files
from tiny_models import inputs_for, synthesize

from hdgan.data.image_files import encode_png

SIZE = 17, 33
# The clusters of the model "loaded": two of roads, and one of cars.
ROADS, CARS = (np.float32(CLUSTERS["loaded"][label]) for label in (1, 2))
MEAN = np.concatenate([ROADS, CARS]).mean(axis=0)


def _list_styles(answer):
    names = "style_examples", "style_instances", "style_vectors"
    return zip(*[answer[name].numpy() for name in names], strict=True)


@pytest.mark.parametrize(
    ("name", "regions"),
    [("encoder", "instance_map"), ("encoder of labels", "label_map")],
)
def test_encode_gives_what_the_encoder_finds(exports, name, regions):
    model = exports[name].model
    signatures = exports[name].signatures
    scenes = inputs_for(model, 2, *SIZE)
    answer = signatures["encode"](
        label_map=tf.constant(scenes["label_map"], tf.uint8),
        instance_map=tf.constant(scenes["instance_map"], tf.int32),
        photo=tf.constant(scenes["photo"]),
    )
    style_map = answer["style_map"].numpy()
    expected = model.encode(scenes).numpy()
    assert style_map.shape == (2, *SIZE, model.style_channels)
    np.testing.assert_allclose(style_map, expected, atol=1e-4)
    assert np.ptp(style_map) > 0.01
    # The list has one entry for each region of each example.
    found = set()
    for example, instance, vector in _list_styles(answer):
        is_region = scenes[regions][example] == instance
        np.testing.assert_allclose(
            np.broadcast_to(vector, style_map[example][is_region].shape),
            style_map[example][is_region],
            atol=1e-6,
        )
        found.add((example, instance))
    assert found == {
        (example, instance)
        for example in range(2)
        for instance in np.unique(scenes[regions][example])
    }


def test_files_are_encoded_as_arrays_are(exports):
    model = exports["encoder"].model
    signatures = exports["encoder"].signatures
    scenes = [inputs_for(model, 1, *size) for size in ((8, 12), SIZE)]
    files = [to_files(scene) for scene in scenes]
    answer = signatures["encode_png"](
        **{key: tf.constant([one[key] for one in files]) for key in files[0]}
    )
    found = set()
    for example, instance, vector in _list_styles(answer):
        scene = scenes[example]
        expected = model.encode(scene).numpy()[
            scene["instance_map"] == instance
        ]
        np.testing.assert_allclose(vector, expected[0], atol=1e-4)
        found.add((example, instance))
    assert found == {
        (example, instance)
        for example in range(2)
        for instance in np.unique(scenes[example]["instance_map"])
    }


@pytest.fixture
def ask(exports):
    """A function that requests a photograph with styles, in both ways."""
    signatures = exports["loaded"].signatures

    def ask(label_map, instance_map, styles=(), seed=0):
        """`styles` holds pairs of an id and a vector or cluster index."""
        vectors = np.zeros((1, len(styles), 3), "float32")
        clusters = np.full((1, len(styles)), -1)
        for index, (_, style) in enumerate(styles):
            if isinstance(style, int):
                clusters[0, index] = style
            else:
                vectors[0, index] = style
        inputs = {
            "style_instances": tf.constant([[k for k, _ in styles]], tf.int32),
            "style_vectors": tf.constant(vectors),
            "style_clusters": tf.constant(clusters, tf.int32),
            "seed": tf.constant([seed], tf.int32),
        }
        photo = signatures["synthesize_with_style"](
            label_map=tf.constant(label_map[None], tf.uint8),
            instance_map=tf.constant(instance_map[None], tf.int32),
            **inputs,
        )["photo"].numpy()[0]
        answer = signatures["synthesize_with_style_png"](
            label_bytes=tf.constant([encode_png("", label_map)]),
            instance_bytes=tf.constant([encode_png("", instance_map)]),
            **inputs,
        )
        assert_near(read_image(answer), photo)
        return photo

    return ask


# A road, two cars, and a house, whose class has no clusters.
LABEL_MAP = np.repeat(np.array([[1, 2, 2, 4]]), 8, axis=0).repeat(8, axis=1)
INSTANCE_MAP = np.repeat(np.array([[1, 21, 22, 4]]), 8, axis=0).repeat(8, 1)


def _expected(model, styles):
    style_map = np.zeros((*LABEL_MAP.shape, 3), "float32")
    for instance, vector in styles.items():
        style_map[instance == INSTANCE_MAP] = vector
    return model.synthesize(LABEL_MAP, INSTANCE_MAP, style_map=style_map)


def test_requested_styles_are_used(exports, ask):
    model = exports["loaded"].model
    vectors = {1: (1, 0, -1), 21: (0.5, 0.5, 0), 22: (0, 0, 1), 4: (-1, 0, 0)}
    photo = ask(LABEL_MAP, INSTANCE_MAP, list(vectors.items()))
    assert_near(photo, _expected(model, vectors))
    other = {**vectors, 22: (-1, -1, -1)}
    assert (photo != ask(LABEL_MAP, INSTANCE_MAP, list(other.items()))).any()
    # Cluster indices, and a vector beside them.
    photo = ask(LABEL_MAP, INSTANCE_MAP, [(1, 1), (21, (0.5, 0.5, 0)), (4, 0)])
    expected = {1: ROADS[1], 21: (0.5, 0.5, 0), 22: CARS[0], 4: MEAN}
    assert_near(photo, _expected(model, expected))


def test_seeds_draw_clusters_of_the_class(exports, ask):
    model = exports["loaded"].model
    fixed = {21: CARS[0], 22: CARS[0], 4: MEAN}
    possible = [_expected(model, {**fixed, 1: one}) for one in ROADS]
    drawn = set()
    for seed in range(12):
        photo = ask(LABEL_MAP, INSTANCE_MAP, seed=seed)
        np.testing.assert_array_equal(
            photo, ask(LABEL_MAP, INSTANCE_MAP, seed=seed)
        )
        differences = [
            np.abs(photo.astype(int) - one).max() for one in possible
        ]
        assert min(differences) <= 1
        drawn.add(int(np.argmin(differences)))
    assert drawn == {0, 1}


def test_without_instances_styles_belong_to_classes(exports, ask):
    model = exports["loaded"].model
    none = np.zeros_like(INSTANCE_MAP)
    photo = ask(LABEL_MAP, none, [(2, (1, 1, 1)), (1, 0), (4, 0)])
    style_map = np.zeros((*LABEL_MAP.shape, 3), "float32")
    for label, vector in ((1, ROADS[0]), (2, (1, 1, 1)), (4, MEAN)):
        style_map[label == LABEL_MAP] = vector
    expected = model.synthesize(LABEL_MAP, none, style_map=style_map)
    assert_near(photo, expected)


@pytest.mark.parametrize(
    ("style", "message"),
    [
        (2, "does not have"),
        ((0, 1.5, 0), r"must be in \[-1, 1\]"),
        ((0, float("nan"), 0), r"must be in \[-1, 1\]"),
    ],
)
def test_invalid_styles_are_refused(ask, style, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        ask(LABEL_MAP, INSTANCE_MAP, [(1, style)])


@pytest.mark.parametrize(
    ("name", "regions"),
    [("encoder", "instance_map"), ("encoder of labels", "label_map")],
)
def test_styles_of_the_encoder_give_its_photographs(exports, name, regions):
    """The styles of `encode`, sent back, give the photograph of the photo."""
    model = exports[name].model
    signatures = exports[name].signatures
    scenes = inputs_for(model, 1, *SIZE)
    style_map = model.encode(scenes).numpy()[0]
    ids, first = np.unique(scenes[regions], return_index=True)
    photo = signatures["synthesize_with_style"](
        label_map=tf.constant(scenes["label_map"], tf.uint8),
        instance_map=tf.constant(scenes["instance_map"], tf.int32),
        style_instances=tf.constant(ids[None], tf.int32),
        style_vectors=tf.constant(style_map.reshape(-1, 3)[first][None]),
        style_clusters=tf.fill((1, len(ids)), -1),
        seed=tf.constant([0]),
    )["photo"].numpy()
    assert_near(photo, synthesize(model, scenes))
