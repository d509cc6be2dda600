"""Requirements of every network, whatever it computes."""

import dataclasses
import inspect
from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf

from hdgan.layers import NoiseDropout
from hdgan.networks.global_generator import GlobalGenerator
from hdgan.networks.instance_encoder import InstanceEncoder
from hdgan.networks.local_enhancer import LocalEnhancer
from hdgan.networks.multiscale_discriminator import MultiscaleDiscriminator
from hdgan.networks.spade_generator import SpadeGenerator
from hdgan.networks.style_encoder import StyleEncoder
from hdgan.networks.unet_generator import UNetGenerator


def coarse(**kwargs):
    options = {"base_width": 4, "num_downsamplings": 2, "num_blocks": 1}
    return GlobalGenerator(5, **{**options, **kwargs})


def spade(**kwargs):
    options = {"base_width": 2, "hidden_channels": 4}
    return SpadeGenerator(5, **{**options, **kwargs})


def random_image(height, width, channels):
    random = np.random.default_rng(2)
    return random.standard_normal((1, height, width, channels), "float32")


@dataclasses.dataclass(frozen=True)
class Case:
    """A network to test: its maker, input size and input channels.

    `has_one_size` says that it takes images of that size alone.
    """

    make: Callable
    size: tuple = (16, 24)
    channels: int = 5
    makes_images: bool = True
    has_one_size: bool = False

    def examples(self):
        image = random_image(*self.size, self.channels)
        if self.make is make_encoder:
            ids = np.random.default_rng(3).integers(0, 3, (1, *self.size))
            return [image, ids.astype("int32") + 26000]
        if self.has_one_size:
            style = np.random.default_rng(4).standard_normal((1, 6), "float32")
            return [image, style]
        return image


def make_encoder():
    return InstanceEncoder(
        base_width=4, num_downsamplings=2, style_channels=2, regions="labels"
    )


CASES = {
    "global": Case(
        lambda: coarse(output_channels=2, dropout_rate=0.25, name="mine")
    ),
    "global_batch_norm": Case(lambda: coarse(norm="batch", trainable=False)),
    "local_1": Case(lambda: LocalEnhancer(coarse(), num_blocks=1)),
    "local_2": Case(
        lambda: LocalEnhancer(
            coarse(dropout_rate=0.25), num_enhancers=2, num_blocks=1
        ),
        size=(32, 48),
    ),
    "local_resize": Case(
        lambda: LocalEnhancer(coarse(upsampling="resize"), num_blocks=1)
    ),
    "unet": Case(
        lambda: UNetGenerator(
            5,
            base_width=2,
            num_downsamplings=4,
            dropout_rate=0.25,
            output_channels=2,
        ),
        size=(32, 16),
    ),
    "discriminator": Case(
        lambda: MultiscaleDiscriminator(
            5, base_width=4, num_layers=2, num_scales=3
        ),
        makes_images=False,
    ),
    "discriminator_spectral_norm": Case(
        lambda: MultiscaleDiscriminator(
            5, base_width=4, num_layers=1, norm="none", spectral_norm=True
        ),
        makes_images=False,
    ),
    "discriminator_inner_spectral_norm": Case(
        lambda: MultiscaleDiscriminator(
            5,
            base_width=4,
            num_layers=2,
            spectral_norm="inner",
            initialization="xavier",
        ),
        makes_images=False,
    ),
    "encoder": Case(make_encoder, channels=3),
    "spade": Case(lambda: spade(output_channels=2, name="mine"), size=(64, 96)),
    "spade_more": Case(
        lambda: spade(num_upsamplings=6, norm="instance", trainable=False),
        size=(128, 128),
    ),
    "spade_style": Case(
        lambda: spade(style_channels=6, image_size=(64, 96)),
        size=(64, 96),
        has_one_size=True,
    ),
}


@pytest.fixture(params=CASES)
def case(request):
    return CASES[request.param]


def flat(outputs):
    return keras.tree.flatten(outputs)


def test_image_has_the_size_of_the_input_and_lies_between_one_and_one(case):
    outputs = case.make()(case.examples())
    if not case.makes_images:
        # Full resolution first; each scale sees half the one before.
        rows = [scale[-1].shape[1] for scale in outputs]
        assert rows == sorted(rows, reverse=True)
        assert {scale[-1].shape[-1] for scale in outputs} == {1}
        return
    assert outputs.shape[1:3] == case.size
    assert outputs.dtype == tf.float32
    assert np.abs(outputs).max() <= 1
    # SPADE's kernels start far smaller than the others'.
    assert np.std(outputs) > 1e-5


