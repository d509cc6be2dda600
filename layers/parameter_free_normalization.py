"""Batch normalization without scale and offset."""

import keras
from keras import ops

from hdgan.layers.input_spec import image_spec
from hdgan.layers.kernels import batch_normalize


@keras.saving.register_keras_serializable(package="hdgan")
class ParameterFreeBatchNormalization(keras.layers.Layer):
    """Normalizes each channel over the batch, height and width.

    `y = (x - mean) / sqrt(variance + epsilon)`, in training with the statistics
    of the batch of all replicas together, otherwise with running ones. The
    batch is divided by the root of its biased variance, and the running
    variance moves towards the unbiased one, as in PyTorch;
    `keras.layers.BatchNormalization` uses the biased one for both. Statistics
    are float32 whatever the dtype of `x`.

    Source: Ioffe and Szegedy, 2015; without scale and offset in Park et al.,
    2019, section 3.1, where SPADE takes their place.

    Args:
        momentum: float in [0, 1), what a step keeps of the running statistics.
        epsilon: float > 0, added to the variance.

    Call arguments:
        inputs: `(batch, height, width, channels)`, floating.
        training: bool, whether to use and update from the batch's statistics.

    Input shape:
        `(batch, height, width, channels)`; height and width may be unknown.

    Output shape:
        The input's.

    Raises:
        ValueError: if `momentum` is not in [0, 1), `epsilon` is not positive,
            or a batch to train with has a known size of one pixel.

    Example:
        >>> x = keras.random.normal((2, 16, 16, 8))
        >>> layer = hdgan.layers.ParameterFreeBatchNormalization()
        >>> y = layer(x, training=True)
    """

    def __init__(self, momentum=0.9, epsilon=1e-5, **kwargs):
        # Float32 inputs must not overflow on their way in.
        super().__init__(autocast=False, **kwargs)
        if not 0 <= momentum < 1:
            raise ValueError(
                f"`momentum` must be in [0, 1). Received: {momentum}"
            )
        if not epsilon > 0:
            raise ValueError(
                f"`epsilon` must be greater than 0. Received: {epsilon}"
            )
        self.momentum = momentum
        self.epsilon = epsilon
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape):
        self.input_spec = image_spec(self, input_shape)
        self.moving_mean = self._add_statistic("moving_mean", input_shape)
        self.moving_variance = self._add_statistic(
            "moving_variance", input_shape
        )
        self.built = True

    def _add_statistic(self, name, input_shape):
        return self.add_weight(
            name=name,
            shape=(input_shape[-1],),
            initializer="zeros" if name == "moving_mean" else "ones",
            trainable=False,
            autocast=False,
            dtype="float32",
            # Every replica finds the statistics of all.
            aggregation="only_first_replica",
        )

    def call(self, inputs, training=False):
        if not training:
            wide = ops.cast(inputs, "float32")
            factor = ops.rsqrt(self.moving_variance + self.epsilon)
            outputs = (wide - self.moving_mean) * factor
            return ops.cast(outputs, self.compute_dtype)
        if tuple(inputs.shape[:-1]) == (1, 1, 1):
            raise ValueError(
                "A batch of a single pixel has no variance to normalize with "
                "in training. Expected more pixels: a larger image or batch. "
                f"Received: inputs of shape {tuple(inputs.shape)}"
            )
        if keras.backend.standardize_dtype(inputs.dtype) != self.compute_dtype:
            inputs = ops.cast(inputs, "float32")
        outputs, mean, variance = batch_normalize(inputs, self.epsilon)
        for running, value in (
            (self.moving_mean, mean),
            (self.moving_variance, variance),
        ):
            kept = self.momentum * running.value
            running.assign(kept + (1 - self.momentum) * value)
        return ops.cast(outputs, self.compute_dtype)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "epsilon": self.epsilon,
        }
