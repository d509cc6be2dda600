"""How a client's calls reach a server: by REST, or by gRPC."""

import base64
import re
import urllib.parse

import numpy as np
import requests

_CODES = {
    400: "INVALID_ARGUMENT",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


# What is less is none to both.
_LEAST_TIMEOUT = 0.001


class ServingError(RuntimeError):
    """What a server answered in place of a photograph.

    Args:
        code: str, gRPC's name of the kind of error, such as
            `"INVALID_ARGUMENT"`: the request has to be mended.
        message: str, the server's.
    """

    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


def clean_message(text):
    """Returns of TensorFlow's report of a failed check the check's own text.

    Args:
        text: str, an error's.
    """
    match = re.search(r"assertion failed: \[(.*?)\](?: \[|\s*$)", text, re.S)
    return match.group(1) if match else text


class RestTransport:
    """A call by REST: https://www.tensorflow.org/tfx/serving/api_rest"""

    def __init__(self, url, model, version):
        name = urllib.parse.quote(model)
        part = "" if version is None else f"/versions/{version}"
        self._url = f"{url}/v1/models/{name}{part}:predict"

    def __call__(self, signature, inputs, names, timeout):
        body = {
            "signature_name": signature,
            "inputs": {name: _to_json(value) for name, value in inputs.items()},
        }
        try:
            response = requests.post(
                self._url, json=body, timeout=max(timeout, _LEAST_TIMEOUT)
            )
        except requests.Timeout as error:
            raise ServingError("DEADLINE_EXCEEDED", str(error)) from error
        except requests.ConnectionError as error:
            raise ServingError("UNAVAILABLE", str(error)) from error
        except requests.RequestException as error:
            raise ServingError("UNAVAILABLE", str(error)) from error
        try:
            answer = response.json()
        except ValueError:
            # Of a proxy, perhaps.
            answer = {"error": response.text[:500] or response.reason}
        if not isinstance(answer, dict):
            answer = {"error": answer}
        if response.status_code != 200 or "outputs" not in answer:
            code = _CODES.get(response.status_code, "UNKNOWN")
            error = clean_message(str(answer.get("error", answer)))
            raise ServingError(code, error)
        outputs = answer["outputs"]
        if len(names) == 1:
            # Of a signature with one output it has no name.
            outputs = {names[0]: outputs}
        return {name: _from_json(name, outputs[name]) for name in names}


def _to_json(value):
    if isinstance(value, np.ndarray):
        return value.tolist()
    return [{"b64": base64.b64encode(item).decode()} for item in value]


def _from_json(name, value):
    if not name.endswith("_bytes"):
        return value
    return [base64.b64decode(item["b64"]) for item in value]


class GrpcTransport:
    """A call by gRPC."""

    def __init__(self, address, model, version):
        try:
            import grpc
            from tensorflow_serving.apis import (
                predict_pb2,
                prediction_service_pb2_grpc,
            )
        except ImportError as error:
            raise ValueError(
                "grpc:// needs tensorflow-serving-api, which is not installed: "
                "pip install 'hdgan[serving]'. Or use http://."
            ) from error
        import tensorflow as tf

        self._tf, self._grpc = tf, grpc
        self._request = predict_pb2.PredictRequest()
        self._request.model_spec.name = model
        if version is not None:
            self._request.model_spec.version.value = version
        # The default takes 4 MB, less than a large photograph.
        options = [
            ("grpc.max_receive_message_length", -1),
            ("grpc.max_send_message_length", -1),
            # Two minutes by default: a server that starts is found late.
            ("grpc.max_reconnect_backoff_ms", 2000),
        ]
        channel = grpc.insecure_channel(address, options)
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)

    def __call__(self, signature, inputs, names, timeout):
        request = type(self._request)()
        request.CopyFrom(self._request)
        request.model_spec.signature_name = signature
        request.output_filter.extend(names)
        for name, value in inputs.items():
            request.inputs[name].CopyFrom(self._tf.make_tensor_proto(value))
        try:
            response = self._stub.Predict(
                request, timeout=max(timeout, _LEAST_TIMEOUT)
            )
        except self._grpc.RpcError as error:
            message = clean_message(error.details())
            raise ServingError(error.code().name, message) from error
        return {
            name: self._tf.make_ndarray(response.outputs[name])
            for name in names
        }
