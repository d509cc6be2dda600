"""Opening networks from others."""

import keras

from hdgan.data.printable import printable


def load_keras_network(path):
    """Opens the Keras model in a file, without its optimizer.

    Args:
        path: path of a `.keras` file.

    Returns:
        `keras.Model`.

    Raises:
        ValueError: naming the file, if it holds something else.
    """
    try:
        model = keras.models.load_model(path, compile=False)
    except Exception as error:  # A damaged file can raise any.
        raise ValueError(
            f"{path} is no Keras model: {printable(error)}"
        ) from error
    if not isinstance(model, keras.Model):
        raise ValueError(
            f"{path} holds a {type(model).__name__}. Expected a Keras model."
        )
    return model