def test_unknown_height_and_width_give_the_same_as_known(case):
    network = case.make()
    examples = case.examples()

    def spec(x):
        size = x.shape[1:3] if case.has_one_size else (None, None)
        return tf.TensorSpec((None, *size, *x.shape[3:]), x.dtype)

    specs = keras.tree.map_structure(spec, examples)
    graph = tf.function(lambda x: network(x), input_signature=[specs])
    for received, expected in zip(
        flat(graph(examples)), flat(network(examples)), strict=True
    ):
        np.testing.assert_allclose(received, expected, atol=1e-4, rtol=1e-4)


def test_config_makes_the_network_again(case):
    network = case.make()
    saved = keras.saving.serialize_keras_object(network)
    again = keras.saving.deserialize_keras_object(saved)
    assert again.get_config() == network.get_config()
    arguments = set(inspect.signature(type(network)).parameters) - {"kwargs"}
    assert arguments <= set(network.get_config())
    shapes = [weight.shape for weight in network.weights]
    assert [weight.shape for weight in again.weights] == shapes
    assert again.name == network.name
    assert again.trainable == network.trainable


def test_saved_network_gives_the_same_when_loaded(case, tmp_path):
    network = case.make()
    network.save(tmp_path / "network.keras")
    keras.utils.set_random_seed(8)
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    assert type(loaded) is type(network)
    examples = case.examples()
    for received, expected in zip(
        flat(loaded(examples)), flat(network(examples)), strict=True
    ):
        np.testing.assert_array_equal(received, expected)


def test_every_weight_gets_a_gradient(case):
    network = case.make()
    network.trainable = True
    with tf.GradientTape() as tape:
        outputs = flat(network(case.examples(), training=True))
        value = tf.add_n([tf.reduce_sum(output**3) for output in outputs])
    variables = network.trainable_variables
    gradients = tape.gradient(value, [weight.value for weight in variables])
    assert variables
    for weight, gradient in zip(variables, gradients, strict=True):
        assert gradient is not None, weight.path
        # A norm removes what the biases before it add.
        if weight.name != "bias":
            assert np.abs(gradient).max() > 0, weight.path


def test_mixed_bfloat16_gives_a_float32_image(case):
    network = case.make()
    examples = case.examples()
    expected = flat(network(examples))
    keras.config.set_dtype_policy("mixed_bfloat16")
    half = case.make()
    assert {weight.dtype for weight in half.weights} == {"float32"}
    half.set_weights(network.get_weights())
    for output, wide in zip(flat(half(examples)), expected, strict=True):
        if case.makes_images:
            assert output.dtype == tf.float32
        else:
            assert output.dtype == tf.bfloat16
        error = np.linalg.norm(tf.cast(output, tf.float32) - wide)
        assert error <= 0.1 * np.linalg.norm(wide)


def test_the_policy_survives_a_saved_file(tmp_path):
    network = coarse(dtype="mixed_bfloat16")
    network.save(tmp_path / "network.keras")
    loaded = keras.saving.load_model(tmp_path / "network.keras")
    assert loaded.get_layer("stem").compute_dtype == "bfloat16"
    enhancer = LocalEnhancer(loaded, num_blocks=1)
    assert enhancer.get_layer("enhancer_1_stem").compute_dtype == "bfloat16"


def test_full_size_generator_has_the_number_of_parameters_of_the_paper():
    # Counting parameters needs no initial weights.
    with keras.StatelessScope(initialize_variables=False):
        generator = GlobalGenerator(36)
    assert generator.count_params() == 182_546_755


def test_features_share_weights_with_the_generator():
    generator = coarse()
    features = generator.features()
    image = random_image(16, 24, 5)
    before = features(image)
    assert before.shape == (1, 16, 24, generator.base_width)
    assert len(features.weights) == len(generator.weights) - 2
    output = generator.get_layer("output")
    np.testing.assert_allclose(
        tf.tanh(output(before)), generator(image), atol=1e-6
    )
    kernel = generator.weights[0]
    kernel.assign(kernel + keras.random.normal(kernel.shape))
    assert np.any(features(image).numpy() != before.numpy())


def test_an_enhancer_upsamples_as_its_global_generator():
    for upsampling in ("transposed", "resize"):
        enhancer = LocalEnhancer(coarse(upsampling=upsampling), num_blocks=1)
        inner = enhancer.get_layer("global_features")
        assert inner.get_layer("up_1").upsampling == upsampling
        assert enhancer.get_layer("enhancer_1_up").upsampling == upsampling


