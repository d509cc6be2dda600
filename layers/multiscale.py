"""Copies of a discriminator at several scales."""

import operator

import keras

from hdgan.layers.average_pooling import AveragePooling2DExcludingPadding


@keras.saving.register_keras_serializable(package="hdgan")
class Multiscale(keras.layers.Wrapper):
    """Applies copies of a discriminator to an image pyramid.

    Scale 0 is the given layer and takes the image itself. Scale k is a copy
    with the same configuration and other weights, and takes the image after k
    average poolings. Wang et al., 2018, section 3.2.

    Args:
        layer: a Keras layer that takes an image, such as `PatchDiscriminator`.
        num_scales: int >= 1. Defaults to `2`.
        **kwargs: `name`, `trainable` and `dtype` of the layer.

    Input shape:
        `(batch, height, width, channels)`; height and width may be unknown.

    Output shape:
        A list over scales of the layer's outputs, full resolution first.

    Raises:
        ValueError: if `num_scales` is not an integer >= 1.

    Example:
        >>> layer = hdgan.layers.Multiscale(
        ...     hdgan.layers.PatchDiscriminator(), num_scales=3
        ... )
        >>> outputs = layer(image)
        >>> logits_at_half_resolution = outputs[1][-1]
    """

    def __init__(self, layer, num_scales=2, **kwargs):
        super().__init__(layer, **kwargs)
        if not isinstance(num_scales, int) or num_scales < 1:
            raise ValueError(
                "`num_scales` must be an integer >= 1. "
                f"Received: {num_scales!r}"
            )
        self.num_scales = num_scales
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape):
        config = self.layer.get_config()
        self.scales = [self.layer] + [
            self.layer.__class__.from_config(
                {**config, "name": f"{self.layer.name}_scale_{k}"}
            )
            for k in range(1, self.num_scales)
        ]
        self.pool = AveragePooling2DExcludingPadding(
            dtype=self.dtype_policy, name="pool"
        )
        shape = input_shape
        for scale in self.scales:
            # The given layer is already built when a file is loaded.
            if not scale.built:
                scale.build(shape)
            shape = self.pool.compute_output_shape(shape)
        self.built = True

    def call(self, inputs):
        return self.call_children(operator.call, inputs)

    def call_children(self, call, inputs):
        """Calls each child by `call(child, inputs)`; used by shape traces."""
        image = inputs
        outputs = []
        for index, scale in enumerate(self.scales):
            if index:
                image = call(self.pool, image)
            outputs.append(call(scale, image))
        return outputs

    def compute_output_spec(self, inputs):
        return self.call_children(
            lambda layer, x: layer.compute_output_spec(x), inputs
        )

    def get_config(self):
        return {**super().get_config(), "num_scales": self.num_scales}
