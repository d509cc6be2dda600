"""Invalid requests to a served model, and the messages that refuse them."""

import functools
import io
import pathlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from shared_exports import ask

from hdgan.data.image_files import encode_png
from hdgan.serving.checks import refuse_first, too_large

_png = functools.partial(encode_png, "a map")
GRAY = _png(np.zeros((8, 8), "uint8"))
PALETTE = io.BytesIO()
Image.fromarray(np.zeros((8, 8), "uint8")).convert("P").save(PALETTE, "PNG")


def _assert_refused(signature, message, **files):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        ask(signature, **files)


@pytest.mark.parametrize(
    ("label", "instance", "message"),
    [
        (b"", b"", "`label_bytes` is not a PNG"),
        (b"P", b"", "`label_bytes` is not a PNG"),
        (b"<html>not a picture</html>", b"", "`label_bytes` is not a PNG"),
        (GRAY, b"GIF89a", "`instance_bytes` is not a PNG"),
        (_png(np.zeros((8, 8, 3), "uint8")), b"", "not a gray PNG of 8 or 16"),
        (PALETTE.getvalue(), b"", "not a gray PNG of 8 or 16"),
        (GRAY[:-20], b"", "`label_bytes` is cut short. Send the whole"),
        (GRAY, GRAY[:30], "`instance_bytes` is cut short"),
        # With several problems, the first is reported.
        (GRAY[:20], b"", "`label_bytes` is cut short"),
        (_png(np.zeros((50, 50, 3), "uint8")), b"", "not a gray PNG of 8 or"),
        (_png(np.full((8, 8), 5, "uint8")), b"", "outside 0..4.*5 classes"),
        (_png(np.full((8, 8), 256, "uint16")), b"", "outside 0..4"),
        (GRAY, _png(np.zeros((8, 9), "uint8")), "differ in batch, height"),
        (_png(np.zeros((50, 50), "uint8")), b"", "larger than the 2000 pix"),
    ],
)
def test_bad_files_are_refused_clearly(exports, label, instance, message):
    _assert_refused(
        exports["labels"].signatures["synthesize_png"],
        message,
        label_bytes=label,
        instance_bytes=instance,
    )


@pytest.mark.parametrize("extra", [b"\xff\x00 added by hand", bytes(10_000)])
def test_bytes_after_the_end_of_a_png_are_ignored(exports, extra):
    signature = exports["labels"].signatures["synthesize_png"]
    answers = [
        ask(signature, label_bytes=contents, instance_bytes=b"")["image_bytes"]
        for contents in (GRAY, GRAY + extra)
    ]
    assert answers[0] == answers[1]


@pytest.mark.parametrize("end", [-20, 40])
def test_a_truncated_photo_is_refused(exports, end):
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (8, 8, 3), "uint8")
    Image.fromarray(noise).save(buffer, "JPEG")
    for photo, message in (
        (_png(noise), "`photo_bytes` is cut short"),
        (buffer.getvalue(), "JPEG"),
    ):
        _assert_refused(
            exports["encoder"].signatures["synthesize_png"],
            message,
            label_bytes=GRAY,
            instance_bytes=b"",
            photo_bytes=photo[:end],
        )


def test_a_photo_in_another_format_is_refused(exports):
    _assert_refused(
        exports["encoder"].signatures["synthesize_png"],
        "`photo_bytes` is not a PNG or JPEG",
        label_bytes=GRAY,
        instance_bytes=b"",
        photo_bytes=b"BM",
    )


def test_sizes_whose_product_overflows_32_bits_are_refused(exports):
    # 65536 x 65536 is 0 in 32 bits.
    huge = bytearray(GRAY)
    huge[16:24] = 2 * (65536).to_bytes(4, "big")
    _assert_refused(
        exports["labels"].signatures["synthesize_png"],
        "larger than",
        label_bytes=bytes(huge),
        instance_bytes=b"",
    )
    # The check alone, as such an array would need gigabytes.
    with pytest.raises(tf.errors.InvalidArgumentError, match="It is larger"):
        refuse_first(too_large("It", (1, 65536, 65536), 9))


def test_different_numbers_of_files_are_refused(exports):
    signature = exports["labels"].signatures["synthesize_png"]
    for labels, instances in (([GRAY], [b"", b""]), ([GRAY, GRAY], [b""])):
        with pytest.raises(tf.errors.InvalidArgumentError, match="in number"):
            signature(
                label_bytes=tf.constant(labels),
                instance_bytes=tf.constant(instances),
            )


@pytest.mark.parametrize("kind", ["label", "instance", "photo"])
def test_a_small_file_of_a_huge_image_is_not_decoded(exports, kind):
    signature = exports["encoder"].signatures["synthesize_png"]
    buffer = io.BytesIO()
    # Decoded, the image would take 300 MB or more.
    if kind == "photo":
        Image.new("RGB", (10000, 10000)).save(buffer, "JPEG")
    else:
        Image.new("1", (20000, 20000)).convert("L").save(buffer, "PNG")
    files = {
        "label_bytes": GRAY,
        "instance_bytes": b"",
        "photo_bytes": _png(np.zeros((8, 8, 3), "uint8")),
    } | {f"{kind}_bytes": buffer.getvalue()}
    # Resets the peak of this process's memory.
    pathlib.Path("/proc/self/clear_refs").write_text("5")
    before = _peak_kilobytes()
    _assert_refused(signature, f"{kind}_bytes` is larger than", **files)
    assert _peak_kilobytes() - before < 100_000


def _peak_kilobytes():
    status = pathlib.Path("/proc/self/status").read_text()
    (line,) = (li for li in status.splitlines() if li.startswith("VmHWM"))
    return int(line.split()[1])


@pytest.mark.parametrize(
    ("shape", "instance_shape", "message"),
    [
        ((1, 0, 8), (1, 0, 8), "`label_map` is empty"),
        ((0, 8, 8), (0, 8, 8), "`label_map` is empty"),
        ((1, 8, 8), (1, 8, 9), "`instance_map` and `label_map` differ"),
        ((2, 8, 8), (1, 8, 8), "`instance_map` and `label_map` differ"),
        ((1, 50, 50), (1, 50, 50), "larger than the 2000 pixels"),
        # Only the whole batch is too large.
        ((4, 20, 30), (4, 20, 30), "larger than the 2000 pixels"),
        # One map with channels, and without the axis of the batch.
        ((16, 32, 1), (16, 32, 1), "leave out the one of channels"),
        ((16, 32, 3), (16, 32, 3), "leave out the one of channels"),
    ],
)
def test_bad_arrays_are_refused_clearly(
    exports, shape, instance_shape, message
):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        exports["labels"].signatures["serving_default"](
            label_map=tf.zeros(shape, tf.uint8),
            instance_map=tf.zeros(instance_shape, tf.int32),
        )


@pytest.mark.parametrize(
    "label_map",
    [np.zeros((1, 8, 8), "float32"), np.zeros((1, 8, 8, 1), "uint8")],
    ids=["floats", "channel"],
)
def test_another_dtype_or_rank_is_refused(exports, label_map):
    signature = exports["labels"].loaded.signatures["serving_default"]
    with pytest.raises((TypeError, ValueError, tf.errors.OpError)):
        signature(
            label_map=tf.constant(label_map),
            instance_map=tf.zeros((1, 8, 8), tf.int32),
        )
