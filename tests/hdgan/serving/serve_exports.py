"""Answers requests with exported models, without Keras and this package.

`python serve_exports.py FOLDER` reads the SavedModels and `requests.npz` in the
folder and writes `answers.npz`.
"""

import os
import pathlib
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# Blocks their import, as if they were not installed. TensorFlow itself imports
# Keras if it can.
ABSENT = ("keras", "tf_keras", "hdgan")
sys.modules.update(dict.fromkeys(ABSENT))

import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402
from tensorflow.core.protobuf import saved_model_pb2  # noqa: E402


def main(folder):
    """Answers every request, and describes every model."""
    with np.load(folder / "requests.npz") as file:
        requests = {}
        for path, array in file.items():
            case, key = path.rsplit("/", 1)
            requests.setdefault(case, {})[key] = array
    answers = {}
    for name in sorted({case.split("/")[0] for case in requests}):
        model = tf.saved_model.load(str(folder / name))
        serve = model.signatures["serving_default"]
        answers |= {f"{name}/{key}": v for key, v in describe(serve).items()}
        answers[f"{name}/operations"] = list_operations(folder / name)
        answers[f"{name}/file"] = sorted(
            str(tuple(shape))
            for key, shape in tf.train.list_variables(
                str(folder / name / "variables" / "variables")
            )
            if key != "_CHECKPOINTABLE_OBJECT_GRAPH"
        )
        for case, inputs in requests.items():
            if case.startswith(f"{name}/"):
                answers[case] = answer(serve, inputs)
    answers["imported"] = [
        name
        for name, module in sys.modules.items()
        if name.split(".")[0] in ABSENT and module is not None
    ]
    np.savez(folder / "answers.npz", **answers)


def answer(serve, inputs):
    """Returns the photo, or the name and message of the error."""
    try:
        return serve(**{key: tf.constant(v) for key, v in inputs.items()})[
            "photo"
        ].numpy()
    except tf.errors.OpError as error:
        return f"{type(error).__name__}: {error.message}"


def describe(serve):
    """Returns the signature, the weights and the gradients of a model."""
    graph = serve.graph.as_graph_def()
    nodes = [
        *graph.node,
        *(node for f in graph.library.function for node in f.node_def),
    ]
    _, inputs = serve.structured_input_signature
    return {
        "signature": sorted(
            [
                f"{key}: {spec.dtype.name} {tuple(spec.shape)}"
                for key, spec in inputs.items()
            ]
            + [
                f"{key} -> {spec.dtype.name} {tuple(spec.shape)}"
                for key, spec in serve.structured_outputs.items()
            ]
        ),
        "variables": sorted(str(tuple(v.shape)) for v in serve.variables),
        "gradients": [n.name for n in nodes if "_gradient_op_type" in n.attr],
    }


def list_operations(directory):
    """Returns the types of all operations in a SavedModel's file.

    They include the operations that load the weights.
    """
    contents = (directory / "saved_model.pb").read_bytes()
    (meta_graph,) = saved_model_pb2.SavedModel.FromString(contents).meta_graphs
    graph = meta_graph.graph_def
    nodes = [node for f in graph.library.function for node in f.node_def]
    return sorted({node.op for node in [*graph.node, *nodes]})


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
