"""Settings of all tests: two logical CPU devices, a fixed seed."""

import os
import signal

# Before TensorFlow is imported: its log lines are not warnings of ours.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

# And before it the package, which chooses what TensorFlow computes with.
import hdgan  # noqa: F401, I001
import keras
import pytest
import tensorflow as tf

# Tests that run in the background have Ctrl-C ignored, and so would have the
# programs that they start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Two logical devices stand for two GPUs in the MirroredStrategy tests.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration()] * 2,
)


@pytest.fixture(autouse=True)
def fixed_seed():
    """Draws the same initial weights in every run."""
    keras.utils.set_random_seed(7)
    keras.config.set_dtype_policy("float32")
    yield
    keras.config.set_dtype_policy("float32")


# One for all tests: a second strategy of a process would use the first one's
# collective keys again, and fail where the shapes differ.
@pytest.fixture(scope="session")
def two_replicas():
    """A strategy over two CPU devices, as one over two GPUs."""
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
