"""Requests that a server answers to itself before it is ready.

TensorFlow prepares a graph at its first run, for each size anew: without them
the first users would wait for it.
"""

import pathlib

import numpy as np
import tensorflow as tf

# Where a server looks, inside of a version, and how many it takes.
_PATH = "assets.extra/tf_serving_warmup_requests"
_LIMIT = 1000


def list_warmup(signatures, sizes):
    """Returns a request for each signature and size.

    Args:
        signatures: dict, as of `make_signatures`.
        sizes: list of `(width, height)`.

    Returns:
        List of pairs of a signature's name and a dict of arrays.

    Raises:
        ValueError: if a server would not take so many.
    """
    requests = {}
    for name, (_, specs) in signatures.items():
        for width, height in sizes:
            inputs = {
                spec.name: _make_input(spec, height, width) for spec in specs
            }
            # Of a signature of one size, or without images, there is but one.
            shapes = tuple(np.shape(value) for value in inputs.values())
            is_for_files = any(name.endswith("_bytes") for name in inputs)
            key = name, (height, width) if is_for_files else shapes
            requests[key] = name, inputs
    if len(requests) > _LIMIT:
        raise ValueError(
            f"A server takes {_LIMIT} warm-up requests. Received: "
            f"{len(requests)}, for {len(sizes)} sizes. Choose fewer."
        )
    return list(requests.values())


def write_warmup(directory, requests):
    """Writes requests where a server looks for them.

    Args:
        directory: path of a SavedModel.
        requests: list, as of `list_warmup`.
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
    """Returns an input of zeros for an image of a size, without styles."""
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
            shape[axis] = 0 if spec.name.startswith("style_") and axis else side
    return np.zeros(shape, spec.dtype.as_numpy_dtype)
