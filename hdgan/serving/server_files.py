"""Configuration files for `tensorflow_model_server`."""

import pathlib
import re

from google.protobuf import text_encoding

from hdgan.data.files import write_file

BATCH_SIZE = 4
_MODELS = """model_config_list {{
  config {{
    name: {name}
    base_path: {base_path}
    model_platform: "tensorflow"
    model_version_policy {{ latest {{ num_versions: 1 }} }}
  }}
}}
"""
# An image keeps a GPU, or all cores of a processor, busy: one batch at a time.
# Without allowed sizes none is filled up: a lone request costs one image.
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
    """Checks that requests by REST can name a model.

    Args:
        name: str.

    Raises:
        ValueError: if it is empty, or has other characters than letters,
            digits, `_`, `-` and `.`.
    """
    if re.fullmatch(r"[\w.-]+", name, re.ASCII) is None:
        raise ValueError(
            "A model's name, which requests have in their URL, must be of "
            f"letters, digits, _, - and . alone. Received: {name!r}. The tool "
            "export_savedmodel takes one as --model_name."
        )


def write_server_files(directory, name, base_path, batch_size=BATCH_SIZE):
    """Writes `models.config`, `batching.config` and `monitoring.config`.

    They are for the flags `--model_config_file`, `--batching_parameters_file`
    (with `--enable_batching`, for models with `fixed_sizes`) and
    `--monitoring_config_file`. Files that are there are replaced.

    Args:
        directory: path of the folder; is made.
        name: str, by which the model is asked for.
        base_path: str, the folder of the versions, as the server sees it.
        batch_size: int >= 1, requests put together at most.

    Raises:
        ValueError: if the batch size is less than 1, or the name none.
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
