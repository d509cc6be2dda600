"""Modules and exports of `import hdgan`."""

import os
import pathlib
import shutil
import subprocess
import sys

import keras
import pytest

import hdgan

# Modules that `import hdgan` must leave to those who use them.
UNUSED = (
    "requests",
    "grpc",
    "PIL.ImageDraw",
    "apache_beam",
    "torch",
    "starlette",
    "uvicorn",
)


def run_python(code, *arguments, **environment):
    result = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.split()


def test_it_imports_nothing_that_it_does_not_use():
    # TensorFlow and Keras import some of them themselves, so they come first.
    code = (
        "import sys, keras, tensorflow;"
        "sys.modules.update(dict.fromkeys(sys.argv[1:]));"  # Now they fail.
        "import hdgan; print('imported')"
    )
    assert run_python(code, *UNUSED) == ["imported"]


def test_a_saved_model_is_loaded_after_the_import_alone(tmp_path):
    path = tmp_path / "model.keras"
    model = hdgan.Pix2PixHD.from_preset(
        "tiny", labels=hdgan.LabelSet.numbered(2), base_width=2, num_blocks=1
    )
    model.save(path)
    code = (
        "import sys, hdgan, keras;"
        "print(type(keras.models.load_model(sys.argv[1])).__name__)"
    )
    assert run_python(code, str(path))[-1] == "Pix2PixHD"


def test_every_export_is_there():
    for name in hdgan.__all__:
        assert getattr(hdgan, name) is not None
    assert dir(hdgan) == sorted(hdgan.__all__)
    assert keras.saving.get_registered_object("hdgan>Pix2PixHD")


def test_an_unknown_export_is_named():
    with pytest.raises(AttributeError, match="'hdgan' has no attribute 'pix'"):
        hdgan.pix  # noqa: B018


def test_links_that_became_text_files_are_explained(tmp_path):
    package = pathlib.Path(hdgan.__file__).parent
    copy = shutil.copytree(package, tmp_path / "hdgan", symlinks=True)
    for name in ("layers", "recipes", "tools"):
        (copy / name).unlink()
        # As Git for Windows does by default.
        (copy / name).write_text(f"../{name}")
    code = (
        "try:\n    import hdgan\nexcept ImportError as error:\n    print(error)"
    )
    message = " ".join(
        run_python(code, PYTHONPATH=str(tmp_path), PYTHONSAFEPATH="1")
    )
    assert message.startswith(f"{copy / 'layers'} is not a folder")
    assert "git clone -c core.symlinks=true" in message


def test_other_backends_get_the_layers():
    pytest.importorskip("jax")
    code = (
        "import sys, hdgan; print('hdgan.layers' in sys.modules,"
        "'hdgan.models.pix2pixhd.model' in sys.modules, hdgan.layers.__name__)"
    )
    assert run_python(code, KERAS_BACKEND="numpy") == [
        "True",
        "False",
        "hdgan.layers",
    ]
