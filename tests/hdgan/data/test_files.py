"""Files are written whole or not at all."""

import concurrent.futures
import os

import pytest

from hdgan.data.files import replacing, write_file


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("is_shared", [False, True])
def test_replacing(tmp_path, is_shared):
    path = tmp_path / "model.keras"
    path.write_text("old")
    with replacing(path, is_shared) as temporary:
        # In the same folder, and with the ending that Keras requires.
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".keras"
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert names(tmp_path) == ["model.keras"]


@pytest.mark.parametrize("is_shared", [False, True])
def test_a_failure_leaves_the_old_file_alone(tmp_path, is_shared):
    path = tmp_path / "model.keras"
    path.write_text("old")

    def write_half():
        with replacing(path, is_shared) as temporary:
            temporary.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["model.keras"]


def test_what_a_killed_process_left_is_overwritten(tmp_path):
    path = tmp_path / "model.keras"
    (tmp_path / ".unfinished-model.keras").write_text("half")
    with replacing(path) as temporary:
        assert not temporary.exists()
        temporary.write_text("whole")
    assert path.read_text() == "whole"
    assert names(tmp_path) == ["model.keras"]


def test_a_link_to_the_same_file(tmp_path):
    path, other = tmp_path / "step.keras", tmp_path / "model.keras"
    path.write_text("weights")
    for _ in range(2):
        with replacing(other) as temporary:
            os.link(path, temporary)
    assert other.read_text() == "weights"
    assert names(tmp_path) == ["model.keras", "step.keras"]


def test_shared_files(tmp_path):
    """Threads that write one file never mix or lose its contents."""
    path = tmp_path / "scene.png"
    contents = [bytes([number]) * 100_000 for number in range(32)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda data: write_file(path, data), contents))
    assert path.read_bytes() in contents
    assert names(tmp_path) == ["scene.png"]


def test_text_and_permissions(tmp_path):
    path = tmp_path / "index.html"
    write_file(path, "Überblick\n")
    assert path.read_bytes() == "Überblick\n".encode()
    plain = tmp_path / "plain"
    plain.touch()
    # The permissions follow the umask, so that a web server may read it.
    assert path.stat().st_mode == plain.stat().st_mode


def test_no_folder(tmp_path):
    with pytest.raises(OSError, match="nowhere"):
        write_file(tmp_path / "nowhere" / "file", b"")
