"""A script that computes outputs of layers on Keras' NumPy backend.

Usage: KERAS_BACKEND=numpy python numpy_outputs.py weights.npz outputs.npz
"""

import sys

import keras
import numpy as np
from layer_table import CASES


def main(weights_path, outputs_path):
    weights = np.load(weights_path)
    outputs = {}
    for name in weights["cases"]:
        case = CASES[name]
        layer = case.make()
        examples = case.examples()
        layer(*examples)
        count = len(layer.get_weights())
        layer.set_weights([weights[f"{name}/{k}"] for k in range(count)])
        values = keras.tree.flatten(layer(*examples))
        outputs |= {f"{name}/{k}": value for k, value in enumerate(values)}
    np.savez(outputs_path, backend=keras.backend.backend(), **outputs)


if __name__ == "__main__":
    main(*sys.argv[1:])
