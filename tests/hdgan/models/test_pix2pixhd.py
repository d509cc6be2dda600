"""The Keras methods of a model: fit, evaluate, predict and synthesize."""

import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_models import (
    LABELS,
    inputs_for,
    make_model,
    make_scenes,
    maps_of,
    scenes_for,
    sharpen,
    synthesize,
)

import hdgan
from hdgan.training.loss_terms import L1, DiscriminatorFake

SHALLOW = {"num_downsamplings": 1, "num_scales": 1}
CASES = {
    "tiny": {},
    "encoder_and_average": {
        "styles": "instances",
        "ema_decay": 0.9,
        "num_scales": 1,
    },
    "styles_of_labels": {"styles": "labels", **SHALLOW},
    "loaded_styles": {"styles": "loaded", "style_channels": 5, **SHALLOW},
    "rgb": {"labels": None, "use_instances": False, **SHALLOW},
    "no_instances": {"use_instances": False, "spectral_norm": True, **SHALLOW},
    "pix2pix_256": {"preset": "pix2pix_256"},
    "pix2pixhd_1024p": {"preset": "pix2pixhd_1024p"},
}
LEAST_SQUARES_NAMES = {
    "generator_loss",
    "generator_adversarial",
    "feature_matching",
    "discriminator_loss",
    "discriminator_real",
    "discriminator_fake",
}
PIX2PIX_NAMES = LEAST_SQUARES_NAMES - {"feature_matching"} | {"l1"}
SIZES = ((1, 1), (17, 33), (33, 48))


def _mixed_sizes(model):
    """Returns a dataset of two scenes of different odd sizes."""
    small, large = (
        tf.data.Dataset.from_tensor_slices(scenes_for(model, 1, *size)).batch(1)
        for size in SIZES[1:]
    )
    return small.concatenate(large)


def _kernels(*networks):
    return [
        weight.numpy()
        for network in networks
        if network is not None
        for weight in network.trainable_variables
        if len(weight.shape) == 4
    ]


@pytest.fixture(scope="module", params=CASES)
def journey(request):
    """A model trained for two epochs, with its weights and its history."""
    options = CASES[request.param]
    model = make_model(**options)
    preset = options.get("preset", "tiny")
    model.compile()
    networks = (model.generator, model.discriminator, model.encoder)
    start = _kernels(*networks)
    dataset = _mixed_sizes(model)
    history = model.fit(dataset, epochs=2, shuffle=False, verbose=0)
    return types.SimpleNamespace(
        model=model,
        preset=preset,
        dataset=dataset,
        start=start,
        end=_kernels(*networks),
        history=history.history,
    )


@pytest.fixture(scope="module")
def plain():
    """A model without styles that runs eagerly, which needs no tracing."""
    model = sharpen(make_model())
    model.compile(run_eagerly=True)
    return model


@pytest.fixture(scope="module")
def shallow():
    """A model that is not compiled."""
    return make_model(**SHALLOW)


@pytest.fixture(scope="module")
def instance_encoding():
    """A model that encodes a style per instance, not trained."""
    return sharpen(make_model(styles="instances"))


@pytest.fixture(scope="module")
def label_encoding():
    """A model that encodes a style per class, not trained."""
    return sharpen(make_model(styles="labels"))


@pytest.fixture(scope="module")
def loaded():
    """A model whose style maps have two channels, not trained."""
    return sharpen(make_model(styles="loaded", style_channels=2))


# === Journeys ===


def test_training_changes_every_kernel(journey):
    for start, end in zip(journey.start, journey.end, strict=True):
        assert np.isfinite(end).all()
        assert (start != end).any()


def test_history_has_each_loss_once_per_epoch(journey):
    is_pix2pix = journey.preset == "pix2pix_256"
    expected = PIX2PIX_NAMES if is_pix2pix else LEAST_SQUARES_NAMES
    assert set(journey.history) == expected
    assert {m.name for m in journey.model.metrics} == expected
    assert np.isfinite([*journey.history.values()]).all()
    assert {len(values) for values in journey.history.values()} == {2}


