"""The names of the precisions, for flags that are read without TensorFlow."""

# From the names that flags take to Keras' dtype policies.
PRECISIONS = {
    "float32": "float32",
    "bfloat16": "mixed_bfloat16",
    "float16": "mixed_float16",
}
