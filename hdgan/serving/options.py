"""The options of an export."""

import dataclasses

IMAGE_FORMATS = ("png", "jpeg")
DEVICES = ("cpu", "gpu")


@dataclasses.dataclass(frozen=True)
class ServingOptions:
    """How an exported model serves.

    Args:
        image_format: `"png"` or `"jpeg"`, the file format of the photographs
            that the model returns as files. Defaults to `"png"`.
        jpeg_quality: int in 1..100. Defaults to 95.
        max_pixels: int in 1..2**31 - 1, the largest number of pixels that the
            model accepts, in one file or in all label maps of a batch of
            arrays. It bounds the memory and time of a request. Defaults to
            2**23.
        fixed_sizes: tuple of `(width, height)`. Each gets a signature of its
            own, for servers that batch requests. Defaults to none.
        warmup_sizes: tuple of `(width, height)`. The server runs each signature
            at these sizes before it is ready. Needs tensorflow-serving-api.
            Defaults to none.
        device: `"cpu"` or `"gpu"`, the device that the graph is optimized for;
            it runs on the other one too. Defaults to `"gpu"` if this machine
            has one, else `"cpu"`.

    Raises:
        ValueError: if an argument is out of range, or `warmup_sizes` is given
            without tensorflow-serving-api.
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
                    "`fixed_sizes` and `warmup_sizes` must hold pairs of width "
                    f"and height, each at least 1. Received: {size}"
                )
            if size[0] * size[1] > self.max_pixels:
                raise ValueError(
                    f"The size {size[0]}x{size[1]} has more pixels than "
                    f"`max_pixels`, {self.max_pixels}. Increase `max_pixels`, "
                    "or choose a smaller size."
                )


def _check_warmup_protos():
    try:
        import tensorflow_serving.apis.prediction_log_pb2  # noqa: F401
    except ImportError as error:
        raise ValueError(
            "Warm-up requests need tensorflow-serving-api, which is not "
            "installed: pip install 'tensorflow-serving-api~=2.21.0'. Or "
            "export without `warmup_sizes`."
        ) from error
