"""Photos in served graphs are turned upright by their Exif orientation."""

import io
import struct
import zlib

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps
from shared_exports import ask, assert_near, read_image, to_files
from tiny_models import inputs_for, synthesize

from hdgan.data.image_files import encode_png

SIZE = 17, 33
XMP = b"http://ns.adobe.com/xap/1.0/\0<x/>"


def _make_exif(order, value, tag=0x0112, kind=3, count=1):
    """Makes Exif data with other entries around the orientation.

    The thumbnail has the orientation 3.

    Args:
        order: `"<"` or `">"`, the order of bytes in numbers.
        value: int, the orientation.
        tag: int, its tag. Defaults to that of the standard.
        kind: int, its type. Defaults to two bytes.
        count: int, the number of its values. Defaults to 1.
    """

    def entry(tag, kind, count, value):
        number = {3: "H2x", 4: "I"}[kind]
        return struct.pack(f"{order}HHI{number}", tag, kind, count, value)

    entries = [
        entry(0x0100, 4, 1, 0x01120003),
        entry(0x0103, 3, 1, 0x0112),
        entry(tag, kind, count, value),
        entry(0x0213, 3, 1, 1),
    ]
    thumbnail = 8 + 2 + 12 * len(entries) + 4
    return b"".join(
        [
            {"<": b"II", ">": b"MM"}[order],
            struct.pack(f"{order}HIH", 42, 8, len(entries)),
            *entries,
            struct.pack(f"{order}IH", thumbnail, 1),
            entry(0x0112, 3, 1, 3),
            bytes(4),
        ]
    )


def _encode(pixels, file_format):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, file_format)
    return buffer.getvalue()


def _make_segment(data):
    """Makes a segment APP1 of a JPEG."""
    return b"\xff\xe1" + struct.pack(">H", len(data) + 2) + data


def _add_segments(jpeg, *segments):
    """Adds segments to a JPEG, after its first one."""
    place = 4 + struct.unpack(">H", jpeg[4:6])[0]
    return jpeg[:place] + b"".join(segments) + jpeg[place:]


def _add_chunk(png, name, data, place=33):
    """Adds a chunk to a PNG, by default after its header."""
    chunk = struct.pack(">I", len(data)) + name + data
    chunk += struct.pack(">I", zlib.crc32(name + data))
    return png[:place] + chunk + png[place:]


def _add_exif(contents, exif):
    if contents.startswith(b"\x89PNG"):
        return _add_chunk(contents, b"eXIf", exif)
    # XMP is in a segment of the same kind.
    return _add_segments(
        contents, _make_segment(XMP), _make_segment(b"Exif\0\0" + exif)
    )


def _turn(contents):
    """Returns the photo as Pillow turns it."""
    with Image.open(io.BytesIO(contents)) as image:
        return np.asarray(ImageOps.exif_transpose(image))


def _assert_synthesizes(export, files, photos):
    """Asserts that one request with the files gives these photos' output."""
    answer = export.signatures["synthesize_png"](
        label_bytes=tf.constant(files),
        instance_bytes=tf.constant([b""] * len(files)),
    )
    images = answer["image_bytes"].numpy()
    for contents, photo in zip(images, photos, strict=True):
        image = np.asarray(Image.open(io.BytesIO(contents)))
        assert_near(image, export.model.synthesize(photo))


@pytest.fixture
def pixels():
    shape = (*SIZE, 3)
    return np.random.default_rng(0).integers(0, 256, shape, "uint8")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("file_format", ["PNG", "JPEG"])
def test_rgb_inputs_are_turned_as_pillow_turns_them(
    exports, pixels, file_format, order
):
    contents = _encode(pixels, file_format)
    files = [
        _add_exif(contents, _make_exif(order, orientation))
        for orientation in range(1, 9)
    ]
    photos = [_turn(file) for file in files]
    assert [photo.shape[:2] for photo in photos] == [SIZE] * 4 + [
        SIZE[::-1]
    ] * 4
    _assert_synthesizes(exports["rgb"], files, photos)


