"""Data sets of damaged and hostile files: 300 cases, each from its seed.

Whatever is done to a file, the check before training ends well or with a clear
error that names a file, and the report of `check_dataset` is complete. A case
fails with its seed in the test's name.
"""

import resource
import shutil
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from hdgan.data.checking.data_set_check import check_data_set
from hdgan.data.image_files import write_png
from hdgan.data.scene_checks import check_scenes
from hdgan.data.scene_files import find_scenes

NUM_CASES = 300
# Bytes that a case may add to the process: far more than the tiny scenes need,
# and far less than the sizes that hostile files declare.
MAX_GROWTH = 600e6
FOLDERS = ("train_label", "train_inst", "train_img")


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clean") / "data"
    draw = np.random.default_rng(0)
    for number in range(3):
        label_map = draw.integers(0, 3, (20, 24), "uint8")
        for name, array in zip(
            FOLDERS,
            (
                label_map,
                label_map.astype("uint16") * 1000,
                draw.integers(0, 256, (20, 24, 3), "uint8"),
            ),
            strict=True,
        ):
            (folder / name).mkdir(parents=True, exist_ok=True)
            write_png(folder / name / f"{number}.png", array)
    return folder


def _truncate(path, draw):
    contents = path.read_bytes()
    path.write_bytes(contents[: draw.integers(len(contents))])


def _flip_bytes(path, draw):
    contents = bytearray(path.read_bytes())
    for place in draw.integers(len(contents), size=draw.integers(1, 9)):
        contents[place] = draw.integers(256)
    path.write_bytes(bytes(contents))


def _empty(path, draw):
    path.write_bytes(b"")


def _noise(path, draw):
    path.write_bytes(draw.bytes(int(draw.integers(1, 2000))))


def _declare_size(path, draw):
    """A PNG of a few bytes that declares a huge image."""
    width, height = draw.choice([1, 9_000, 60_000, 2**31 - 1], 2).tolist()
    bits, color = draw.choice([8, 16]), draw.choice([0, 2, 6])
    header = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0)
    chunks = b""
    for name, data in (
        (b"IHDR", header),
        (b"IDAT", zlib.compress(b"\0" * 1000)),
        (b"IEND", b""),
    ):
        chunks += struct.pack(">I", len(data)) + name + data
        chunks += struct.pack(">I", zlib.crc32(name + data))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)


def _other_type(path, draw):
    size = (24, 20)
    mode = draw.choice(["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I", "F"])
    suffix = draw.choice([".tif", ".bmp", ".png", ".jpg", ".gif", ".webp"])
    try:
        Image.new(str(mode), size).save(path.with_suffix(str(suffix)))
    except (OSError, ValueError):
        # This format has no such mode.
        path.with_suffix(str(suffix)).write_bytes(b"GIF89a")
    if suffix != ".png":
        path.unlink()


def _swap(path, draw):
    """The file of another folder under this name."""
    other = path.parents[1] / str(draw.choice(FOLDERS)) / path.name
    shutil.copy(other, str(path) + ".new")
    (path.parent / (path.name + ".new")).rename(path)


def _other_size(path, draw):
    with Image.open(path) as image:
        resized = image.resize(tuple(draw.integers(1, 60, 2).tolist()))
    resized.save(path)


def _hostile_name(path, draw):
    names = [
        "-rf.png",
        "a b.png",
        "%s%n.png",
        "\u202egnp.exe.png",
        "'; drop table.png",
        "$(touch x).png",
        "\n.png",
        "x" * 200 + ".png",
        ".hidden.png",
        "0.PNG",
    ]
    path.rename(path.with_name(str(draw.choice(names))))


def _link(path, draw):
    target = draw.choice(["missing.png", path.name, "/dev/zero", "/etc"])
    path.unlink()
    path.symlink_to(str(target))


def _folder(path, draw):
    path.unlink()
    path.mkdir()


def _remove(path, draw):
    path.unlink()


DAMAGES = (
    _truncate,
    _flip_bytes,
    _empty,
    _noise,
    _declare_size,
    _other_type,
    _swap,
    _other_size,
    _hostile_name,
    _link,
    _folder,
    _remove,
)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("damage", DAMAGES, ids=lambda d: d.__name__[1:])
def test_damaged_files_end_in_clear_errors(tmp_path, clean, damage):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    for seed in range(NUM_CASES // len(DAMAGES)):
        data_dir = tmp_path / f"case-{seed}"
        shutil.copytree(clean, data_dir)
        draw = np.random.default_rng([seed, DAMAGES.index(damage)])
        folder = data_dir / str(draw.choice(FOLDERS))
        damage(folder / f"{draw.integers(3)}.png", draw)
        try:
            check_scenes(find_scenes(data_dir), 3)
        except ValueError as error:
            text = str(error)
            assert str(data_dir) in text, (seed, text)
            # A fix, beside what is wrong.
            assert len(text.split()) >= 8, (seed, text)
        check = check_data_set(data_dir, label_nc=3)
        for finding in check.findings:
            assert finding.title, seed
            assert finding.fix, seed
        shutil.rmtree(data_dir)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    assert after - before < MAX_GROWTH