def test_enhancer_shares_all_but_the_output_of_the_global_generator():
    generator = coarse()
    enhancer = LocalEnhancer(generator, num_blocks=1)
    shared = {id(weight) for weight in generator.features().weights}
    inside = {id(weight) for weight in enhancer.weights}
    assert shared <= inside
    unused = {id(weight) for weight in generator.get_layer("output").weights}
    assert not unused & inside


def test_the_smallest_size_passes_and_a_smaller_one_does_not():
    generator = coarse()
    smallest = generator.size_minimum
    assert smallest == 2 * generator.size_multiple == 8
    assert generator(random_image(smallest, smallest, 5)).shape[1] == smallest
    with pytest.raises(ValueError, match="can't be padded by reflection"):
        generator(random_image(smallest // 2, smallest, 5))
    enhancer = LocalEnhancer(coarse(), num_enhancers=2, num_blocks=1)
    assert (enhancer.size_multiple, enhancer.size_minimum) == (16, 32)
    assert enhancer(random_image(32, 48, 5)).shape == (1, 32, 48, 3)
    unet = UNetGenerator(5, base_width=2, num_downsamplings=3)
    assert unet.size_multiple == unet.size_minimum == 8
    assert unet(random_image(8, 16, 5)).shape == (1, 8, 16, 3)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GlobalGenerator(0), "`input_channels`.*>= 1.*: 0"),
        (lambda: coarse(num_blocks=1.5), "`num_blocks`.*>= 1.*: 1.5"),
        (lambda: coarse(norm="layer"), "one of.*'layer'"),
        (lambda: coarse(upsampling="bilinear"), "one of.*: 'bilinear'"),
        (lambda: coarse(dropout_rate=1), r"in \[0, 1\).*: 1"),
        (lambda: LocalEnhancer(coarse(), 0), "`num_enhancers`.*>= 1.*: 0"),
        (lambda: LocalEnhancer(coarse(), 3), "multiple of 8.*base_width=4"),
        (
            lambda: MultiscaleDiscriminator(5, num_scales=0),
            "`num_scales`.*>= 1.*: 0",
        ),
        (lambda: UNetGenerator(5, num_downsamplings=1), ">= 2.*: 1"),
        (lambda: UNetGenerator(5, norm="layer"), "one of.*'layer'"),
        (lambda: spade(num_upsamplings=4), r"one of \(5, 6, 7\).*: 4"),
        (
            lambda: spade(num_upsamplings=7, base_width=3),
            "`base_width` must be even.*: 3",
        ),
        (lambda: spade(image_size=(64, 64)), "leave out `image_size`"),
        (
            lambda: spade(style_channels=4, image_size=(64, 100)),
            r"two multiples of 32.*\(64, 100\)",
        ),
        (lambda: spade(style_channels=-1), "`style_channels`.*>= 0.*: -1"),
        (lambda: StyleEncoder(base_width=0), "`base_width`.*>= 1.*: 0"),
        (lambda: InstanceEncoder(style_channels=-1), "`style_ch.*: -1"),
    ],
)
def test_bad_arguments_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("depth", "steps"),
    [
        (9, (8, 7, 6, 5)),
        (8, (7, 6, 5)),
        (7, (6, 5)),
        (6, (5,)),
        # The original code has none here.
        (5, (4, 3, 2)),
        (2, ()),
    ],
)
def test_dropout_of_the_u_net_is_where_the_original_has_it(depth, steps):
    unet = UNetGenerator(3, base_width=1, num_downsamplings=depth)
    dropouts = [
        layer.name for layer in unet.layers if isinstance(layer, NoiseDropout)
    ]
    assert dropouts == [f"up_{step}_dropout" for step in steps]
    for step in steps if depth > 5 else ():
        convolution = unet.get_layer(f"up_{step}_convolution")
        assert convolution.filters == 8


@pytest.mark.parametrize("policy", ["float16", "bfloat16", "float64"])
def test_weights_in_another_precision_than_float32_are_refused(policy):
    message = rf"weights in float32.*'mixed_bfloat16'.*'{policy}'"
    with pytest.raises(ValueError, match=message):
        coarse(dtype=policy)
    keras.config.set_dtype_policy(policy)
    with pytest.raises(ValueError, match=message):
        coarse()


def make_style_encoder():
    return StyleEncoder(base_width=2, style_channels=3)


@pytest.mark.parametrize(
    "case", [*CASES.values(), Case(make_style_encoder, channels=3)]
)
def test_outputs_do_not_depend_on_keras_json(case, odd_keras_settings):
    examples = case.examples()
    network = case.make()
    with odd_keras_settings():
        other = case.make()
        other.set_weights(network.get_weights())
        outputs = flat(other(examples))
    for output, expected in zip(outputs, flat(network(examples)), strict=True):
        np.testing.assert_array_equal(output, expected)
