"""Asking a TF Serving server for photographs."""

import concurrent.futures
import io
import random
import threading
import time

import numpy as np
from PIL import Image

from hdgan.data.image_files import as_integers, encode_png
from hdgan.serving.description import parse_description
from hdgan.serving.transports import (
    GrpcTransport,
    RestTransport,
    ServingError,
    wrong_answer,
)

# By gRPC's names: another try may succeed.
_PASSING = ("UNAVAILABLE", "RESOURCE_EXHAUSTED", "ABORTED")
_FIRST_WAIT = 0.2
_LONGEST_WAIT = 10.0
# Sockets and threads take no more than some.
_LONGEST_TIMEOUT = 1e6


class Client:
    """Asks a server of a model that `hdgan` exported.

    Images travel as PNG or JPEG. What may pass, such as a server that starts or
    has too much to do, is tried again, each time after a longer wait. Threads
    may share a client. It is closed by `close`, or as a context.

    Args:
        url: `"http://host:8501"`, `"https://..."` for REST, or
            `"grpc://host:8500"` for gRPC, which needs tensorflow-serving-api.
        model: str, the name that the server gives it.
        version: int >= 0; None is the one that the server takes.
        timeout: float in (0, 1e6], seconds that an answer may take, all tries
            together.
        retries: int >= 0, tries after the first.

    Raises:
        ValueError: if the URL is of another kind, a number is out of its range,
            or what gRPC needs is not installed.

    Example:
        >>> with hdgan.serving.Client("http://localhost:8501") as client:
        ...     photo = client.synthesize(label_map, instance_map)
    """

    def __init__(
        self, url, model="hdgan", version=None, timeout=60.0, retries=50
    ):
        kind, _, address = str(url).rstrip("/").partition("://")
        # Before anything is opened. NaN is not above 0 either.
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
        self._timeout = timeout
        self._retries = retries
        self._closed = threading.Event()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Ends the connections; requests that go on end in an error."""
        self._closed.set()
        self._call.close()

    def synthesize(
        self, label_map, instance_map=None, photo=None, style_map=None
    ):
        """Makes a photograph of a label map.

        Args:
            label_map: `(height, width)`, integers, ids of classes; without
                labels an RGB image, uint8 `(height, width, 3)`.
            instance_map: `(height, width)`, integers 0..65535, or None.
            photo: uint8 `(height, width, 3)`, of a model with an encoder.
            style_map: uint8, 0..255 for [-1, 1], `(height, width,
                style_channels)` of 1 or 3 channels, of a model that takes one.

        Returns:
            uint8 `(height, width, 3)`.

        Raises:
            ServingError: if the server refuses, or doesn't answer in time.
            ValueError: if an argument holds what no PNG holds.
        """
        files = _encode(
            label_map=label_map,
            instance_map=instance_map,
            photo=photo,
            style_map=style_map,
        )
        return _decode(self.synthesize_files(files))

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
        return self._ask_for_image("synthesize_png", _as_batch(files))

    def encode(self, label_map, instance_map, photo):
        """Finds the styles of a photo, of a model with an encoder.

        Args:
            label_map: `(height, width)`, integers, ids of classes; without
                labels an RGB image, uint8 `(height, width, 3)`.
            instance_map: `(height, width)`, integers 0..65535, or None.
            photo: uint8 `(height, width, 3)`.

        Returns:
            Dict from each instance's id (each class's, where the encoder has
            one style per class, or there are no instances) to its style,
            float32 `(style_channels,)` in [-1, 1].

        Raises:
            ServingError: as of `synthesize`.
            ValueError: as of `synthesize`.
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
        """Makes a photograph with styles of one's choice.

        Args:
            label_map: `(height, width)`, integers, ids of classes.
            instance_map: `(height, width)`, integers 0..65535, or None.
            styles: dict from an id, int as of `encode`, to its style,
                `(style_channels,)` in [-1, 1], or to the number of one of its
                class's clusters, int. Ids that the maps don't hold are passed
                over: an instance may have been taken away since.
            seed: int32, which draws clusters for the other instances, other
                ones than the same seed of `Pix2PixHD.synthesize` would. A
                model without clusters gives those a style of zeros.

        Returns:
            uint8 `(height, width, 3)`.

        Raises:
            ServingError: as of `synthesize`.
            ValueError: as of `synthesize`, or if a style is none.
        """
        files = _encode(label_map=label_map, instance_map=instance_map)
        seed = np.array([_as_int32("`seed`", seed)], "int32")
        deadline = self._deadline()
        # Each time: the server may have gone on to another version.
        num_channels = self._describe(deadline)["style_channels"]
        styles = _as_styles(styles or {}, num_channels)
        inputs = {**_as_batch(files), **styles, "seed": seed}
        return _decode(
            self._ask_for_image("synthesize_with_style_png", inputs, deadline)
        )

    def describe(self):
        """Returns what the model says of itself.

        Returns:
            Dict: `labels` with names and colours, `num_labels`, `signatures`
            with the names of their inputs, `max_pixels`, `style_channels`,
            `versions` and more.

        Raises:
            ServingError: as of `synthesize`.
        """
        return self._describe(self._deadline())

    def map(self, function, items, concurrency=4):
        """Calls a function of several items at a time.

        Args:
            function: of an item, which asks this client.
            items: iterable; of them only as many are taken as are worked on.
            concurrency: int >= 1, at the same time.

        Yields:
            Each item with its result, or with the `ServingError`, `OSError` or
            `ValueError` that came of it, in the order in which they are done.

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
            # Whoever stops early does not wait for what goes on.
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
                "UNKNOWN", f"The answer is none: {error}"
            ) from error

    def _ask_for_image(self, signature, inputs, deadline=None):
        answer = self._ask(signature, inputs, {"image_bytes": object}, deadline)
        return _take_only(answer, "image_bytes")

    def _deadline(self):
        return time.monotonic() + self._timeout

    def _ask(self, signature, inputs, outputs, deadline=None):
        """Returns the outputs, arrays of the dtypes that are given by name."""
        if deadline is None:
            deadline = self._deadline()
        wait = _FIRST_WAIT
        for attempt in range(self._retries + 1):
            if self._closed.is_set():
                raise ValueError("This client is closed. Make another.")
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
                self._closed.wait(pause)
                wait = min(2 * wait, _LONGEST_WAIT)


def _encode(**arrays):
    """Returns the files of arrays, by the names of a server's inputs."""
    for name in ("photo", "style_map"):
        if arrays.get(name) is not None:
            image = as_integers(f"`{name}`", arrays[name], 255)
            arrays[name] = image.astype("uint8")
    return {"instance_bytes": b""} | {
        # Fast rather than small: it is sent once.
        f"{name.removesuffix('_map')}_bytes": encode_png(
            f"`{name}`", array, compress_level=1
        )
        for name, array in arrays.items()
        if array is not None
    }


