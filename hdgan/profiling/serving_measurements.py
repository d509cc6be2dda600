"""The measurements of an export by the tool `benchmark`.

Run as a program by its path, this file is a process that serves an export. It
must therefore import TensorFlow but not hdgan at the top.
"""

import concurrent.futures
import json
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import tensorflow as tf

CONCURRENCIES = (1, 2, 4)
# Per concurrent client.
NUM_REQUESTS = 3


def measure_export(model, scenes, options):
    """Compares an export with the bare generator, and runs it in processes.

    Args:
        model: `LabelToPhotoModel`.
        scenes: list of dicts, the inputs of `serving_default`, one per size.
        options: dict of the flags; `steps` and `seconds` are used.

    Returns:
        List of dicts for the report, one per scene.
    """
    with tempfile.TemporaryDirectory() as folder:
        directory = pathlib.Path(folder) / "1"
        model.export(directory)
        serve = tf.saved_model.load(directory).signatures["serving_default"]
        _, specs = serve.structured_input_signature
        records = []
        for scene in scenes:
            inputs = {
                name: array.astype(specs[name].dtype.as_numpy_dtype)
                for name, array in scene.items()
            }
            height, width = inputs["label_map"].shape[1:3]
            path = pathlib.Path(folder) / "inputs.npz"
            np.savez(path, **inputs)
            records.append(
                {
                    "height": height,
                    "width": width,
                    **_compare(model, serve, inputs, options),
                    "processes": [
                        _run_process(directory, path, concurrency)
                        for concurrency in CONCURRENCIES
                    ],
                }
            )
        return records


def _compare(model, serve, inputs, options):
    """Times the signature and the bare generator in turns."""
    from hdgan.profiling.shape_trace import network_inputs

    network = model.inference_generator
    generate = tf.function(lambda x: network(x, training=False))
    noise = [
        tf.random.normal(tensor.shape)
        for tensor in network_inputs(
            model, network, *inputs["label_map"].shape[:3]
        )
    ]
    condition = noise[0] if len(noise) == 1 else noise
    tensors = {name: tf.constant(array) for name, array in inputs.items()}
    runs = {
        "generator": lambda: generate(condition).numpy(),
        "serving_default": lambda: serve(**tensors)["photo"].numpy(),
    }
    for run in 2 * list(runs.values()):
        run()
    seconds = {name: [] for name in runs}
    begin = time.perf_counter()
    for _ in range(options["steps"]):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
        if time.perf_counter() - begin > options["seconds"]:
            break
    pairs = zip(seconds["serving_default"], seconds["generator"], strict=True)
    return {
        "seconds": {k: statistics.median(v) for k, v in seconds.items()},
        # Consecutive runs, because other programs slow both alike.
        "ratio": statistics.median(served / bare for served, bare in pairs),
    }


def _run_process(directory, inputs, concurrency):
    result = subprocess.run(
        [sys.executable, __file__, directory, inputs, str(concurrency)],
        capture_output=True,
        text=True,
    )
    if result.returncode == -signal.SIGKILL:
        # The system ends the process that takes the most memory.
        raise MemoryError
    if result.returncode:
        raise RuntimeError(result.stderr)
    return json.loads(result.stdout)


def _serve(directory, inputs, concurrency):
    """Loads an export, sends it requests, and prints a record as JSON."""
    begin = time.perf_counter()
    serve = tf.saved_model.load(directory).signatures["serving_default"]
    loaded = time.perf_counter()
    with np.load(inputs) as file:
        tensors = {name: tf.constant(array) for name, array in file.items()}

    def ask(*_):
        return serve(**tensors)["photo"].numpy()

    resident = _memory("VmRSS")
    ask()
    first = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(concurrency) as pool:
        list(pool.map(ask, range(NUM_REQUESTS * concurrency)))
    seconds = time.perf_counter() - first
    record = {
        "concurrency": concurrency,
        "load_seconds": loaded - begin,
        "first_answer_seconds": first - begin,
        "images_per_second": NUM_REQUESTS * concurrency / seconds,
        "loaded_memory_bytes": resident,
        "peak_memory_bytes": _memory("VmHWM"),
    }
    print(json.dumps(record))


def _memory(field):
    """Returns this process's resident memory, or its peak, in bytes."""
    status = pathlib.Path("/proc/self/status").read_text()
    (line,) = (li for li in status.splitlines() if li.startswith(field))
    return 1024 * int(line.split()[1])


if __name__ == "__main__":
    _serve(sys.argv[1], sys.argv[2], int(sys.argv[3]))