def test_the_loss_of_a_side_is_the_sum_of_its_terms(journey):
    logs = {name: values[-1] for name, values in journey.history.items()}
    terms = {"generator_adversarial", "feature_matching", "l1"} & set(logs)
    assert logs["generator_loss"] == pytest.approx(
        sum(logs[name] for name in terms), rel=1e-5
    )
    assert logs["discriminator_loss"] == pytest.approx(
        logs["discriminator_real"] + logs["discriminator_fake"], rel=1e-5
    )


def test_evaluate_returns_the_losses_and_changes_no_weight(journey):
    model = journey.model
    before = [weight.numpy() for weight in model.weights]
    logs = model.evaluate(journey.dataset, verbose=0, return_dict=True)
    assert set(logs) == set(journey.history)
    assert np.isfinite([*logs.values()]).all()
    for weight, start in zip(model.weights, before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), start)


@pytest.mark.parametrize("size", SIZES)
def test_photographs_have_the_size_of_the_label_map(journey, size):
    model = journey.model
    inputs = inputs_for(model, 1, *size)
    photos = synthesize(model, inputs)
    assert photos.shape == (1, *size, 3)
    assert photos.dtype == np.uint8
    single = synthesize(model, {name: inputs[name][0] for name in inputs})
    np.testing.assert_array_equal(single, photos[0])


def test_synthesize_rounds_the_output_of_predict(journey):
    model = journey.model
    inputs = inputs_for(model, 2, 17, 33)
    images = model.predict(inputs, batch_size=2, verbose=0)
    assert images.dtype == np.float32
    assert np.abs(images).max() <= 1.0
    rounded = np.round((images + 1.0) * 127.5)
    photos = synthesize(model, inputs)
    assert np.abs(rounded - photos).max() <= 1
    assert photos.std() > 1  # The photographs are not a single colour.


def test_summary_lists_the_networks_and_their_weights(journey):
    lines = []
    journey.model.summary(print_fn=lines.append)
    text = "\n".join(lines)
    assert "generator" in text
    assert "discriminator" in text
    assert f"{journey.model.generator.count_params():,}" in text


def test_config_round_trip(journey):
    model = journey.model
    copy = type(model).from_config(model.get_config())
    assert [weight.shape for weight in copy.weights] == [
        weight.shape for weight in model.weights
    ]
    assert copy.get_config() == model.get_config()


def test_label_id_without_a_class_stops_training(journey):
    """The last test of a journey: the failed step must not serve others."""
    if journey.model.labels is None:
        pytest.skip("RGB input has no label ids.")
    # With the shapes and dtypes of the training, the step is not traced again.
    dataset = journey.dataset.map(
        lambda scene: {
            **scene,
            "label_map": tf.fill(
                tf.shape(scene["label_map"]), np.uint8(len(LABELS))
            ),
        }
    )
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"outside 0\.\.4.*5 classes"
    ):
        journey.model.fit(dataset, shuffle=False, verbose=0)


# === Other ways to give data ===


def test_arrays_and_pairs_train_like_a_dataset():
    scenes = make_scenes(2)
    maps = maps_of(scenes)
    ends = []
    for arguments in (
        {"x": tf.data.Dataset.from_tensor_slices(scenes).batch(1)},
        {"x": scenes, "batch_size": 1},
        {"x": maps, "y": scenes["photo"], "batch_size": 1},
    ):
        model = make_model(**SHALLOW)
        model.compile(run_eagerly=True)
        model.fit(**arguments, shuffle=False, verbose=0)
        ends.append(_kernels(model.generator, model.discriminator))
    for first, second, third in zip(*ends, strict=True):
        np.testing.assert_allclose(first, second, atol=1e-6)
        np.testing.assert_allclose(first, third, atol=1e-6)


