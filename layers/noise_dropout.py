"""Dropout that can stay on at inference, as a source of noise."""

import contextlib
import contextvars

import keras

_noise_seed = contextvars.ContextVar("hdgan_noise_seed", default=None)


@contextlib.contextmanager
def dropout_noise(seed_generator):
    """Turns on every `NoiseDropout` that is called inside the context.

    A generator that was trained with dropout then draws a different photograph
    at every call, while batch statistics and other layers stay in inference
    mode. Isola et al., 2017, section 3.2.1, "we provide noise only in the form
    of dropout, applied at both training and test time".

    Args:
        seed_generator: `keras.random.SeedGenerator`, the source of the noise.

    Example:
        >>> with dropout_noise(keras.random.SeedGenerator(0)):
        ...     photo = generator(x, training=False)
    """
    token = _noise_seed.set(seed_generator)
    try:
        yield
    finally:
        _noise_seed.reset(token)


@keras.saving.register_keras_serializable(package="hdgan")
class NoiseDropout(keras.layers.Dropout):
    """`keras.layers.Dropout` that `dropout_noise` can turn on at inference.

    Args:
        rate: float in [0, 1), the share of values set to 0.
        **kwargs: the other arguments of `keras.layers.Dropout`.

    Input shape:
        Any.

    Output shape:
        The input's.

    Example:
        >>> layer = hdgan.layers.NoiseDropout(0.5)
        >>> with hdgan.layers.dropout_noise(keras.random.SeedGenerator(0)):
        ...     y = layer(x)
    """

    def call(self, inputs, training=False):
        seed_generator = _noise_seed.get()
        if seed_generator is None or training:
            return super().call(inputs, training=training)
        if self.rate == 0:
            return inputs
        return keras.random.dropout(
            inputs, self.rate, self.noise_shape, seed=seed_generator
        )

    def save_own_variables(self, store):
        # Keras doesn't save seeds: training continued from a file would repeat
        # the noise of its start.
        if self.rate:
            store["seed"] = self.seed_generator.state

    def load_own_variables(self, store):
        if self.rate and "seed" in store:
            self.seed_generator.state.assign(store["seed"])
