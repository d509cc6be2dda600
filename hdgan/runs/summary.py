"""The lines that a run prints before it trains."""

import math
import os
import pathlib

import keras
import tensorflow as tf
from absl import logging

from hdgan.profiling.memory_estimate import estimate_memory
from hdgan.runs.devices import describe_devices


def print_devices(options):
    """Prints what the run trains on, and warns if a GPU is not used.

    Args:
        options: `TrainingOptions`.
    """
    print(f"Training on {describe_devices(options)}.")
    has_gpu = pathlib.Path("/dev/nvidia0").exists()
    if has_gpu and not tf.config.list_physical_devices("GPU"):
        logging.warning(
            "This machine has a GPU that TensorFlow does not find. Install its "
            "CUDA libraries: pip install 'tensorflow[and-cuda]~=2.21.0'."
        )


def print_plan(run, phases):
    """Prints the options and the number of steps.

    Args:
        run: the run, with `options`, `scenes` and `steps_per_epoch`.
        phases: list of `Phase`.
    """
    options = run.options
    values = {"preset": options.preset, **options.to_dict()}
    for name, value in values.items():
        if value not in (None, []):
            print(f"  {name:27} {value}")
    scenes = run.scenes
    files = dict.fromkeys(scenes.place(0, kind) for kind in scenes.kinds)
    print(f"First scene: {', '.join(files)}")
    print(
        f"{len(run.scenes)} scenes; {run.steps_per_epoch} steps per epoch, "
        f"{run.count_all_steps(phases)} steps in all."
    )
    if run.held_back is not None:
        share = options.val_share
        source = (
            f"{options.val_split}_*"
            if share is None
            else f"held back from {options.split}_*, chosen by name"
        )
        print(
            f"Validation: {len(run.held_back)} scenes, {source}, every "
            f"{options.val_epochs} epochs."
        )


def describe_model(model):
    """Returns what the options have resulted in, as plain data.

    Args:
        model: compiled `LabelToPhotoModel`.
    """
    networks = {"generator": model.generator, "encoder": model.encoder}
    networks["discriminator"] = model.discriminator
    optimizers = {
        "generator": model.generator_optimizer,
        "discriminator": model.discriminator_optimizer,
    }
    return {
        "networks": {
            name: network.get_config()
            for name, network in networks.items()
            if network is not None
        },
        "losses": {
            term.name: term.weight if term.is_active else "off"
            for term in model.loss_terms
        },
        "optimizers": {
            name: keras.optimizers.serialize(optimizer)["config"]
            for name, optimizer in optimizers.items()
        },
        "update_order": model.update_order,
    }


def print_model(model):
    """Prints the parameters of each network, and the losses.

    Args:
        model: compiled `LabelToPhotoModel`.
    """
    encoder = ""
    if model.encoder is not None:
        encoder = f", encoder {model.encoder.count_params():,}"
    print(
        f"Generator {model.generator.count_params():,} parameters, "
        f"discriminator {model.discriminator.count_params():,}{encoder}."
    )
    losses = describe_model(model)["losses"]
    print(f"Losses: {', '.join(f'{k} {v}' for k, v in losses.items())}.")


def print_memory(run, model, policy):
    """Prints the memory of a step of the largest scenes, and how to reduce it.

    Args:
        run: the run, with `options`, `strategy` and `sizes`.
        model: compiled `LabelToPhotoModel`.
        policy: `ResizePolicy`.
    """
    height, width = max(
        (policy.final_size(*size) for size in run.sizes), key=math.prod
    )
    batch_size = run.options.batch_size // run.strategy.num_replicas_in_sync
    size = batch_size, height, width
    try:
        estimate = estimate_memory(model, *size)
        less = {
            "`remat`": estimate_memory(model, *size, remat=True),
            "`precision` bfloat16": estimate_memory(
                model, *size, half_precision=True
            ),
            "both": estimate_memory(
                model, *size, remat=True, half_precision=True
            ),
        }
    except Exception as error:
        # An estimate must not stop a training.
        logging.warning("The memory of a step can't be estimated: %s", error)
        return
    print(
        f"Memory of a step of {batch_size} x {width}x{height} on each device, "
        f"estimated: {estimate}"
    )
    available = math.inf
    # TensorFlow does not report the size of a GPU's memory.
    if not tf.config.list_logical_devices("GPU"):
        available = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        available /= run.strategy.num_replicas_in_sync
    ways = ", ".join(
        f"{way} {other.total / 1e9:.1f} GB"
        for way, other in less.items()
        # A smaller saving is not worth the time or the precision.
        if other.total < 0.95 * estimate.total
    )
    if ways:
        print(f"With {ways}; or crop, or reduce `load_size`.")
    if estimate.total > available:
        logging.warning(
            "This machine has %.1f GB for each device, and a step is estimated "
            "to take %.1f GB.",
            available / 1e9,
            estimate.total / 1e9,
        )
