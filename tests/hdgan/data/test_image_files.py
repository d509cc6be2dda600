"""Reading, checking and writing image files."""

import os
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, ImageOps

from hdgan.data.image_files import (
    ID_MAP_SUFFIXES,
    PHOTO_SUFFIXES,
    list_images,
    read_id_map,
    read_photo,
    write_png,
)

SHAPE = (13, 21)


def noise(high, dtype, shape=SHAPE):
    """Returns an array that includes 0 and `high`."""
    array = np.random.default_rng(3).integers(0, high + 1, shape, "int64")
    array.flat[:2] = 0, high
    return array.astype(dtype)


def with_palette(indices):
    """Returns a palette image whose colors are unrelated to the indices."""
    image = Image.fromarray(indices, mode="P")
    image.putpalette(np.arange(768)[::-1].astype("uint8").tobytes())
    return image


def cut(path, share=0.6):
    contents = path.read_bytes()
    path.write_bytes(contents[: int(len(contents) * share)])


def assert_names_and_fixes(error, path, *words):
    message = str(error.value)
    assert str(path) in message
    for word in words:
        assert word in message


@pytest.mark.parametrize(
    ("high", "dtype"), [(255, "uint8"), (34, "uint8"), (33005, "uint16")]
)
def test_grey_id_maps_are_read_exactly(tmp_path, high, dtype):
    ids = noise(high, dtype)
    Image.fromarray(ids).save(tmp_path / "ids.png")
    read = read_id_map(tmp_path / "ids.png")
    assert read.dtype == np.int32
    np.testing.assert_array_equal(read, ids)


def test_of_a_palette_image_the_indices_are_the_ids(tmp_path):
    ids = noise(200, "uint8")
    with_palette(ids).save(tmp_path / "ids.png")
    np.testing.assert_array_equal(read_id_map(tmp_path / "ids.png"), ids)


def test_a_one_bit_map_holds_0_and_1(tmp_path):
    ids = noise(1, "uint8")
    Image.fromarray(ids.astype(bool)).save(tmp_path / "ids.png")
    np.testing.assert_array_equal(read_id_map(tmp_path / "ids.png"), ids)


def test_a_label_map_in_colours_is_refused(tmp_path):
    path = tmp_path / "colours.png"
    Image.fromarray(noise(255, "uint8", (*SHAPE, 3))).save(path)
    with pytest.raises(ValueError, match="3 channels") as error:
        read_id_map(path)
    assert_names_and_fixes(error, path, "one channel", "replace each color")


@pytest.mark.parametrize("read", [read_id_map, read_photo])
def test_unreadable_files_are_named(tmp_path, read):
    path = tmp_path / "image.png"
    with pytest.raises(ValueError, match="can't be opened") as error:
        read(path)
    assert_names_and_fixes(error, path, "No such file")
    path.symlink_to(tmp_path / "moved.png")
    with pytest.raises(ValueError, match="a broken link") as error:
        read(path)
    assert_names_and_fixes(error, path)
    path.unlink()

    path.write_text("not an image at all")
    with pytest.raises(ValueError, match="no image") as error:
        read(path)
    assert_names_and_fixes(error, path, "Expected PNG")

    Image.fromarray(noise(255, "uint8", (90, 90))).save(path)
    assert read(path) is not None
    cut(path)
    with pytest.raises(ValueError, match="can't be read") as error:
        read(path)
    assert_names_and_fixes(error, path, "replace it")


def test_gray_photos_are_repeated_over_three_channels(tmp_path):
    grey = noise(255, "uint8")
    Image.fromarray(grey).save(tmp_path / "grey.png")
    photo = read_photo(tmp_path / "grey.png")
    assert photo.dtype == np.uint8
    np.testing.assert_array_equal(photo, np.stack([grey] * 3, axis=-1))


def test_alpha_is_dropped(tmp_path):
    rgba = noise(255, "uint8", (*SHAPE, 4))
    Image.fromarray(rgba).save(tmp_path / "rgba.png")
    np.testing.assert_array_equal(
        read_photo(tmp_path / "rgba.png"), rgba[..., :3]
    )


def test_the_high_byte_of_16_bit_gray_photos_is_read(tmp_path):
    grey = noise(65535, "uint16")
    Image.fromarray(grey).save(tmp_path / "grey.png")
    photo = read_photo(tmp_path / "grey.png")
    np.testing.assert_array_equal(photo[..., 1], grey >> 8)
    # 8 bits that were scaled to 16 come back.
    Image.fromarray(noise(255, "uint16") * 257).save(tmp_path / "grey.png")
    np.testing.assert_array_equal(
        read_photo(tmp_path / "grey.png")[..., 0], noise(255, "uint8")
    )


