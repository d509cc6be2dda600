"""Spatially-adaptive normalization."""

import keras
from keras import ops

from hdgan.layers.convolution import PaddedConv2D
from hdgan.layers.initialization import xavier_initializer, xavier_stddev
from hdgan.layers.input_spec import image_spec
from hdgan.layers.instance_normalization import InstanceNormalization
from hdgan.layers.kernels import relu
from hdgan.layers.parameter_free_normalization import (
    ParameterFreeBatchNormalization,
)

NORMS = ("batch", "instance")


@keras.saving.register_keras_serializable(package="hdgan")
class SpadeNormalization(keras.layers.Layer):
    """Normalizes activations, then scales and shifts each pixel by its label.

    `y = norm(x) * (1 + gamma) + beta`, where `gamma` and `beta` are maps with
    the channels of `x`: a convolution with ReLU of the semantics map to
    `hidden_channels`, and a convolution of that to each. The norm has no
    parameters of its own. Park et al., CVPR 2019, equation 1 and figure 2 (with
    the 1 of the original PyTorch code).

    Args:
        hidden_channels: int >= 1, channels between semantics and modulation.
            Defaults to 128.
        kernel_size: odd int, side of the three kernels in pixels. Defaults
            to 3.
        norm: `"batch"`, `ParameterFreeBatchNormalization`, or `"instance"`,
            `InstanceNormalization`. Defaults to `"batch"`.

    Call arguments:
        inputs: `(batch, height, width, channels)`, floating, the activations.
        semantics: `(batch, height, width, semantic_channels)`, floating, such
            as one-hot labels. One of another size goes through
            `resize_nearest` or `NearestDownsampling` before.
        training: bool, which statistics the batch norm uses.

    Output shape:
        The activations'.

    Raises:
        ValueError: if `hidden_channels` is not an integer >= 1, `kernel_size`
            is even, `norm` is unknown, or the two inputs have known and
            different sizes.

    Example:
        >>> x = keras.random.normal((1, 16, 32, 64))
        >>> semantics = hdgan.layers.OneHotLabels(35)(label_map)
        >>> semantics = hdgan.layers.NearestDownsampling(8)(semantics)
        >>> y = hdgan.layers.SpadeNormalization()(x, semantics)
    """

    def __init__(
        self, hidden_channels=128, kernel_size=3, norm="batch", **kwargs
    ):
        super().__init__(**kwargs)
        if not isinstance(hidden_channels, int) or hidden_channels < 1:
            raise ValueError(
                "`hidden_channels` must be an integer >= 1. "
                f"Received: {hidden_channels!r}"
            )
        if kernel_size % 2 == 0:
            raise ValueError(
                "`kernel_size` must be odd, so that the size stays the same. "
                f"Received: {kernel_size}"
            )
        if norm not in NORMS:
            raise ValueError(
                f"`norm` must be one of {NORMS}. Received: {norm!r}"
            )
        self.hidden_channels = hidden_channels
        self.kernel_size = kernel_size
        self.norm = norm
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, inputs_shape, semantics_shape):
        self.input_spec = image_spec(self, inputs_shape)
        channels = inputs_shape[-1]
        dtype = self.dtype_policy
        if self.norm == "batch":
            self.normalization = ParameterFreeBatchNormalization(
                dtype=dtype, name="normalization"
            )
        else:
            self.normalization = InstanceNormalization(
                dtype=dtype, name="normalization"
            )
        self.shared_convolution = self._make_convolution(
            self.hidden_channels, xavier_initializer(), "shared_convolution"
        )
        # Gamma's and beta's kernels in one, which reads the hidden channels
        # once. Their start is that of two convolutions.
        kernel_pixels = self.kernel_size**2
        stddev = xavier_stddev(
            kernel_pixels * self.hidden_channels, kernel_pixels * channels
        )
        self.modulation_convolution = self._make_convolution(
            2 * channels,
            keras.initializers.RandomNormal(stddev=stddev),
            "modulation_convolution",
        )
        self.normalization.build(inputs_shape)
        self.shared_convolution.build(semantics_shape)
        self.modulation_convolution.build(
            (*semantics_shape[:-1], self.hidden_channels)
        )
        self.built = True

    def _make_convolution(self, filters, kernel_initializer, name):
        return PaddedConv2D(
            filters,
            self.kernel_size,
            pad_width=self.kernel_size // 2,
            kernel_initializer=kernel_initializer,
            dtype=self.dtype_policy,
            name=name,
        )

    def call(self, inputs, semantics, training=False):
        _check_sizes(inputs.shape, semantics.shape)
        normalized = self.normalization(inputs, training=training)
        hidden = relu(self.shared_convolution(semantics))
        modulation = self.modulation_convolution(hidden)
        gamma, beta = ops.split(modulation, 2, axis=-1)
        return normalized * (1 + gamma) + beta

    def call_children(self, call, inputs, semantics):
        """Calls each child by `call(child, inputs)`; used by shape traces."""
        hidden = call(self.shared_convolution, semantics)
        call(self.modulation_convolution, hidden)
        return call(self.normalization, inputs)

    def compute_output_shape(self, inputs_shape, semantics_shape=None):
        return inputs_shape

    def get_config(self):
        return {
            **super().get_config(),
            "hidden_channels": self.hidden_channels,
            "kernel_size": self.kernel_size,
            "norm": self.norm,
        }


def _check_sizes(shape, semantics_shape):
    for side, size, other in zip(
        ("height", "width"), shape[1:3], semantics_shape[1:3], strict=True
    ):
        if None not in (size, other) and size != other:
            raise ValueError(
                f"The semantics map must have the {side} of the activations, "
                f"{size}. Received: a {side} of {other}. Resize it with "
                "`resize_nearest` or `NearestDownsampling`."
            )
