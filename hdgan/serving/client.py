"""A client that requests photographs from a TF Serving server."""

import concurrent.futures
import io
import random
import threading
import time

import numpy as np
from absl import logging
from PIL import Image

from hdgan.checks import check_integer_array, drop_channel
from hdgan.data.image_files import as_integers, encode_png
from hdgan.serving.description import parse_description
from hdgan.serving.transports import (
    GrpcTransport,
    RestTransport,
    ServingError,
    wrong_answer,
)

# gRPC status codes after which a retry may succeed.
_TRANSIENT = ("UNAVAILABLE", "RESOURCE_EXHAUSTED", "ABORTED")
# Seconds between retries.
_FIRST_WAIT = 0.2
_LONGEST_WAIT = 10.0
# Seconds between reports of a client that retries.
_REPORT_INTERVAL = 5.0
# Seconds. Sockets and locks overflow at much longer timeouts.
_LONGEST_TIMEOUT = 1e6


class Client:
    """Requests photographs from a server of an exported model.

    Images are sent as PNG and received as PNG or JPEG. Transient errors, such
    as those of a server that starts or is overloaded, are retried until the
    deadline, with growing pauses. The first retry is logged as a warning, and
    others at most every five seconds. Threads may share a client. Close it
    with `close`, or use it in a `with` statement.

    Args:
        url: str, `"http://host:8501"` or `"https://..."` for REST, or
            `"grpc://host:8500"` for gRPC, which needs tensorflow-serving-api.
        model: str, the name of the model on the server. Defaults to `"hdgan"`.
        version: int >= 0, or None for the server's choice. Defaults to None.
        timeout: float in (0, 1e6], seconds until a request fails, including
            its retries. Defaults to 60.
        retries: int >= 0, the number of retries of a request. Defaults to 50.

    Attributes:
        url: as given.

    Raises:
        ValueError: if the URL has another form, a number is out of range, or
            tensorflow-serving-api is needed and not installed.

    Example:
        >>> with hdgan.serving.Client("http://localhost:8501") as client:
        ...     photo = client.synthesize(label_map, instance_map)
    """

    def __init__(
        self, url, model="hdgan", version=None, timeout=60.0, retries=50
    ):
        kind, _, address = str(url).rstrip("/").partition("://")
        # Checked before a connection is opened. NaN fails the comparison too.
        if not 0 < timeout <= _LONGEST_TIMEOUT or retries < 0:
            raise ValueError(
                f"`timeout` must be above 0 and at most {_LONGEST_TIMEOUT:g} "
                "seconds, and `retries` at least 0. "
                f"Received: timeout={timeout}, retries={retries}"
            )
        if version is not None and not 0 <= version < 2**63:
            raise ValueError(
                "`version` must be in 0..2**63 - 1, or None. "
                f"Received: {version}"
            )
        if kind in ("http", "https") and address:
            self._call = RestTransport(f"{kind}://{address}", model, version)
        elif kind == "grpc" and address:
            self._call = GrpcTransport(address, model, version)
        else:
            raise ValueError(
                "The server's URL must be http://HOST:PORT, https://... or "
                f"grpc://HOST:PORT. Received: {url!r}"
            )
        self.url = url
        self._timeout = timeout
        self._retries = retries
        self._next_report = 0.0
        self._closed = threading.Event()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Closes the connections and makes the requests in progress fail."""
        self._closed.set()
        self._call.close()

    def synthesize(
        self, label_map, instance_map=None, style_photo=None, style_map=None
    ):
        """Synthesizes a photograph of a label map.

        Args:
            label_map: `(height, width)` or `(height, width, 1)`, integers,
                class ids. For a model without labels an RGB image, `(height,
                width, 3)` in 0..255.
            instance_map: the same size, integers 0..65535, or None.
            style_photo: uint8 `(height, width, 3)`, the photo whose style is
                used, for a model with an encoder.
            style_map: uint8 `(height, width, style_channels)`, 0..255 for
                [-1, 1], with 1 or 3 channels, for a model that takes one.

        Returns:
            uint8 `(height, width, 3)`.

        Raises:
            ServingError: if the server refuses or does not answer in time.
            ValueError: if a PNG cannot hold an argument.
        """
        files = _encode(
            label_map=label_map,
            instance_map=instance_map,
            style_photo=style_photo,
            style_map=style_map,
        )
        return _decode(self.synthesize_files(files))

    def synthesize_files(self, files):
        """Synthesizes a photograph from image files.

        Args:
            files: dict from names of inputs of the signature `synthesize_png`
                to bytes: `label_bytes`, `instance_bytes` (empty for none), and
                `photo_bytes` or `style_bytes` for a model that takes them.

        Returns:
            bytes, the photograph as PNG or JPEG.

        Raises:
            ServingError: as in `synthesize`.
        """
        return self._ask_for_image("synthesize_png", _as_batch(files))

    def encode(self, label_map, instance_map, photo):
        """Encodes the styles of a photo, for a model with an encoder.

        Args:
            label_map: as in `synthesize`.
            instance_map: as in `synthesize`.
            photo: uint8 `(height, width, 3)`.

        Returns:
            Dict from the id of each instance to its style, float32
            `(style_channels,)` in [-1, 1]. The ids are those of classes if the
            encoder has one style per class, or there is no instance map.

        Raises:
            ServingError: as in `synthesize`.
            ValueError: as in `synthesize`.
        """
        files = _encode(
            label_map=label_map, instance_map=instance_map, photo=photo
        )
        answer = self._ask(
            "encode_png",
            _as_batch(files),
            {"style_instances": "int32", "style_vectors": "float32"},
        )
        ids, vectors = answer["style_instances"], answer["style_vectors"]
        if ids.ndim != 1 or vectors.shape[:-1] != ids.shape:
            raise wrong_answer(answer, answer)
        return dict(zip(ids.tolist(), vectors, strict=True))

    def synthesize_with_style(
        self, label_map, instance_map=None, styles=None, seed=0
    ):
        """Synthesizes a photograph with chosen styles.

        Args:
            label_map: `(height, width)`, integers, class ids.
            instance_map: `(height, width)`, integers 0..65535, or None.
            styles: dict from an id, int as in `encode`, to a style,
                `(style_channels,)` in [-1, 1], or to the index of a cluster of
                the instance's class, int. Ids that are not in the maps are
                ignored, so instances may be removed after `encode`.
            seed: int32, draws a cluster for every other instance. Defaults to
                0. A model without clusters gives these a style of zeros. The
                same seed draws the same clusters in the model's `synthesize`.

        Returns:
            uint8 `(height, width, 3)`.

        Raises:
            ServingError: as in `synthesize`.
            ValueError: as in `synthesize`, or if a style is neither a vector of
                that length in [-1, 1] nor an index.
        """
        files = _encode(label_map=label_map, instance_map=instance_map)
        seed = np.array([_as_int32("`seed`", seed)], "int32")
        deadline = self._deadline()
        # Not cached: the server may have switched to another version.
        description = self._describe(deadline)
        styles = _as_styles(
            styles or {},
            description["style_channels"],
            # Exports of earlier versions limit all styles so.
            description.get("style_limit", 1.0),
        )
        inputs = {**_as_batch(files), **styles, "seed": seed}
        return _decode(
            self._ask_for_image("synthesize_with_style_png", inputs, deadline)
        )

    def describe(self):
        """Returns the description of the model.

        Returns:
            Dict: `labels` with names and colors, `num_labels`, `signatures`
            with the names of their inputs, `max_pixels`, `style_channels`,
            `versions` and more.

        Raises:
            ServingError: as in `synthesize`.
        """
        return self._describe(self._deadline())

    def map(self, function, items, concurrency=4):
        """Calls a function on several items at the same time.

        Args:
            function: function of one item that uses this client.
            items: iterable. An item is taken when its call can start.
            concurrency: int >= 1, the number of simultaneous calls. Defaults
                to 4.

        Yields:
            Pairs of an item and its result, or the `ServingError`, `OSError` or
            `ValueError` that its call raised, in order of completion.

        Raises:
            ValueError: if `concurrency` is less than 1.
        """
        if concurrency < 1:
            raise ValueError(
                f"`concurrency` must be at least 1. Received: {concurrency}"
            )
        items = iter(items)
        waiting = {}
        pool = concurrent.futures.ThreadPoolExecutor(concurrency)
        try:
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
        finally:
            # A consumer that stops early does not wait for calls in progress.
            pool.shutdown(wait=False, cancel_futures=True)

    def _describe(self, deadline):
        answer = self._ask(
            "describe", {"request": [b""]}, {"description": object}, deadline
        )
        text = _take_only(answer, "description")
        try:
            return parse_description(text)
        except ValueError as error:
            raise ServingError(
                "UNKNOWN", f"The answer is not a description. {error}"
            ) from error

    def _ask_for_image(self, signature, inputs, deadline=None):
        answer = self._ask(signature, inputs, {"image_bytes": object}, deadline)
        return _take_only(answer, "image_bytes")

    def _report(self, error, deadline):
        """Warns that a request is retried, unless it was said just now."""
        now = time.monotonic()
        if now >= self._next_report:
            self._next_report = now + _REPORT_INTERVAL
            logging.warning(
                "No answer from %s yet (%s). Retrying for %.3g s.",
                self.url,
                error.message,
                deadline - now,
            )

    def _deadline(self):
        return time.monotonic() + self._timeout

    def _ask(self, signature, inputs, outputs, deadline=None):
        """Returns the outputs of a signature as arrays of the given dtypes."""
        if deadline is None:
            deadline = self._deadline()
        wait = _FIRST_WAIT
        for attempt in range(self._retries + 1):
            if self._closed.is_set():
                raise ValueError("This client is closed. Make a new one.")
            left = deadline - time.monotonic()
            try:
                return self._call(signature, inputs, outputs, left)
            except ServingError as error:
                is_last = attempt == self._retries
                if error.code not in _TRANSIENT or is_last:
                    raise
                # Random, so that clients do not retry all at once.
                pause = wait * random.uniform(0.5, 1.5)
                if time.monotonic() + pause >= deadline:
                    raise
                self._report(error, deadline)
                self._closed.wait(pause)
                wait = min(2 * wait, _LONGEST_WAIT)


def _encode(**arrays):
    """Returns arrays as PNG files, by the names of the signatures' inputs."""
    for name in ("label_map", "instance_map"):
        if arrays.get(name) is not None:
            # An image of one channel would be encoded in 8 bits.
            arrays[name] = drop_channel(np.asarray(arrays[name]))
    for name in ("photo", "style_photo", "style_map"):
        if arrays.get(name) is not None:
            image = np.asarray(arrays[name])
            check_integer_array(
                f"`{name}`", image, "Scale it to 0..255, and convert to uint8."
            )
            image = as_integers(f"`{name}`", image, 255)
            arrays[name] = image.astype("uint8")
    return {"instance_bytes": b""} | {
        # Compressed fast rather than small, as it is sent only once.
        f"{_input_name(name)}_bytes": encode_png(
            f"`{name}`", array, compress_level=1
        )
        for name, array in arrays.items()
        if array is not None
    }