@pytest.mark.parametrize("has_transparency", [False, True])
def test_palette_photos_are_read_as_colors(tmp_path, has_transparency):
    indices = noise(255, "uint8")
    image = with_palette(indices)
    alpha = {"transparency": bytes(range(256))} if has_transparency else {}
    image.save(tmp_path / "palette.png", **alpha)
    colors = np.arange(768)[::-1].reshape(256, 3).astype("uint8")
    np.testing.assert_array_equal(
        read_photo(tmp_path / "palette.png"), colors[indices]
    )


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.bmp", "a.tif"])
@pytest.mark.parametrize("missing", [1, 2, 4, 20, 3000])
def test_a_photo_that_is_cut_short_is_refused(tmp_path, name, missing):
    path = tmp_path / name
    Image.fromarray(noise(255, "uint8", (60, 88, 3))).save(path)
    assert read_photo(path).shape == (60, 88, 3)
    path.write_bytes(path.read_bytes()[:-missing])
    with pytest.raises(ValueError, match="can't be read") as error:
        read_photo(path)
    assert_names_and_fixes(error, path, "replace it")


def test_a_png_of_half_the_rows_with_right_checksums_is_refused(tmp_path):
    path = tmp_path / "photo.png"
    _write_grey_png(path, noise(255, "uint8", (60, 90)), 8, num_rows=30)
    for read in (read_id_map, read_photo):
        with pytest.raises(ValueError, match="can't be read") as error:
            read(path)
        assert_names_and_fixes(error, path, "replace it")


