"""Both optimizers, as callbacks of Keras look for them."""


class OptimizerPair:
    """Stands for the optimizers of both networks as `model.optimizer`.

    Callbacks of Keras that change or log the learning rate treat a model with
    several optimizers, `model.optimizer.optimizers`, as they treat a
    `keras.optimizers.MultiOptimizer`: each on its own. So
    `LearningRateScheduler` and `ReduceLROnPlateau` change both rates, each from
    its own value, and `SwapEMAWeights` swaps the weights of those optimizers
    that have `use_ema=True`.

    It is not an optimizer itself, so that a saved model holds each optimizer
    once.

    Args:
        generator_optimizer: built Keras optimizer.
        discriminator_optimizer: built Keras optimizer.
    """

    built = True

    def __init__(self, generator_optimizer, discriminator_optimizer):
        self._scaled = (generator_optimizer, discriminator_optimizer)

    @property
    def optimizers(self):
        """The optimizers of generator and discriminator, in this order.

        Those that update weights, inside of those that scale losses.
        """
        return [
            getattr(optimizer, "inner_optimizer", optimizer)
            for optimizer in self._scaled
        ]

    @property
    def iterations(self):
        """Variable that counts the updates of the generator."""
        return self._scaled[0].iterations

    @property
    def variables(self):
        """The variables of both optimizers."""
        return [v for one in self._scaled for v in one.variables]
