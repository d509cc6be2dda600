"""How a model is to be served."""

import dataclasses

IMAGE_FORMATS = ("png", "jpeg")
DEVICES = ("cpu", "gpu")


@dataclasses.dataclass(frozen=True)
class ServingOptions:
    """How a model is to be served.

    Args:
        image_format: `"png"` or `"jpeg"`, of the images that come encoded.
        jpeg_quality: int in 1..100.
        max_pixels: int, the most pixels that are accepted, of a file, or of
            all label maps of a batch of arrays; memory and time grow with them.
        fixed_sizes: tuple of `(width, height)`, each of which gets a signature
            of its own, for servers that put requests together.
        warmup_sizes: tuple of `(width, height)`; for each the server runs each
            signature before it is ready. Needs tensorflow-serving-api.
        device: `"cpu"` or `"gpu"`, what it is to be fast on; None for what this
            machine has. It runs on either.

    Raises:
        ValueError: if one is out of its range.
    """

    image_format: str = "png"
    jpeg_quality: int = 95
    max_pixels: int = 2**23
    fixed_sizes: tuple = ()
    warmup_sizes: tuple = ()
    device: str | None = None

    def __post_init__(self):
        if self.image_format not in IMAGE_FORMATS:
            raise ValueError(
                f"`image_format` must be one of {IMAGE_FORMATS}. "
                f"Received: {self.image_format!r}"
            )
        if self.device not in (None, *DEVICES):
            raise ValueError(
                f"`device` must be one of {DEVICES} or None. Received: "
                f"{self.device!r}"
            )
        if not 1 <= self.jpeg_quality <= 100:
            raise ValueError(
                f"`jpeg_quality` must be in 1..100. Received: "
                f"{self.jpeg_quality}"
            )
        if not 1 <= self.max_pixels < 2**31:
            raise ValueError(
                "`max_pixels` must be at least 1 and less than 2**31. "
                f"Received: {self.max_pixels}"
            )
        if self.warmup_sizes:
            _check_warmup_protos()
        for size in (*self.fixed_sizes, *self.warmup_sizes):
            if len(size) != 2 or min(size) < 1:
                raise ValueError(
                    "`fixed_sizes` and `warmup_sizes` must be pairs of width "
                    f"and height, each at least 1. Received: {size}"
                )
            if size[0] * size[1] > self.max_pixels:
                raise ValueError(
                    f"The size {size[0]}x{size[1]} has more pixels than "
                    f"`max_pixels`, {self.max_pixels}. Raise that."
                )


def _check_warmup_protos():
    try:
        import tensorflow_serving.apis.prediction_log_pb2  # noqa: F401
    except ImportError as error:
        raise ValueError(
            "Warm-up requests need tensorflow-serving-api, which is not "
            "installed: pip install 'hdgan[serving]'. Or export without "
            "`warmup_sizes`."
        ) from error
