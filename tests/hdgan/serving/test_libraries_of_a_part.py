"""Each part of the package loads only the libraries that it uses."""

import pathlib
import subprocess
import sys

import pytest

import hdgan.serving

ROOT = pathlib.Path(__file__).parents[3]
CLIENTS = ("requests", "grpc", "tensorflow_serving", "apache_beam")
# `hdgan` as a bare package: what its own `__init__` imports does not count.
BARE = """
package = sys.modules["hdgan"] = type(sys)("hdgan")
package.__path__ = ["hdgan"]
"""


def _run_without(absent, code, first=""):
    """Runs code in a new process in which some packages cannot be imported."""
    hide = f"import sys; sys.modules.update(dict.fromkeys({absent}))"
    result = subprocess.run(
        [sys.executable, "-c", f"{first}\n{hide}\n{code}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_the_package_needs_neither_web_clients_nor_beam():
    # TensorFlow needs `requests` itself, so it is loaded before.
    code = "import hdgan, hdgan.serving; hdgan.serving.export_savedmodel"
    _run_without(CLIENTS, code, first="import keras, tensorflow")


def test_a_rest_client_needs_no_tensorflow():
    _run_without(
        ("tensorflow", "keras", *CLIENTS[1:]),
        f"""{BARE}
from hdgan.serving import Client, ServingError, ServingOptions
ServingOptions(fixed_sizes=((8, 8),))
Client("http://localhost:8501").close()
""",
    )


@pytest.mark.parametrize("name", hdgan.serving.__all__)
def test_public_names_are_there(name):
    assert getattr(hdgan.serving, name).__name__ == name
    assert name in dir(hdgan.serving)


def test_other_names_are_not():
    with pytest.raises(AttributeError, match=r"hdgan\.serving.*'Server'"):
        _ = hdgan.serving.Server


@pytest.mark.parametrize(
    ("tool", "flag"),
    [
        ("export_savedmodel", "--warmup_sizes"),
        ("request", "--concurrency"),
        ("batch_synthesize", "--beam_options"),
    ],
)
def test_help_of_the_tools_needs_no_tensorflow(tool, flag):
    out = _run_without(
        ("tensorflow", "keras", *CLIENTS),
        f"""{BARE}
import runpy
sys.argv = ["{tool}", "--help"]
try:
    runpy.run_module("hdgan.tools.{tool}", run_name="__main__")
except SystemExit:
    pass
""",
    )
    assert flag in out
