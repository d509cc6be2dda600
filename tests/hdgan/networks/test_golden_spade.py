"""SPADE's networks, held to arrays of the original PyTorch code."""

import golden_spade
import keras
import numpy as np
import pytest
import tensorflow as tf

from hdgan import layers
from hdgan.networks.multiscale_discriminator import MultiscaleDiscriminator
from hdgan.networks.spade_generator import SpadeGenerator
from hdgan.networks.style_encoder import StyleEncoder

UPSAMPLINGS = {"normal": 5, "more": 6, "most": 7}


def load_generator(name):
    """Returns a file's arrays, a generator with its weights, and these."""
    arrays = golden_spade.load(name)
    config = arrays["config"]
    style = {}
    if config["use_vae"]:
        style = {
            "style_channels": config["z_dim"],
            "image_size": arrays["input"].shape[1:3],
        }
    generator = SpadeGenerator(
        config["semantic_nc"],
        config["ngf"],
        UPSAMPLINGS[config["num_upsampling_layers"]],
        config["hidden"],
        **style,
    )
    weights = golden_spade.generator(generator)
    values = golden_spade.select(arrays, "w/")
    if "seed" in config:
        values = golden_spade.random_weights(config)
    golden_spade.assign(weights, values)
    return arrays, generator, weights


# === Generator ===


@pytest.mark.parametrize("mode", ["", "_more", "_most"])
def test_generator_makes_the_golden_output(mode):
    arrays, generator, _ = load_generator(f"spade_generator{mode}")
    inputs = arrays["input"]
    if "z" in arrays:
        inputs = [inputs, arrays["z"]]
    output = generator(inputs).numpy()
    config = arrays["config"]
    stride = config["eval_output_stride"]
    received = output[: config["eval_output_samples"], ::stride, ::stride]
    expected = arrays["eval_output"]
    assert golden_spade.relative_error(received, expected) < 1e-4


def test_generator_trains_with_the_golden_gradients_and_states():
    arrays, generator, weights = load_generator("spade_generator")
    with tf.GradientTape() as tape:
        output = generator(arrays["input"], training=True)
        value = tf.reduce_sum(output * arrays["cotangent"])
    stride = arrays["config"]["train_output_stride"]
    error = golden_spade.relative_error(
        output[:, ::stride, ::stride], arrays["train_output"]
    )
    assert error < 1e-4
    expected = golden_spade.select(arrays, "g/")
    assert len(expected) == 29
    golden_spade.assert_close(
        golden_spade.gradients(tape, value, weights), expected
    )
    after = golden_spade.select(arrays, "after/")
    golden_spade.assert_close(golden_spade.read(weights, after), after)


# === Encoder ===


def test_encoder_finds_the_golden_style():
    arrays = golden_spade.load("spade_encoder")
    config = arrays["config"]
    encoder = StyleEncoder(config["ngf"], config["z_dim"])
    weights = golden_spade.encoder(encoder)
    golden_spade.assign(weights, golden_spade.select(arrays, "w/"))

    def assert_style(mode, received):
        for name, array in zip(("mu", "logvar"), received, strict=True):
            expected = arrays[f"{mode}_{name}"]
            assert golden_spade.relative_error(array, expected) < 1e-4

    assert_style("eval", encoder(arrays["image"]))
    with tf.GradientTape() as tape:
        mean, log_variance = encoder(arrays["image"], training=True)
        style = mean + tf.exp(0.5 * log_variance) * arrays["eps"]
        divergence = -0.5 * tf.reduce_sum(
            1 + log_variance - mean**2 - tf.exp(log_variance)
        )
        value = config["lambda_kld"] * divergence
        value += tf.reduce_sum(style * arrays["cotangent"])
    assert_style("train", (mean, log_variance))
    assert golden_spade.relative_error(style, arrays["z"]) < 1e-4
    golden_spade.assert_close(
        golden_spade.gradients(tape, value, weights),
        golden_spade.select(arrays, "g/"),
    )


def test_encoder_is_saved_and_finds_a_float32_style_in_half_precision(tmp_path):
    photo = keras.random.normal((1, 20, 28, 3))
    encoder = StyleEncoder(2, 6)
    encoder.save(tmp_path / "encoder.keras")
    loaded = keras.saving.load_model(tmp_path / "encoder.keras")
    half = StyleEncoder(2, 6, dtype="mixed_bfloat16")
    half.set_weights(encoder.get_weights())
    for wide, same, close in zip(
        encoder(photo), loaded(photo), half(photo), strict=True
    ):
        np.testing.assert_array_equal(same, wide)
        assert close.dtype == tf.float32
        assert golden_spade.relative_error(close, wide.numpy()) < 0.05


@pytest.mark.parametrize("number", [0, 1])
def test_photos_are_resized_as_in_pytorch(number):
    # The encoder's resizing, at the sizes of the golden arrays.
    arrays = golden_spade.load("torch_layers", f"bilinear/{number}/")
    resized = keras.ops.image.resize(
        arrays["input"], arrays["output"].shape[1:3], interpolation="bilinear"
    )
    assert golden_spade.relative_error(resized, arrays["output"]) < 1e-5


# === Discriminator ===


