"""The measurements of the tool `benchmark`, made in the calling process."""

import contextlib
import os
import pathlib
import statistics
import time

import numpy as np
import tensorflow as tf

from hdgan.command_line import program
from hdgan.models.precision_names import PRECISIONS
from hdgan.models.presets import find_model_class
from hdgan.preprocessing.label_set import LabelSet
from hdgan.profiling.flops import (
    count_synthesis_flops,
    count_train_step_flops,
)
from hdgan.profiling.memory_estimate import estimate_memory
from hdgan.profiling.serving_measurements import measure_export
from hdgan.profiling.shape_trace import padded_size

MIN_STEPS = 5


class TracedModel:
    """Mixin for a model that measures how long TensorFlow traces its graph.

    Its step and its call run in Python only while they are traced.
    """

    tracing_seconds = 0.0

    def train_step(self, data):
        with self._note_tracing():
            return super().train_step(data)

    def call(self, inputs, training=False):
        with self._note_tracing():
            return super().call(inputs, training)

    @contextlib.contextmanager
    def _note_tracing(self):
        begin = time.perf_counter()
        yield
        self.tracing_seconds += time.perf_counter() - begin


def measure_train(options):
    """Times the train function that `fit` runs, and counts its FLOPs.

    Args:
        options: dict of the flags; `overrides` holds those of the preset.

    Returns:
        Dict for the report: seconds, FLOPs, bytes.
    """
    model = _make_model(options)
    model.compile(remat=options["remat"], jit_compile=options["jit"])
    model.make_train_function()
    batch = {k: tf.constant(v) for k, v in _draw_scenes(model, options).items()}

    def run():
        # Reading a loss waits for the step's end on any device.
        for loss in model.train_function(iter([batch])).values():
            np.asarray(loss)

    count = count_train_step_flops(
        model, options["batch"], options["height"], options["width"]
    )
    estimate = estimate_memory(
        model, options["batch"], options["height"], options["width"]
    )
    record = _measure(model, {"seconds": run}, count, options)
    if options["profile_dir"]:
        # Not among the timed steps: profiling slows them down.
        with tf.profiler.experimental.Profile(options["profile_dir"]):
            run()
    return {
        **record,
        "estimated_memory_bytes": estimate.total,
    }


def measure_synthesis(options):
    """Times the graph of `synthesize` alone, and with the checks around it.

    Args:
        options: dict of the flags; `overrides` holds those of the preset.

    Returns:
        Dict for the report: seconds, FLOPs, bytes.
    """
    model = _make_model(options)
    scenes = _draw_scenes(model, options)
    if model.encoder is None:
        del scenes["photo"]
    inputs = {name: tf.constant(array) for name, array in scenes.items()}
    if "photo" in scenes:
        scenes["style_photo"] = scenes.pop("photo")
    runs = {
        "seconds": lambda: model._synthesizer._graph(inputs).numpy(),
        "end_to_end_seconds": lambda: model.synthesize(**scenes),
    }
    count = count_synthesis_flops(
        model, options["batch"], options["height"], options["width"]
    )
    return _measure(model, runs, count, options)


def measure_serving(options):
    """Exports a model, and measures the export beside the bare generator.

    Args:
        options: dict of the flags; `overrides` holds those of the preset.

    Returns:
        Dict for the report.
    """
    model = _make_model(options)
    scenes = []
    for width, height in program.parse_sizes(
        "serving_sizes", options["serving_sizes"]
    ):
        size = {"batch": 1, "height": height, "width": width}
        inputs = _draw_scenes(model, size)
        if model.encoder is None:
            del inputs["photo"]
        scenes.append(inputs)
    return {"sizes": measure_export(model, scenes, options)}


def measure_peak(options):
    """Measures the speed of matrix products three times.

    Args:
        options: dict of the flags.

    Returns:
        Dict for the report.
    """
    return {"matrix_peaks": [measure_matrix_peak(options) for _ in range(3)]}