def _input_name(argument):
    """Returns the part before `_bytes` in the name of a signature's input."""
    if argument == "style_photo":
        return "photo"
    return argument.removesuffix("_map")


def _decode(contents):
    try:
        with Image.open(io.BytesIO(contents)) as image:
            return np.asarray(image.convert("RGB"))
    except (OSError, Image.DecompressionBombError) as error:
        raise ServingError(
            "UNKNOWN", f"The answer is not an image: {contents[:100]!r}"
        ) from error


def _take_only(answer, name):
    """Returns the bytes of an output that holds one example."""
    values = answer[name]
    if values.shape != (1,) or not isinstance(values[0], bytes):
        raise wrong_answer(answer, answer)
    return values[0]


def _as_batch(files):
    return {name: [contents] for name, contents in files.items()}


def _as_styles(styles, num_channels, limit):
    """Returns styles as inputs of a signature, for a batch of one."""
    # Starts with an id that no instance has: an empty list has no shape in
    # JSON.
    ids, clusters = [-1], [-1]
    vectors = [np.zeros(num_channels)]
    for instance, style in styles.items():
        ids.append(_as_int32("An id of `styles`", instance))
        is_number = isinstance(style, (int, np.integer))
        if is_number and 0 <= style < 2**31:
            clusters.append(style)
            vectors.append(vectors[0])
        elif _is_vector(style, num_channels, limit):
            clusters.append(-1)
            vectors.append(style)
        else:
            values = f"in [-{limit:g}, {limit:g}]" if limit else "all finite"
            raise ValueError(
                f"`styles[{instance}]` must be the index of a cluster, at "
                f"least 0, or {num_channels} floats, {values}. Received: "
                f"{style!r}"
            )
    return {
        "style_instances": np.array([ids], "int32"),
        "style_vectors": np.array([vectors], "float32"),
        "style_clusters": np.array([clusters], "int32"),
    }


def _is_vector(style, num_channels, limit):
    try:
        style = np.asarray(style, "float32")
    except (TypeError, ValueError):
        return False
    if style.shape != (num_channels,) or not np.isfinite(style).all():
        return False
    return limit is None or np.abs(style).max() <= limit


def _as_int32(name, value):
    is_int = isinstance(value, (int, np.integer))
    if not is_int or not -(2**31) <= value < 2**31:
        raise ValueError(f"{name} must be an int32. Received: {value!r}")
    return int(value)
