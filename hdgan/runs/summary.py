"""The lines that a run prints before it trains."""

import math
import os

import tensorflow as tf
from absl import logging

from hdgan.profiling.memory_estimate import estimate_memory


def print_plan(run, phases):
    """Prints the options, the phases and the number of steps."""
    options = run.options
    values = {"preset": options.preset, **options.to_dict()}
    for name, value in values.items():
        print(f"  {name:27} {value}")
    for number, phase in enumerate(phases, 1):
        if len(phases) > 1:
            print(f"Phase {number} of {len(phases)}: {phase}")
    num_steps = sum(run.count_steps(phase) for phase in phases)
    num_steps = min(num_steps, options.max_steps or num_steps)
    print(
        f"{len(run.scenes)} scenes; {run.steps_per_epoch} steps per epoch, "
        f"{num_steps} steps in all."
    )


def print_networks(model):
    """Prints the number of parameters of each network."""
    encoder = ""
    if model.encoder is not None:
        encoder = f", encoder {model.encoder.count_params():,}"
    print(
        f"Generator {model.generator.count_params():,} parameters, "
        f"discriminator {model.discriminator.count_params():,}{encoder}."
    )


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
    except ValueError as error:
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
    less = {
        "`remat`": estimate_memory(model, *size, remat=True),
        "`precision` bfloat16": estimate_memory(
            model, *size, half_precision=True
        ),
        "both": estimate_memory(model, *size, remat=True, half_precision=True),
    }
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