def measure_matrix_peak(options, repetitions=3):
    """Returns the most FLOPs per second of a product of square matrices.

    Args:
        options: dict of the flags; `matrix_sizes` and `precision` are used.
        repetitions: int, products of each size.
    """
    best = 0.0
    for size in options["matrix_sizes"]:
        matrix = tf.cast(tf.random.normal((size, size)), options["precision"])
        for _ in range(repetitions):
            begin = time.perf_counter()
            # Reading one number waits for the end on any device.
            tf.linalg.matmul(matrix, matrix)[0, 0].numpy()
            best = max(best, 2 * size**3 / (time.perf_counter() - begin))
    return best


def _make_model(options):
    labels = None
    if options["label_nc"]:
        labels = LabelSet.numbered(options["label_nc"])
    family = find_model_class(options["preset"])
    model_class = type(f"Traced{family.__name__}", (TracedModel, family), {})
    return model_class.from_preset(
        options["preset"],
        labels=labels,
        dtype=PRECISIONS[options["precision"]],
        **options["overrides"],
    )


def _draw_scenes(model, options):
    """Returns random scenes in the dtypes that `synthesize` casts to."""
    draw = np.random.default_rng(0)
    shape = tuple(options[name] for name in ("batch", "height", "width"))

    def image(channels):
        return draw.integers(0, 256, (*shape, channels), "uint8")

    scenes = {
        "label_map": image(3),
        "instance_map": draw.integers(1, 100, shape, "int32"),
        "photo": image(3),
    }
    if model.labels is not None:
        scenes["label_map"] = draw.integers(
            0, len(model.labels), shape, "int32"
        )
    if model.style_map_channels:
        scenes["style_map"] = image(model.style_map_channels)
    return scenes


def _measure(model, runs, count, options):
    """Warms up, then times `runs` in turns between matrix products.

    Args:
        model: `TracedModel`.
        runs: dict of functions by name; the speed is computed from `seconds`.
        count: `FlopCount` of one run.
        options: dict of the flags.
    """
    runs["seconds"]()
    first_step_seconds = _seconds_since_start()
    for run in runs.values():
        run()
    # Before the products, whose matrices are not the model's memory.
    memory = _peak_memory()
    peaks = [measure_matrix_peak(options)]
    seconds = {name: [] for name in runs}
    done, elapsed = 0, 0.0
    for share in (0.5, 1.0):
        while done < share * options["steps"] and (
            done < share * MIN_STEPS or elapsed < share * options["seconds"]
        ):
            for name, run in runs.items():
                begin = time.perf_counter()
                run()
                seconds[name].append(time.perf_counter() - begin)
                elapsed += seconds[name][-1]
            done += 1
        peaks.append(measure_matrix_peak(options))
    median = statistics.median(seconds["seconds"])
    speed = count.total / median
    height, width = padded_size(model, options["height"], options["width"])
    return {
        "padded_height": height,
        "padded_width": width,
        "steps": done,
        **{name: _summarize(values) for name, values in seconds.items()},
        "images_per_second": options["batch"] / median,
        "flops": {
            "total": count.total,
            "forward": count.forward,
            "kernel_gradients": count.kernel_gradients,
            "input_gradients": count.input_gradients,
            "uncounted": list(count.uncounted),
        },
        "flops_per_second": speed,
        "matrix_peaks": peaks,
        "utilisation": speed / statistics.median(peaks),
        "peak_memory_bytes": memory,
        "first_step_seconds": first_step_seconds,
        "tracing_seconds": model.tracing_seconds,
    }


def _summarize(seconds):
    return {
        "median": statistics.median(seconds),
        "minimum": min(seconds),
        "maximum": max(seconds),
        "all": seconds,
    }


def _peak_memory():
    """Returns the peak of this process's resident memory in bytes.

    `getrusage` would start from the parent's memory at the fork.
    """
    status = pathlib.Path("/proc/self/status").read_text()
    (line,) = (li for li in status.splitlines() if li.startswith("VmHWM:"))
    return 1024 * int(line.split()[1])


def _seconds_since_start():
    """Returns the age of this process, imports included."""
    stat = pathlib.Path("/proc/self/stat").read_text()
    # Field 22 (man 5 proc), counted from the third, which follows the name.
    ticks = int(stat.rpartition(")")[2].split()[22 - 3])
    now = time.clock_gettime(time.CLOCK_BOOTTIME)
    return now - ticks / os.sysconf("SC_CLK_TCK")
