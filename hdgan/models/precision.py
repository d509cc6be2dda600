"""Compute precision of the networks."""

import copy

import keras


def with_precision(model, dtype):
    """Copies a model to another compute precision.

    Args:
        model: `LabelToPhotoModel`.
        dtype: Keras dtype policy or its name, such as `"mixed_bfloat16"`.

    Returns:
        A new model of the same class, not compiled, with copies of the
        weights.
    """
    policy = keras.saving.serialize_keras_object(
        keras.dtype_policies.get(dtype)
    )
    config = copy.deepcopy(model.get_config())
    for part in ("generator", "discriminator", "encoder"):
        _set_policy(config[part], policy)
    copied = type(model).from_config(config)
    copied.set_weights(model.get_weights())
    return copied


def _set_policy(network, policy):
    """Sets the policy in a network's config and in those of its sub-networks.

    Args:
        network: dict, a serialized network that is changed in place; or None.
        policy: dict, a serialized dtype policy.
    """
    if network is None:
        return
    config = network["config"]
    if "dtype" in config:
        config["dtype"] = policy
    for value in config.values():
        # Serialized dtype policies are such dicts too, but have no `dtype`.
        if isinstance(value, dict) and "dtype" in value.get("config", ()):
            _set_policy(value, policy)
