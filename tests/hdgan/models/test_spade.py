"""The SPADE family through everything that all families share."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_models import LABELS, make_model, make_scenes, maps_of, synthesize

import hdgan

SIZE = (64, 64)


def _train(model, scenes, epochs=1):
    history = model.fit(
        scenes, batch_size=2, epochs=epochs, shuffle=False, verbose=0
    )
    return history.history


@pytest.fixture(scope="module", params=[None, "image"], ids=["plain", "style"])
def trained(request, tmp_path_factory):
    """A model after two steps, its copy from a file, and its scenes."""
    model = make_model("spade_256", styles=request.param, ema_decay=0.5)
    # Faster than tracing a graph for each copy; the replicas run as graphs.
    model.compile(run_eagerly=True)
    scenes = make_scenes(4, *SIZE)
    _train(model, scenes)
    path = tmp_path_factory.mktemp("spade") / "model.keras"
    model.save(path)
    return model, path, scenes


def test_it_trains_with_the_terms_of_its_preset(trained):
    model, _, scenes = trained
    logs = model.evaluate(scenes, batch_size=2, verbose=0, return_dict=True)
    expected = {
        "generator_loss",
        "generator_adversarial",
        "feature_matching",
        "discriminator_loss",
        "discriminator_real",
        "discriminator_fake",
    }
    if model.encoder is not None:
        expected.add("kl_divergence")
    assert set(logs) == expected
    assert all(np.isfinite(value) for value in logs.values())


def test_it_goes_on_from_a_file_as_it_would_have(trained):
    model, path, scenes = trained
    first, second = (keras.models.load_model(path) for _ in range(2))
    assert isinstance(first, hdgan.Spade)
    batch = {name: array[:2] for name, array in scenes.items()}
    histories = [_train(one, batch) for one in (first, second)]
    assert histories[0] == histories[1]
    # With a style, the noise goes on too.
    _train(model, batch)
    for ours, theirs in zip(model.weights, first.weights, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6, err_msg=ours.path)


def test_the_average_copies_statistics_and_power_iterations(trained):
    model, _, _ = trained
    names = {"u", "v", "moving_mean", "moving_variance"}
    found = set()
    for average, weight in zip(
        model.average_generator.weights, model.generator.weights, strict=True
    ):
        name = weight.path.rsplit("/", 1)[-1]
        if name in names:
            found.add(name)
            np.testing.assert_array_equal(average, weight, weight.path)
        elif name == "kernel":
            assert not np.array_equal(average, weight), weight.path
    assert {"u", "v"} < found


@pytest.fixture(scope="module")
def plain():
    """A model without style, not trained."""
    return make_model("spade_256")


@pytest.fixture(scope="module")
def styled():
    """A model with a style of the whole image, not trained."""
    return make_model("spade_256", styles="image")


@pytest.mark.parametrize("size", [(64, 64), (65, 97), (7, 130)])
def test_a_photograph_has_the_size_of_its_label_map(plain, size):
    photo = plain.synthesize(**maps_of(make_scenes(1, *size)))
    assert photo.shape == (1, *size, 3)
    assert photo.dtype == np.uint8


def test_a_style_comes_from_a_photo_a_vector_or_a_seed():
    model = make_model("spade_256", styles="image")
    # An untrained generator hardly reacts to its style.
    for name in ("start", "output"):
        layer = model.generator.get_layer(name)
        layer.set_weights([1000 * weight for weight in layer.get_weights()])
    scene = {k: v[0] for k, v in make_scenes(1, *SIZE).items()}
    maps = maps_of(scene)
    batch = {k: tf.constant(v[None]) for k, v in scene.items()}
    style = model.encode(batch).numpy()
    # The style of the photo, whatever style map the scene brings along.
    given = {**batch, "style_map": tf.zeros_like(style)}
    np.testing.assert_array_equal(model.encode(given), style)
    with pytest.raises(ValueError, match=r"must hold floats.*uint8"):
        model({**maps_of(batch), "style_map": tf.zeros(style.shape, "uint8")})
    assert style.shape == (1, 1, 1, model.style_channels)
    by_photo = synthesize(model, scene)
    by_vector = model.synthesize(**maps, style_map=style[0])
    np.testing.assert_array_equal(by_photo, by_vector)
    drawn = [model.synthesize(**maps, style_seed=seed) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert (drawn[0] != drawn[2]).any()


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("plain", {"style_seed": 1}, "takes no style"),
        ("plain", {"style_map": np.zeros((1, 1, 5))}, "takes no styles"),
        ("styled", {}, "style of a photo.*style_seed"),
        (
            "styled",
            {"style_map": np.full((1, 1, 5), np.nan)},
            "finite",
        ),
        (
            "styled",
            {"style_map": np.zeros((1, 1, 5), "uint8")},
            "must hold floats",
        ),
        (
            "styled",
            {"style_map": np.zeros((64, 64, 5))},
            r"shape \(1, 1, 5\)\. Received",
        ),
    ],
    ids=str,
)
def test_wrong_styles_are_refused(request, name, arguments, words):
    model = request.getfixturevalue(name)
    maps = {k: v[0] for k, v in maps_of(make_scenes(1, *SIZE)).items()}
    with pytest.raises(ValueError, match=words):
        model.synthesize(**maps, **arguments)


def test_with_a_style_other_sizes_are_refused(styled):
    maps = {k: v[0] for k, v in maps_of(make_scenes(1, 64, 96)).items()}
    with pytest.raises(
        (ValueError, tf.errors.InvalidArgumentError), match="64x64 pixels"
    ):
        styled.synthesize(**maps, style_seed=1)


def test_networks_that_do_not_fit_are_refused(plain, styled):
    with pytest.raises(ValueError, match=r"None, 'image'.*'instances'"):
        make_model("spade_256", styles="instances")
    with pytest.raises(ValueError, match=r"\(32, 64\).*at least 64 pixels"):
        make_model("spade_256", styles="image", image_size=(32, 64))
    with pytest.raises(ValueError, match="encoder finds 5"):
        hdgan.Spade(
            plain.generator, plain.discriminator, styled.encoder, labels=LABELS
        )
    with pytest.raises(ValueError, match="discriminator takes 9 channels"):
        hdgan.Spade(
            plain.generator,
            plain.discriminator,
            labels=LABELS,
            use_instances=False,
        )


def test_two_replicas_share_their_batch_statistics(two_replicas):
    """Two replicas take the step of one on the whole batch."""
    scenes = make_scenes(4, *SIZE)
    dataset = tf.data.Dataset.from_tensor_slices(scenes).batch(4)
    models = []
    for strategy in (tf.distribute.get_strategy(), two_replicas):
        with strategy.scope():
            model = make_model("spade_256", ema_decay=0.5, num_scales=1)
            model.compile(
                keras.optimizers.SGD(0.01),
                keras.optimizers.SGD(0.01),
                # One replica takes no collective operations.
                run_eagerly=strategy is not two_replicas,
            )
        model.fit(dataset, shuffle=False, verbose=0)
        models.append(model)
    for one, two in zip(*(model.weights for model in models), strict=True):
        np.testing.assert_allclose(
            one.numpy(), two.numpy(), rtol=1e-3, atol=1e-5, err_msg=one.path
        )


@pytest.mark.parametrize("styles", [None, "image"], ids=["plain", "style"])
def test_an_export_gives_the_photographs_of_synthesize(styles, tmp_path):
    model = make_model("spade_256", styles=styles)
    model.export(tmp_path / "1")
    signatures = tf.saved_model.load(tmp_path / "1").signatures
    scenes = make_scenes(2, *SIZE)
    arrays = {
        "label_map": tf.constant(scenes["label_map"], tf.uint8),
        "instance_map": tf.constant(scenes["instance_map"], tf.int32),
    }
    maps = dict(arrays)
    if styles is not None:
        arrays["photo"] = tf.constant(scenes["photo"])
    served = signatures["serving_default"](**arrays)["photo"].numpy()
    if styles is None:
        del scenes["photo"]
        assert "encode" not in signatures
    expected = synthesize(model, scenes)
    assert np.abs(served.astype(int) - expected).max() <= 1
    if styles is None:
        return
    # One region per image, whose style is a vector without a limit.
    found = signatures["encode"](**arrays)
    assert found["style_map"].shape == (2, 1, 1, model.style_channels)
    assert found["style_instances"].numpy().tolist() == [0, 0]
    vectors = found["style_vectors"][:, None]
    served = signatures["synthesize_with_style"](
        **maps,
        style_instances=tf.zeros((2, 1), tf.int32),
        style_vectors=vectors + 3.0,
        style_clusters=tf.fill((2, 1), -1),
        seed=tf.zeros(2, tf.int32),
    )["photo"].numpy()
    maps = {k: v.numpy() for k, v in maps.items()}
    moved = found["style_map"].numpy() + 3.0
    expected = model.synthesize(**maps, style_map=moved)
    assert np.abs(served.astype(int) - expected).max() <= 1