def test_epoch_logs_are_the_mean_of_the_steps():
    # At a learning rate of zero, each step's losses depend on its scene only.
    model = make_model(**SHALLOW)
    optimizers = [keras.optimizers.SGD(0.0) for _ in range(2)]
    model.compile(*optimizers, run_eagerly=True)
    scenes = make_scenes(3)
    alone = [
        model.evaluate(
            {name: scenes[name][k : k + 1] for name in scenes},
            verbose=0,
            return_dict=True,
        )
        for k in range(3)
    ]
    logs = model.fit(scenes, batch_size=1, verbose=0).history
    for name, (value,) in logs.items():
        steps = [scene_logs[name] for scene_logs in alone]
        assert value == pytest.approx(np.mean(steps), rel=1e-5)
        assert value != pytest.approx(steps[-1], rel=1e-4)


# === Mistakes ===


def test_training_without_photos_is_refused(plain):
    maps = maps_of(make_scenes(1))
    with pytest.raises(ValueError, match="need the photos"):
        plain.fit(maps, verbose=0)
    with pytest.raises(ValueError, match="need the photos"):
        plain.evaluate(maps, verbose=0)


def test_networks_with_the_wrong_channels_are_refused():
    generator = hdgan.GlobalGenerator(6, 4, 1, 1)
    discriminator = hdgan.MultiscaleDiscriminator(9, 4, 1, 1)
    hdgan.Pix2PixHD(generator, discriminator, labels=LABELS)
    with pytest.raises(ValueError, match="takes 9 channels, but is given 8"):
        hdgan.Pix2PixHD(
            generator, discriminator, labels=LABELS, use_instances=False
        )
    with pytest.raises(ValueError, match="takes 8 channels, but is given 9"):
        hdgan.Pix2PixHD(
            generator,
            hdgan.MultiscaleDiscriminator(8, 4, 1, 1),
            labels=LABELS,
        )


@pytest.mark.parametrize("decay", [0, 1, -0.5, 2])
def test_average_must_have_a_decay_between_zero_and_one(shallow, decay):
    with pytest.raises(ValueError, match="ema_decay"):
        hdgan.Pix2PixHD(
            shallow.generator,
            shallow.discriminator,
            labels=LABELS,
            ema_decay=decay,
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"losses": {"l1": {"kind": "cubic"}}}, "'l1'.*kind"),
        (
            {"losses": {"generator_adversarial": {"kind": "cubic"}}},
            "least_squares",
        ),
        ({"losses": {"feature_matching": -1.0}}, "feature_matching.*-1"),
        ({"losses": {"perceptual": float("nan")}}, "perceptual.*nan"),
        ({"losses": {"l1": "much"}}, "l1.*much"),
        ({"losses": {"l2": 1.0}}, "no loss term 'l2'.*l1"),
        ({"losses": ["l1"]}, "list of loss terms.*'l1'"),
        ({"losses": [L1(), L1()]}, "l1 more than once"),
        ({"losses": {"l1": DiscriminatorFake()}}, "same name"),
        ({"update_order": "random"}, "update_order.*alternating"),
    ],
)
def test_compile_refuses_unknown_values(shallow, options, message):
    with pytest.raises(ValueError, match=message):
        shallow.compile(**options)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"label_map": np.zeros((4,), "int32")},
            r"must be \(height, width\) or",
        ),
        ({"label_map": np.zeros((0, 4), "int32")}, "no axis of length 0"),
        ({"label_map": np.zeros((4, 4), "float32")}, "of integers"),
        ({"label_map": np.full((4, 4), 5)}, r"ids 5\.\.5.*Expected 0\.\.4"),
        ({"label_map": np.full((4, 4), -1)}, r"ids -1\.\.-1"),
        ({"instance_map": np.zeros((4, 5), "int32")}, r"shape \(4, 4\)"),
        ({"instance_map": np.zeros((4, 4), "float32")}, "of integers"),
        ({"style_photo": np.zeros((4, 4, 3), "uint8")}, "no encoder"),
        ({"noise_seed": 1}, "without dropout"),
    ],
)
def test_synthesize_refuses_wrong_arguments(plain, change, message):
    arguments = {"label_map": np.zeros((4, 4), "int32"), **change}
    with pytest.raises(ValueError, match=message):
        plain.synthesize(**arguments)


