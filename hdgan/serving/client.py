"""Asking a TF Serving server for photographs."""

import concurrent.futures
import io
import json
import random
import time

import numpy as np
from PIL import Image

from hdgan.data.image_files import as_integers, encode_png
from hdgan.serving.transports import (
    GrpcTransport,
    RestTransport,
    ServingError,
)

# By gRPC's names: another try may succeed.
_PASSING = ("UNAVAILABLE", "RESOURCE_EXHAUSTED", "ABORTED")
_FIRST_WAIT = 0.2
_LONGEST_WAIT = 10.0


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
        self, url, model="hdgan", version=None, timeout=60.0, retries=50
    ):
        kind, _, address = url.partition("://")
        if kind in ("http", "https") and address:
            self._call = RestTransport(url.rstrip("/"), model, version)
        elif kind == "grpc" and address:
            self._call = GrpcTransport(address, model, version)
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
            ValueError: if an argument holds what no PNG holds.
        """
        arguments = {
            "label_map": label_map,
            "instance_map": instance_map,
            "photo": photo,
            "feature_map": feature_map,
        }
        for name in ("photo", "feature_map"):
            if arguments[name] is not None:
                image = as_integers(f"`{name}`", arguments[name], 255)
                arguments[name] = image.astype("uint8")
        files = {"instance_bytes": b""} | {
            # Fast rather than small: it is sent once.
            f"{name.removesuffix('_map')}_bytes": encode_png(
                f"`{name}`", array, compress_level=1
            )
            for name, array in arguments.items()
            if array is not None
        }
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
            ValueError: if an argument is of another kind or out of range.
        """
        inputs = {
            **_as_maps(label_map, instance_map),
            "photo": as_integers("`photo`", photo, 255)[None].astype("uint8"),
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
            ValueError: as of `encode`.
        """
        if self._style_channels is None:
            description = json.loads(self.describe())
            self._style_channels = description["style_channels"]
        # One that no instance has, so that the list is never empty.
        styles = {-1: -1, **_check_styles(styles or {}, self._style_channels)}
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
        answer = self._ask("describe", {"request": [b""]}, ["description"])
        # By gRPC bytes, by REST text.
        (description,) = answer["description"]
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


def _check_styles(styles, num_channels):
    for instance, style in styles.items():
        shape = np.shape(style)
        is_cluster = shape == () and np.issubdtype(
            np.asarray(style).dtype, np.integer
        )
        if is_cluster and style >= 0:
            continue
        if shape != (num_channels,):
            raise ValueError(
                f"`styles[{instance}]` must be the number of a cluster, at "
                f"least 0, or {num_channels} floats in [-1, 1]. Received: "
                f"{style!r}"
            )
    return styles


def _as_maps(label_map, instance_map):
    label_map = as_integers("`label_map`", label_map, 255)
    if instance_map is None:
        instance_map = np.zeros(label_map.shape[:2], "int32")
    instance_map = as_integers("`instance_map`", instance_map, 2**31 - 1)
    return {
        "label_map": label_map[None].astype("uint8"),
        "instance_map": instance_map[None].astype("int32"),
    }