def _decode(contents):
    try:
        with Image.open(io.BytesIO(contents)) as image:
            return np.asarray(image.convert("RGB"))
    except (OSError, Image.DecompressionBombError) as error:
        raise ServingError(
            "UNKNOWN", f"The answer holds no image: {contents[:100]!r}"
        ) from error


def _take_only(answer, name):
    """Returns the bytes of an output of one example."""
    values = answer[name]
    if values.shape != (1,) or not isinstance(values[0], bytes):
        raise wrong_answer(answer, answer)
    return values[0]


def _as_batch(files):
    return {name: [contents] for name, contents in files.items()}


def _as_styles(styles, num_channels):
    """Returns styles as the inputs of a server, a batch of one."""
    # One that no instance has, so that the list is never empty.
    ids, clusters = [-1], [-1]
    vectors = [np.zeros(num_channels)]
    for instance, style in styles.items():
        ids.append(_as_int32("An id of `styles`", instance))
        is_number = isinstance(style, (int, np.integer))
        if is_number and 0 <= style < 2**31:
            clusters.append(style)
            vectors.append(vectors[0])
        elif _is_vector(style, num_channels):
            clusters.append(-1)
            vectors.append(style)
        else:
            raise ValueError(
                f"`styles[{instance}]` must be the number of a cluster, at "
                f"least 0, or {num_channels} floats in [-1, 1]. Received: "
                f"{style!r}"
            )
    return {
        "style_instances": np.array([ids], "int32"),
        "style_vectors": np.array([vectors], "float32"),
        "style_clusters": np.array([clusters], "int32"),
    }


def _is_vector(style, num_channels):
    try:
        style = np.asarray(style, "float32")
    except (TypeError, ValueError):
        return False
    # Of no number nothing is true.
    return style.shape == (num_channels,) and np.all(np.abs(style) <= 1)


def _as_int32(name, value):
    is_int = isinstance(value, (int, np.integer))
    if not is_int or not -(2**31) <= value < 2**31:
        raise ValueError(f"{name} must be an int32. Received: {value!r}")
    return int(value)
