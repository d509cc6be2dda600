"""Padding by reflection."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="hdgan")
class ReflectionPadding2D(keras.layers.Layer):
    """Pads height and width by mirroring the image at its border pixels.

    The border pixel itself is not repeated: `abc` padded by 2 is `cbabcba`.

    Args:
        padding: int >= 0, pixels added on each of the four sides.

    Input shape:
        `(batch, height, width, channels)`, height and width > `padding`;
        either may be unknown.

    Output shape:
        `(batch, height + 2 * padding, width + 2 * padding, channels)`.

    Raises:
        ValueError: if `padding` is not an integer >= 0, or if a known height
            or width is not greater than `padding`.

    Example:
        >>> x = keras.random.normal((1, 8, 8, 3))
        >>> hdgan.layers.ReflectionPadding2D(3)(x).shape
        TensorShape([1, 14, 14, 3])
    """

    def __init__(self, padding=1, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(padding, int) or padding < 0:
            raise ValueError(
                "`padding` must be an integer >= 0, the number of pixels added "
                f"on each side. Received: {padding!r}"
            )
        self.padding = padding

    def build(self, input_shape):
        for side, size in zip(
            ("height", "width"), input_shape[1:3], strict=True
        ):
            if size is not None and size <= self.padding:
                raise ValueError(
                    f"A {side} of {size} pixels can't be padded by reflection "
                    f"of {self.padding} pixels. Expected a {side} of at least "
                    f"{self.padding + 1}; give a larger image or a network "
                    "with fewer downsamplings."
                )
        self.built = True

    def call(self, inputs):
        return ops.pad(
            inputs,
            ((0, 0), (self.padding,) * 2, (self.padding,) * 2, (0, 0)),
            mode="reflect",
        )

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        grown = [
            None if side is None else side + 2 * self.padding
            for side in (height, width)
        ]
        return (batch, *grown, channels)

    def get_config(self):
        return {**super().get_config(), "padding": self.padding}
