"""A script that runs Keras' own test of layers on every layer.

Usage: KERAS_BACKEND=jax python keras_layer_tests.py [LAYER ...]

Prints a JSON object of the error of each layer, empty if it passed.
"""

import inspect
import json
import sys
import traceback

import keras
import numpy as np
from keras.src.testing import TestCase
from layer_table import CASES, Case

from hdgan import layers

# One case of each layer. The table leaves one out, because its outputs differ
# from call to call.
ONE_OF_EACH = {
    **{case.layer: case for case in reversed(CASES.values())},
    layers.GaussianSampling: Case(
        layers.GaussianSampling, inputs=("image", "image")
    ),
}


def run_layer_test(case):
    """Runs `run_layer_test` of Keras 3.15."""
    examples = case.examples()
    outputs = case.make()(*examples)
    shapes = [x.shape for x in examples]
    dtypes = [str(x.dtype) for x in examples]
    if len(examples) == 1:
        input_shape, input_dtype = shapes[0], dtypes[0]
    else:
        names = [
            f"{name}_shape"
            for name in list(inspect.signature(case.layer.call).parameters)[1:]
        ]
        input_shape = dict(zip(names, shapes, strict=False))
        input_dtype = dict(zip(names, dtypes, strict=False))
    test = TestCase()
    test.setUp()
    test.run_layer_test(
        case.layer,
        init_kwargs=case.arguments(),
        input_shape=input_shape,
        input_dtype=input_dtype,
        expected_output_shape=keras.tree.map_structure(
            lambda x: tuple(x.shape), outputs
        ),
        # It can't train layers of several inputs or outputs.
        run_training_check=len(examples) == 1 and not isinstance(outputs, list),
    )


def fit_and_predict(case):
    """Trains a functional model of the layer for a step, and calls it."""
    examples = case.examples()
    layer = case.make()
    # Sizes are unknown, as in models of images.
    inputs = [
        keras.Input((None, None, *x.shape[3:]), dtype=str(x.dtype))
        for x in examples
    ]
    outputs = keras.tree.flatten(layer(*inputs))
    model = keras.Model(inputs, outputs)
    predictions = keras.tree.flatten(model.predict(examples, verbose=0))
    if keras.backend.backend() == "numpy":
        return
    before = [keras.ops.convert_to_numpy(w) for w in layer.trainable_weights]
    model.compile("sgd", ["mse"] * len(outputs))
    model.fit(examples, [0 * y for y in predictions], verbose=0)
    for weight, value in zip(layer.trainable_weights, before, strict=True):
        # A norm removes what the biases before it add.
        if case.norm == "none" or weight.name != "bias":
            assert np.any(keras.ops.convert_to_numpy(weight) != value)


def main(names):
    errors = {}
    for layer, case in ONE_OF_EACH.items():
        name = layer.__name__
        if names and name not in names:
            continue
        errors[name] = ""
        for check in (run_layer_test, fit_and_predict):
            try:
                check(case)
            except Exception:
                errors[name] += traceback.format_exc()
    print(json.dumps(errors))


if __name__ == "__main__":
    main(sys.argv[1:])
