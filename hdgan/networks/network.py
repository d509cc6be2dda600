"""The base class of the networks: configuration and checks."""

import keras


class Network(keras.Model):
    """A functional graph inside a class, saved by its arguments.

    A subclass builds the graph in `__init__`, gives every child the policy
    `resolve_dtype(dtype)`, and adds its own arguments to `get_config`.

    Args:
        inputs: symbolic inputs of the graph.
        outputs: symbolic outputs of the graph.
        dtype: `keras.DTypePolicy` of the children.
        **kwargs: `name` and `trainable` of the model.
    """

    def __init__(self, inputs, outputs, dtype, **kwargs):
        super().__init__(inputs=inputs, outputs=outputs, **kwargs)
        self.children_policy = dtype

    def get_config(self):
        return {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": keras.saving.serialize_keras_object(self.children_policy),
        }

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def resolve_dtype(dtype):
    """Returns the dtype policy of a network's layers.

    Args:
        dtype: policy, its name or its config; None means the global policy.

    Raises:
        ValueError: if the policy's weights are not float32.
    """
    if isinstance(dtype, dict):
        policy = keras.saving.deserialize_keras_object(dtype)
    else:
        policy = keras.dtype_policies.get(dtype or keras.config.dtype_policy())
    if policy.variable_dtype != "float32":
        # Steps of Adam would be lost to the rounding of the weights.
        raise ValueError(
            "Networks have their weights in float32. Expected the dtype policy "
            "'float32', 'mixed_bfloat16' or 'mixed_float16', as `dtype` or as "
            "Keras' global policy, which follows `floatx` in keras.json. "
            f"Received: {policy.name!r}"
        )
    return policy
