r"""Measures speed and memory of training and synthesis on this machine.

    hdgan benchmark --preset=pix2pixhd_512p \
        --height=512 --width=1024 --precision=bfloat16 --json=speed.json

measures a train step (compiled with the defaults, without a perceptual loss)
and a synthesis, on random maps: time, FLOPs (see `hdgan.profiling.flops`), the
utilization relative to matrix products in the same minutes, peak resident
memory, and time to the first result. Each part is measured in a process of its
own. `--grow` measures several sizes and widths and fits how time grows with
them. `--data_dir` measures how fast scenes are read, beside a loader written
with Pillow. `--what=serving` measures an export: beside the bare generator,
from loading to the first answer, and with concurrent requests. Needs Linux,
because memory is read from /proc.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

from absl import flags

from hdgan.command_line import program
from hdgan.data.files import write_file
from hdgan.models.precision_names import PRECISIONS
from hdgan.models.presets import PRESETS

PARTS = ("train", "synthesis", "peak", "data", "serving")

_MEMORY_FULL = (
    "The memory is full. Make the images smaller (--height, --width), the "
    "networks narrower (--base_width, --discriminator_width), or the batch "
    "smaller (--batch)."
)
_names = []
_model_names = []


def main():
    import keras
    import tensorflow as tf

    from hdgan.profiling.growth import measure_growth
    from hdgan.profiling.text_report import print_report

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
        result["growth"] = measure_growth(options, run_apart)
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
    import tensorflow as tf

    from hdgan.profiling import data_measurements, measurements

    source = data_measurements if part == "data" else measurements
    measure = getattr(source, f"measure_{part}")
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


def _define(kind, name, default, help, **options):
    getattr(flags, f"DEFINE_{kind}")(
        name=name, default=default, help=help, **options
    )
    _names.append(name)


def _define_for_model(kind, name, help, **options):
    """Defines a flag that is passed on to `from_preset` where it is given."""
    _define(kind, name, None, help, **options)
    _model_names.append(name)


def _define_flags():
    _define(
        "enum",
        "preset",
        "pix2pixhd_512p",
        "Preset of the model.",
        enum_values=list(PRESETS),
    )
    _define("integer", "height", 512, "Height of the scenes in pixels.")
    _define("integer", "width", 1024, "Width of the scenes in pixels.")
    _define("integer", "batch", 1, "Examples per step.")
    _define(
        "enum",
        "precision",
        "float32",
        "Precision of the networks and of the matrix products.",
        enum_values=list(PRECISIONS),
    )
    _define("bool", "remat", False, "Train with gradient checkpointing.")
    _define("bool", "jit", False, "Train with a step compiled by XLA.")
    _define("integer", "label_nc", 35, "Number of classes; 0: RGB input.")
    integers = {
        name: None
        for preset in PRESETS.values()
        for name, value in preset["networks"].items()
        if type(value) is int
    }
    for name in integers:
        _define_for_model(
            "integer",
            name,
            f"Overrides the preset's {name}. Default: no override.",
        )
    _define_for_model(
        "string",
        "norm",
        "Overrides the preset's norm: instance, batch or none. Default: no "
        "override.",
    )
    _define_for_model(
        "string",
        "upsampling",
        "Overrides the preset's upsampling: transposed or resize. Default: no "
        "override.",
    )
    _define_for_model(
        "bool",
        "spectral_norm",
        "Overrides the preset's spectral_norm. Default: no override.",
    )
    _define_for_model(
        "string",
        "styles",
        "Source of the generator's styles, such as instances or labels. "
        "Default: no styles.",
    )
    _define(
        "list",
        "what",
        "train,synthesis",
        f"Parts to measure, of: {', '.join(PARTS)}.",
    )
    _define(
        "integer", "steps", 10, "Number of timed steps, after two untimed ones."
    )
    _define(
        "float",
        "seconds",
        60.0,
        "Seconds after which no step begins, except the first five.",
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
        "Sizes in pixels, WIDTHxHEIGHT, for --what=serving.",
    )
    _define("bool", "grow", False, "Measure several sizes and widths.")
    _define(
        "integer", "max_pixels", 2**19, "Pixels of the largest size of --grow."
    )
    _define(
        "string",
        "data_dir",
        None,
        "Folder of a data set whose reading is measured. Default: none.",
    )
    _define("string", "split", "train", "Start of the data set's folder names.")
    _define(
        "integer",
        "load_size",
        1024,
        "Width in pixels that the data set's scenes are scaled to.",
    )
    _define(
        "string",
        "profile_dir",
        None,
        "Folder to write TensorFlow's profile of a train step to. Default: no "
        "profile.",
    )
    _define(
        "string",
        "json",
        None,
        "File to write all measurements to. Default: none.",
    )


if __name__ == "__main__":
    _define_flags()
    program.run(main)
