"""Every public layer passes Keras' own test of layers, on every backend."""

import functools
import inspect
import json

import keras
import pytest
from backend_process import BACKENDS, run_script

from hdgan import layers

LAYERS = [
    name
    for name in layers.__all__
    if inspect.isclass(getattr(layers, name))
    and issubclass(getattr(layers, name), keras.layers.Layer)
]


@functools.cache
def _errors(backend):
    # One process for all layers.
    printed = run_script("keras_layer_tests.py", backend)
    return json.loads(printed.splitlines()[-1])


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("backend", BACKENDS)
def test_a_layer_passes_the_test_of_keras(backend, name):
    error = _errors(backend)[name]
    assert not error, error
