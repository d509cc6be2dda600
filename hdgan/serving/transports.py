"""REST and gRPC calls to a TF Serving server."""

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
# Seconds. Both transports treat a smaller timeout as zero.
_LEAST_TIMEOUT = 0.001
# Bytes per read of a REST answer.
_CHUNK = 2**16
# Characters of an unexpected answer that an error quotes.
_NUM_QUOTED = 500


class ServingError(RuntimeError):
    """A request that failed.

    Args:
        code: str, the gRPC status code, such as `"INVALID_ARGUMENT"` for a
            request that has to be fixed. REST errors are mapped to these codes.
        message: str, what went wrong, as the server reported it.
    """

    def __init__(self, code, message):
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


def clean_message(text):
    """Returns the message of a check, without TensorFlow's text around it.

    Args:
        text: str, an error message. Returned unchanged if no check failed.
    """
    # TensorFlow may append further parts, which are in brackets too.
    match = re.search(r"assertion failed: \[(.*?)\]\s*(?:\[|$)", text, re.S)
    return match.group(1) if match else text


class RestTransport:
    """Calls by REST: https://www.tensorflow.org/tfx/serving/api_rest

    Args:
        url: str, the server's, without a path.
        model: str, the name of the model on the server.
        version: int, or None for the server's choice.
    """

    def __init__(self, url, model, version):
        name = urllib.parse.quote(model)
        part = "" if version is None else f"/versions/{version}"
        self._url = f"{url}/v1/models/{name}{part}:predict"
        # The answers that callers wait for, so that `close` can end them.
        self._answers = set()

    def __call__(self, signature, inputs, outputs, timeout):
        """Runs a signature on the server.

        Args:
            signature: str, its name.
            inputs: dict from names to arrays, or to lists of bytes.
            outputs: dict from the names of the outputs to their dtypes; object
                for bytes.
            timeout: float, seconds until the call fails.

        Returns:
            Dict from the names of the outputs to arrays.

        Raises:
            ServingError: if the server refuses or does not answer in time, or
                an output is missing or has another type.
        """
        body = {
            "signature_name": signature,
            "inputs": {name: _to_json(value) for name, value in inputs.items()},
        }
        status, reason, contents = self._post(body, timeout)
        try:
            answer = json.loads(contents)
        except ValueError:
            # Not from TF Serving; perhaps the error page of a proxy.
            text = contents[:_NUM_QUOTED].decode(errors="replace")
            answer = {"error": text or reason}
        if not isinstance(answer, dict):
            answer = {"error": answer}
        if status != 200 or "outputs" not in answer:
            code = _CODES.get(status, "UNKNOWN")
            error = answer.get("error", str(answer)[:_NUM_QUOTED])
            raise ServingError(code, clean_message(str(error)))
        given = answer["outputs"]
        if len(outputs) == 1:
            # The REST API leaves out the name of a single output.
            given = dict.fromkeys(outputs, given)
        try:
            return {
                name: _from_json(given[name], dtype)
                for name, dtype in outputs.items()
            }
        except (KeyError, TypeError, ValueError) as error:
            raise wrong_answer(outputs, given) from error

    def close(self):
        """Makes the calls in progress fail."""
        for answer in list(self._answers):
            _settle(answer, ServingError("CANCELLED", "The client is closed."))

    def _post(self, body, timeout):
        """Returns the status, the reason and the contents of the answer."""
        timeout = max(timeout, _LEAST_TIMEOUT)
        answer = concurrent.futures.Future()
        self._answers.add(answer)
        # `requests` applies the timeout to each socket read, not to the whole
        # call, and DNS lookups have none. The caller can leave a thread behind.
        threading.Thread(
            target=self._fetch, args=(answer, body, timeout), daemon=True
        ).start()
        try:
            return answer.result(timeout)
        except TimeoutError as error:
            message = f"The answer was not complete after {timeout:.3g} s."
            raise ServingError("DEADLINE_EXCEEDED", message) from error
        finally:
            # The thread stops reading when its answer is done.
            answer.cancel()
            self._answers.discard(answer)

    def _fetch(self, answer, body, timeout):
        parts = []
        try:
            with requests.post(
                self._url, json=body, timeout=timeout, stream=True
            ) as response:
                for part in response.iter_content(_CHUNK):
                    parts.append(part)
                    if answer.done():
                        return
            result = response.status_code, response.reason, b"".join(parts)
        except Exception as error:  # Raised in the thread that waits.
            result = _translate(error)
        _settle(answer, result)


def _settle(answer, result):
    """Sets an answer to a result or an exception, unless it is done."""
    with contextlib.suppress(concurrent.futures.InvalidStateError):
        if isinstance(result, Exception):
            answer.set_exception(result)
        else:
            answer.set_result(result)


def _translate(error):
    """Returns the exception to raise for a call that got no answer."""
    if isinstance(error, requests.Timeout):
        return ServingError("DEADLINE_EXCEEDED", str(error))
    is_transient = isinstance(
        error,
        (requests.ConnectionError, requests.exceptions.ChunkedEncodingError),
    ) and not isinstance(error, requests.exceptions.SSLError)
    if is_transient:
        # The first of the chain is the system's: "Connection refused".
        cause = error
        while cause.__context__ is not None:
            cause = cause.__context__
        return ServingError("UNAVAILABLE", str(cause))
    if isinstance(error, requests.RequestException):
        # A retry would fail in the same way.
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
        raise TypeError("Expected a list.")
    # TF Serving encodes bytes in base64 only if the name ends in `_bytes`.
    items = [
        item.encode()
        if isinstance(item, str)
        else base64.b64decode(item["b64"], validate=True)
        for item in value
    ]
    return np.array(items, object)


def wrong_answer(outputs, given):
    """Returns the error for an answer with unexpected outputs.

    Args:
        outputs: iterable of the names of the expected outputs.
        given: the outputs that were received.
    """
    return ServingError(
        "UNKNOWN",
        f"Expected the outputs {list(outputs)} of a model that hdgan exported. "
        f"Received: {str(given)[:_NUM_QUOTED]}",
    )


class GrpcTransport:
    """Calls by gRPC; needs tensorflow-serving-api.

    Args:
        address: str, `"HOST:PORT"`.
        model: str, the name of the model on the server.
        version: int, or None for the server's choice.

    Raises:
        ValueError: if tensorflow-serving-api is not installed.
    """

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
                "pip install 'tensorflow-serving-api~=2.21.0'. Or use http://, "
                "which does not."
            ) from error
        import tensorflow as tf

        self._tf, self._grpc = tf, grpc
        self._request = predict_pb2.PredictRequest()
        self._request.model_spec.name = model
        if version is not None:
            self._request.model_spec.version.value = version
        # The default limit is 4 MB, less than a large photograph.
        options = [
            ("grpc.max_receive_message_length", -1),
            ("grpc.max_send_message_length", -1),
            # The default is two minutes, long after a server has started.
            ("grpc.max_reconnect_backoff_ms", 2000),
        ]
        self._channel = grpc.insecure_channel(address, options)
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(
            self._channel
        )

    def __call__(self, signature, inputs, outputs, timeout):
        """Runs a signature on the server, as `RestTransport` does."""
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
        """Closes the channel and makes the calls in progress fail."""
        self._channel.close()