def load_discriminator():
    arrays = golden_spade.load("spade_discriminator")
    config = arrays["config"]
    discriminator = MultiscaleDiscriminator(
        arrays["semantics"].shape[-1] + 3,
        config["ndf"],
        # Theirs counts the layer at stride 1.
        config["n_layers_D"] - 1,
        config["num_D"],
        spectral_norm="inner",
        initialization="xavier",
    )
    weights = golden_spade.discriminator(discriminator)
    golden_spade.assign(weights, golden_spade.select(arrays, "w/"))
    return arrays, discriminator, weights


def discriminate(discriminator, arrays, fake, training):
    """Returns the outputs for the fake and the photo, in one batch."""
    images = tf.concat([fake, arrays["real"]], 0)
    semantics = tf.repeat(arrays["semantics"], 2, axis=0)
    return discriminator(tf.concat([semantics, images], -1), training=training)


def test_discriminator_has_the_golden_activations():
    arrays, discriminator, weights = load_discriminator()
    outputs = discriminate(discriminator, arrays, arrays["fake"], False)
    for number, scale in enumerate(outputs):
        expected = arrays[f"eval/{number}"]
        assert golden_spade.relative_error(scale[-1], expected) < 1e-4
    outputs = discriminate(discriminator, arrays, arrays["fake"], True)
    for number, scale in enumerate(outputs):
        assert len(scale) == 5
        for index, array in enumerate(scale):
            expected = arrays[f"out/{number}/{index}"]
            assert golden_spade.relative_error(array, expected) < 1e-4
    after = golden_spade.select(arrays, "after/")
    golden_spade.assert_close(golden_spade.read(weights, after), after)


def test_discriminator_has_the_golden_gradients():
    arrays, discriminator, weights = load_discriminator()
    fake = tf.constant(arrays["fake"])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(fake)
        outputs = discriminate(discriminator, arrays, fake, True)
        fakes = [[x[:1] for x in scale] for scale in outputs]
        photos = [[x[1:] for x in scale] for scale in outputs]
        losses = [
            (
                *layers.hinge_discriminator_loss(photo[-1], fake_[-1]),
                layers.hinge_generator_loss(fake_[-1]),
            )
            for photo, fake_ in zip(photos, fakes, strict=True)
        ]
        # Means over the two scales.
        real, fake_loss, adversarial = (
            tf.add_n(scales) / 2 for scales in zip(*losses, strict=True)
        )
        matching = 10 * layers.feature_matching_loss(photos, fakes)
        loss = real + fake_loss
        generator_loss = adversarial + matching
    np.testing.assert_allclose(
        tf.concat([fake_loss, real, adversarial], 0),
        arrays["loss/hinge"],
        rtol=1e-4,
    )
    np.testing.assert_allclose(matching[0], arrays["loss/feat"], rtol=1e-4)
    golden_spade.assert_close(
        golden_spade.gradients(tape, loss, weights),
        golden_spade.select(arrays, "gD/"),
    )
    error = golden_spade.relative_error(
        tape.gradient(generator_loss, fake), arrays["g_fake"]
    )
    assert error < 1e-4


# === Sizes and start ===


def count_trainable(make):
    """Returns the number of trainable parameters, without drawing them."""
    with keras.StatelessScope(initialize_variables=False):
        network = make()
    return sum(
        int(np.prod(weight.shape)) for weight in network.trainable_weights
    )


@pytest.mark.parametrize(
    ("channels", "num_upsamplings", "size", "plain", "with_style"),
    [
        (36, 6, (256, 512), 93_048_003, 101_136_579),
        (151, 5, (256, 256), 96_492_483, 111_942_595),
        (184, 5, (256, 256), 97_480_899, 112_626_883),
    ],
)
def test_generator_has_the_published_number_of_parameters(
    channels, num_upsamplings, size, plain, with_style
):
    options = {"num_upsamplings": num_upsamplings}
    assert count_trainable(lambda: SpadeGenerator(channels, **options)) == plain
    options |= {"style_channels": 256, "image_size": size}
    received = count_trainable(lambda: SpadeGenerator(channels, **options))
    assert received == with_style


def test_encoder_has_the_published_number_of_parameters():
    assert count_trainable(StyleEncoder) == 10_463_424


@pytest.mark.parametrize(
    ("channels", "expected"),
    [(36, 5_601_410), (151, 5_836_930), (184, 5_904_514)],
)
def test_discriminator_has_the_published_number_of_parameters(
    channels, expected
):
    received = count_trainable(
        lambda: MultiscaleDiscriminator(channels + 3, spectral_norm="inner")
    )
    assert received == expected


def test_weights_start_as_in_pytorch():
    generator = SpadeGenerator(
        32, 4, style_channels=64, image_size=(64, 64), hidden_channels=2
    )
    discriminator = MultiscaleDiscriminator(
        32, 32, spectral_norm="inner", initialization="xavier"
    )
    encoder = StyleEncoder(4, 64)
    stages = discriminator.get_layer("multiscale").scales[1].stages
    for kernel, fans in (
        (generator.get_layer("start").kernel, 64 + 64 * 4),
        (encoder.get_layer("style_mean").kernel, 32 * 16 + 64),
        (stages[0].sequence[0].kernel, 16 * (32 + 32)),
        (stages[2].sequence[0].layer.kernel, 16 * (64 + 128)),
    ):
        expected = 0.02 * np.sqrt(2 / fans)
        assert np.std(kernel) == pytest.approx(expected, rel=0.02)
    for network in (generator, discriminator, encoder):
        for weight in network.trainable_weights:
            assert (weight.name == "bias") == (not np.any(weight)), weight.path
