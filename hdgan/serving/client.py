"""Asking a TF Serving server for photographs."""

import base64
import concurrent.futures
import io
import json
import random
import time
import urllib.parse

import numpy as np
import requests
from PIL import Image

# By gRPC's names: another try may succeed.
_PASSING = ("UNAVAILABLE", "RESOURCE_EXHAUSTED", "ABORTED")
_CODES = {
    400: "INVALID_ARGUMENT",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    429: "RESOURCE_EXHAUSTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
_FIRST_WAIT = 0.2
_LONGEST_WAIT = 10.0


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


class Client:
    """Asks a server of a model that `hdgan` exported.

    Images travel as PNG or JPEG. What may pass, such as a server that starts or
    has too much to do, is tried again, each time after a longer wait.

    Args:
        url: `"http://host:8501"`, `"https://..."` for REST, or
            `"grpc://host:8500"` for gRPC, which needs tensorflow-serving-api.
        model: str, the name that the server gives it.
        version: int; None is the one that the server takes.
        timeout: float, seconds that an answer may take, all tries together.
        retries: int >= 0, tries after the first.

    Raises:
        ValueError: if the URL is of another kind, or what gRPC needs is not
            installed.

    Example:
        >>> client = hdgan.serving.Client("http://localhost:8501")
        >>> photo = client.synthesize(label_map, instance_map)
    """

    def __init__(
        self, url, model="hdgan", version=None, timeout=60.0, retries=4
    ):
        kind, _, address = url.partition("://")
        if kind in ("http", "https") and address:
            self._call = _Rest(url.rstrip("/"), model, version)
        elif kind == "grpc" and address:
            self._call = _Grpc(address, model, version)
        else:
            raise ValueError(
                "The server's URL must be http://HOST:PORT, https://... or "
                f"grpc://HOST:PORT. Received: {url!r}"
            )
        if timeout <= 0 or retries < 0:
            raise ValueError(
                "`timeout` must be above 0 and `retries` at least 0. "
                f"Received: timeout={timeout}, retries={retries}"
            )
        self._timeout = timeout
        self._retries = retries
        self._style_channels = None

    def synthesize(
        self, label_map, instance_map=None, photo=None, feature_map=None
    ):
        """Makes a photograph of a label map.

        Args:
            label_map: `(height, width)`, integers; without labels an RGB image,
                uint8 `(height, width, 3)`.
            instance_map: `(height, width)`, integers 0..65535, or None.
            photo: uint8 `(height, width, 3)`, of a model with an encoder.
            feature_map: uint8, of a model that takes features.

        Returns:
            uint8 `(height, width, 3)`.

        Raises:
            ServingError: if the server refuses, or doesn't answer in time.
            ValueError: if an id does not fit in 16 bits.
        """
        files = {
            name: encode_png(name, array)
            for name, array in (
                ("label_bytes", label_map),
                ("photo_bytes", photo),
                ("feature_bytes", feature_map),
            )
            if array is not None
        }
        files["instance_bytes"] = b""
        if instance_map is not None:
            files["instance_bytes"] = encode_png("instance_bytes", instance_map)
        with Image.open(io.BytesIO(self.synthesize_files(files))) as image:
            return np.asarray(image.convert("RGB"))

    def synthesize_files(self, files):
        """Makes a photograph of files' contents.

        Args:
            files: dict of bytes: `label_bytes`, `instance_bytes` (empty for
                none) and what else the signature `synthesize_png` takes.

        Returns:
            bytes, the photograph as PNG or JPEG.

        Raises:
            ServingError: as of `synthesize`.
        """
        inputs = {name: [content] for name, content in files.items()}
        answer = self._ask("synthesize_png", inputs, ["image_bytes"])
        (image,) = answer["image_bytes"]
        return image

    def encode(self, label_map, instance_map, photo):
        """Finds the styles of a photo, of a model with an encoder.

        Args:
            label_map: `(height, width)`, integers.
            instance_map: `(height, width)`, integers.
            photo: uint8 `(height, width, 3)`.

        Returns:
            Dict from each instance's id (each class's, where the encoder has
            one style per class, or all ids are 0) to its style, float32
            `(style_channels,)` in [-1, 1].

        Raises:
            ServingError: as of `synthesize`.
        """
        inputs = {
            **_as_maps(label_map, instance_map),
            "photo": _as_integers("photo", photo, 255)[None].astype("uint8"),
        }
        names = ["style_instances", "style_vectors"]
        answer = self._ask("encode", inputs, names)
        instances = map(int, answer["style_instances"])
        vectors = np.asarray(answer["style_vectors"], "float32")
        return dict(zip(instances, vectors, strict=True))

    def synthesize_with_style(
        self, label_map, instance_map=None, styles=None, seed=0
    ):
        """Makes a photograph with styles of one's choice.

        Args:
            label_map: `(height, width)`, integers.
            instance_map: `(height, width)`, integers, or None.
            styles: dict from an id, as of `encode`, to its style,
                `(style_channels,)` in [-1, 1], or to the number of one of its
                class's clusters, int.
            seed: int, which draws clusters for the other instances.

        Returns:
            uint8 `(height, width, 3)`.

        Raises:
            ServingError: as of `synthesize`.
        """
        if self._style_channels is None:
            description = json.loads(self.describe())
            self._style_channels = description["style_channels"]
        # One that no instance has, so that the list is never empty.
        styles = {-1: -1, **(styles or {})}
        vectors = np.zeros((1, len(styles), self._style_channels), "float32")
        clusters = np.full((1, len(styles)), -1, "int32")
        for index, style in enumerate(styles.values()):
            if np.ndim(style) == 0:
                clusters[0, index] = style
            else:
                vectors[0, index] = style
        inputs = {
            **_as_maps(label_map, instance_map),
            "style_instances": np.array([list(styles)], "int32"),
            "style_vectors": vectors,
            "style_clusters": clusters,
            "seed": np.array([seed], "int32"),
        }
        answer = self._ask("synthesize_with_style", inputs, ["photo"])
        return np.asarray(answer["photo"], "uint8")[0]

    def describe(self):
        """Returns what the model says of itself, JSON as str.

        Raises:
            ServingError: as of `synthesize`.
        """
        answer = self._ask("describe", {}, ["description"])
        # By gRPC an array of bytes, by REST text.
        description = np.asarray(answer["description"]).item()
        return (
            description
            if isinstance(description, str)
            else description.decode()
        )

    def map(self, function, items, concurrency=4):
        """Calls a function of several items at a time.

        Args:
            function: of an item, which asks this client.
            items: iterable; of them only as many are taken as are worked on.
            concurrency: int >= 1, at the same time.

        Yields:
            Each item with its result, or with the `ServingError`, `OSError` or
            `ValueError` that came of it, in the order in which they are done.
        """
        items = iter(items)
        waiting = {}
        with concurrent.futures.ThreadPoolExecutor(concurrency) as pool:
            while True:
                for item in items:
                    waiting[pool.submit(function, item)] = item
                    if len(waiting) >= concurrency:
                        break
                if not waiting:
                    return
                done, _ = concurrent.futures.wait(
                    waiting, return_when=concurrent.futures.FIRST_COMPLETED
                )
                for future in done:
                    item = waiting.pop(future)
                    try:
                        yield item, future.result()
                    except (ServingError, OSError, ValueError) as error:
                        yield item, error

    def _ask(self, signature, inputs, outputs):
        deadline = time.monotonic() + self._timeout
        wait = _FIRST_WAIT
        for attempt in range(self._retries + 1):
            left = deadline - time.monotonic()
            try:
                return self._call(signature, inputs, outputs, left)
            except ServingError as error:
                is_last = attempt == self._retries
                if error.code not in _PASSING or is_last:
                    raise
                # Not all clients at once.
                pause = wait * random.uniform(0.5, 1.5)
                if time.monotonic() + pause >= deadline:
                    raise
                time.sleep(pause)
                wait = min(2 * wait, _LONGEST_WAIT)


class _Rest:
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
            response = requests.post(self._url, json=body, timeout=timeout)
        except requests.Timeout as error:
            raise ServingError("DEADLINE_EXCEEDED", str(error)) from error
        except requests.ConnectionError as error:
            raise ServingError("UNAVAILABLE", str(error)) from error
        except requests.RequestException as error:
            raise ServingError("UNKNOWN", str(error)) from error
        try:
            answer = response.json()
        except ValueError:
            answer = {"error": response.text[:500] or response.reason}
        if response.status_code != 200:
            code = _CODES.get(response.status_code, "UNKNOWN")
            raise ServingError(code, str(answer.get("error", answer)))
        outputs = answer["outputs"]
        if len(names) == 1:
            # Of a signature with one output it has no name.
            outputs = {names[0]: outputs}
        return {
            name: [
                base64.b64decode(content["b64"]) for content in outputs[name]
            ]
            if name.endswith("_bytes")
            else outputs[name]
            for name in names
        }


def _to_json(value):
    if isinstance(value, np.ndarray):
        return value.tolist()
    return [{"b64": base64.b64encode(item).decode()} for item in value]


class _Grpc:
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
            response = self._stub.Predict(request, timeout=max(timeout, 0.001))
        except self._grpc.RpcError as error:
            raise ServingError(error.code().name, error.details()) from error
        return {
            name: self._tf.make_ndarray(response.outputs[name])
            for name in names
        }


def encode_png(name, array):
    """Returns an image, or a map of ids, as the contents of a PNG.

    Args:
        name: str, what it is, for the error.
        array: integers 0..255, `(height, width, 3)`; or of `(height, width)`
            uint8, or others in 0..65535, which take 16 bits.

    Raises:
        ValueError: if it is none of these, or empty.
    """
    is_map = np.ndim(array) == 2
    array = _as_integers(name, array, 65535 if is_map else 255)
    has_16_bits = is_map and array.dtype != np.uint8
    array = array.astype("uint16" if has_16_bits else "uint8")
    buffer = io.BytesIO()
    # The fastest: it is sent once.
    Image.fromarray(array).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _as_maps(label_map, instance_map):
    label_map = _as_integers("label_map", label_map, 255)
    if instance_map is None:
        instance_map = np.zeros(label_map.shape[:2], "int32")
    instance_map = _as_integers("instance_map", instance_map, 2**31 - 1)
    return {
        "label_map": label_map[None].astype("uint8"),
        "instance_map": instance_map[None].astype("int32"),
    }


def _as_integers(name, array, highest):
    """Returns an image or map in NumPy, if it holds what it may hold."""
    array = np.asarray(array)
    is_image = array.ndim == 2 or (array.ndim == 3 and array.shape[2] == 3)
    if not is_image or not array.size:
        raise ValueError(
            f"`{name}` must be (height, width) or (height, width, 3), each at "
            f"least 1. Received: shape {array.shape}"
        )
    if not np.issubdtype(array.dtype, np.integer):
        raise ValueError(
            f"`{name}` must be of integers. Received: {array.dtype}"
        )
    if not 0 <= array.min() <= array.max() <= highest:
        raise ValueError(
            f"`{name}` holds {array.min()}..{array.max()}. Expected "
            f"0..{highest}: number the ids anew."
        )
    return array
