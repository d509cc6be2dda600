"""Photographs of whole folders with Apache Beam, by the real command."""

import io
import json
import os
import shutil
import signal
import time
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image
from programs import assert_one_clear_error, run, run_inside, start
from tiny_models import synthesize

from hdgan.data.image_files import read_id_map, read_photo
from hdgan.data.street.data_set import draw_scenes

pytest.importorskip("apache_beam")
from apache_beam.io.filesystem import FileMetadata, FileSystem

TOOL = "tools.batch_synthesize"


def _flags(directory, data_dir, output_dir):
    return (
        f"--savedmodel={directory}",
        f"--label_dir={data_dir / 'test_label'}",
        f"--instance_dir={data_dir / 'test_inst'}",
        f"--output_dir={output_dir}",
    )


def _check_photos(model, data_dir, output_dir, with_photos=False):
    labels = sorted((data_dir / "test_label").iterdir())
    assert {path.stem for path in output_dir.glob("[!.]*.png")} == {
        path.stem for path in labels
    }
    for label in labels:
        scene = {
            "label_map": read_id_map(label),
            "instance_map": read_id_map(data_dir / "test_inst" / label.name),
        }
        if with_photos:
            (photo,) = (data_dir / "test_img").glob(f"{label.stem}.*")
            scene["photo"] = read_photo(photo)
        made = read_photo(output_dir / f"{label.stem}.png")
        difference = np.abs(made.astype(int) - synthesize(model, scene))
        assert difference.max() <= 1


def test_a_folder_of_photographs_and_a_second_run(
    street_export, street_dir, tmp_path
):
    flags = _flags(street_export.directory, street_dir, tmp_path)
    result = run_inside(TOOL, *flags)
    assert result.code == 0, result.err
    assert "4 done, 0 skipped, 0 failed" in result.out
    _check_photos(street_export.model, street_dir, tmp_path)
    assert (tmp_path / "failures.jsonl").read_text() == ""
    photos = sorted(tmp_path.glob("*.png"))
    photos[1].unlink()
    before = photos[0].stat().st_mtime_ns
    os.utime(photos[2], (0, 0))  # Its label map was changed since.
    result = run_inside(TOOL, *flags)
    assert "2 done, 2 skipped, 0 failed" in result.out
    assert sorted(tmp_path.glob("*.png")) == photos
    assert photos[0].stat().st_mtime_ns == before


def test_failures_are_listed_and_the_other_scenes_synthesized(
    street_export, street_dir, tmp_path
):
    data = tmp_path / "data"
    shutil.copytree(street_dir, data)
    labels = sorted((data / "test_label").iterdir())
    contents = labels[0].read_bytes()
    labels[0].write_bytes(contents[:200])
    Image.new("L", (40, 24), 200).save(labels[1])
    (data / "test_inst" / labels[2].name).write_text("no image")
    photos = tmp_path / "photos"
    flags = _flags(street_export.directory, data, photos)
    result = run_inside(TOOL, *flags)
    assert "1 done, 0 skipped, 3 failed" in result.out
    assert result.code == 1
    assert "3 of 4 scenes failed" in result.err
    lines = (photos / "failures.jsonl").read_text().splitlines()
    assert len(lines) == 3
    for line, fragment in zip(
        sorted(lines),
        (labels[0].name, "outside 0..", str(data / "test_inst")),
        strict=True,
    ):
        assert fragment in line
    for label in labels[:3]:
        assert str(label) in result.err
    # No temporary files are left.
    names = {path.name for path in photos.iterdir()}
    assert names == {f"{labels[3].stem}.png", "failures.jsonl"}
    labels[0].write_bytes(contents)
    assert "1 done, 1 skipped, 2 failed" in run_inside(TOOL, *flags).out


