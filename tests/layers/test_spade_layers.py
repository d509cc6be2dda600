"""SPADE's layers, held to arrays of the original PyTorch code."""

import golden_spade
import keras
import numpy as np
import pytest
import tensorflow as tf

from hdgan import layers
from hdgan.layers import kernels

TORCH = golden_spade.load("torch_layers")


def batch_normalization(channels=4):
    layer = layers.ParameterFreeBatchNormalization()
    layer.build((None, None, None, channels))
    return layer


# === Nearest resizing ===


@pytest.mark.parametrize(
    "key", [key for key in TORCH if key.startswith("nearest/")]
)
def test_resizing_takes_the_pixels_of_pytorch(key):
    size, new_size = map(int, key.removeprefix("nearest/").split("_"))
    ramp = np.arange(size, dtype="int32")
    rows = np.tile(ramp[None, :, None, None], (1, 1, 3, 1))
    resized = layers.resize_nearest(rows, new_size, 3)
    np.testing.assert_array_equal(resized[0, :, 0, 0], TORCH[key])
    columns = layers.resize_nearest(rows.transpose(0, 2, 1, 3), 3, new_size)
    np.testing.assert_array_equal(columns[0, 0, :, 0], TORCH[key])


def test_downsampling_takes_every_nth_pixel():
    x = np.random.default_rng(0).standard_normal((2, 12, 8, 3), "float32")
    smaller = layers.NearestDownsampling(4)(x)
    np.testing.assert_array_equal(smaller, x[:, ::4, ::4])
    assert layers.NearestDownsampling(3)(x).shape == (2, 4, 2, 3)


# === Batch normalization ===


def test_batch_norm_equals_pytorchs():
    layer = batch_normalization()
    for step, x in enumerate(TORCH["batchnorm/inputs"]):
        output = layer(x.transpose(0, 2, 3, 1), training=True)
        expected = TORCH[f"batchnorm/train{step}"]
        assert golden_spade.relative_error(output, expected) < 1e-6
        for weight, name in (
            (layer.moving_mean, "mean"),
            (layer.moving_variance, "var"),
        ):
            expected = TORCH[f"batchnorm/{name}{step}"]
            assert golden_spade.relative_error(weight, expected) < 1e-6
    x = TORCH["batchnorm/inputs"][0].transpose(0, 2, 3, 1)
    expected = TORCH["batchnorm/eval"]
    assert golden_spade.relative_error(layer(x), expected) < 1e-6


def test_batch_norm_keeps_the_variance_of_a_channel_far_from_zero(two_replicas):
    noise = np.random.default_rng(0).standard_normal((4, 5, 6, 1), "float32")
    x = 1000 + noise
    with two_replicas.scope():
        layer = batch_normalization(1)
    halves = two_replicas.experimental_distribute_values_from_function(
        lambda context: tf.constant(
            np.split(x, 2)[context.replica_id_in_sync_group]
        )
    )
    for output in (
        batch_normalization(1)(x, training=True),
        tf.concat(
            two_replicas.experimental_local_results(
                tf.function(
                    lambda x: two_replicas.run(
                        lambda x: layer(x, training=True), (x,)
                    )
                )(halves)
            ),
            0,
        ),
    ):
        assert np.std(output) == pytest.approx(1, abs=1e-3)


