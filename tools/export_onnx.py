r"""Exports a trained model as an ONNX file.

    hdgan export_onnx --model=runs/streets --output=model.onnx

writes the inference generator with its preprocessing: maps in, photographs out,
for any batch size, height and width. `hdgan.serving.export_onnx` documents the
inputs. Before the file is written, its photographs are compared with those of
the model. Needs `pip install tf2onnx onnxruntime`.
"""

import pathlib

from absl import flags

from hdgan.command_line import program


def main():
    # Imported here so that --help does not wait for TensorFlow.
    from hdgan.models.model_file import load_model
    from hdgan.serving import onnx_export

    values = flags.FLAGS
    output = pathlib.Path(values.output)
    if output.exists():
        raise ValueError(
            f"--output={output} exists already. Choose another name, or remove "
            "it."
        )
    # Checked before the model is loaded, which takes long.
    onnx_export.check_libraries()
    program.make_folder("output", output.parent)
    onnx_export.export_onnx(load_model(values.model), output)
    print(f"ONNX file: {output}")


def _define_flags():
    flags.DEFINE_string(
        "model", None, "Model file (.keras) or folder of a run.", required=True
    )
    flags.DEFINE_string(
        "output", None, "File to write, such as model.onnx.", required=True
    )


if __name__ == "__main__":
    _define_flags()
    program.run(main)