def test_styles_palettes_and_other_formats(
    encoder_export, street_dir, tmp_path
):
    data = tmp_path / "data"
    shutil.copytree(street_dir, data)
    first, second, *_ = sorted((data / "test_label").iterdir())
    with Image.open(first) as image:
        palette = Image.fromarray(np.asarray(image), "L").convert("P")
    palette.putdata(list(read_id_map(first).ravel()))
    palette.save(first)
    photos = sorted((data / "test_img").iterdir())
    with Image.open(photos[1]) as image:
        image.save(photos[1].with_suffix(".bmp"))
    photos[1].unlink()
    assert second.stem == photos[1].stem
    result = run_inside(
        TOOL,
        *_flags(encoder_export.directory, data, tmp_path / "photos"),
        f"--photo_dir={data / 'test_img'}",
    )
    assert result.code == 0, result.err
    _check_photos(
        encoder_export.model, data, tmp_path / "photos", with_photos=True
    )


@pytest.mark.journey
def test_a_killed_run_is_resumed(street_export, tmp_path):
    data, photos = tmp_path / "data", tmp_path / "photos"
    draw_scenes(data, "test", 24, 128, 256)
    flags = _flags(street_export.directory, data, photos)
    process = start(TOOL, *flags)
    while not list(photos.glob("[!.]*.png")):
        assert process.poll() is None
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    num_made = len(list(photos.glob("[!.]*.png")))
    assert num_made < 24
    options = "--direct_num_workers=2 --direct_running_mode=multi_processing"
    out = run(TOOL, *flags, f"--beam_options={options}")
    assert f"{24 - num_made} done, {num_made} skipped, 0 failed" in out
    _check_photos(street_export.model, data, photos)


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("--savedmodel=nowhere", ("nowhere", "saved_model.pb", "export")),
        ("--label_dir=nowhere", ("nowhere", "no such folder")),
        ("--photo_dir={data}/test_img", ("--photo_dir", "Leave it out")),
        ("--output_dir={data}/test_inst", ("--output_dir", "another folder")),
        ("--runner=Nobody", ("Nobody", "DirectRunner")),
        ("--beam_options='", ("--beam_options", "quotation")),
        ("--failures={data}", ("--failures", "is a folder")),
        ("--failures={data}/labels.json/x", ("--failures", "be made")),
        ("--output_dir={data}/labels.json", ("labels.json", "be made")),
    ],
)
def test_bad_flags(street_export, street_dir, tmp_path, flag, words):
    flags = _flags(street_export.directory, street_dir, tmp_path / "photos")
    result = run_inside(TOOL, *flags, flag.format(data=street_dir))
    assert_one_clear_error(result, *words)
    assert not (tmp_path / "photos").exists()


def test_folders_may_have_names_that_are_patterns(
    street_export, street_dir, tmp_path
):
    folder = tmp_path / "test[1]*?"
    shutil.copytree(street_dir, folder / "data")
    labels = sorted((folder / "data" / "test_label").iterdir())
    contents = labels[1].read_bytes()
    labels[1].write_text("no image")
    failures = folder / "lists" / "[2].jsonl"
    flags = (
        *_flags(street_export.directory, folder / "data", folder / "photos"),
        f"--failures={failures}",
    )
    result = run_inside(TOOL, *flags)
    assert "3 done, 0 skipped, 1 failed" in result.out
    assert json.loads(failures.read_text())["path"] == str(labels[1])
    labels[1].write_bytes(contents)
    result = run_inside(TOOL, *flags)
    assert result.code == 0, result.err
    assert failures.read_text() == ""
    _check_photos(street_export.model, folder / "data", folder / "photos")
    assert len(list((folder / "lists").iterdir())) == 1


class _Bucket(FileSystem):
    """A file system like cloud storage: without folders or replaced files."""

    files: ClassVar = {}

    @classmethod
    def scheme(cls):
        return "bucket"

    def join(self, basepath, *paths):
        return "/".join([basepath.rstrip("/"), *paths])

    def split(self, path):
        folder, _, name = path.rpartition("/")
        return folder, name

    def has_dirs(self):
        return False

    def mkdirs(self, path):
        raise AssertionError("There are no folders.")

    def _list(self, dir_or_prefix):
        for path, contents in self.files.items():
            if path.startswith(dir_or_prefix):
                yield FileMetadata(path, len(contents))

    def create(self, path, mime_type=None, compression_type=None):
        class Writer(io.BytesIO):
            def close(writer):
                self.files[path] = writer.getvalue()
                super(Writer, writer).close()

        return Writer()

    def open(self, path, mime_type=None, compression_type=None):
        if path not in self.files:
            raise FileNotFoundError(path)
        return io.BytesIO(self.files[path])

    def rename(self, source_file_names, destination_file_names):
        for old, new in zip(
            source_file_names, destination_file_names, strict=True
        ):
            # HDFS does not replace files either.
            assert new not in self.files, new
            self.files[new] = self.files.pop(old)

    def exists(self, path):
        return path in self.files

    def size(self, path):
        return len(self.files[path])

    def delete(self, paths):
        for path in paths:
            del self.files[path]

    def _unused(self, *_):
        raise AssertionError("The tool should not need this method.")

    copy = last_updated = checksum = metadata = _unused