def test_encoder_needs_a_photo(instance_encoding):
    with pytest.raises(ValueError, match=r"encoder.*`photo`"):
        instance_encoding.synthesize(np.zeros((8, 8), "int32"))
    for shape in ((8, 8), (8, 8, 4), (1, 8, 8, 3)):
        with pytest.raises(ValueError, match=r"style_photo.*\(8, 8, 3\)"):
            instance_encoding.synthesize(
                np.zeros((8, 8), "int32"), style_photo=np.zeros(shape, "uint8")
            )
    with pytest.raises(ValueError, match=r"encoder.*`photo`"):
        instance_encoding.encode({"label_map": np.zeros((1, 8, 8), "int32")})


@pytest.mark.parametrize(
    ("style_map", "message"),
    [
        (None, r"`style_map`, uint8 \(batch, height, width, 2\).*None"),
        (np.zeros((8, 8, 3), "uint8"), r"shape \(8, 8, 2\).*8, 3"),
        (np.zeros((8, 9, 2), "uint8"), r"shape \(8, 8, 2\).*8, 9"),
        (np.full((8, 8, 2), 7.5, "float32"), r"numbers in \[-1, 1\].*7\.5"),
    ],
    ids=["none", "channels", "size", "dtype"],
)
def test_synthesis_refuses_a_wrong_style_map(loaded, style_map, message):
    with pytest.raises(ValueError, match=message):
        loaded.synthesize(np.zeros((8, 8), "int32"), style_map=style_map)


def test_training_refuses_a_wrong_style_map():
    model = make_model(styles="loaded", **SHALLOW)
    model.compile(run_eagerly=True)
    scenes = scenes_for(model, 1, 16, 16)
    style_map = scenes.pop("style_map")
    for call in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match=r"width, 3\).*Received: None"):
            call(scenes, verbose=0)
        with pytest.raises(ValueError, match=r"shape \(1, 16, 16, 2\)"):
            call({**scenes, "style_map": style_map[..., :2]}, verbose=0)
        with pytest.raises(
            tf.errors.InvalidArgumentError, match="`style_map` and `label_map"
        ):
            call({**scenes, "style_map": style_map[:, 1:]}, verbose=0)


def test_a_model_without_style_refuses_styles(plain):
    style_map = np.zeros((8, 8, 3), "uint8")
    with pytest.raises(ValueError, match="takes no styles"):
        plain.synthesize(np.zeros((8, 8), "int32"), style_map=style_map)
    with pytest.raises(ValueError, match="has no encoder"):
        plain.encode(make_scenes(1, 8, 8))


# === Instance maps, styles, noise ===


def test_the_label_map_replaces_a_missing_instance_map(plain):
    scenes = make_scenes(2, 16, 16)
    labels, instances = scenes["label_map"], scenes["instance_map"]
    without = plain.synthesize(labels)
    given = plain.synthesize(labels, instances)
    assert np.abs(without.astype(int) - given).max() > 1
    np.testing.assert_array_equal(
        plain.synthesize(labels, np.zeros_like(instances)), without
    )
    np.testing.assert_array_equal(plain.synthesize(labels, labels), without)
    # In a batch, each image without instances is replaced on its own.
    mixed = instances * np.array([1, 0])[:, None, None]
    photos = plain.synthesize(labels, mixed)
    np.testing.assert_array_equal(photos[0], given[0])
    np.testing.assert_array_equal(photos[1], without[1])


def test_styles_of_one_image_do_not_affect_another(instance_encoding):
    # Both images use the same instance ids.
    model = instance_encoding
    scenes = make_scenes(2, 16, 16)
    scenes["photo"][1] //= 4
    together = synthesize(model, scenes)
    for k in range(2):
        alone = synthesize(model, {n: scenes[n][k] for n in scenes})
        np.testing.assert_allclose(together[k], alone, atol=1)
    darker = scenes["photo"] // 4
    other = synthesize(model, {**scenes, "photo": darker})
    assert np.abs(other.astype(int) - together).max() > 1


