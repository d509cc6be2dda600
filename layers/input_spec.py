"""The shape that layers of images expect."""

import keras


def image_spec(layer, input_shape):
    """Returns the `InputSpec` of images with the channels of a shape.

    Raises:
        ValueError: if the number of channels is unknown.
    """
    channels = input_shape[-1]
    if channels is None:
        raise ValueError(
            f"{layer.name} needs inputs of shape (batch, height, width, "
            "channels) with a known number of channels. Received: "
            f"{tuple(input_shape)}. Give the input its number of channels."
        )
    return keras.layers.InputSpec(ndim=4, axes={-1: channels})
