"""The precisions that networks compute in."""

import copy

import keras

from hdgan.models.precision_names import PRECISIONS

__all__ = ["PRECISIONS", "with_precision"]


def with_precision(model, dtype):
    """Makes a model whose layers have another dtype policy.

    Args:
        model: `LabelToPhotoModel`.
        dtype: policy or its name, such as `"mixed_bfloat16"`.

    Returns:
        A new `LabelToPhotoModel`, not compiled, with copies of the weights.
    """
    policy = keras.saving.serialize_keras_object(
        keras.dtype_policies.get(dtype)
    )
    config = copy.deepcopy(model.get_config())
    for part in ("generator", "discriminator", "encoder"):
        _set_policy(config[part], policy)
    made = type(model).from_config(config)
    made.set_weights(model.get_weights())
    return made


def _set_policy(network, policy):
    """Changes the configuration of a network and of networks inside of it."""
    if network is None:
        return
    config = network["config"]
    if "dtype" in config:
        config["dtype"] = policy
    for value in config.values():
        # A dtype policy is serialized like a network.
        if isinstance(value, dict) and "dtype" in value.get("config", ()):
            _set_policy(value, policy)
