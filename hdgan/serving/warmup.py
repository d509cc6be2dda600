"""Warm-up requests, which a server runs before it is ready.

TensorFlow prepares a graph on its first run at each size. Without warm-up, the
first users would wait for that.
"""

import pathlib

import numpy as np
import tensorflow as tf

# The file that TF Serving reads in a version, and the most requests it accepts.
_PATH = "assets.extra/tf_serving_warmup_requests"
_MAX_REQUESTS = 1000
# Inputs whose second axis counts styles; in all others it is the height.
_STYLE_LISTS = ("style_instances", "style_vectors", "style_clusters")


def list_warmup(signatures, sizes):
    """Returns a request for each signature and size.

    Args:
        signatures: dict that `make_signatures` returned.
        sizes: sequence of `(width, height)`.

    Returns:
        List of pairs: the name of a signature, and a dict from the names of its
        inputs to arrays.

    Raises:
        ValueError: if a server would not accept that many requests.
    """
    requests = {}
    for name, (_, specs) in signatures.items():
        for width, height in sizes:
            inputs = {
                spec.name: _make_input(spec, height, width) for spec in specs
            }
            # A signature of fixed size, or without images, gets one request:
            # its arrays have the same shapes for every size.
            shapes = tuple(np.shape(value) for value in inputs.values())
            takes_files = any(name.endswith("_bytes") for name in inputs)
            key = name, (height, width) if takes_files else shapes
            requests[key] = name, inputs
    if len(requests) > _MAX_REQUESTS:
        raise ValueError(
            f"A server accepts {_MAX_REQUESTS} warm-up requests. Received: "
            f"{len(requests)}, for {len(sizes)} sizes. Choose fewer sizes."
        )
    return list(requests.values())


def write_warmup(directory, requests):
    """Writes the warm-up requests of a SavedModel.

    Args:
        directory: path of the SavedModel.
        requests: list that `list_warmup` returned.
    """
    from tensorflow_serving.apis import predict_pb2, prediction_log_pb2

    path = pathlib.Path(directory) / _PATH
    path.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(path)) as writer:
        for name, inputs in requests:
            request = predict_pb2.PredictRequest()
            request.model_spec.signature_name = name
            for key, value in inputs.items():
                request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
            log = prediction_log_pb2.PredictionLog(
                predict_log=prediction_log_pb2.PredictLog(request=request)
            )
            writer.write(log.SerializeToString())


def _make_input(spec, height, width):
    """Returns zeros for an input at an image size, with no styles."""
    if spec.dtype == tf.string:
        if spec.name in ("instance_bytes", "request"):
            return np.array([b""])
        is_grey = spec.name == "label_bytes"
        channels = 1 if is_grey else 3
        image = tf.io.encode_png(tf.zeros((height, width, channels), tf.uint8))
        return np.array([image.numpy()])
    shape = list(spec.shape)
    for axis, side in enumerate((1, height, width)[: len(shape)]):
        if shape[axis] is None:
            is_count = axis == 1 and spec.name in _STYLE_LISTS
            shape[axis] = 0 if is_count else side
    return np.zeros(shape, spec.dtype.as_numpy_dtype)
