"""How a client's calls reach a server: by REST, or by gRPC."""

import base64
import json
import re
import time
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
# Bytes that are read at a time.
_PART = 2**16
# Of an answer that is no server's, so many characters are told.
_SHOWN = 500


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

    def __call__(self, signature, inputs, outputs, timeout):
        body = {
            "signature_name": signature,
            "inputs": {name: _to_json(value) for name, value in inputs.items()},
        }
        status, reason, contents = self._post(body, timeout)
        try:
            answer = json.loads(contents)
        except ValueError:
            # Of a proxy, perhaps.
            text = contents[:_SHOWN].decode(errors="replace")
            answer = {"error": text or reason}
        if not isinstance(answer, dict):
            answer = {"error": answer}
        if status != 200 or "outputs" not in answer:
            code = _CODES.get(status, "UNKNOWN")
            error = answer.get("error", str(answer)[:_SHOWN])
            raise ServingError(code, clean_message(str(error)))
        given = answer["outputs"]
        if len(outputs) == 1:
            # Of a signature with one output it has no name.
            given = dict.fromkeys(outputs, given)
        try:
            return {
                name: _from_json(given[name], dtype)
                for name, dtype in outputs.items()
            }
        except (KeyError, TypeError, ValueError) as error:
            raise _wrong_answer(outputs, given) from error

    def close(self):
        """There is nothing to close: each call has its own connection."""

    def _post(self, body, timeout):
        """Returns the status, its reason and the contents of the answer."""
        timeout = max(timeout, _LEAST_TIMEOUT)
        deadline = time.monotonic() + timeout
        parts = []
        try:
            # Of the library the timeout is of each wait, not of all.
            with requests.post(
                self._url, json=body, timeout=timeout, stream=True
            ) as response:
                for part in response.iter_content(_PART):
                    parts.append(part)
                    if time.monotonic() > deadline:
                        raise requests.Timeout("The answer takes too long.")
                return response.status_code, response.reason, b"".join(parts)
        except requests.Timeout as error:
            raise ServingError("DEADLINE_EXCEEDED", str(error)) from error
        except (
            requests.exceptions.SSLError,
            requests.exceptions.InvalidURL,
        ) as error:
            # Another try would not help.
            raise ServingError("UNKNOWN", str(error)) from error
        except requests.RequestException as error:
            is_late = time.monotonic() > deadline
            code = "DEADLINE_EXCEEDED" if is_late else "UNAVAILABLE"
            raise ServingError(code, str(error)) from error


def _to_json(value):
    if isinstance(value, np.ndarray):
        return value.tolist()
    return [{"b64": base64.b64encode(item).decode()} for item in value]


def _from_json(value, dtype):
    if dtype is not object:
        return np.array(value, dtype)
    if not isinstance(value, list):
        raise TypeError("It is no list.")
    # Text, where the output's name doesn't end in `_bytes`.
    return [
        item.encode()
        if isinstance(item, str)
        else base64.b64decode(item["b64"], validate=True)
        for item in value
    ]


def _wrong_answer(outputs, given):
    return ServingError(
        "UNKNOWN",
        f"Expected the outputs {list(outputs)} of a model that hdgan exported. "
        f"Received: {str(given)[:_SHOWN]}",
    )


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
        self._channel = grpc.insecure_channel(address, options)
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(
            self._channel
        )

    def __call__(self, signature, inputs, outputs, timeout):
        request = type(self._request)()
        request.CopyFrom(self._request)
        request.model_spec.signature_name = signature
        request.output_filter.extend(outputs)
        for name, value in inputs.items():
            request.inputs[name].CopyFrom(self._tf.make_tensor_proto(value))
        try:
            response = self._stub.Predict(
                request, timeout=max(timeout, _LEAST_TIMEOUT)
            )
        except self._grpc.RpcError as error:
            message = clean_message(error.details())
            raise ServingError(error.code().name, message) from error
        if not set(outputs) <= set(response.outputs):
            raise _wrong_answer(outputs, list(response.outputs))
        return {
            name: self._tf.make_ndarray(response.outputs[name]).astype(dtype)
            for name, dtype in outputs.items()
        }

    def close(self):
        """Closes the channel; calls that go on end in an error."""
        self._channel.close()
