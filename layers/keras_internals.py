"""The private names of Keras that this package uses.

Keras may change them in any release. Nothing else in the package names them,
and `tests/layers/test_keras_internals.py` fails by the name that changed.
"""

from keras.src import backend


class BuiltBeforeFit:
    """Mixin for a `keras.Model` whose parts are all built before `fit`.

    Under a distribution strategy Keras builds a model by calling it on the raw
    batch, which fails if the batch is not what `call` takes. Overrides
    `Model._maybe_symbolic_build`, Keras 3.15.

    Example:
        >>> class MyModel(BuiltBeforeFit, keras.Model):
        ...     pass
    """

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        pass


def has_graph(layer):
    """Whether a layer is a functional model, which `run_through_graph` takes.

    Args:
        layer: Keras layer or operation, or a function.
    """
    return hasattr(layer, "_run_through_graph")


def run_through_graph(model, inputs, call_layer):
    """Calls a function in place of each layer of a functional model.

    Uses `Function._run_through_graph`, Keras 3.15.

    Args:
        model: functional `keras.Model`.
        inputs: the model's inputs, of any type: a list, or a nested structure
            of that of the model's.
        call_layer: function of a layer that returns the function to call on
            what flows into the layer.

    Returns:
        What flows out of the model, in the structure of its outputs.
    """
    return model._run_through_graph(inputs, call_layer)


def adam_moments(optimizer, variable):
    """Returns the moving averages of a variable's gradient and its square.

    Uses `Adam._momentums`, `Adam._velocities` and
    `Optimizer._get_variable_index`, Keras 3.15.

    Args:
        optimizer: `keras.optimizers.Adam`, built.
        variable: `keras.Variable` that it was built with.

    Returns:
        Two `keras.Variable`s of the shape of `variable`.
    """
    index = optimizer._get_variable_index(variable)
    return optimizer._momentums[index], optimizer._velocities[index]


def current_stateless_scope():
    """Returns the innermost `keras.StatelessScope`, or None outside of all.

    Uses `keras.src.backend.get_stateless_scope`, Keras 3.15.
    """
    return backend.get_stateless_scope()
