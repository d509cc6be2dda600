"""A segmenter that knows classes by their colors, for tests."""

import keras
import numpy as np


def make_color_segmenter(labels):
    """Returns a Keras model from RGB in 0..255 to logits of the classes.

    The nearest color of the label set has the largest logit, so a label map
    that was colorized is read without an error.

    Args:
        labels: `LabelSet`.
    """
    colors = np.array(labels.colors, "float32")
    # |x - c|^2 = |x|^2 - (2 c x - |c|^2), of which the first is the same for
    # all colors.
    kernel, bias = 2 * colors.T[None, None], -(colors**2).sum(1)
    image = keras.Input((None, None, 3))
    convolution = keras.layers.Conv2D(len(labels), 1)
    model = keras.Model(image, convolution(image))
    convolution.set_weights([kernel, bias])
    return model
