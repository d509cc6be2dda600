"""The devices that a run trains on."""

import re

import tensorflow as tf


def make_strategy(options):
    """Makes the distribution strategy over the devices of a run.

    Args:
        options: `TrainingOptions`; `devices`, `batch_size` and `jit` are used.

    Returns:
        `tf.distribute.Strategy`.

    Raises:
        ValueError: if there is no such device, or the batch or the compiler
            does not fit their number.
    """
    gpus = [
        f"GPU:{k}" for k in range(len(tf.config.list_physical_devices("GPU")))
    ]
    devices = list(options.devices) or gpus
    for name in devices:
        if not re.fullmatch(r"CPU:\d+", name) and name not in gpus:
            raise ValueError(
                f"`devices` has {name!r}. Expected CPU:0, CPU:1, ..., or one "
                "of the GPUs that TensorFlow finds: "
                f"{', '.join(gpus) or 'none'}."
            )
    if options.batch_size % max(len(devices), 1):
        raise ValueError(
            f"`batch_size` is {options.batch_size}, which can't be split over "
            f"{len(devices)} devices. Expected a multiple of {len(devices)}, "
            "or fewer `devices`."
        )
    if options.jit and len(devices) > 1:
        raise ValueError(
            f"`jit` on {len(devices)} devices: XLA can't compile a step that "
            "several share. Leave out `jit`, or choose one of `devices`."
        )
    num_cpus = sum(name.startswith("CPU") for name in devices)
    if num_cpus > 1:
        tf.config.set_logical_device_configuration(
            tf.config.list_physical_devices("CPU")[0],
            [tf.config.LogicalDeviceConfiguration()] * num_cpus,
        )
    if len(devices) > 1:
        return tf.distribute.MirroredStrategy(devices)
    if devices:
        return tf.distribute.OneDeviceStrategy(devices[0])
    return tf.distribute.get_strategy()


def describe_devices(options):
    """Returns the names of the devices that `make_strategy` chooses.

    Args:
        options: `TrainingOptions`.
    """
    gpus = tf.config.list_logical_devices("GPU")
    found = [f"GPU:{number}" for number in range(len(gpus))]
    return ", ".join(options.devices or found) or "the processor"