def _means(image, region_map):
    """Returns the image with each pixel replaced by its region's mean."""
    means = np.zeros_like(image)
    for example, regions, mean in zip(image, region_map, means, strict=True):
        for region in np.unique(regions):
            mean[regions == region] = example[regions == region].mean(0)
    return means


@pytest.mark.parametrize("styles", ["instances", "labels"])
def test_styles_are_means_over_instances_or_classes(styles, request):
    fixture = {"instances": "instance_encoding", "labels": "label_encoding"}
    model = request.getfixturevalue(fixture[styles])
    # A size without padding, which would be part of the means.
    scenes = make_scenes(2, 16, 24)
    photo = scenes["photo"] / np.float32(127.5) - 1
    pixels = np.arange(16 * 24, dtype="int32").reshape(1, 16, 24)
    raw = model.encoder([photo, np.repeat(pixels, 2, 0)]).numpy()
    expected = {
        "instances": _means(raw, scenes["instance_map"]),
        "labels": _means(raw, scenes["label_map"]),
    }
    style_map = model.encode(scenes).numpy()
    np.testing.assert_allclose(style_map, expected[styles], atol=1e-4)
    assert np.abs(expected["instances"] - expected["labels"]).max() > 0.1
    for example, label_map in zip(style_map, scenes["label_map"], strict=True):
        for label in np.unique(label_map):
            spread = np.ptp(example[label_map == label], axis=0).max()
            assert (spread < 1e-5) == (styles == "labels")


def test_styles_per_class_keep_the_boundary_map_of_instances(label_encoding):
    model = label_encoding
    scenes = make_scenes(1, 16, 24)
    other = {**scenes, "instance_map": np.ones((1, 16, 24), "int32")}
    np.testing.assert_array_equal(model.encode(scenes), model.encode(other))
    photos = synthesize(model, scenes), synthesize(model, other)
    assert np.abs(photos[0].astype(int) - photos[1]).max() > 1


def test_style_maps_have_the_size_of_the_label_map(instance_encoding):
    scenes = make_scenes(2, 17, 33)
    style_map = instance_encoding.encode(scenes).numpy()
    assert style_map.shape == (2, 17, 33, 3)
    assert np.abs(style_map).max() <= 1
    # Constant over an instance up to the edge, where the padding was.
    means = _means(style_map, scenes["instance_map"])
    np.testing.assert_allclose(means, style_map, atol=1e-5)


def test_a_loaded_style_map_replaces_the_encoder(instance_encoding):
    loaded = make_model(styles="loaded")
    loaded.generator.set_weights(instance_encoding.generator.get_weights())
    scenes = make_scenes(2, 17, 33)
    expected = synthesize(instance_encoding, scenes)
    style_map = instance_encoding.encode(scenes).numpy()
    stored = np.round((style_map + 1) * 127.5).astype("uint8")
    photos = loaded.synthesize(**maps_of(scenes), style_map=stored)
    # Styles rounded to 8 bits change few pixels by more than a grey level.
    assert np.abs(photos.astype(int) - expected).mean() < 1
    other = loaded.synthesize(**maps_of(scenes), style_map=255 - stored)
    assert np.abs(other.astype(int) - expected).mean() > 5


def test_each_noise_seed_draws_another_photograph():
    model = make_model(dropout_rate=0.5)
    label_map = make_scenes(1)["label_map"][0]
    first = model.synthesize(label_map, noise_seed=1)
    np.testing.assert_array_equal(
        model.synthesize(label_map, noise_seed=1), first
    )
    second = model.synthesize(label_map, noise_seed=2)
    assert (first != second).any()
    without = model.synthesize(label_map)
    assert (first != without).any()
    np.testing.assert_array_equal(model.synthesize(label_map), without)
