"""Configuration files for `tensorflow_model_server`."""

import pathlib
import re

from google.protobuf import text_encoding

from hdgan.data.files import write_file

_BATCH_SIZE = 4
_MODELS = """model_config_list {{
  config {{
    name: {name}
    base_path: {base_path}
    model_platform: "tensorflow"
    model_version_policy {{ latest {{ num_versions: 1 }} }}
  }}
}}
"""
# One batch at a time: a single image keeps a GPU, or all cores, busy.
# No allowed_batch_sizes: a server would pad a lone request to the next of them.
_BATCHING = """max_batch_size {{ value: {batch_size} }}
batch_timeout_micros {{ value: 5000 }}
max_enqueued_batches {{ value: 64 }}
num_batch_threads {{ value: 1 }}
"""
_MONITORING = """prometheus_config {
  enable: true
  path: "/monitoring/prometheus/metrics"
}
"""


def check_model_name(name):
    """Checks that a model's name can be part of a REST URL.

    Args:
        name: str.

    Raises:
        ValueError: if the name is empty, or has characters other than ASCII
            letters, digits, `_`, `-` and `.`.
    """
    if re.fullmatch(r"[\w.-]+", name, re.ASCII) is None:
        raise ValueError(
            "The name of a model is part of its URL: it must consist of "
            f"letters, digits, _, - and . only. Received: {name!r}. The tool "
            "export_savedmodel sets it with --model_name."
        )


def choose_batch_size(options):
    """Returns how many requests a server may batch within `max_pixels`.

    Args:
        options: `ServingOptions` of the exported model.
    """
    sizes = [width * height for width, height in options.fixed_sizes]
    return min(_BATCH_SIZE, options.max_pixels // max(sizes, default=1))


def write_server_files(directory, name, base_path, batch_size=_BATCH_SIZE):
    """Writes `models.config`, `batching.config` and `monitoring.config`.

    The server reads them through the flags `--model_config_file`,
    `--batching_parameters_file` (with `--enable_batching`, for models with
    `fixed_sizes`) and `--monitoring_config_file`.

    Args:
        directory: path of the folder. It is made if missing; files in it are
            replaced.
        name: str, the name of the model in requests.
        base_path: str, the folder of the versions, as a path on the server.
        batch_size: int >= 1, the largest number of requests in a batch.
            Defaults to 4.

    Raises:
        ValueError: if the batch size is less than 1, or the name cannot be
            part of a URL.
    """
    check_model_name(name)
    if batch_size < 1:
        raise ValueError(
            f"`batch_size` must be at least 1. Received: {batch_size}"
        )
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    contents = {
        "models.config": _MODELS.format(
            name=_quote(name), base_path=_quote(base_path)
        ),
        "batching.config": _BATCHING.format(batch_size=batch_size),
        "monitoring.config": _MONITORING,
    }
    for file, text in contents.items():
        write_file(directory / file, text.encode())


def _quote(text):
    return f'"{text_encoding.CEscape(str(text), as_utf8=True)}"'
