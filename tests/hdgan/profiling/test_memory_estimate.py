"""The estimate of a train step's memory, part by part."""

import math

import keras
import pytest
from tiny_models import make_model
from vgg_weights import write_keras

from hdgan.layers import PerceptualLoss
from hdgan.networks.efficientnet_lite0 import (
    TAPS,
    EfficientNetLite0Features,
    make_efficientnet_lite0,
)
from hdgan.networks.vgg19 import VGG19Features
from hdgan.profiling.memory_estimate import estimate_memory
from hdgan.profiling.shape_trace import ShapeTrace, TracedTensor

SIZE = 2, 64, 96


def _estimate(compile_options=None, **options):
    model = make_model(**options)
    model.compile(**(compile_options or {}))
    return model, estimate_memory(model, *SIZE)


def test_weights_and_moments_are_counted_exactly():
    model, estimate = _estimate()
    parameters = (
        model.generator.count_params() + model.discriminator.count_params()
    )
    assert estimate.weights == 4 * parameters
    assert estimate.optimizers == pytest.approx(2 * estimate.weights, 1e-3)
    assert estimate.gradients == 0
    _, averaged = _estimate(ema_decay=0.9)
    assert averaged.weights == estimate.weights + (
        4 * model.generator.count_params()
    )


def test_maps_by_hand():
    """One scale: a stage without a norm, one with it, and the logits."""
    _, estimate = _estimate(
        num_scales=1, num_discriminator_layers=1, discriminator_width=4
    )
    full, half = 2 * 64 * 96, 2 * 33 * 49
    next_size, last = 2 * 34 * 50, 2 * 35 * 51
    kept = full * 3  # The image beside the condition.
    kept += 2 * half * 4 + 2 * next_size * 8 + last
    assert estimate.discriminator == 4 * 2 * kept


def test_a_batch_takes_as_many_maps():
    model, two = _estimate()
    one = estimate_memory(model, 1, *SIZE[1:])
    assert two.generator == 2 * one.generator
    assert two.discriminator == 2 * one.discriminator
    assert two.weights == one.weights


def test_ways_to_less():
    model, plain = _estimate()
    again = estimate_memory(model, *SIZE, remat=True)
    assert again.generator < plain.generator
    half = estimate_memory(model, *SIZE, half_precision=True)
    assert half.generator == plain.generator / 2
    assert half.weights > plain.weights
    _, compiled = _estimate({"remat": True})
    assert compiled == again
    _, made_half = _estimate(dtype="mixed_bfloat16")
    assert made_half == half


def test_a_doubled_map_is_recomputed():
    _, transposed = _estimate()
    _, resized = _estimate(upsampling="resize")
    assert resized.generator == transposed.generator
    assert resized.weights == transposed.weights


def test_what_takes_more(tmp_path):
    model, plain = _estimate()
    _, pooled = _estimate({"pool_size": 4})
    assert pooled.discriminator == 1.5 * plain.discriminator
    _, augmented = _estimate({"diffaugment": ["color"]})
    copies = 4 * 2 * math.prod(SIZE) * 3
    assert augmented.discriminator - plain.discriminator == copies
    _, accumulated = _estimate({"gradient_accumulation_steps": 2})
    assert accumulated.optimizers - plain.optimizers == pytest.approx(
        plain.weights, 1e-3
    )
    _, scaled = _estimate(dtype="mixed_float16")
    assert scaled.gradients == 4 * model.generator.count_params()
    loss = PerceptualLoss(
        VGG19Features(write_keras(tmp_path / "vgg19.weights.h5"))
    )
    _, perceptual = _estimate({"losses": {"perceptual": {"loss": loss}}})
    assert perceptual.perceptual > 4 * 12e6
    assert perceptual.total > plain.total


def test_a_perceptual_network_by_its_shapes():
    """Kept are the outputs of ReLU6; compared are the five taps."""
    network = make_efficientnet_lite0(weights=None, top=False)
    trace = ShapeTrace()
    trace.call(network, TracedTensor((2, 64, 96, 3)))
    sizes = {
        traced.layer.name: math.prod(traced.outputs[0].shape)
        for traced in trace.layers
    }
    taps = sum(sizes[tap] for tap in TAPS)
    kept = sum(n for name, n in sizes.items() if name.endswith("activation"))
    parameters = network.count_params()
    loss = PerceptualLoss(EfficientNetLite0Features())
    model, estimate = _estimate({"losses": {"perceptual": {"loss": loss}}})
    assert estimate.perceptual == pytest.approx(
        4 * (parameters + taps + kept), rel=0.01
    )
    remat = estimate_memory(model, *SIZE, remat=True)
    assert remat.perceptual == pytest.approx(
        4 * (parameters + 2 * taps), rel=0.01
    )


def test_it_reads_as_a_sentence():
    _, estimate = _estimate({"gradient_accumulation_steps": 2})
    assert str(estimate).startswith(f"{estimate.total / 1e9:.1f} GB (")
    assert "generator 0.0" in str(estimate)
    assert "gradients" not in str(estimate)


def test_an_unknown_layer_is_counted_by_its_outputs(caplog):
    """The estimate warns once and never stops a training."""
    model, _ = _estimate()
    x = keras.Input((None, None, 6))
    y = keras.layers.DepthwiseConv2D(3, padding="same", name="unheard_of")(x)
    model.generator = keras.Model(x, y)
    for _ in range(2):
        estimate = estimate_memory(model, *SIZE)
    # The condition and the layer's output, six channels each.
    assert estimate.generator == 4 * 2 * 64 * 96 * (6 + 6)
    (message,) = caplog.messages
    assert "unheard_of (DepthwiseConv2D)" in message
