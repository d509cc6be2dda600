r"""Measures speed and memory of training and synthesis on this machine.

    python -m hdgan.tools.benchmark --preset=pix2pixhd_512p \
        --height=512 --width=1024 --precision=bfloat16 --json=speed.json

Of a train step (as `compile()` has it, without a perceptual loss) and of a
synthesis, on random maps: time, floating-point operations
(`hdgan.profiling.flops` says which), the share of what the machine reaches in
matrix products in the same minutes, peak resident memory, and time to the first
result. Each is measured in a process of its own. `--grow` measures several
sizes and widths and says how time grows with them; `--data_dir` measures how
fast scenes are read, beside a loader written with Pillow; `--what=serving`
measures an export: beside the bare generator, from loading to the first answer,
and with several requests at a time. Needs Linux: memory is read from /proc.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

import keras
import numpy as np
import tensorflow as tf
from absl import flags

from hdgan.command_line import program
from hdgan.data.files import write_file
from hdgan.layers.normalization import NORMS
from hdgan.models.pix2pixhd.presets import PRESETS, STYLES, resolve_preset
from hdgan.models.precision import PRECISIONS
from hdgan.profiling.measurements import (
    MIN_STEPS,
    measure_data,
    measure_matrix_peak,
    measure_serving,
    measure_synthesis,
    measure_training,
)
from hdgan.profiling.text_report import print_report

PARTS = ("train", "synthesis", "peak", "data", "serving")
# Height and width.
GROWING_SIZES = ((128, 256), (256, 512), (512, 1024), (1024, 2048))
GROWING_WIDTHS = (16, 32, 64)

_MEMORY_FULL = (
    "The memory is full. Make the images smaller (--height, --width), the "
    "networks narrower (--base_width, --discriminator_width), or the batch "
    "smaller (--batch)."
)
_names = []
_model_names = []


def run_part(part, options):
    """Measures one of `PARTS` in this process.

    Args:
        part: str.
        options: dict of the flags.

    Returns:
        Dict for the report.

    Raises:
        ValueError: if the model can't be made, or the memory is full.
    """
    measure = {
        "train": measure_training,
        "synthesis": measure_synthesis,
        "peak": lambda options: {
            "matrix_peaks": [measure_matrix_peak(options) for _ in range(3)]
        },
        "data": measure_data,
        "serving": measure_serving,
    }[part]
    overrides = {
        name: options[name]
        for name in _model_names
        if options[name] is not None
    }
    try:
        return measure({**options, "overrides": overrides})
    except (MemoryError, tf.errors.ResourceExhaustedError) as error:
        raise ValueError(_MEMORY_FULL) from error


def run_apart(part, options):
    """Measures one of `PARTS` in a fresh process.

    Args:
        part: str.
        options: dict of the flags.

    Returns:
        Dict for the report.

    Raises:
        ValueError: if the process ends with an error; its message.
    """
    with tempfile.TemporaryDirectory() as directory:
        path = pathlib.Path(directory) / "part.json"
        own = {"what": [part], "grow": False, "json": path}
        result = subprocess.run(
            [
                sys.executable,
                "-m",
                "hdgan.tools.benchmark",
                *(
                    _as_flag(name, value)
                    for name, value in {**options, **own}.items()
                    if value is not None
                ),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        if result.returncode == 0:
            return json.loads(path.read_text())[part]
    if result.returncode < 0:
        # The system ends the process that takes the most memory.
        raise ValueError(
            f"Measuring {part} was ended by signal {-result.returncode}. "
            f"{_MEMORY_FULL}"
        )
    _, is_clear, message = f"\n{result.stderr}".partition("\nerror: ")
    if not is_clear:
        raise RuntimeError(result.stderr)
    raise ValueError(message.strip())


def measure_growth(options):
    """Measures several sizes, and several widths at the size of the flags.

    Args:
        options: dict of the flags.

    Returns:
        Dict of `sizes` and `widths`, lists of rows, and of the exponents of
        pixels and of width that fit them best.
    """
    parts = [part for part in options["what"] if part in ("train", "synthesis")]
    numbers = resolve_preset(options["preset"])
    ratio = numbers["discriminator_width"] / numbers["base_width"]
    sizes = [
        {"height": height, "width": width}
        for height, width in GROWING_SIZES
        if height * width <= options["max_pixels"]
    ]
    widths = [
        {"base_width": width, "discriminator_width": int(ratio * width)}
        for width in GROWING_WIDTHS
    ]
    rows = {
        "sizes": [_measure_row(changes, parts, options) for changes in sizes],
        "widths": [_measure_row(changes, parts, options) for changes in widths],
    }
    for name in parts:
        rows[f"{name}_exponents"] = {
            "pixels": _fit_exponents(
                rows["sizes"], name, lambda row: row["height"] * row["width"]
            ),
            "width": _fit_exponents(
                rows["widths"], name, lambda row: row["base_width"]
            ),
        }
    return rows


def _measure_row(changes, parts, options):
    """Returns a row of a growth table; one too large says so."""
    row = dict(changes)
    print("Measuring", *(f"{k}={v}" for k, v in changes.items()), flush=True)
    for part in parts:
        try:
            row[part] = run_apart(part, {**options, **changes})
        except ValueError as error:
            row[part] = {"error": str(error)}
    return row


def _fit_exponents(rows, part, size_of):
    """Returns the slopes of logarithms by least squares; None of one row."""
    rows = [row for row in rows if "error" not in row[part]]
    if len(rows) < 2:
        return None
    x = np.log([size_of(row) for row in rows])
    quantities = {
        "seconds": lambda record: record["seconds"]["median"],
        "flops": lambda record: record["flops"]["total"],
        "peak_memory_bytes": lambda record: record["peak_memory_bytes"],
    }
    return {
        name: float(np.polyfit(x, np.log([get(r[part]) for r in rows]), 1)[0])
        for name, get in quantities.items()
    }


def _define(kind, name, default, help, **options):
    getattr(flags, f"DEFINE_{kind}")(
        name=name, default=default, help=help, **options
    )
    _names.append(name)


def _define_for_model(kind, name, help, **options):
    """Defines a flag that, where it is given, `from_preset` is given too."""
    _define(kind, name, None, help, **options)
    _model_names.append(name)


def _define_flags():
    _define("enum", "preset", "pix2pixhd_512p", "Preset.", enum_values=PRESETS)
    _define("integer", "height", 512, "Pixels.")
    _define("integer", "width", 1024, "Pixels.")
    _define("integer", "batch", 1, "Examples of a step.")
    _define(
        "enum",
        "precision",
        "float32",
        "Of the networks and of the matrix products.",
        enum_values=list(PRECISIONS),
    )
    _define("bool", "remat", False, "Train with gradient checkpointing.")
    _define("bool", "jit", False, "Train with a step compiled by XLA.")
    _define("integer", "label_nc", 35, "Number of classes; 0: RGB input.")
    numbers = {
        name: None
        for preset in PRESETS.values()
        for name, value in preset.items()
        if type(value) is int
    }
    for name in numbers:
        _define_for_model("integer", name, "Replaces the preset's.")
    _define_for_model("enum", "norm", "The same.", enum_values=NORMS)
    _define_for_model("bool", "spectral_norm", "The same.")
    _define_for_model(
        "enum",
        "styles",
        "What the generator takes styles from.",
        enum_values=[style for style in STYLES if style],
    )
    _define(
        "list",
        "what",
        "train,synthesis",
        f"What is measured, of: {', '.join(PARTS)}.",
    )
    _define(
        "integer", "steps", 10, "Steps timed, after two that are not timed."
    )
    _define(
        "float",
        "seconds",
        60.0,
        f"Begin no step past {MIN_STEPS} after so long.",
    )
    _define(
        "list",
        "matrix_sizes",
        "1024,2048,4096",
        "Rows of the square matrices; the fastest product counts.",
    )
    _define(
        "list",
        "serving_sizes",
        "512x256,1024x512",
        "WIDTHxHEIGHT, ..., of --what=serving.",
    )
    _define("bool", "grow", False, "Measure several sizes and widths.")
    _define("integer", "max_pixels", 2**19, "The largest size of --grow.")
    _define("string", "data_dir", None, "Measure how fast it is read, too.")
    _define("string", "split", "train", "Start of its folders' names.")
    _define("integer", "load_size", 1024, "Pixels of width to scale it to.")
    _define(
        "string",
        "profile_dir",
        None,
        "Folder to write TensorFlow's profile of a train step to.",
    )
    _define("string", "json", None, "File to write all numbers to.")


def _as_flag(name, value):
    if isinstance(value, (list, tuple)):
        value = ",".join(map(str, value))
    return f"--{name}={value}"


def _resolve():
    """Returns the flags as a dict.

    Raises:
        ValueError: if one is out of its range, or they don't fit one another.
    """
    values = flags.FLAGS
    options = {name: values[name].value for name in _names}
    for name in ("height", "width", "batch", "steps", "max_pixels"):
        if options[name] < 1:
            raise ValueError(
                f"--{name} must be at least 1. Received: {options[name]}"
            )
    if options["label_nc"] < 0:
        raise ValueError(
            f"--label_nc must be at least 0. Received: {options['label_nc']}"
        )
    if options["seconds"] <= 0:
        raise ValueError(
            f"--seconds must be above 0. Received: {options['seconds']}"
        )
    for part in options["what"]:
        if part not in PARTS:
            raise ValueError(
                f"--what has {part!r}. Expected some of {', '.join(PARTS)}."
            )
    options["matrix_sizes"] = _as_integers(options["matrix_sizes"])
    sizes = program.parse_sizes("serving_sizes", options["serving_sizes"])
    if "serving" in options["what"] and not sizes:
        raise ValueError(
            "--serving_sizes is empty. Expected WIDTHxHEIGHT, or several."
        )
    if options["data_dir"] and not values["what"].present:
        options["what"] = [*options["what"], "data"]
    if options["grow"] and not set(options["what"]) & {"train", "synthesis"}:
        raise ValueError("--grow needs train or synthesis in --what.")
    if "data" in options["what"] and not options["data_dir"]:
        raise ValueError("--what=data needs --data_dir, the scenes to read.")
    if not options["what"]:
        raise ValueError(f"--what is empty. Expected: {', '.join(PARTS)}.")
    _check_json(options["json"])
    return options


def _as_integers(texts):
    if not texts or not all(t.isdecimal() and int(t) for t in texts):
        raise ValueError(
            "--matrix_sizes must be integers >= 1 with commas between. "
            f"Received: {','.join(texts)!r}"
        )
    return [int(text) for text in texts]


def _check_json(path):
    # Before minutes of measuring, not after.
    if path is not None and not pathlib.Path(path).parent.is_dir():
        raise ValueError(
            f"--json={path}: there is no folder {pathlib.Path(path).parent}. "
            "Make it, or choose another file."
        )


def main():
    options = _resolve()
    result = {
        "settings": options,
        "machine": {
            "cores": len(os.sched_getaffinity(0)),
            "tensorflow": tf.__version__,
            "keras": keras.__version__,
        },
    }
    if options["grow"]:
        result["growth"] = measure_growth(options)
    elif len(options["what"]) == 1:
        # This process is as fresh as another would be.
        (part,) = options["what"]
        result[part] = run_part(part, options)
    else:
        for part in options["what"]:
            result[part] = run_apart(part, options)
    print_report(result)
    if options["json"]:
        write_file(options["json"], json.dumps(result, indent=1))


if __name__ == "__main__":
    _define_flags()
    program.run(main)