def test_damage_that_only_a_checksum_shows_is_found(tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(noise(255, "uint8", (60, 90))).save(path, compress_level=0)
    contents = bytearray(path.read_bytes())
    contents[len(contents) // 2] ^= 1
    path.write_bytes(contents)
    with pytest.raises(ValueError, match="can't be read"):
        read_photo(path)


def test_mutated_files_are_read_or_refused_by_name(tmp_path):
    draw = np.random.default_rng(0)
    array = noise(255, "uint8", (40, 50, 3))
    for suffix in PHOTO_SUFFIXES:
        path = tmp_path / f"photo{suffix}"
        Image.fromarray(array).save(path)
        sound = path.read_bytes()
        for _ in range(40):
            contents = bytearray(sound)
            for place in draw.integers(0, len(contents), 3):
                contents[place] = draw.integers(256)
            path.write_bytes(contents)
            try:
                assert read_photo(path).dtype == np.uint8
            except ValueError as error:
                assert str(path) in str(error)  # noqa: PT017


def test_only_the_documented_formats_are_opened(tmp_path):
    path = tmp_path / "photo.png"
    # Pillow would run Ghostscript, which would run this for ever.
    path.write_text(
        "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 128 64\n"
        "%%EndComments\n{} loop\n"
    )
    with pytest.raises(ValueError, match="no image that can be read"):
        read_photo(path)
    Image.new("RGB", (8, 8)).save(path, "WEBP")
    with pytest.raises(ValueError, match="no image that can be read") as error:
        read_photo(path)
    assert_names_and_fixes(error, path, "Expected PNG")


def test_special_files_are_refused_and_not_waited_for(tmp_path):
    path = tmp_path / "photo.png"
    os.mkfifo(path)
    for read in (read_id_map, read_photo):
        with pytest.raises(ValueError, match="no regular file") as error:
            read(path)
        assert_names_and_fixes(error, path)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_photos_are_turned_upright_as_viewers_show_them(
    tmp_path, suffix, orientation
):
    path = tmp_path / f"photo{suffix}"
    exif = Image.Exif()
    exif[0x10F] = "Maker"
    exif[0x112] = orientation
    photo = Image.fromarray(noise(255, "uint8", (40, 60, 3)))
    photo.save(path, exif=exif)
    with Image.open(path) as image:
        expected = np.asarray(ImageOps.exif_transpose(image))
    np.testing.assert_array_equal(read_photo(path), expected)
    turned = orientation > 4
    assert read_photo(path).shape == ((60, 40, 3) if turned else (40, 60, 3))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_exif_data_does_not_matter(tmp_path):
    path = tmp_path / "photo.jpg"
    photo = Image.fromarray(noise(255, "uint8", (40, 60, 3)))
    photo.save(path, exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert read_photo(path).shape == (40, 60, 3)


def test_what_a_camera_appends_to_a_jpeg_does_not_matter(tmp_path):
    path = tmp_path / "photo.jpg"
    Image.fromarray(noise(255, "uint8", (20, 30, 3))).save(path)
    path.write_bytes(path.read_bytes() + b"SEFT" * 100)
    assert read_photo(path).shape == (20, 30, 3)


def test_modes_that_are_no_photo_are_refused(tmp_path):
    path = tmp_path / "ink.jpg"
    Image.new("CMYK", (8, 8)).save(path)
    with pytest.raises(ValueError, match="CMYK") as error:
        read_photo(path)
    assert_names_and_fixes(error, path, "Convert it")


@pytest.mark.parametrize(
    "array",
    [
        noise(255, "uint8"),
        noise(255, "uint8", (*SHAPE, 3)),
        noise(65535, "uint16"),
        noise(26005, "int32"),
    ],
    ids=["uint8", "rgb", "uint16", "int32"],
)
def test_what_write_png_wrote_comes_back(tmp_path, array):
    path = tmp_path / "picture.png"
    write_png(path, array)
    read = read_photo if array.ndim == 3 else read_id_map
    np.testing.assert_array_equal(read(path), array)


def test_write_png_replaces_and_leaves_no_other_file(tmp_path):
    path = tmp_path / "picture.png"
    for value in (3, 4):
        write_png(path, np.full(SHAPE, value, "uint8"))
        assert read_id_map(path)[0, 0] == value
        assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_file_alone(tmp_path, monkeypatch):
    path = tmp_path / "picture.png"
    write_png(path, np.full(SHAPE, 3, "uint8"))

    def fail(*paths):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="No space"):
        write_png(path, np.full(SHAPE, 4, "uint8"))
    assert read_id_map(path)[0, 0] == 3
    assert list(tmp_path.iterdir()) == [path]


def test_list_images_sorts_and_skips_what_is_no_image(tmp_path):
    for name in ("b.png", "a.PNG", "c.jpg", ".hidden.png", "notes.txt"):
        (tmp_path / name).touch()
    names = [path.name for path in list_images(tmp_path, PHOTO_SUFFIXES)]
    assert names == ["a.PNG", "b.png", "c.jpg"]


def test_list_images_names_a_missing_or_empty_folder(tmp_path):
    with pytest.raises(ValueError, match="no such folder") as error:
        list_images(tmp_path / "none", PHOTO_SUFFIXES)
    assert_names_and_fixes(error, tmp_path / "none")
    with pytest.raises(ValueError, match="no images") as error:
        list_images(tmp_path, PHOTO_SUFFIXES)
    assert_names_and_fixes(error, tmp_path, ".png", ".jpg")


def test_images_that_a_folder_would_not_read_are_an_error(tmp_path):
    for name in ("a.png", "b.webp"):
        (tmp_path / name).touch()
    with pytest.raises(ValueError, match=r"another format.*b\.webp") as error:
        list_images(tmp_path, PHOTO_SUFFIXES)
    assert_names_and_fixes(error, tmp_path, "convert")
    (tmp_path / "b.webp").rename(tmp_path / "b.jpg")
    with pytest.raises(ValueError, match=r"b\.jpg") as error:
        list_images(tmp_path, ID_MAP_SUFFIXES)
    assert_names_and_fixes(error, tmp_path, "JPEG does not keep ids", "PNG")


def test_images_in_sub_folders_are_an_error(tmp_path):
    inner = tmp_path / "aachen" / "more"
    inner.mkdir(parents=True)
    (tmp_path / "a.png").touch()
    (inner / "notes.txt").touch()
    (tmp_path / ".thumbnails").mkdir()
    (tmp_path / ".thumbnails" / "a.png").touch()
    assert len(list_images(tmp_path, PHOTO_SUFFIXES)) == 1
    (inner / "b.png").touch()
    with pytest.raises(ValueError, match=r"aachen/more/b\.png") as error:
        list_images(tmp_path, PHOTO_SUFFIXES)
    assert_names_and_fixes(error, tmp_path, "Move")


def test_a_value_that_16_bits_do_not_hold_is_refused(tmp_path):
    path = tmp_path / "map.png"
    with pytest.raises(ValueError, match=r"map\.png.*1\.\.70000.*0\.\.65535"):
        write_png(path, np.array([[1, 70000]], "int32"))
    assert not path.exists()


def _write_grey_png(path, ids, bits, num_rows=None):
    """Writes ids in few bits, or of some rows only, which Pillow can't."""

    def chunk(kind, data):
        body = kind + data
        return (
            struct.pack(">I", len(data))
            + body
            + struct.pack(">I", zlib.crc32(body))
        )

    rows = b""
    for row in ids[:num_rows]:
        packed = np.unpackbits(row[:, None], axis=1)[:, 8 - bits :]
        rows += b"\0" + np.packbits(packed).tobytes()
    header = struct.pack(">IIBBBBB", ids.shape[1], len(ids), bits, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_grey_of_few_bits_keeps_its_ids(tmp_path, bits):
    ids = (np.arange(3 * 7).reshape(3, 7) % 2**bits).astype("uint8")
    _write_grey_png(tmp_path / "map.png", ids, bits)
    np.testing.assert_array_equal(read_id_map(tmp_path / "map.png"), ids)


def test_ids_in_a_jpeg_are_refused(tmp_path):
    path = tmp_path / "map.png"
    Image.new("L", (8, 8)).save(path, "JPEG")
    with pytest.raises(ValueError, match=r"map\.png is a JPEG.*Expected PNG"):
        read_id_map(path)
