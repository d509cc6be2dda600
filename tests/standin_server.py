"""A stand-in for TF Serving, which cannot be installed from a package index.

    python tests/standin_server.py serving/hdgan/1

It serves a real SavedModel by the same REST and gRPC protocols, with the real
protos. It has no batching, version changes, warm-up, HTTP/2 or TLS. As a
program, it prints its two URLs and serves until its standard input ends.
"""

import base64
import concurrent.futures
import contextlib
import http.server
import json
import pathlib
import re
import sys
import threading
import time

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import (
    predict_pb2,
    prediction_service_pb2_grpc,
)

_HTTP_CODES = {"INVALID_ARGUMENT": 400, "NOT_FOUND": 404, "UNAVAILABLE": 503}


class StandIn:
    """Serves one model; `start` starts and stops it.

    Attributes:
        name: str, the name of the model.
        version: int, the version of the model: the name of the export's folder.
        rest_url: str, the URL for REST.
        grpc_url: str, the URL for gRPC.
        num_refusals: int, the number of following requests to answer with
            UNAVAILABLE.
        delay: float, seconds before each answer.
        num_at_once: int, the largest number of simultaneous requests so far.
        num_now: int, the number of requests in progress.
        num_requests: int, the number of requests since a test last reset it.
    """

    def __init__(self, directory, name):
        self._loaded = tf.saved_model.load(directory)
        self.name = name
        self.version = int(pathlib.Path(directory).name)
        self._lock = threading.Lock()
        self.num_now = 0
        self.num_refusals = 0
        self.delay = 0.0
        self.num_at_once = 0
        self.num_requests = 0

    def predict(self, name, version, signature, inputs):
        """Runs a signature on NumPy arrays; raises `_Refusal`.

        `version` is None if the request does not name one.
        """
        with self._count():
            if name != self.name or version not in (None, self.version):
                raise _Refusal(
                    "NOT_FOUND", f"Servable not found: {name} {version or ''}"
                )
            if signature not in self._loaded.signatures:
                raise _Refusal("NOT_FOUND", f"Signature not found: {signature}")
            function = self._loaded.signatures[signature]
            specs = function.structured_input_signature[1]
            if set(specs) != set(inputs):
                raise _Refusal(
                    "INVALID_ARGUMENT",
                    f"Expected the inputs {sorted(specs)}. "
                    f"Received: {sorted(inputs)}",
                )
            try:
                outputs = function(
                    **{
                        key: tf.constant(value, specs[key].dtype)
                        for key, value in inputs.items()
                    }
                )
            except tf.errors.InvalidArgumentError as error:
                raise _Refusal("INVALID_ARGUMENT", error.message) from error
            return {
                # `numpy` returns a Python object for a scalar string.
                key: np.array(
                    value.numpy(),
                    dtype=object if value.dtype == tf.string else None,
                )
                for key, value in outputs.items()
            }

    @contextlib.contextmanager
    def _count(self):
        with self._lock:
            self.num_requests += 1
            self.num_now += 1
            self.num_at_once = max(self.num_at_once, self.num_now)
            is_refused = self.num_refusals > 0
            self.num_refusals -= is_refused
        try:
            begin = time.monotonic()
            # A test may shorten the delay in the meantime.
            while time.monotonic() - begin < self.delay:
                time.sleep(0.01)
            if is_refused:
                raise _Refusal("UNAVAILABLE", "The server is starting.")
            yield
        finally:
            with self._lock:
                self.num_now -= 1