def test_exif_may_be_the_first_segment(exports, pixels):
    jpeg = _encode(pixels, "JPEG")
    segment = _make_segment(b"Exif\0\0" + _make_exif("<", 6))
    contents = jpeg[:2] + segment + jpeg[2:]
    photo = _turn(contents)
    assert photo.shape[:2] == SIZE[::-1]
    _assert_synthesizes(exports["rgb"], [contents], [photo])


_GOOD = _make_exif(">", 6)
_DAMAGED = [
    b"",
    # No order of bytes; cut short.
    b"XX" + _GOOD[2:],
    _GOOD[:35],
    # The directory is beyond the end, or just before it.
    _GOOD[:4] + b"\xff\xff\xff\xf0" + _GOOD[8:],
    _GOOD[:7] + bytes([len(_GOOD) - 1]) + _GOOD[8:],
    _make_exif(">", 0),
    _make_exif("<", 9),
    _make_exif("<", 0xFFFF),
    # Several orientations, or only that of the thumbnail.
    _make_exif("<", 6, count=3),
    _make_exif(">", 6, tag=0x0111),
    np.random.default_rng(1).bytes(300),
]


@pytest.mark.parametrize("file_format", ["PNG", "JPEG"])
def test_damaged_exif_and_exif_in_texts_are_ignored(
    exports, pixels, file_format
):
    contents = _encode(pixels, file_format)
    files = [_add_exif(contents, exif) for exif in _DAMAGED]
    if file_format == "PNG":
        text = b"Comment\0" + _add_chunk(b"", b"eXIf", _GOOD, 0)
        files.append(_add_chunk(contents, b"tEXt", text))
    else:
        segment = _make_segment(XMP + b"Exif\0\0" + _GOOD)
        files.append(_add_segments(contents, segment))
    with Image.open(io.BytesIO(contents)) as image:
        photo = np.asarray(image)
    _assert_synthesizes(exports["rgb"], files, [photo] * len(files))


def test_exif_may_follow_the_pixels_of_a_png(exports, pixels):
    contents = _encode(pixels, "PNG")
    # Before the last chunk.
    contents = _add_chunk(contents, b"eXIf", _GOOD, len(contents) - 12)
    photo = _turn(contents)
    assert photo.shape[:2] == SIZE[::-1]
    _assert_synthesizes(exports["rgb"], [contents], [photo])


def _turned_scene(model):
    """Returns a scene and its files, whose photo is stored unturned."""
    scenes = inputs_for(model, 1, *SIZE)
    files = to_files(scenes)
    # A quarter counterclockwise is undone by orientation 6.
    stored = np.rot90(scenes["photo"][0])
    files["photo_bytes"] = _add_exif(
        encode_png("photo", stored), _make_exif("<", 6)
    )
    return scenes, files


def test_photos_are_turned_before_their_style_is_found(exports):
    export = exports["encoder"]
    scenes, files = _turned_scene(export.model)
    answer = ask(export.signatures["synthesize_png"], **files)
    assert_near(read_image(answer), synthesize(export.model, scenes)[0])
    styles = export.signatures["encode"](
        **{name: tf.constant(array) for name, array in scenes.items()}
    )
    turned = ask(export.signatures["encode_png"], **files)
    np.testing.assert_allclose(
        turned["style_vectors"], styles["style_vectors"], atol=1e-5
    )


def test_maps_that_fit_the_stored_photo_alone_are_refused(exports):
    export = exports["encoder"]
    _, files = _turned_scene(export.model)
    for name in ("label", "instance"):
        array = inputs_for(export.model, 1, *SIZE[::-1])[f"{name}_map"][0]
        files[f"{name}_bytes"] = encode_png(name, array)
    with pytest.raises(
        tf.errors.InvalidArgumentError, match=r"`photo_bytes`.*Exif orientation"
    ):
        ask(export.signatures["synthesize_png"], **files)