def test_replicas_of_different_batch_sizes_equal_one(two_replicas):
    x = np.random.default_rng(0).standard_normal((3, 5, 6, 4), "float32")
    alone = batch_normalization()
    expected = alone(x, training=True)
    with two_replicas.scope():
        layer = batch_normalization()
    parts = two_replicas.experimental_distribute_values_from_function(
        lambda context: tf.constant(
            np.split(x, [1])[context.replica_id_in_sync_group]
        )
    )

    @tf.function
    def step(x):
        return two_replicas.run(lambda x: layer(x, training=True), (x,))

    outputs = two_replicas.experimental_local_results(step(parts))
    np.testing.assert_allclose(tf.concat(outputs, 0), expected, atol=1e-5)
    for weight, other in zip(layer.weights, alone.weights, strict=True):
        np.testing.assert_allclose(weight, other, atol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_plain_batch_norm_equals_tensorflows(dtype):
    x = np.random.default_rng(1).standard_normal((2, 5, 7, 3), "float32")
    x = keras.ops.cast(3.0 * x + 2.0, dtype)
    fused = kernels.batch_normalize(x, 1e-5)
    with kernels.plain_kernels():
        plain = kernels.batch_normalize(x, 1e-5)
    tolerance = 1e-5 if dtype == "float32" else 2**-7
    for received, expected in zip(plain, fused, strict=True):
        assert received.dtype == expected.dtype
        np.testing.assert_allclose(
            keras.ops.cast(received, "float32"),
            keras.ops.cast(expected, "float32"),
            rtol=tolerance,
            atol=tolerance,
        )


def test_inference_moves_no_statistics():
    layer = batch_normalization()
    layer(np.ones((2, 3, 3, 4), "float32"))
    np.testing.assert_array_equal(layer.moving_mean, np.zeros(4))
    np.testing.assert_array_equal(layer.moving_variance, np.ones(4))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_statistics_of_half_precision_are_taken_in_float32(dtype):
    # In float16 the squares overflow, and in bfloat16 sums lose their terms.
    noise = np.random.default_rng(0).standard_normal((2, 64, 64, 3), "float32")
    x = keras.ops.cast(300 * noise, dtype)
    layer = layers.ParameterFreeBatchNormalization(dtype=f"mixed_{dtype}")
    output = layer(x, training=True)
    assert keras.backend.standardize_dtype(output.dtype) == dtype
    assert np.std(tf.cast(output, tf.float32)) == pytest.approx(1, abs=1e-2)
    variance = np.var(tf.cast(x, tf.float32), axis=(0, 1, 2))
    np.testing.assert_allclose(
        layer.moving_variance, 0.9 + 0.1 * variance, rtol=1e-3
    )
    inference = layer(x)
    assert np.all(np.isfinite(tf.cast(inference, tf.float32)))


# === Spectral normalization with a stored v ===


def test_spectral_norm_equals_pytorchs():
    # Its output for the identity is its kernel.
    convolution = keras.layers.Conv2D(5, 3, use_bias=False)
    layer = layers.SpectralNormalization(convolution, store_v=True)
    layer.build((None, None, None, 4))
    weights = golden_spade.convolution(layer, "spectral")
    golden_spade.assign(
        weights,
        {
            "spectral.weight_orig": TORCH["spectral/weight"].transpose(
                0, 3, 1, 2
            ),
            "spectral.weight_u": TORCH["spectral/u0"],
            "spectral.weight_v": TORCH["spectral/v0"],
        },
    )
    # One pixel of one channel each: the output is the kernel, turned around.
    pixels = np.zeros((4, 5, 5, 4), "float32")
    for channel in range(4):
        pixels[channel, 2, 2, channel] = 1

    def kernel(training):
        turned = layer(pixels, training=training)[:, ::-1, ::-1]
        return tf.transpose(turned, (1, 2, 0, 3))

    def to_keras(name):
        # Loaded as if it were images, channels last.
        return TORCH[f"spectral/{name}"].transpose(1, 2, 3, 0)

    for step in (1, 2, 3):
        with tf.GradientTape() as tape:
            normalized = kernel(True)
            value = tf.reduce_sum(normalized * to_keras("cotangent"))
        gradient = tape.gradient(value, convolution.kernel.value)
        for received, name in (
            (normalized, f"kernel{step}"),
            (gradient, f"grad{step}"),
        ):
            error = golden_spade.relative_error(received, to_keras(name))
            assert error < 1e-5, name
        golden_spade.assert_close(
            golden_spade.read(weights, weights),
            {
                "spectral.weight_u": TORCH[f"spectral/u{step}"],
                "spectral.weight_v": TORCH[f"spectral/v{step}"],
            },
            1e-5,
        )
    expected = to_keras("kernel_eval")
    assert golden_spade.relative_error(kernel(False), expected) < 1e-6


def test_inference_divides_by_the_stored_vectors_of_an_older_kernel():
    layer = layers.SpectralNormalization(
        keras.layers.Dense(3, use_bias=False), store_v=True
    )
    layer(tf.eye(5), training=True)
    kernel = keras.random.normal((5, 3))
    layer.layer.kernel.assign(kernel)
    sigma = (layer.v @ kernel @ keras.ops.transpose(layer.u)).numpy().item()
    np.testing.assert_allclose(layer(tf.eye(5)), kernel / sigma, rtol=1e-5)


def test_before_training_sigma_is_that_of_one_half_iteration():
    layer = layers.SpectralNormalization(keras.layers.Dense(64), store_v=True)
    layer.build((None, 256))
    u, kernel = layer.u.numpy(), layer.layer.kernel.numpy()
    assert np.linalg.norm(u) == pytest.approx(1, abs=1e-5)
    product = u @ kernel.T
    np.testing.assert_allclose(
        layer.v, product / np.linalg.norm(product), atol=1e-5
    )


def test_a_saved_file_without_v_still_loads(tmp_path):
    model = keras.Sequential(
        [
            keras.Input((4,)),
            layers.SpectralNormalization(keras.layers.Dense(3)),
        ]
    )
    config = model.layers[0].get_config()
    del config["store_v"]
    old = layers.SpectralNormalization.from_config(config)
    old.build((None, 4))
    assert [weight.name for weight in old.weights] == ["u", "kernel", "bias"]
    model.save_weights(tmp_path / "model.weights.h5")
    other = keras.Sequential([keras.Input((4,)), old])
    other.load_weights(tmp_path / "model.weights.h5")
    np.testing.assert_array_equal(old.u, model.layers[0].u)


# === SPADE layer and block ===


@pytest.mark.parametrize("case", ["batch", "instance5", "odd"])
def test_spade_normalization_equals_pytorchs(case):
    arrays = golden_spade.load("spade_norm", f"{case}/")
    config = arrays["config"]["cases"][case]
    layer = layers.SpadeNormalization(
        config["hidden"],
        kernel_size=int(config["config"][-1]),
        norm="instance" if "instance" in config["config"] else "batch",
    )
    x = tf.constant(arrays["x"])
    semantics = layers.resize_nearest(arrays["segmap"], *config["x"])
    layer.build(x.shape, semantics.shape)
    weights = golden_spade.normalization(layer, "")
    golden_spade.assign(weights, golden_spade.select(arrays, "w/"))
    for mode in ("eval", "train"):
        with tf.GradientTape(persistent=True) as tape:
            tape.watch(x)
            output = layer(x, semantics, training=mode == "train")
            value = tf.reduce_sum(output * arrays["cotangent"])
        received = {
            f"{mode}_output": output,
            f"{mode}_grad_x": tape.gradient(value, x),
        }
        for name, array in received.items():
            assert golden_spade.relative_error(array, arrays[name]) < 1e-5, name
        expected = golden_spade.select(arrays, f"{mode}_grad/")
        if expected:
            golden_spade.assert_close(
                golden_spade.gradients(tape, value, weights), expected, 1e-5
            )
    after = golden_spade.select(arrays, "after/")
    if layer.norm == "batch":
        golden_spade.assert_close(
            golden_spade.read(weights, after), after, 1e-5
        )
    else:
        assert not after


@pytest.mark.parametrize("case", ["learned", "identity"])
def test_spade_residual_block_equals_pytorchs(case):
    arrays = golden_spade.load("spade_block", f"{case}/")
    filters = arrays["config"][case][1]
    layer = layers.SpadeResidualBlock(filters, arrays["config"]["hidden"])
    x = tf.constant(arrays["x"])
    semantics = layers.resize_nearest(arrays["segmap"], *x.shape[1:3])
    layer.build(x.shape, semantics.shape)
    weights = golden_spade.residual_block(layer, "")
    golden_spade.assign(weights, golden_spade.select(arrays, "w/"))
    output = layer(x, semantics)
    assert golden_spade.relative_error(output, arrays["eval_output"]) < 1e-5
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        output = layer(x, semantics, training=True)
        value = tf.reduce_sum(output * arrays["cotangent"])
    assert golden_spade.relative_error(output, arrays["train_output"]) < 1e-5
    gradient = tape.gradient(value, x)
    assert golden_spade.relative_error(gradient, arrays["train_grad_x"]) < 1e-4
    expected = golden_spade.select(arrays, "train_grad/")
    # The norm takes out what this bias adds.
    del expected["conv_0.bias"]
    golden_spade.assert_close(
        golden_spade.gradients(tape, value, weights), expected
    )
    after = golden_spade.select(arrays, "after/")
    golden_spade.assert_close(golden_spade.read(weights, after), after, 1e-5)


def test_kernels_start_as_in_pytorch():
    block = layers.SpadeResidualBlock(128, hidden_channels=128)
    block.build((None, None, None, 256), (None, None, None, 64))
    norm = block.norm_0
    for kernel, fans in (
        (block.convolution_0.layer.kernel, 9 * (256 + 128)),
        (block.shortcut_convolution.layer.kernel, 256 + 128),
        (norm.shared_convolution.kernel, 9 * (64 + 128)),
        # Gamma's convolution and beta's, each for itself.
        (norm.modulation_convolution.kernel, 9 * (128 + 256)),
    ):
        expected = 0.02 * np.sqrt(2 / fans)
        assert np.std(kernel) == pytest.approx(expected, rel=0.02)
        # Not truncated: three standard deviations and more occur.
        assert np.abs(kernel).max() > 3 * expected
    for bias in (
        block.convolution_0.layer.bias,
        norm.shared_convolution.bias,
        norm.modulation_convolution.bias,
    ):
        assert not np.any(bias)
