"""`import hdgan` turns oneDNN on."""

import os
import platform
import subprocess
import sys

import pytest

_PROGRAM = """
import hdgan
from tensorflow.python.util import _pywrap_util_port
print(_pywrap_util_port.IsMklEnabled())
"""


@pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"), reason="oneDNN is for x86"
)
@pytest.mark.parametrize(
    ("setting", "is_on"), [({}, True), ({"TF_ENABLE_ONEDNN_OPTS": "0"}, False)]
)
def test_onednn_is_on_unless_it_is_set_off(setting, is_on):
    environment = {**os.environ}
    del environment["TF_ENABLE_ONEDNN_OPTS"]
    result = subprocess.run(
        [sys.executable, "-c", _PROGRAM],
        env=environment | setting,
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.strip() == str(is_on)
