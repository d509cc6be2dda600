"""Instance normalization."""

import keras
from keras import ops

from hdgan.layers.input_spec import image_spec
from hdgan.layers.kernels import instance_normalize


@keras.saving.register_keras_serializable(package="hdgan")
class InstanceNormalization(keras.layers.Layer):
    """Normalizes each channel of each example over all of its pixels.

    `y = (x - mean) / sqrt(variance + epsilon)`. Training and inference both use
    the example's own statistics; the variance is the biased one. Statistics are
    taken in float32, whatever the dtype of `x`.

    Ulyanov et al., "Instance Normalization: The Missing Ingredient for Fast
    Stylization", 2016. pix2pixHD uses it without scale and offset.

    Args:
        epsilon: float > 0, added to the variance. Defaults to `1e-5`.
        center: bool, whether to add a learned offset per channel. Defaults to
            `False`.
        scale: bool, whether to multiply by a learned factor per channel.
            Defaults to `False`.
        beta_initializer: initializer of the offsets, or its name. Defaults to
            `"zeros"`.
        gamma_initializer: initializer of the factors, or its name. Defaults to
            `"ones"`.
        beta_regularizer: regularizer of the offsets, or its name. Defaults to
            `None`.
        gamma_regularizer: regularizer of the factors, or its name. Defaults to
            `None`.
        **kwargs: `name`, `trainable` and `dtype` of the layer.

    Input shape:
        `(batch, height, width, channels)`, or with one, three or more axes
        between batch and channels; floating. All sizes may be unknown, except
        that of channels with `center` or `scale`.

    Output shape:
        The input's.

    Raises:
        ValueError: if `epsilon` is not positive; on a call with fewer than
            three axes, or with another number of channels than it was built
            for.

    Example:
        >>> x = keras.random.normal((2, 16, 16, 8))
        >>> y = hdgan.layers.InstanceNormalization()(x)
    """

    def __init__(
        self,
        epsilon=1e-5,
        center=False,
        scale=False,
        beta_initializer="zeros",
        gamma_initializer="ones",
        beta_regularizer=None,
        gamma_regularizer=None,
        **kwargs,
    ):
        # Float32 inputs must not overflow on their way in.
        super().__init__(autocast=False, **kwargs)
        if not epsilon > 0:
            raise ValueError(
                f"`epsilon` must be greater than 0. Received: {epsilon}"
            )
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.beta_initializer = keras.initializers.get(beta_initializer)
        self.gamma_initializer = keras.initializers.get(gamma_initializer)
        self.beta_regularizer = keras.regularizers.get(beta_regularizer)
        self.gamma_regularizer = keras.regularizers.get(gamma_regularizer)
        self.input_spec = keras.layers.InputSpec(min_ndim=3)
        self.supports_masking = True

    def build(self, input_shape):
        if self.scale or self.center:
            self.input_spec = keras.layers.InputSpec(
                min_ndim=3, axes=image_spec(self, input_shape).axes
            )
        channels = (input_shape[-1],)
        if self.scale:
            self.gamma = self.add_weight(
                name="gamma",
                shape=channels,
                initializer=self.gamma_initializer,
                regularizer=self.gamma_regularizer,
            )
        if self.center:
            self.beta = self.add_weight(
                name="beta",
                shape=channels,
                initializer=self.beta_initializer,
                regularizer=self.beta_regularizer,
            )
        self.built = True

    def call(self, inputs):
        if keras.backend.standardize_dtype(inputs.dtype) != self.compute_dtype:
            inputs = ops.cast(inputs, "float32")
        if len(inputs.shape) == 4:
            outputs = instance_normalize(inputs, self.epsilon)
        else:
            shape = ops.shape(inputs)
            column = ops.reshape(inputs, (shape[0], -1, 1, shape[-1]))
            outputs = instance_normalize(column, self.epsilon)
            outputs = ops.reshape(outputs, shape)
        outputs = ops.cast(outputs, self.compute_dtype)
        if self.scale:
            outputs = outputs * ops.cast(self.gamma, outputs.dtype)
        if self.center:
            outputs = outputs + ops.cast(self.beta, outputs.dtype)
        return outputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "beta_initializer": keras.initializers.serialize(
                self.beta_initializer
            ),
            "gamma_initializer": keras.initializers.serialize(
                self.gamma_initializer
            ),
            "beta_regularizer": keras.regularizers.serialize(
                self.beta_regularizer
            ),
            "gamma_regularizer": keras.regularizers.serialize(
                self.gamma_regularizer
            ),
        }
