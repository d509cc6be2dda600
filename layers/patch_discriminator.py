"""PatchGAN discriminator."""

import operator

import keras

from hdgan.layers.convolution import PaddedConv2D
from hdgan.layers.input_spec import image_spec
from hdgan.layers.kernels import leaky_relu
from hdgan.layers.normalization import check_norm, make_norm
from hdgan.layers.sequential_block import (
    SequentialBlock,
    serialize_weight_options,
)
from hdgan.layers.spectral_normalization import SpectralNormalization

SPECTRAL_NORMS = (False, True, "inner")

_MAX_WIDTH = 512


@keras.saving.register_keras_serializable(package="hdgan")
class PatchDiscriminator(keras.layers.Layer):
    """Discriminates overlapping patches; returns logits and activations.

    4x4 convolutions, zero-padded by 2, with LeakyReLU 0.2: `num_layers` at
    stride 2 (the width doubles from `base_width`, at most 512), one more at
    stride 1, and one to a single channel. The first and the last have no norm.
    With three layers each logit sees a patch of 70x70 pixels: Isola et al.,
    2017, section 3.2.2; Wang et al., 2018, appendix.

    Args:
        base_width: int, channels of the first convolution. Defaults to `64`.
        num_layers: int >= 1, convolutions at stride 2. Defaults to `3`.
        norm: `"instance"`, `"batch"` or `"none"`. Defaults to `"instance"`.
        spectral_norm: which kernels are divided by their largest singular
            value: `False`, none; `True`, all; `"inner"`, all but the first and
            the last, and the inner convolutions have no bias and store both
            vectors, as in Park et al., 2019. Defaults to `False`.
        kernel_initializer: initializer of the kernels, or its name. Defaults
            to `None`, which means N(0, 0.02).
        bias_initializer: initializer of the biases, or its name. Defaults to
            `None`, which means uniform within ±1 / sqrt(fan in).
        kernel_regularizer: regularizer of the kernels, or its name. Defaults
            to `None`.
        bias_regularizer: regularizer of the biases, or its name. Defaults to
            `None`.
        **kwargs: `name`, `trainable` and `dtype` of the layer.

    Input shape:
        `(batch, height, width, channels)`; height and width may be unknown.

    Output shape:
        A list of `num_layers + 2` tensors: the activations after each
        LeakyReLU, then the logits `(batch, patch_rows, patch_columns, 1)`. At
        stride 2 a side becomes `side // 2 + 1`, at stride 1 `side + 1`: 64, 33,
        17, 9, 10, 11.

    Raises:
        ValueError: if `num_layers` is not an integer >= 1, or `norm` or
            `spectral_norm` is unknown.

    Example:
        >>> outputs = hdgan.layers.PatchDiscriminator()(image)
        >>> logits = outputs[-1]
    """

    def __init__(
        self,
        base_width=64,
        num_layers=3,
        norm="instance",
        spectral_norm=False,
        kernel_initializer=None,
        bias_initializer=None,
        kernel_regularizer=None,
        bias_regularizer=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not isinstance(num_layers, int) or num_layers < 1:
            raise ValueError(
                "`num_layers` must be an integer >= 1. "
                f"Received: {num_layers!r}"
            )
        if spectral_norm not in SPECTRAL_NORMS:
            raise ValueError(
                f"`spectral_norm` must be one of {SPECTRAL_NORMS}. "
                f"Received: {spectral_norm!r}"
            )
        self.base_width = base_width
        self.num_layers = num_layers
        self.norm = check_norm(norm)
        self.spectral_norm = spectral_norm
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape):
        self.input_spec = image_spec(self, input_shape)
        widths = [
            min(self.base_width * 2**k, _MAX_WIDTH)
            for k in range(self.num_layers + 1)
        ]
        last = self.num_layers
        self.stages = []
        shape = input_shape
        for index, filters in enumerate([*widths, 1]):
            is_inner = 0 < index <= last
            spectral_norm = self.spectral_norm
            if spectral_norm == "inner" and not is_inner:
                spectral_norm = False
            stage = _DiscriminatorStage(
                filters,
                strides=2 if index < self.num_layers else 1,
                norm=self.norm if is_inner else "none",
                activate=index <= last,
                spectral_norm=spectral_norm,
                kernel_initializer=self.kernel_initializer,
                bias_initializer=self.bias_initializer,
                kernel_regularizer=self.kernel_regularizer,
                bias_regularizer=self.bias_regularizer,
                dtype=self.dtype_policy,
                name=f"stage_{index}",
            )
            stage.build(shape)
            shape = stage.compute_output_shape(shape)
            self.stages.append(stage)
        self.built = True

    def call(self, inputs):
        return self.call_children(operator.call, inputs)

    def call_children(self, call, inputs):
        """Calls each child by `call(child, inputs)`; used by shape traces."""
        outputs = []
        x = inputs
        for stage in self.stages:
            x = call(stage, x)
            outputs.append(x)
        return outputs

    def compute_output_spec(self, inputs):
        return self.call_children(
            lambda layer, x: layer.compute_output_spec(x), inputs
        )

    def get_config(self):
        return {
            **super().get_config(),
            "base_width": self.base_width,
            "num_layers": self.num_layers,
            "norm": self.norm,
            "spectral_norm": self.spectral_norm,
            **serialize_weight_options(self),
        }


@keras.saving.register_keras_serializable(package="hdgan")
class _DiscriminatorStage(SequentialBlock):
    """One convolution of the PatchGAN with its padding, norm and LeakyReLU."""

    def __init__(
        self,
        filters,
        strides,
        norm,
        activate,
        spectral_norm,
        kernel_initializer=None,
        bias_initializer=None,
        kernel_regularizer=None,
        bias_regularizer=None,
        **kwargs,
    ):
        super().__init__(
            kernel_initializer,
            bias_initializer,
            kernel_regularizer,
            bias_regularizer,
            **kwargs,
        )
        self.filters = filters
        self.strides = strides
        self.norm = norm
        self.activate = activate
        self.spectral_norm = spectral_norm

    def _make_layers(self, input_shape):
        dtype = self.dtype_policy
        is_inner = self.spectral_norm == "inner"
        convolution = PaddedConv2D(
            self.filters,
            4,
            strides=self.strides,
            pad_width=2,
            use_bias=not is_inner,
            name="convolution",
            **self._convolution_options(16 * input_shape[-1]),
        )
        if self.spectral_norm:
            convolution = SpectralNormalization(
                convolution,
                store_v=is_inner,
                dtype=dtype,
                name="spectral_normalization",
            )
        layers = [
            convolution,
            make_norm(self.norm, dtype=dtype, name="norm"),
        ]
        if self.activate:
            layers.append(
                keras.layers.Activation(
                    leaky_relu, dtype=dtype, name="activation"
                )
            )
        return layers

    def compute_output_shape(self, input_shape):
        batch, height, width, _ = input_shape
        shrunk = [
            None if side is None else side // self.strides + 1
            for side in (height, width)
        ]
        return (batch, *shrunk, self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "strides": self.strides,
            "norm": self.norm,
            "activate": self.activate,
            "spectral_norm": self.spectral_norm,
        }