def test_folders_may_be_on_a_remote_file_system(
    street_export, street_dir, tmp_path
):
    # Files that are not scenes or photographs: in a subfolder, and temporary.
    _Bucket.files = {
        "bucket://streets/test_label/old/x.png": b"",
        "bucket://streets/photos/.unfinished-0-street_00000.png": b"",
    }
    for kind in ("test_label", "test_inst"):
        for path in (street_dir / kind).iterdir():
            name = f"bucket://streets/{kind}/{path.name}"
            _Bucket.files[name] = path.read_bytes()
    first, *_ = sorted((street_dir / "test_label").iterdir())
    bad = f"bucket://streets/test_label/{first.name}"
    contents, _Bucket.files[bad] = _Bucket.files[bad], b"no image"
    flags = (
        f"--savedmodel={street_export.directory}",
        "--label_dir=bucket://streets/test_label",
        "--instance_dir=bucket://streets/test_inst/",
        "--output_dir=bucket://streets/photos",
    )
    extra = f"bucket://streets/test_inst/{first.stem}_extra.png"
    _Bucket.files[extra] = b""
    result = run_inside(TOOL, *flags)
    assert_one_clear_error(result, extra)
    del _Bucket.files[extra]
    result = run_inside(TOOL, *flags)
    assert "3 done, 0 skipped, 1 failed" in result.out, result.err
    assert bad in result.err
    failures = _Bucket.files["bucket://streets/photos/failures.jsonl"]
    assert json.loads(failures)["path"] == bad
    _Bucket.files[bad] = contents
    result = run_inside(TOOL, *flags)
    assert "1 done, 3 skipped, 0 failed" in result.out, result.err
    for path, contents in _Bucket.files.items():
        if "/photos/" in path and "/." not in path:
            (tmp_path / path.split("/")[-1]).write_bytes(contents)
    _check_photos(street_export.model, street_dir, tmp_path)


@pytest.mark.parametrize(
    ("name", "contents"),
    [
        ("variables/variables.index", None),
        ("saved_model.pb", None),
        ("saved_model.pb", b""),
        ("saved_model.pb", b"no model"),
        ("assets.extra/describe.json", None),
        ("assets.extra/describe.json", b"no model"),
    ],
)
def test_a_damaged_export_is_named(
    street_export, street_dir, tmp_path, name, contents
):
    export = tmp_path / "1"
    shutil.copytree(street_export.directory, export)
    file = export / name
    file.unlink()
    words = (export, name)
    if contents is not None:
        file.write_bytes(contents)
        words = (file, "Export it again")
    flags = _flags(export, street_dir, tmp_path / "photos")
    assert_one_clear_error(run_inside(TOOL, *flags), *words)


def test_missing_photos_are_reported(encoder_export, street_dir, tmp_path):
    flags = _flags(encoder_export.directory, street_dir, tmp_path / "photos")
    result = run_inside(TOOL, *flags)
    assert_one_clear_error(result, "--photo_dir", "a photo", "Give it")


def test_a_model_without_labels_takes_photos(rgb_export, street_dir, tmp_path):
    result = run_inside(
        TOOL,
        f"--savedmodel={rgb_export.directory}",
        f"--label_dir={street_dir / 'test_img'}",
        f"--output_dir={tmp_path / 'photos'}",
    )
    assert result.code == 0, result.err
    for photo in (street_dir / "test_img").iterdir():
        made = read_photo(tmp_path / "photos" / f"{photo.stem}.png")
        expected = rgb_export.model.synthesize(read_photo(photo))
        assert np.abs(made.astype(int) - expected).max() <= 1
