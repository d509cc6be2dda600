"""An error names the bad argument, what was received and what is expected."""

import keras
import numpy as np
import pytest

from hdgan import layers

# Function that makes the layer, and a pattern of the message.
BAD_ARGUMENTS = [
    (lambda: layers.AdversarialLoss("wgan"), "one of.*hinge.*'wgan'"),
    (lambda: layers.ConvolutionBlock(3, 4), "kernel_size.*must be odd.* 4"),
    (lambda: layers.ConvolutionBlock(3, norm="layer"), "one of.*'layer'"),
    (lambda: layers.DownsampleBlock(3, norm="x"), "`norm` must be.*'x'"),
    (lambda: layers.UpsampleBlock(3, norm=None), "`norm` must be.*None"),
    (lambda: layers.UpsampleBlock(3, upsampling="x"), "'resize'.*'x'"),
    (lambda: layers.ResidualBlock(norm="x"), "`norm` must be one of.*'x'"),
    (lambda: layers.ResidualBlock(padding="same"), "one of.*reflect.*'same'"),
    (lambda: layers.ResidualBlock(dropout_rate=1.0), r"in \[0, 1\).* 1\.0"),
    (lambda: layers.ResidualBlock(dropout_rate=-0.1), r"in \[0, 1\).*-0\.1"),
    (lambda: layers.EdgePadding(0), "`multiple` must be an integer >= 1.* 0"),
    (lambda: layers.EdgePadding(4, minimum=2.5), "`minimum` must be.*2.5"),
    (lambda: layers.EdgePadding(4, 6), "multiple of.*minimum=6, multiple=4"),
    (lambda: layers.InstanceNormalization(epsilon=0), "greater than 0.* 0"),
    (lambda: layers.Multiscale(keras.layers.ReLU(), 0), "num_scales.*>= 1.*0"),
    (lambda: layers.OneHotLabels(0), "num_classes.*integer >= 1.* 0"),
    (lambda: layers.OneHotLabels("3"), "num_classes.*integer >= 1.*'3'"),
    (lambda: layers.PatchDiscriminator(num_layers=0), "num_layers.*>= 1.* 0"),
    (lambda: layers.PatchDiscriminator(norm="x"), "`norm` must be.*'x'"),
    (lambda: layers.PerceptualLoss("vgg.h5"), "`features`.*build.*'vgg.h5'"),
    (
        lambda: layers.PatchDiscriminator(spectral_norm="all"),
        "`spectral_norm` must be.*'inner'.*'all'",
    ),
    (lambda: layers.PaddedConv2D(4, 3, pad_width=-1), "integer >= 0.*-1"),
    (lambda: layers.PaddedConv2D(4, 3, pad_width=1.5), "integer >= 0.*1.5"),
    (lambda: layers.PaddedConv2D(4, 3, pad_width="same"), ">= 0.*'same'"),
    (lambda: layers.PaddedConv2D(4, 3, pad_mode="x"), "`pad_mode` must.*'x'"),
    (lambda: layers.NearestDownsampling(0), "`factor` must be.*>= 1.* 0"),
    (
        lambda: layers.NearestDownsampling(8)(np.ones((1, 8, 7, 2), "float32")),
        "width must be at least 8 pixels.* 7 pixels",
    ),
    (
        lambda: layers.ParameterFreeBatchNormalization(momentum=1.0),
        r"`momentum` must be in \[0, 1\).* 1\.0",
    ),
    (
        lambda: layers.ParameterFreeBatchNormalization(epsilon=0),
        "`epsilon` must be greater than 0.* 0",
    ),
    (
        lambda: layers.ParameterFreeBatchNormalization()(
            np.ones((1, 1, 1, 2), "float32"), training=True
        ),
        r"single pixel.*larger image or batch.*\(1, 1, 1, 2\)",
    ),
    (lambda: layers.SpadeNormalization(0), "`hidden_channels`.*>= 1.* 0"),
    (lambda: layers.SpadeNormalization(8, 4), "kernel_size.*must be odd.* 4"),
    (lambda: layers.SpadeNormalization(norm="x"), "`norm` must be.*'x'"),
    (
        lambda: layers.SpadeNormalization()(
            np.ones((1, 4, 6, 2), "float32"), np.ones((1, 4, 5, 2), "float32")
        ),
        "the width of the activations, 6.*a width of 5",
    ),
    (lambda: layers.SpadeResidualBlock(0), "`filters`.*integer >= 1.* 0"),
    (
        lambda: layers.PaddedConv2D(4, 3, activation="relu"),
        "PaddedConv2D has no argument 'activation'.*activation='relu'",
    ),
    (
        lambda: layers.CroppedConv2DTranspose(4, 3, padding="same"),
        "Transpose has no argument 'padding'.*padding='same'",
    ),
    (
        lambda: layers.DownsampleBlock(4).build((None, 8, 8, None)),
        "known number of channels.*None, 8, 8, None",
    ),
    (
        lambda: layers.OneHotLabels(3)(np.zeros((1, 2, 2, 3), "uint8")),
        r"\(batch, height, width, 1\).*\(1, 2, 2, 3\).*replace each color",
    ),
    (
        lambda: layers.CroppedConv2DTranspose(4, 3, cropping=3),
        "smaller than `kernel_size`.*cropping=3, kernel_size=3",
    ),
    (
        lambda: layers.PaddedConv2D(4, 3, data_format="channels_first"),
        "no argument 'data_format'.*channels_first",
    ),
    (
        lambda: layers.CroppedConv2DTranspose(4, 3, cropping=-1),
        "`cropping` must be an integer >= 0.*-1",
    ),
    (
        lambda: layers.SpectralNormalization(keras.layers.Dense(1), 0),
        "power_iterations.*integer >= 1.* 0",
    ),
    (
        lambda: layers.SpectralNormalization(keras.layers.ReLU())(
            np.ones((1, 2), "float32")
        ),
        "needs a layer with a `kernel`.*ReLU",
    ),
]


@pytest.mark.parametrize(("make", "message"), BAD_ARGUMENTS)
def test_message_says_what_is_expected_and_what_was_received(make, message):
    with pytest.raises(ValueError, match=message) as error:
        make()
    assert "Received: " in str(error.value)


@pytest.mark.parametrize(
    ("shape", "side"), [((1, 3, 9, 1), "height"), ((1, 9, 2, 1), "width")]
)
def test_an_image_too_small_to_reflect_is_refused(shape, side):
    layer = layers.ConvolutionBlock(2, 7)
    size = min(shape[1:3])
    message = f"A {side} of {size} pixels.*Expected a {side} of at least 4"
    with pytest.raises(ValueError, match=message):
        layer(np.zeros(shape, "float32"))
