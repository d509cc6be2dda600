"""Draws from a normal distribution whose mean and variance are learnt."""

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="hdgan")
class GaussianSampling(keras.layers.Layer):
    """Draws `mean + exp(log_variance / 2) * noise`, with noise from N(0, 1).

    Inference returns the mean. The gradient flows into mean and log variance:
    Kingma and Welling, ICLR 2014, section 2.4. The state of the random numbers
    is saved with the layer, so that a training that resumes draws what it would
    have drawn.

    Args:
        seed: int, or None for a random one. Defaults to `None`.
        **kwargs: `name`, `trainable` and `dtype` of the layer.

    Call arguments:
        mean: floating tensor of any shape.
        log_variance: tensor of that shape.
        training: bool, whether to draw. Defaults to `False`.

    Output shape:
        The mean's.

    Example:
        >>> mean, log_variance = encoder(photo)
        >>> sampling = hdgan.layers.GaussianSampling()
        >>> style = sampling(mean, log_variance, training=True)
    """

    def __init__(self, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        self.built = True

    def build(self, mean_shape, log_variance_shape):
        self.built = True

    def call(self, mean, log_variance, training=False):
        if not training:
            return mean
        noise = keras.random.normal(
            ops.shape(mean), dtype=self.compute_dtype, seed=self.seed_generator
        )
        return mean + ops.exp(0.5 * log_variance) * noise

    def compute_output_shape(self, mean_shape, log_variance_shape):
        return mean_shape

    def save_own_variables(self, store):
        # Keras saves no seeds.
        store["seed"] = self.seed_generator.state

    def load_own_variables(self, store):
        self.seed_generator.state.assign(store["seed"])

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}
