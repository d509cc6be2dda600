"""Shape traces: which layers a network calls, with which shapes.

A network is traced without computing anything. A functional model is traced
layer by layer. A layer with children is traced through its own optional method

    def call_children(self, call, *inputs):

which calls each child, a layer or a function of `keras.ops`, by
`call(child, *inputs)` and returns the layer's outputs. The layer's own `call`
can pass `operator.call` to it, so that computing and tracing share one
description. A layer without the method is recorded as a whole.
"""

import dataclasses
import functools

import keras

from hdgan.layers.keras_internals import has_graph, run_through_graph


@dataclasses.dataclass(frozen=True)
class TracedTensor:
    """A tensor between two layers.

    Args:
        shape: tuple of int, the batch first, such as `(batch, height, width,
            channels)`.
        needs_gradient: bool, whether a loss's gradient with respect to the
            tensor is computed. Defaults to False.
    """

    shape: tuple
    needs_gradient: bool = False


@dataclasses.dataclass(frozen=True)
class TracedLayer:
    """A call of a layer without traced children.

    Args:
        layer: Keras layer or operation, or a function of `keras.ops`.
        inputs: list of `TracedTensor`.
        outputs: list of `TracedTensor`.
    """

    layer: object
    inputs: list
    outputs: list

    @property
    def is_convolution(self):
        """Whether the layer is a 2D convolution, transposed or not."""
        return isinstance(
            self.layer, (keras.layers.Conv2D, keras.layers.Conv2DTranspose)
        )

    @property
    def is_unknown(self):
        """Whether the layer holds a kernel whose use is not known here."""
        is_known = self.is_convolution or isinstance(
            self.layer, keras.layers.Dense
        )
        weights = getattr(self.layer, "weights", ())
        return not is_known and any(len(w.shape) > 1 for w in weights)

    def __str__(self):
        return f"{self.layer.name} ({type(self.layer).__name__})"


class ShapeTrace:
    """Traces layers and records those that compute.

    Args:
        trained: iterable of the variables whose gradients are computed.
            Defaults to none.

    Example:
        >>> trace = ShapeTrace()
        >>> outputs = trace.call(generator, TracedTensor((1, 64, 128, 36)))
        >>> [traced.layer.name for traced in trace.layers]
    """

    def __init__(self, trained=()):
        self._trained = {id(variable) for variable in trained}
        # The `TracedLayer`s, in the order of their calls.
        self.layers = []

    def is_trained(self, variable):
        """Whether the variable's gradient is computed."""
        return id(variable) in self._trained

    def call(self, layer, *inputs, **options):
        """Traces a call of a layer, a model or a function of `keras.ops`.

        Args:
            layer: Keras layer, model or operation, or a function.
            *inputs: `TracedTensor`s, structures of them, or other arguments.
            **options: further arguments. Only those that hold `TracedTensor`s
                are passed on, so that `training` and the like are ignored.

        Returns:
            The outputs as `TracedTensor`s, in the structure of the layer's.
        """
        options = {
            name: value
            for name, value in options.items()
            if _list_tensors(value)
        }
        if has_graph(layer):
            return run_through_graph(
                layer,
                (inputs, options),
                lambda inner: functools.partial(self.call, inner),
            )
        if hasattr(layer, "call_children"):
            return layer.call_children(self.call, *inputs, **options)
        outputs = self._call_leaf(layer, inputs, options)
        self.layers.append(
            TracedLayer(
                layer, _list_tensors((inputs, options)), _list_tensors(outputs)
            )
        )
        return outputs

    def _call_leaf(self, layer, inputs, options):
        tensors = _list_tensors((inputs, options))
        weights = getattr(layer, "weights", ())
        needs_gradient = any(t.needs_gradient for t in tensors) or any(
            self.is_trained(weight) for weight in weights
        )
        arguments, options = keras.tree.map_structure(
            lambda leaf: (
                keras.KerasTensor(leaf.shape)
                if isinstance(leaf, TracedTensor)
                else leaf
            ),
            (inputs, options),
        )
        # A function of `keras.ops` is symbolic, too, if its arguments are.
        compute = getattr(layer, "compute_output_spec", layer)
        return keras.tree.map_structure(
            lambda spec: TracedTensor(tuple(spec.shape), needs_gradient),
            compute(*arguments, **options),
        )


def _list_tensors(structure):
    return [
        leaf
        for leaf in keras.tree.flatten(structure)
        if isinstance(leaf, TracedTensor)
    ]


def padded_size(model, height, width):
    """Returns the `(height, width)` that the model's networks are given."""
    return model.preprocessing.pad.compute_output_shape((1, height, width))[1:]


def network_inputs(model, network, batch_size, height, width):
    """Returns a network's inputs for scenes of a size.

    Args:
        model: model that pads the scenes.
        network: functional Keras model, one of the model's networks. Each
            input is an image or map of the padded size, or a vector.
        batch_size: int.
        height: int, pixels of the label map, before padding.
        width: int, the same.

    Returns:
        List of `TracedTensor`, without gradients.
    """
    size = padded_size(model, height, width)
    inputs = []
    for tensor in network.inputs:
        shape = tensor.shape[1:]
        if len(shape) > 1:
            # A network may have a fixed size of its own.
            sides = zip(shape[:2], size, strict=True)
            shape = (*(own or side for own, side in sides), *shape[2:])
        inputs.append(TracedTensor((batch_size, *shape)))
    return inputs


def trace_generator(model, trained, batch_size, height, width):
    """Traces the encoder, if there is one, and the generator.

    Args:
        model: `LabelToPhotoModel`.
        trained: iterable of the variables whose gradients are computed.
        batch_size: int.
        height: int, pixels of the label map, before padding.
        width: int, the same.

    Returns:
        `ShapeTrace`.
    """
    size = batch_size, height, width
    trace = ShapeTrace(trained)
    inputs = network_inputs(model, model.generator, *size)
    if model.encoder is not None:
        styles = trace.call(
            model.encoder, *network_inputs(model, model.encoder, *size)
        )
        # The styles are the last input, or channels of the only one.
        inputs[-1] = dataclasses.replace(
            inputs[-1],
            needs_gradient=any(t.needs_gradient for t in _list_tensors(styles)),
        )
    trace.call(model.generator, *inputs)
    return trace


def trace_discriminator(
    model, trained, batch_size, height, width, needs_gradient=False
):
    """Traces the discriminator.

    Args:
        model: `LabelToPhotoModel`.
        trained: iterable of the variables whose gradients are computed.
        batch_size: int.
        height: int, pixels of the label map, before padding.
        width: int, the same.
        needs_gradient: bool, whether the gradient with respect to the image is
            computed. Defaults to False.

    Returns:
        `ShapeTrace`.
    """
    trace = ShapeTrace(trained)
    inputs = network_inputs(
        model, model.discriminator, batch_size, height, width
    )
    trace.call(
        model.discriminator,
        *(
            dataclasses.replace(tensor, needs_gradient=needs_gradient)
            for tensor in inputs
        ),
    )
    return trace
