"""Every public layer with arguments and inputs, for tests of all layers."""

import dataclasses
from collections.abc import Callable

import keras
import numpy as np

from hdgan import layers

HEIGHT, WIDTH = 8, 12


@dataclasses.dataclass(frozen=True)
class Case:
    """A layer to test.

    Args:
        layer: the class.
        arguments: function that returns its arguments, new at each call.
        inputs: names of `EXAMPLES`, one per call argument.
        norm: the norm that follows its convolutions. A norm removes what their
            biases add, so the gradient of those is rounding noise.
        keeps_dtype: whether the output has the input's dtype, not the layer's.
        random: whether it draws random numbers in training.
    """

    layer: type
    arguments: Callable = dict
    inputs: tuple = ("image",)
    norm: str = "none"
    keeps_dtype: bool = False
    random: bool = False

    def make(self):
        """Returns a new layer."""
        return self.layer(**self.arguments())

    def examples(self):
        """Returns the layer's inputs, NumPy arrays of a batch of two."""
        return [EXAMPLES[name]() for name in self.inputs]


def _image():
    shape = (2, HEIGHT, WIDTH, 4)
    return np.random.default_rng(3).standard_normal(shape, "float32")


def _semantics():
    shape = (2, HEIGHT, WIDTH, 3)
    return np.random.default_rng(5).standard_normal(shape, "float32")


