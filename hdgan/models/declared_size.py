"""Bounds on what a `.keras` file can make Keras allocate.

A small file can declare networks and arrays of any size. This module compares
the declared sizes with the weights in the file, before anything is built.
"""

import contextlib
import json
import math

import tensorflow as tf

from hdgan.data.printable import printable

# Bytes. The configuration of the largest model here has 20,000.
_MAX_CONFIG = 10_000_000
# A model may have some weights that it doesn't save: the global generator
# inside an enhancer has an output layer.
_MAX_GROWTH = 2
_ALLOWANCE = 1_000_000
# Other things that are counted, such as classes, may be more than the layers.
_MORE_LAYERS = 5_000


def read_config(archive):
    """Reads the configuration of the model.

    Args:
        archive: `zipfile.ZipFile`.

    Returns:
        Dict.

    Raises:
        ValueError: if it is not JSON, no dict, or too large.
    """
    info = archive.getinfo("config.json")
    if info.file_size > _MAX_CONFIG:
        raise ValueError(
            f"config.json has {info.file_size:,} bytes, more than "
            f"{_MAX_CONFIG:,}"
        )
    config = json.loads(archive.read(info))
    if not isinstance(config, dict):
        raise ValueError(
            f"config.json holds a {type(config).__name__}, not a dict"
        )
    return config


def check_counts(config, stored):
    """Checks that networks are not absurdly deep.

    By the rules of this code, arguments that count layers are named `num_*`. A
    network makes its list of layers before their first weight.

    Args:
        config: dict, the configuration of a model or of a part of it.
        stored: `StoredArrays`, the weights in the file.

    Raises:
        ValueError: if there are far more of them than weights.
    """
    values = config.items() if isinstance(config, dict) else enumerate(config)
    for name, value in values:
        if isinstance(value, dict | list):
            check_counts(value, stored)
        elif (
            str(name).startswith("num_")
            and isinstance(value, int | float)
            and value > stored.count + _MORE_LAYERS
        ):
            raise ValueError(
                f"config.json declares {printable(name)}="
                f"{printable(value, 20)}, but the file holds weights of at "
                f"most {stored.count:,} layers"
            )


@contextlib.contextmanager
def limit_variables(stored):
    """Refuses variables that are larger than the stored weights.

    Args:
        stored: `StoredArrays`, the weights in the file.

    Raises:
        ValueError: inside, before the memory of such a variable is allocated.
    """
    limit = _MAX_GROWTH * stored.num_bytes + _ALLOWANCE
    created = 0

    def create(next_creator, **kwargs):
        nonlocal created
        initial_value = kwargs["initial_value"]
        if callable(initial_value):
            # Computes nothing, but tells the shape.
            initial_value = (
                tf.function(initial_value)
                .get_concrete_function()
                .structured_outputs
            )
        created += math.prod(initial_value.shape) * initial_value.dtype.size
        if created > limit:
            raise ValueError(
                f"config.json declares networks of {created:,} bytes or more, "
                f"but the file holds weights of {stored.num_bytes:,}"
            )
        return next_creator(**kwargs)

    with tf.variable_creator_scope(create):
        yield
