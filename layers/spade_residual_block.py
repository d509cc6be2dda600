"""Residual block with spatially-adaptive normalization."""

import keras
from keras import ops

from hdgan.layers.convolution import PaddedConv2D
from hdgan.layers.initialization import xavier_initializer
from hdgan.layers.input_spec import image_spec
from hdgan.layers.kernels import leaky_relu
from hdgan.layers.spade_normalization import SpadeNormalization
from hdgan.layers.spectral_normalization import SpectralNormalization


@keras.saving.register_keras_serializable(package="hdgan")
class SpadeResidualBlock(keras.layers.Layer):
    """Two steps of SPADE, LeakyReLU and 3x3 convolution, added to the input.

    The first convolution has the smaller of the input's and the output's
    channels. Where these differ, the shortcut is a SPADE layer and a 1x1
    convolution without bias. Kernels are divided by their largest singular
    value, except those inside the SPADE layers; nothing follows the addition.
    Park et al., CVPR 2019, appendix A, figure 15.

    Args:
        filters: int >= 1, output channels.
        hidden_channels: int >= 1, of `SpadeNormalization`. Defaults to 128.
        kernel_size: odd int, of `SpadeNormalization`. Defaults to 3.
        norm: `"batch"` or `"instance"`, of `SpadeNormalization`. Defaults to
            `"batch"`.

    Call arguments:
        inputs: `(batch, height, width, channels)`, floating.
        semantics: `(batch, height, width, semantic_channels)`, floating.
        training: bool, which statistics the norms use, and whether the
            spectral norms iterate.

    Output shape:
        `(batch, height, width, filters)`.

    Raises:
        ValueError: if `filters` is not an integer >= 1, or as of
            `SpadeNormalization`.

    Example:
        >>> x = keras.random.normal((1, 16, 32, 64))
        >>> semantics = keras.random.normal((1, 16, 32, 36))
        >>> hdgan.layers.SpadeResidualBlock(32)(x, semantics).shape
        TensorShape([1, 16, 32, 32])
    """

    def __init__(
        self,
        filters,
        hidden_channels=128,
        kernel_size=3,
        norm="batch",
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not isinstance(filters, int) or filters < 1:
            raise ValueError(
                f"`filters` must be an integer >= 1. Received: {filters!r}"
            )
        self.filters = filters
        self.hidden_channels = hidden_channels
        self.kernel_size = kernel_size
        self.norm = norm
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, inputs_shape, semantics_shape):
        self.input_spec = image_spec(self, inputs_shape)
        channels = inputs_shape[-1]
        middle = min(channels, self.filters)
        self.norm_0 = self._make_norm("norm_0")
        self.convolution_0 = self._make_convolution(middle, 3, "convolution_0")
        self.norm_1 = self._make_norm("norm_1")
        self.convolution_1 = self._make_convolution(
            self.filters, 3, "convolution_1"
        )
        parts = [
            (self.norm_0, self.convolution_0, channels),
            (self.norm_1, self.convolution_1, middle),
        ]
        self.shortcut_norm = self.shortcut_convolution = None
        if channels != self.filters:
            self.shortcut_norm = self._make_norm("shortcut_norm")
            self.shortcut_convolution = self._make_convolution(
                self.filters, 1, "shortcut_convolution", use_bias=False
            )
            parts.append(
                (self.shortcut_norm, self.shortcut_convolution, channels)
            )
        for norm, convolution, width in parts:
            shape = (*inputs_shape[:-1], width)
            norm.build(shape, semantics_shape)
            convolution.build(shape)
        self.built = True

    def _make_norm(self, name):
        return SpadeNormalization(
            self.hidden_channels,
            self.kernel_size,
            self.norm,
            dtype=self.dtype_policy,
            name=name,
        )

    def _make_convolution(self, filters, kernel_size, name, use_bias=True):
        convolution = PaddedConv2D(
            filters,
            kernel_size,
            pad_width=kernel_size // 2,
            kernel_initializer=xavier_initializer(),
            use_bias=use_bias,
            dtype=self.dtype_policy,
            name="convolution",
        )
        return SpectralNormalization(
            convolution, store_v=True, dtype=self.dtype_policy, name=name
        )

    def call(self, inputs, semantics, training=False):
        x = inputs
        for norm, convolution in (
            (self.norm_0, self.convolution_0),
            (self.norm_1, self.convolution_1),
        ):
            x = leaky_relu(norm(x, semantics, training=training))
            x = convolution(x, training=training)
        shortcut = inputs
        if self.shortcut_convolution is not None:
            shortcut = self.shortcut_norm(inputs, semantics, training=training)
            shortcut = self.shortcut_convolution(shortcut, training=training)
        return ops.add(shortcut, x)

    def call_children(self, call, inputs, semantics):
        """Calls each child by `call(child, *inputs)`; used by shape traces."""
        x = call(self.convolution_0, call(self.norm_0, inputs, semantics))
        x = call(self.convolution_1, call(self.norm_1, x, semantics))
        shortcut = inputs
        if self.shortcut_convolution is not None:
            shortcut = call(self.shortcut_norm, inputs, semantics)
            shortcut = call(self.shortcut_convolution, shortcut)
        return call(ops.add, shortcut, x)

    def compute_output_shape(self, inputs_shape, semantics_shape=None):
        return (*inputs_shape[:-1], self.filters)

    def get_config(self):
        return {
            **super().get_config(),
            "filters": self.filters,
            "hidden_channels": self.hidden_channels,
            "kernel_size": self.kernel_size,
            "norm": self.norm,
        }
