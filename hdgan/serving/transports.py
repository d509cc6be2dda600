"""How a client's calls reach a server: by REST, or by gRPC."""

import base64
import concurrent.futures
import contextlib
import json
import re
import threading
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
    # What comes after it, if anything, is in brackets, too.
    match = re.search(r"assertion failed: \[(.*?)\]\s*(?:\[|$)", text, re.S)
    return match.group(1) if match else text


class RestTransport:
    """A call by REST: https://www.tensorflow.org/tfx/serving/api_rest"""

    def __init__(self, url, model, version):
        name = urllib.parse.quote(model)
        part = "" if version is None else f"/versions/{version}"
        self._url = f"{url}/v1/models/{name}{part}:predict"
        # What is waited for.
        self._answers = set()

    def __call__(self, signature, inputs, outputs, timeout):
        """Asks for outputs of a signature.

        Args:
            signature: str.
            inputs: dict from names to arrays, or lists of bytes.
            outputs: dict from names to dtypes; that of bytes is object.
            timeout: float, seconds.

        Returns:
            Dict from the outputs' names to arrays.

        Raises:
            ServingError: if the server refuses, or doesn't answer in time, or
                an output is missing or of another kind.
        """
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
            raise wrong_answer(outputs, given) from error

    def close(self):
        """Ends the calls that are waited for in an error."""
        for answer in list(self._answers):
            _settle(answer, ServingError("CANCELLED", "The client is closed."))

    def _post(self, body, timeout):
        """Returns the status, its reason and the contents of the answer."""
        timeout = max(timeout, _LEAST_TIMEOUT)
        answer = concurrent.futures.Future()
        self._answers.add(answer)
        # Of the library the timeout is of each wait, and of a name's look-up
        # there is none. A thread can be left alone with these.
        threading.Thread(
            target=self._fetch, args=(answer, body, timeout), daemon=True
        ).start()
        try:
            return answer.result(timeout)
        except TimeoutError as error:
            message = f"There is no whole answer after {timeout:.3g} s."
            raise ServingError("DEADLINE_EXCEEDED", message) from error
        finally:
            # Whoever still reads stops.
            answer.cancel()
            self._answers.discard(answer)

    def _fetch(self, answer, body, timeout):
        parts = []
        try:
            with requests.post(
                self._url, json=body, timeout=timeout, stream=True
            ) as response:
                for part in response.iter_content(_PART):
                    parts.append(part)
                    if answer.done():
                        return
            result = response.status_code, response.reason, b"".join(parts)
        except Exception as error:  # Whatever it is, the waiting thread's.
            result = _translate(error)
        _settle(answer, result)


def _settle(answer, result):
    """Ends the wait for an answer, unless it has ended."""
    with contextlib.suppress(concurrent.futures.InvalidStateError):
        if isinstance(result, Exception):
            answer.set_exception(result)
        else:
            answer.set_result(result)


def _translate(error):
    """Returns what a call by REST that did not come through raises."""
    if isinstance(error, requests.Timeout):
        return ServingError("DEADLINE_EXCEEDED", str(error))
    is_passing = isinstance(
        error,
        (requests.ConnectionError, requests.exceptions.ChunkedEncodingError),
    ) and not isinstance(error, requests.exceptions.SSLError)
    if is_passing:
        return ServingError("UNAVAILABLE", str(error))
    if isinstance(error, requests.RequestException):
        # Another try would not help.
        return ServingError("UNKNOWN", str(error))
    return error


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
    items = [
        item.encode()
        if isinstance(item, str)
        else base64.b64decode(item["b64"], validate=True)
        for item in value
    ]
    return np.array(items, object)


def wrong_answer(outputs, given):
    """Returns the error of an answer that no model of `hdgan` would give.

    Args:
        outputs: names of those that are expected.
        given: what has come.
    """
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
        """Asks for outputs of a signature, as `RestTransport` does."""
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
            raise wrong_answer(outputs, list(response.outputs))
        arrays = {
            name: self._tf.make_ndarray(response.outputs[name])
            for name in outputs
        }
        try:
            return {
                name: arrays[name].astype(dtype)
                for name, dtype in outputs.items()
            }
        except (TypeError, ValueError) as error:
            raise wrong_answer(outputs, arrays) from error

    def close(self):
        """Closes the channel; calls that go on end in an error."""
        self._channel.close()
