"""The precisions that networks compute in."""

import copy

# What the flags call the dtype policies.
PRECISIONS = {
    "float32": "float32",
    "bfloat16": "mixed_bfloat16",
    "float16": "mixed_float16",
}


def with_precision(model, dtype):
    """Makes a model whose layers have another dtype policy.

    Args:
        model: `Pix2PixHD`.
        dtype: policy or its name, such as `"mixed_bfloat16"`.

    Returns:
        A new `Pix2PixHD`, not compiled, with copies of the weights.
    """
    # Not at the top: programs read PRECISIONS before they import Keras.
    import keras

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
    """Changes the configuration of a network and of what is inside of it."""
    if network is None:
        return
    if "dtype" in network["config"]:
        network["config"]["dtype"] = policy
    _set_policy(network["config"].get("global_generator"), policy)
