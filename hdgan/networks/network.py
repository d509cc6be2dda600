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
    """
    if isinstance(dtype, dict):
        return keras.saving.deserialize_keras_object(dtype)
    return keras.dtype_policies.get(dtype or keras.config.dtype_policy())
