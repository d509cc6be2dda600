"""Settings for all tests: two logical CPU devices and a fixed seed."""

import contextlib
import gc
import os
import signal

# Must be set before TensorFlow is imported. Tests that read stderr would find
# its log lines otherwise.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

# Must come before TensorFlow: the package sets environment variables for it.
import hdgan  # noqa: F401, I001
import keras
import pytest
import tensorflow as tf

# A background job ignores SIGINT, and the programs that it starts inherit that.
# Tests that interrupt such a program need the default handler.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Traced graphs are millions of objects that live long. Looking through them for
# garbage took a tenth of the suite's time.
gc.collect()
gc.freeze()
gc.set_threshold(100_000, 10, 10)

# Two logical devices stand for two GPUs in the MirroredStrategy tests.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0],
    [tf.config.LogicalDeviceConfiguration()] * 2,
)


@pytest.fixture(autouse=True)
def fixed_seed():
    """Sets the seed and the dtype policy, so that every run is the same."""
    keras.utils.set_random_seed(7)
    keras.config.set_dtype_policy("float32")
    yield
    keras.config.set_dtype_policy("float32")


@pytest.fixture(scope="session")
def odd_keras_settings():
    """A context in which Keras has other settings than its defaults.

    They are those that a file `~/.keras/keras.json` can hold.
    """

    @contextlib.contextmanager
    def settings():
        keras.config.set_image_data_format("channels_first")
        keras.config.set_epsilon(0.1)
        keras.config.set_floatx("float16")
        try:
            yield
        finally:
            keras.config.set_image_data_format("channels_last")
            keras.config.set_epsilon(1e-7)
            keras.config.set_floatx("float32")

    return settings


# One strategy for all tests: a second one in the same process would use the
# collective keys of the first again and fail where the shapes differ.
@pytest.fixture(scope="session")
def two_replicas():
    """A MirroredStrategy over two logical CPU devices."""
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def pytest_collection_modifyitems(items):
    """Starts with the files of long tests.

    pytest-xdist gives files to its processes in this order. A long one among
    the last would leave the other processes without work.
    """
    long_files = {
        item.path for item in items if item.get_closest_marker("journey")
    }
    items.sort(key=lambda item: item.path not in long_files)