@contextlib.contextmanager
def start(directory, name="hdgan"):
    """Serves a SavedModel on free ports until the context exits."""
    server = StandIn(directory, name)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self._answer(*_answer_rest(server, self.path, self._read()))

        def do_GET(self):
            self._answer(*_answer_status(server, self.path))

        def _answer(self, code, body):
            content = json.dumps(body).encode()
            with contextlib.suppress(ConnectionError):
                self.send_response(code)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        def _read(self):
            return self.rfile.read(int(self.headers["Content-Length"]))

        def log_message(self, *_):
            pass

    class Service(prediction_service_pb2_grpc.PredictionServiceServicer):
        def Predict(self, request, context):
            spec = request.model_spec
            try:
                outputs = server.predict(
                    spec.name,
                    spec.version.value if spec.HasField("version") else None,
                    spec.signature_name or "serving_default",
                    {k: tf.make_ndarray(v) for k, v in request.inputs.items()},
                )
            except _Refusal as refusal:
                context.abort(
                    getattr(grpc.StatusCode, refusal.code), refusal.message
                )
            response = predict_pb2.PredictResponse()
            for key in request.output_filter or outputs:
                value = outputs[key]
                response.outputs[key].CopyFrom(tf.make_tensor_proto(value))
            return response

    rest = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    rest.daemon_threads = True
    thread = threading.Thread(target=rest.serve_forever)
    thread.start()
    pool = concurrent.futures.ThreadPoolExecutor(16)
    options = [
        ("grpc.max_receive_message_length", -1),
        ("grpc.max_send_message_length", -1),
    ]
    service = grpc.server(pool, options=options)
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        Service(), service
    )
    port = service.add_insecure_port("127.0.0.1:0")
    service.start()
    server.rest_url = f"http://127.0.0.1:{rest.server_port}"
    server.grpc_url = f"grpc://127.0.0.1:{port}"
    try:
        yield server
    finally:
        service.stop(None).wait()
        pool.shutdown()
        rest.shutdown()
        rest.server_close()
        thread.join()


class _Refusal(Exception):
    def __init__(self, code, message):
        super().__init__(message)
        self.code = code
        self.message = message


def _answer_rest(server, path, contents):
    match = re.fullmatch(
        r"/v1/models/([^/:]+)(?:/versions/(\d+))?:predict", path
    )
    if match is None:
        return 404, {"error": f"Malformed request: POST {path}"}
    try:
        body = json.loads(contents)
        if not body["inputs"]:
            raise _Refusal(
                "INVALID_ARGUMENT", "Failed to get input map for signature."
            )
        outputs = server.predict(
            match.group(1),
            None if match.group(2) is None else int(match.group(2)),
            body.get("signature_name", "serving_default"),
            {k: _from_json(v) for k, v in body["inputs"].items()},
        )
    except _Refusal as refusal:
        return _HTTP_CODES[refusal.code], {"error": refusal.message}
    except (ValueError, KeyError) as error:
        return 400, {"error": f"JSON Parse error: {error}"}
    answers = {key: _to_json(key, value) for key, value in outputs.items()}
    if len(answers) == 1:
        (answers,) = answers.values()
    return 200, {"outputs": answers}


def _answer_status(server, path):
    if path != f"/v1/models/{server.name}":
        return 404, {"error": f"Could not find any versions of {path}"}
    status = {"error_code": "OK", "error_message": ""}
    version = {
        "version": str(server.version),
        "state": "AVAILABLE",
        "status": status,
    }
    return 200, {"model_version_status": [version]}


def _from_json(value):
    def decode(value):
        if isinstance(value, list):
            return [decode(item) for item in value]
        if isinstance(value, dict):
            return base64.b64decode(value["b64"])
        return value

    decoded = decode(value)
    is_bytes = isinstance(value, list) and any(
        isinstance(item, dict) for item in value
    )
    return np.array(decoded, dtype=object if is_bytes else None)


def _to_json(key, value):
    if value.dtype != object:
        return value.tolist()
    if not key.endswith("_bytes"):
        return [item.decode() for item in value]
    return [{"b64": base64.b64encode(v).decode()} for v in value]


if __name__ == "__main__":
    with start(sys.argv[1]) as standin:
        print(standin.rest_url, standin.grpc_url, flush=True)
        sys.stdin.read()
