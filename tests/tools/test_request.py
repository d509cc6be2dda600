"""Photographs of a folder from a server, by the real command."""

import os
import shutil
import signal
import time

import numpy as np
import pytest
import standin_server
from PIL import Image
from programs import assert_one_clear_error, finish, run_inside, start

from hdgan.data.image_files import read_id_map, read_photo

TOOL = "tools.request"


@pytest.fixture(scope="module")
def server(street_export):
    with standin_server.start(street_export.directory) as server:
        yield server


def _flags(server, data_dir, output_dir):
    return (
        f"--url={server.rest_url}",
        f"--label_dir={data_dir / 'test_label'}",
        f"--instance_dir={data_dir / 'test_inst'}",
        f"--output_dir={output_dir}",
    )


@pytest.mark.parametrize("protocol", ["rest_url", "grpc_url"])
def test_a_folder_of_photographs(
    server, street_export, street_dir, tmp_path, protocol
):
    flags = _flags(server, street_dir, tmp_path / "photos")
    url = f"--url={getattr(server, protocol)}"
    result = run_inside(TOOL, *flags[1:], url)
    assert result.code == 0, result.err
    files = sorted((tmp_path / "photos").iterdir())
    labels = sorted((street_dir / "test_label").iterdir())
    assert [file.stem for file in files] == [file.stem for file in labels]
    for file, label in zip(files, labels, strict=True):
        instance = street_dir / "test_inst" / label.name
        expected = street_export.model.synthesize(
            read_id_map(label), read_id_map(instance)
        )
        difference = read_photo(file).astype(int) - expected
        assert np.abs(difference).max() <= 1


def test_an_interrupted_run_is_resumed(server, street_dir, tmp_path):
    flags = _flags(server, street_dir, tmp_path)
    assert run_inside(TOOL, *flags).code == 0
    files = sorted(tmp_path.iterdir())
    files[1].unlink()
    os.utime(files[2], (0, 0))  # Its label map was changed since.
    before = files[0].stat().st_mtime_ns
    asked = server.num_requests
    result = run_inside(TOOL, *flags)
    assert result.code == 0, result.err
    assert "2 scenes have a photograph already" in result.out
    assert sorted(tmp_path.iterdir()) == files
    assert files[0].stat().st_mtime_ns == before
    assert files[2].stat().st_mtime > 0
    # One for the description, and one for each missing or old photograph.
    assert server.num_requests == asked + 3


def test_refused_scenes_are_listed_and_the_others_synthesized(server, tmp_path):
    labels = tmp_path / "labels"
    labels.mkdir()
    for number, value in enumerate((0, 200, 1)):
        Image.fromarray(np.full((8, 8), value, "uint8")).save(
            labels / f"{number}.png"
        )
    result = run_inside(
        TOOL,
        f"--url={server.rest_url}",
        f"--label_dir={labels}",
        f"--output_dir={tmp_path / 'photos'}",
    )
    assert result.code
    assert f"{labels / '1.png'}: INVALID_ARGUMENT" in result.err
    assert "1 of 3 scenes failed" in f"{result.err}{result.code}"
    names = sorted(path.name for path in (tmp_path / "photos").iterdir())
    assert names == ["0.png", "2.png"]


def test_a_damaged_file_is_named_once(server, street_dir, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(street_dir, data)
    first, second, *_ = sorted((data / "test_label").iterdir())
    first.write_bytes(first.read_bytes()[:-20])
    instance = data / "test_inst" / second.name
    instance.write_text("no image")
    result = run_inside(TOOL, *_flags(server, data, tmp_path / "photos"))
    assert result.code == 1
    assert "2 of 4 scenes failed" in result.err
    assert result.err.count(str(first)) == 1
    assert f"{second}: {instance}" in result.err


def test_a_model_without_labels_takes_photos(
    rgb_export, street_dir, tmp_path, caplog
):
    with standin_server.start(rgb_export.directory) as server:
        flags = (
            f"--url={server.rest_url}",
            f"--label_dir={street_dir / 'test_img'}",
            f"--output_dir={tmp_path / 'photos'}",
        )
        instances = f"--instance_dir={street_dir / 'test_inst'}"
        result = run_inside(TOOL, *flags, instances)
        assert result.code == 0, result.err
        assert "--instance_dir is not used" in caplog.text
    for photo in (street_dir / "test_img").iterdir():
        made = read_photo(tmp_path / "photos" / f"{photo.stem}.png")
        expected = rgb_export.model.synthesize(read_photo(photo))
        assert np.abs(made.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("protocol", ["rest_url", "grpc_url"])
@pytest.mark.parametrize("is_refused", [True, False])
def test_ctrl_c_ends_it_in_a_line(
    server, street_dir, tmp_path, protocol, is_refused
):
    url = f"--url={getattr(server, protocol)}"
    flags = _flags(server, street_dir, tmp_path / "photos")[1:]
    server.num_requests = 0
    process = start(TOOL, url, *flags)
    # The first request is for the description. After it, the server does not
    # answer, or refuses.
    while not server.num_requests:
        assert process.poll() is None
        time.sleep(0.001)
    server.delay = 0.0 if is_refused else 20.0
    server.num_refusals = 1000 if is_refused else 0
    begin = time.monotonic()
    try:
        while server.num_requests < 3 and time.monotonic() < begin + 10:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        result = finish(process)
    finally:
        server.delay, server.num_refusals = 0.0, 0
    assert result.code == 130, result.err
    assert "Stopped." in result.err.splitlines()
    assert "Traceback" not in result.err
    # The program does not wait for its requests.
    assert time.monotonic() - begin < 20


def test_a_server_that_is_not_there_is_reported(tmp_path, caplog):
    url = "http://127.0.0.1:9"
    result = run_inside(
        TOOL,
        f"--url={url}",
        "--timeout=0.5",
        f"--label_dir={tmp_path}",
        f"--output_dir={tmp_path / 'photos'}",
    )
    assert_one_clear_error(
        result, f"{url} does not answer for this model", "Connection refused"
    )
    assert caplog.text.count(f"No answer from {url} yet") == 1


@pytest.mark.parametrize(
    ("flag", "fragment"),
    [
        ("--url=localhost", "grpc://HOST:PORT"),
        ("--concurrency=0", "at least 1"),
        (
            "--photo_dir={data}/test_img",
            "no photo for each scene. Leave",
        ),
        ("--model=other", "not answer for this model: NOT_FOUND"),
        ("--version=2", "not answer for this model: NOT_FOUND"),
        ("--timeout=0", "above 0"),
        ("--label_dir=nowhere", "no such folder"),
        ("--output_dir={data}/test_inst", "Choose another folder"),
        ("--output_dir={data}/labels.json", "be made"),
    ],
)
def test_bad_flags_are_named(server, street_dir, tmp_path, flag, fragment):
    flags = _flags(server, street_dir, tmp_path / "photos")
    result = run_inside(TOOL, *flags, flag.format(data=street_dir))
    assert_one_clear_error(result, fragment)
    assert not (tmp_path / "photos").exists()