def _ids():
    # Neighboring ids that are equal in half precision.
    choice = np.random.default_rng(4).integers(0, 4, (2, HEIGHT // 2, WIDTH))
    ids = np.array([3, 20000, 26001, 26002], "int32")[choice]
    return np.repeat(ids, 2, axis=1)


EXAMPLES = {
    "image": _image,
    "semantics": _semantics,
    "ids": _ids,
    "labels": lambda: _ids() % 7,
}

CASES = {
    "average_pooling": Case(layers.AveragePooling2DExcludingPadding),
    "boundary_map": Case(layers.BoundaryMap, inputs=("ids",)),
    "convolution_block": Case(
        layers.ConvolutionBlock,
        lambda: {
            "filters": 5,
            "kernel_size": 5,
            "norm": "none",
            "activation": "tanh",
        },
    ),
    "convolution_block_instance": Case(
        layers.ConvolutionBlock, lambda: {"filters": 5}, norm="instance"
    ),
    "convolution_block_batch": Case(
        layers.ConvolutionBlock,
        lambda: {"filters": 5, "norm": "batch"},
        norm="batch",
    ),
    "convolution_block_regularized": Case(
        layers.ConvolutionBlock,
        lambda: {
            "filters": 5,
            "norm": "none",
            "kernel_initializer": keras.initializers.HeNormal(seed=3),
            "bias_initializer": keras.initializers.Constant(0.5),
            "kernel_regularizer": keras.regularizers.L2(0.25),
            "bias_regularizer": keras.regularizers.L1(0.5),
        },
    ),
    "downsample_block": Case(
        layers.DownsampleBlock, lambda: {"filters": 6, "norm": "none"}
    ),
    "downsample_block_instance": Case(
        layers.DownsampleBlock, lambda: {"filters": 6}, norm="instance"
    ),
    "edge_padding": Case(
        layers.EdgePadding,
        lambda: {"multiple": 5, "minimum": 10},
        keeps_dtype=True,
    ),
    "edge_padding_ids": Case(
        layers.EdgePadding,
        lambda: {"multiple": 16, "minimum": 32},
        inputs=("ids",),
        keeps_dtype=True,
    ),
    "instance_average_pooling": Case(
        layers.InstanceAveragePooling, inputs=("image", "ids")
    ),
    "instance_normalization": Case(layers.InstanceNormalization),
    "instance_normalization_affine": Case(
        layers.InstanceNormalization,
        lambda: {
            "epsilon": 1e-3,
            "center": True,
            "scale": True,
            "beta_initializer": keras.initializers.Constant(0.5),
            "gamma_regularizer": keras.regularizers.L2(0.25),
        },
    ),
    "multiscale": Case(
        layers.Multiscale,
        lambda: {
            "layer": layers.PatchDiscriminator(4, num_layers=1, norm="none"),
            "num_scales": 3,
        },
    ),
    "nearest_doubling": Case(layers.NearestDoubling),
    "nearest_downsampling": Case(
        layers.NearestDownsampling, lambda: {"factor": 2}
    ),
    "noise_dropout": Case(
        layers.NoiseDropout,
        lambda: {"rate": 0.25, "noise_shape": (None, 1, 1, None), "seed": 5},
        random=True,
    ),
    "one_hot_labels": Case(
        layers.OneHotLabels, lambda: {"num_classes": 7}, inputs=("labels",)
    ),
    "parameter_free_batch_normalization": Case(
        layers.ParameterFreeBatchNormalization,
        lambda: {"momentum": 0.75, "epsilon": 1e-3},
    ),
    "patch_discriminator": Case(
        layers.PatchDiscriminator,
        lambda: {"base_width": 4, "num_layers": 2},
        norm="instance",
    ),
    "patch_discriminator_spectral": Case(
        layers.PatchDiscriminator,
        lambda: {
            "base_width": 4,
            "num_layers": 1,
            "norm": "none",
            "spectral_norm": True,
        },
    ),
    "patch_discriminator_inner_spectral": Case(
        layers.PatchDiscriminator,
        lambda: {
            "base_width": 4,
            "num_layers": 1,
            "spectral_norm": "inner",
        },
        norm="instance",
    ),
    "residual_block": Case(layers.ResidualBlock, norm="instance"),
    "residual_block_zero": Case(
        layers.ResidualBlock,
        lambda: {"norm": "batch", "padding": "zero", "dropout_rate": 0.5},
        norm="batch",
        random=True,
    ),
    "semantic_channels": Case(
        layers.SemanticChannels,
        lambda: {"num_classes": 7, "use_boundaries": True},
        inputs=("labels", "ids"),
    ),
    "semantic_channels_of_labels": Case(
        layers.SemanticChannels,
        lambda: {"num_classes": 7, "use_boundaries": True},
        inputs=("labels",),
    ),
    "semantic_channels_without_boundaries": Case(
        layers.SemanticChannels,
        lambda: {"num_classes": 7, "use_boundaries": False},
        inputs=("labels",),
    ),
    "spade_normalization": Case(
        layers.SpadeNormalization,
        lambda: {"hidden_channels": 6, "kernel_size": 5},
        inputs=("image", "semantics"),
    ),
    "spade_normalization_instance": Case(
        layers.SpadeNormalization,
        lambda: {"norm": "instance"},
        inputs=("image", "semantics"),
    ),
    "spade_residual_block": Case(
        layers.SpadeResidualBlock,
        lambda: {"filters": 4, "hidden_channels": 6, "kernel_size": 1},
        inputs=("image", "semantics"),
        norm="batch",
    ),
    "spade_residual_block_shortcut": Case(
        layers.SpadeResidualBlock,
        lambda: {"filters": 5, "norm": "instance"},
        inputs=("image", "semantics"),
        norm="instance",
    ),
    "spectral_normalization_stored": Case(
        layers.SpectralNormalization,
        lambda: {
            "layer": keras.layers.Conv2D(5, 3, data_format="channels_last"),
            "store_v": True,
        },
    ),
    "spectral_normalization": Case(
        layers.SpectralNormalization,
        lambda: {
            "layer": keras.layers.Conv2D(
                5, 3, strides=2, data_format="channels_last"
            ),
            "power_iterations": 2,
            "epsilon": 1e-10,
        },
    ),
    "padded_convolution": Case(
        layers.PaddedConv2D,
        lambda: {
            "filters": 5,
            "kernel_size": 4,
            "strides": 2,
            "pad_width": 2,
        },
    ),
    "padded_convolution_without_bias": Case(
        layers.PaddedConv2D,
        lambda: {
            "filters": 5,
            "kernel_size": 3,
            "pad_width": 1,
            "use_bias": False,
            "kernel_constraint": keras.constraints.UnitNorm(),
        },
    ),
    "padded_convolution_reflected": Case(
        layers.PaddedConv2D,
        lambda: {
            "filters": 5,
            "kernel_size": 3,
            "pad_width": 1,
            "pad_mode": "reflect",
        },
    ),
    "cropped_transposed_convolution": Case(
        layers.CroppedConv2DTranspose,
        lambda: {
            "filters": 5,
            "kernel_size": 3,
            "strides": 2,
            "cropping": 1,
        },
    ),
    "cropped_transposed_convolution_without_bias": Case(
        layers.CroppedConv2DTranspose,
        lambda: {
            "filters": 5,
            "kernel_size": 4,
            "strides": 2,
            "use_bias": False,
            "kernel_regularizer": keras.regularizers.L2(0.25),
        },
    ),
    "upsample_block": Case(
        layers.UpsampleBlock, lambda: {"filters": 6, "norm": "none"}
    ),
    "upsample_block_instance": Case(
        layers.UpsampleBlock, lambda: {"filters": 6}, norm="instance"
    ),
    "upsample_block_resize": Case(
        layers.UpsampleBlock,
        lambda: {"filters": 6, "norm": "none", "upsampling": "resize"},
    ),
}
