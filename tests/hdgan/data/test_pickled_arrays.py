"""Reading checkpoints and pickled arrays, and refusing planted code."""

import io
import os
import pickle
import resource
import struct
import subprocess
import sys
import zipfile

import golden_weights
import numpy as np
import pytest

from hdgan.data.pickled_arrays import read_array_dict
from hdgan.data.torch_file import read_torch_file

GOLDEN = golden_weights.FOLDER
NETWORKS = ("global", "local1", "local2", "encoder", "discriminator")
MAGIC_NUMBER = 0x1950A86A20F9469CFC6C


@pytest.mark.parametrize("name", NETWORKS)
def test_golden_checkpoints_hold_the_golden_weights(name):
    state = read_torch_file(GOLDEN / f"{name}.pth")
    arrays = np.load(GOLDEN / f"{name}.npz")
    expected = [key for key in arrays.files if key.startswith("w/")]
    assert [f"w/{key}" for key in state] == expected
    for key, array in state.items():
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, arrays[f"w/{key}"])


def _various(torch):
    tensor = torch.randn(4, 5, generator=torch.Generator().manual_seed(1))
    return {
        "plain": tensor,
        "transposed": tensor.T,
        "part of the same data": tensor[1:, 2:],
        "flat, of the same data": tensor.view(20)[5:],
        "double": tensor.double(),
        "half": tensor.half(),
        "bfloat16": tensor.bfloat16(),
        "long": torch.arange(5),
        "int": torch.arange(5, dtype=torch.int32),
        "short": torch.arange(5, dtype=torch.int16),
        "char": torch.arange(5, dtype=torch.int8),
        "byte": torch.arange(5, dtype=torch.uint8),
        "bool": torch.tensor([True, False]),
        "scalar": torch.tensor(3.5),
        "empty": torch.zeros(0, 3),
        "expanded": torch.ones(1).expand(3),
        "parameter": torch.nn.Parameter(tensor),
    }


@pytest.mark.parametrize("is_zip", [True, False], ids=["zip", "stream"])
def test_agrees_with_pytorch(tmp_path, is_zip):
    torch = pytest.importorskip("torch")
    saved = _various(torch)
    path = tmp_path / "various.pth"
    torch.save(saved, path, _use_new_zipfile_serialization=is_zip)
    read = read_torch_file(path)
    loaded = torch.load(path, weights_only=True)
    assert list(read) == list(loaded)
    for name, tensor in loaded.items():
        array = read[name]
        assert str(tensor.dtype) == f"torch.{array.dtype}"
        assert array.shape == tuple(tensor.shape), name
        if name == "bfloat16":  # NumPy gets no bfloat16 from PyTorch.
            array, tensor = array.view("int16"), tensor.view(torch.int16)
        np.testing.assert_array_equal(array, tensor.detach().numpy())


@pytest.mark.parametrize("name", NETWORKS)
def test_golden_checkpoints_agree_with_pytorch(name):
    torch = pytest.importorskip("torch")
    path = GOLDEN / f"{name}.pth"
    loaded = torch.load(path, weights_only=True)
    read = read_torch_file(path)
    assert list(read) == list(loaded)
    for key, tensor in loaded.items():
        np.testing.assert_array_equal(read[key], tensor.numpy())


def test_attributes_of_a_module_are_left_out(tmp_path):
    torch = pytest.importorskip("torch")
    module = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3), torch.nn.ReLU())
    path = tmp_path / "module.pth"
    # Its state dict has `_metadata`.
    torch.save(module.state_dict(), path)
    state = read_torch_file(path)
    assert type(state) is dict
    assert list(state) == ["0.weight", "0.bias"]


def test_plain_data_around_tensors(tmp_path):
    torch = pytest.importorskip("torch")
    path = tmp_path / "nested.pth"
    plain = {"epoch": 3, "rates": [0.1, None], "sizes": (1, "a")}
    torch.save({**plain, "state": {"w": torch.ones(2)}}, path)
    read = read_torch_file(path)
    np.testing.assert_array_equal(read.pop("state")["w"], [1, 1])
    assert read == plain


# === Planted files ===


def _zip(path, pickled, storages=()):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        for key, content in storages:
            archive.writestr(f"archive/data/{key}", content)


def _stream(path, pickled, storages=()):
    parts = [
        pickle.dumps(MAGIC_NUMBER, 2),
        pickle.dumps(1001, 2),
        pickle.dumps({}, 2),
        pickled,
        pickle.dumps([key for key, _ in storages], 2),
    ]
    for _, content in storages:
        parts += [struct.pack("<q", len(content) // 4), content]
    path.write_bytes(b"".join(parts))


def _npy(path, pickled):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "|O", "fortran_order": False, "shape": ()}
    )
    path.write_bytes(header.getvalue() + pickled)


def _plain(path, pickled):
    path.write_bytes(pickled)


CONTAINERS = {
    "zip": (_zip, read_torch_file),
    "stream": (_stream, read_torch_file),
    "npy": (_npy, read_array_dict),
    "pickle": (_plain, read_array_dict),
}


def _call(module, name, argument):
    """Returns the pickle of a dict with `module.name(argument)` in it."""
    return (
        b"\x80\x02}X\x01\x00\x00\x00a"
        + f"c{module}\n{name}\n".encode()
        + b"X"
        + struct.pack("<I", len(argument))
        + argument.encode()
        + b"\x85Rs."
    )


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("os", "system"),
        ("posix", "system"),
        ("nt", "system"),
        ("builtins", "eval"),
        ("builtins", "exec"),
        ("builtins", "getattr"),
        ("__builtin__", "open"),
        ("subprocess", "Popen"),
        ("torch", "load"),
        ("torch.hub", "load"),
        ("torch.nn.modules.conv", "Conv2d"),
        ("torch._utils", "_rebuild_tensor_v2.__globals__"),
        ("numpy", "load"),
        ("numpy.f2py.diagnose", "run"),
        ("hdgan.data.pickled_arrays", "pathlib.Path"),
        ("collections", "OrderedDict.fromkeys"),
        ("functools", "partial"),
        ("pickle", "loads"),
    ],
)
def test_whatever_else_a_pickle_asks_for_is_refused_by_name(
    tmp_path, container, module, name
):
    write, read = CONTAINERS[container]
    path = tmp_path / "planted"
    witness = tmp_path / "witness"
    write(path, _call(module, name, f"touch {witness}"))
    with pytest.raises(ValueError, match="asks for") as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert f"{module}.{name}" in str(caught.value)
    assert not witness.exists()


def _opcodes(witness):
    command = f"touch {witness}"
    text = b"X" + struct.pack("<I", len(command)) + command.encode()
    short = b"\x8c\x02os\x8c\x06system"
    return {
        "STACK_GLOBAL": b"\x80\x04" + short + b"\x93" + text + b"\x85R.",
        "INST": b"(S'" + command.encode() + b"'\nios\nsystem\n.",
        "OBJ": b"(cos\nsystem\n" + text + b"o.",
        "NEWOBJ": b"\x80\x02csubprocess\nPopen\n" + text + b"\x85\x81.",
        "NEWOBJ_EX": (b"\x80\x04csubprocess\nPopen\n" + text + b"\x85}\x92."),
        "BUILD": (
            b"\x80\x02ccollections\nOrderedDict\n}X\x05\x00\x00\x00_make"
            b"cos\nsystem\nsb."
        ),
    }


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("opcode", _opcodes("witness"))
def test_every_way_to_ask_is_closed(tmp_path, container, opcode):
    write, read = CONTAINERS[container]
    path, witness = tmp_path / "planted", tmp_path / "witness"
    write(path, _opcodes(witness)[opcode])
    with pytest.raises(ValueError, match=r"planted.*(system|Popen)"):
        read(path)
    assert not witness.exists()


@pytest.mark.parametrize("container", CONTAINERS)
def test_functions_in_a_pickles_hands_can_not_be_altered(tmp_path, container):
    write, read = CONTAINERS[container]
    path = tmp_path / "planted"
    ordered_dict = b"ccollections\nOrderedDict\n"
    make = b"X\x05\x00\x00\x00_make" + ordered_dict
    for state in (b"}" + make + b"s", b"N}" + make + b"s\x86"):
        write(path, b"\x80\x02" + ordered_dict + state + b"b.")
        with pytest.raises(ValueError, match="changes a function"):
            read(path)


# === Damaged files ===


def _tensor(size=6, shape=(2, 3), strides=(3, 1), offset=0, view=b""):
    """Returns a pickle of `{"w": tensor}`, as PyTorch writes it."""

    def integers(numbers):
        items = b"".join(b"J" + struct.pack("<i", n) for n in numbers)
        return b"(" + items + b"t"

    return (
        b"\x80\x02}X\x01\x00\x00\x00w"
        b"ctorch._utils\n_rebuild_tensor_v2\n("
        b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\n"
        b"X\x01\x00\x00\x000X\x03\x00\x00\x00cpuJ"
        + struct.pack("<i", size)
        + view
        + b"tQ"
        + b"J"
        + struct.pack("<i", offset)
        + integers(shape)
        + integers(strides)
        + b"\x89ccollections\nOrderedDict\n)RtRs."
    )


NUMBERS = np.arange(6, dtype="<f4")


@pytest.mark.parametrize("write", [_zip, _stream], ids=["zip", "stream"])
def test_handwritten_tensors_are_read(tmp_path, write):
    """The files that the next tests damage are valid before."""
    path = tmp_path / "sound.pth"
    view = b"" if write is _zip else b"N"
    write(path, _tensor(view=view), [("0", NUMBERS.tobytes())])
    np.testing.assert_array_equal(
        read_torch_file(path)["w"], NUMBERS.reshape(2, 3)
    )


@pytest.mark.parametrize("write", [_zip, _stream], ids=["zip", "stream"])
def test_parameters_of_old_pytorch(tmp_path, write):
    """A tensor, then the gradient state of PyTorch before 0.4."""
    path = tmp_path / "old.pth"
    view = b"" if write is _zip else b"N"
    tensor = _tensor(view=view)
    start = tensor.index(b"ctorch._utils")
    end = tensor.index(b"s.", start + 100)
    pickled = (
        tensor[:start]
        + b"ctorch.nn.parameter\nParameter\n"
        + tensor[start:end]
        + b"\x85R(\x88\x89ccollections\nOrderedDict\n)Rtbs."
    )
    write(path, pickled, [("0", NUMBERS.tobytes())])
    expected = NUMBERS.reshape(2, 3)
    np.testing.assert_array_equal(read_torch_file(path)["w"], expected)


def test_views_of_the_old_container(tmp_path):
    path = tmp_path / "view.pth"
    view = b"(X\x01\x00\x00\x001K\x02K\x04t"  # Four numbers from the third.
    pickled = _tensor(shape=(3,), strides=(1,), offset=1, view=view)
    _stream(path, pickled, [("0", NUMBERS.tobytes())])
    np.testing.assert_array_equal(read_torch_file(path)["w"], [3, 4, 5])
    for bad in (
        b"(X\x01\x00\x00\x001K\x03K\x04t",
        b"(X\x01\x00\x00\x001J\xff\xff\xff\xffK\x04t",
    ):
        _stream(path, _tensor(view=bad), [("0", NUMBERS.tobytes())])
        with pytest.raises(ValueError, match="exceeds its data"):
            read_torch_file(path)


def test_big_endian_archives(tmp_path):
    path = tmp_path / "big.pth"
    _zip(path, _tensor(), [("0", NUMBERS.astype(">f4").tobytes())])
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("archive/byteorder", "big")
    array = read_torch_file(path)["w"]
    assert array.dtype == np.dtype("f4")
    np.testing.assert_array_equal(array, NUMBERS.reshape(2, 3))


@pytest.mark.parametrize("write", [_zip, _stream], ids=["zip", "stream"])
@pytest.mark.parametrize(
    "options",
    [
        {"offset": 1},
        {"shape": (3, 3)},
        {"strides": (6, 1)},
        {"strides": (-3, 1)},
        {"offset": -1},
        {"shape": (6,)},
        {"size": 5},
        {"size": 7},
        {"size": -1},
    ],
    ids=str,
)
def test_tensors_that_do_not_fit_their_data(tmp_path, write, options):
    path = tmp_path / "wrong.pth"
    view = b"" if write is _zip else b"N"
    write(path, _tensor(view=view, **options), [("0", NUMBERS.tobytes())])
    with pytest.raises(ValueError, match=r"wrong\.pth.*damaged"):
        read_torch_file(path)


@pytest.mark.parametrize("name", ["global", "local1"])
@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.999])
def test_files_that_are_cut_short(tmp_path, name, share):
    content = (GOLDEN / f"{name}.pth").read_bytes()
    path = tmp_path / "short.pth"
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match=r"short\.pth"):
        read_torch_file(path)


def test_a_changed_byte_in_an_archive_is_noticed(tmp_path):
    content = bytearray((GOLDEN / "encoder.pth").read_bytes())
    content[len(content) // 2] ^= 1
    path = tmp_path / "changed.pth"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"changed\.pth.*CRC"):
        read_torch_file(path)


@pytest.mark.parametrize("read", [read_torch_file, read_array_dict])
def test_other_files(tmp_path, read):
    with pytest.raises(ValueError, match="no such file"):
        read(tmp_path / "missing")
    with pytest.raises(ValueError, match="there is a folder"):
        read(tmp_path)
    path = tmp_path / "text"
    path.write_text("Not a checkpoint.")
    with pytest.raises(ValueError, match=r"text is no"):
        read(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme", "An archive of something else.")
    with pytest.raises(ValueError, match=r"text is no"):
        read(path)


# === Files that are made to harm ===


def _limited(limit=2**31):
    """Returns a function for a child process that limits its memory."""

    def limit_memory():
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

    return limit_memory


def _read_elsewhere(path, read="read_torch_file"):
    """Reads a file in a process with 2 GB and 30 s; returns its output."""
    program = (
        "import sys; from hdgan.data.pickled_arrays import read_array_dict"
        "\nfrom hdgan.data.torch_file import read_torch_file"
        f"\ntry: print('read', type({read}(sys.argv[1])))"
        "\nexcept ValueError as error: print('refused', error)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        env={**os.environ, "KERAS_BACKEND": "numpy"},
        capture_output=True,
        text=True,
        timeout=30,
        preexec_fn=_limited(),
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def _two_tensors(first, second):
    """Returns a pickle of two tensors that name the same storage."""
    a, b = _tensor(**first), _tensor(**second)
    begin = a.index(b"ctorch")
    # The second's name, then itself, in the same dict.
    return a[:-2] + b"sX\x01\x00\x00\x00v" + b[begin:-2] + b"s."


def test_two_sizes_of_the_same_numbers_are_refused(tmp_path):
    """The first tensor would read far beyond the second one's data."""
    path = tmp_path / "planted.pth"
    far = {"size": 2**30, "shape": (2,), "strides": (2**29,), "view": b"N"}
    near = {"size": 1, "shape": (1,), "strides": (1,), "view": b"N"}
    _stream(path, _two_tensors(far, near), [("0", NUMBERS[:1].tobytes())])
    with pytest.raises(ValueError, match=r"planted\.pth.*two ways"):
        read_torch_file(path)


def test_members_that_unpack_to_more_or_less_are_refused(tmp_path):
    path = tmp_path / "planted.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", _tensor())
        archive.writestr(
            "archive/data/0", NUMBERS.tobytes(), zipfile.ZIP_DEFLATED
        )
    with pytest.raises(ValueError, match=r"planted\.pth.*compressed"):
        read_torch_file(path)


@pytest.mark.parametrize("container", CONTAINERS)
def test_a_small_file_takes_no_huge_memory_for_its_memo(tmp_path, container):
    write, read = CONTAINERS[container]
    path = tmp_path / "planted"
    write(path, b"\x80\x02}r\x00\x00\x00\x08.")
    with pytest.raises(ValueError, match="memo indices are out of order"):
        read(path)


def test_a_small_file_with_numbers_of_nothing(tmp_path):
    path = tmp_path / "planted.pkl"
    path.write_bytes(
        b"\x80\x02}K\x01cnumpy._core.numeric\n_frombuffer\n"
        b"(J\xff\xff\xff\x7fcnumpy\ndtype\nX\x02\x00\x00\x00f4K\x00K\x01\x87R"
        b"K\x01\x85X\x01\x00\x00\x00CtRs."
    )
    with pytest.raises(ValueError, match="are not bytes"):
        read_array_dict(path)


def test_what_is_shared_is_made_once(tmp_path):
    """Forty nested pairs are 2 ** 40 lists if an error prints them."""
    path = tmp_path / "planted.pth"
    doubled = b"".join(
        b"](h" + bytes([k]) + b"h" + bytes([k]) + b"eq" + bytes([k + 1])
        for k in range(40)
    )
    _zip(path, b"\x80\x02](K\x01eq\x00" + doubled + b".")
    assert _read_elsewhere(path).startswith("read")


def test_what_holds_itself_is_refused(tmp_path):
    path = tmp_path / "planted.pth"
    _zip(path, b"\x80\x02]q\x00h\x00a.")
    with pytest.raises(ValueError, match="contains itself"):
        read_torch_file(path)


@pytest.mark.parametrize("write", [_zip, _stream], ids=["zip", "stream"])
def test_repeated_numbers_are_refused(tmp_path, write):
    """A copy of the array, such as in native byte order, would take 3.6 GB."""
    path = tmp_path / "planted.pth"
    view = b"" if write is _zip else b"N"
    huge = {"size": 1, "shape": (30000, 30000), "strides": (0, 0)}
    write(path, _tensor(view=view, **huge), [("0", NUMBERS[:1].tobytes())])
    if write is _zip:
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("archive/byteorder", "big")
    assert "repeat their data" in _read_elsewhere(path)


def _nested(depth):
    """Returns a pickled tuple whose hash takes 2 ** depth steps."""
    return b"K\x01q\x00" + b"".join(
        b"h" + bytes([k]) + b"h" + bytes([k]) + b"\x86q" + bytes([k + 1])
        for k in range(depth)
    )


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize(
    "pickled",
    [
        b"\x80\x02}" + _nested(60) + b"K\x01s.",
        b"\x80\x02}(K\x01K\x01" + _nested(60) + b"K\x01u.",
        b"\x80\x02(" + _nested(60) + b"K\x01d.",
        b"\x80\x02" + _nested(60) + b"0}h\x3cK\x01s.",
        b"\x80\x04\x8f(" + _nested(60) + b"\x90.",
        b"\x80\x04(" + _nested(60) + b"\x91.",
        b"\x80\x02"
        + _nested(60)
        + b"0ccollections\nOrderedDict\n](](h\x3cK\x01"
        b"ee\x85R.",
        b"\x80\x02})" + b"\x85" * 400_000 + b"K\x01s.",
    ],
    ids=["set", "sets", "dict", "memo", "add", "frozen", "ordered", "deep"],
)
def test_nested_keys_do_not_hang(tmp_path, container, pickled):
    write, read = CONTAINERS[container]
    path = tmp_path / "planted"
    write(path, pickled)
    with pytest.raises(ValueError, match=r"planted.*(key is a|holds a set)"):
        read(path)


@pytest.mark.parametrize("container", CONTAINERS)
def test_endless_pickles_are_refused(tmp_path, container):
    write, read = CONTAINERS[container]
    path = tmp_path / "planted"
    write(path, b"\x80\x02(" + b"N" * 500_000 + b"l.")
    with pytest.raises(ValueError, match="over 500,000 steps"):
        read(path)


def test_copies_of_the_same_data_are_refused(tmp_path):
    """A list of 400 kB, copied a thousand times; bytes of 1 MB likewise."""
    path = tmp_path / "planted"
    _zip(
        path,
        b"\x80\x02](" + b"K\x01" * 50_000 + b"eq\x00](ctorch\nSize\nq\x01"
        b"h\x00\x85R" + b"h\x01h\x00\x85R" * 1000 + b"e.",
    )
    with pytest.raises(ValueError, match="copies the same data"):
        read_torch_file(path)
    text = b"X" + struct.pack("<I", 10**6) + b"a" * 10**6 + b"q\x00"
    encode = b"c_codecs\nencode\nq\x01X\x06\x00\x00\x00latin1q\x02"
    _plain(
        path,
        b"\x80\x02" + text + encode + b"](h\x01h\x00h\x02\x86R"
        b"h\x01h\x00h\x02\x86R" * 1000 + b"e.",
    )
    with pytest.raises(ValueError, match="copies the same data"):
        read_array_dict(path)


def test_arrays_of_the_same_bytes_are_refused(tmp_path):
    path = tmp_path / "planted.pkl"
    path.write_bytes(_shared_arrays(2))
    assert len(read_array_dict(path)) == 2
    path.write_bytes(_shared_arrays(100))
    with pytest.raises(ValueError, match="the same data too often"):
        read_array_dict(path)


def _shared_arrays(count):
    """Returns a pickled dict of arrays that are all the same 40 kB."""
    content = np.arange(10_000, dtype="<f4").tobytes()
    data = b"B" + struct.pack("<I", len(content)) + content + b"q\x00"
    frombuffer = b"cnumpy._core.numeric\n_frombuffer\nq\x01"
    dtype = b"cnumpy\ndtype\nX\x02\x00\x00\x00f4\x85Rq\x02"
    items = b"".join(
        b"K" + bytes([k]) + b"h\x01(h\x00h\x02M\x10'\x85X\x01\x00\x00\x00CtR"
        for k in range(count)
    )
    return b"\x80\x03" + data + frombuffer + dtype + b"000}(" + items + b"u."


def test_a_storage_that_claims_more_than_the_file(tmp_path):
    path = tmp_path / "planted.pth"
    sizes = {"size": 2**30, "shape": (2**30,), "strides": (1,), "view": b"N"}
    _stream(path, _tensor(**sizes), [("0", NUMBERS.tobytes())])
    assert _read_elsewhere(path).startswith("refused")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (b"ctorch\nFloatStorage\n", "StorageKind"),
        (b"ccollections\nOrderedDict\n", "Maker"),
        (b"\x8f(K\x01\x90", "set"),
        (
            b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\n"
            b"X\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x06tQ",
            "Storage",
        ),
    ],
    ids=["kind", "function", "set", "storage"],
)
def test_other_things_than_arrays_and_plain_data(tmp_path, value, words):
    path = tmp_path / "other.pth"
    _zip(path, b"\x80\x04}X\x01\x00\x00\x00a" + value + b"s.")
    with pytest.raises(ValueError, match=rf"other\.pth.*it holds a {words}"):
        read_torch_file(path)


def test_keys_are_plain(tmp_path):
    path = tmp_path / "other.pth"
    _zip(path, b"\x80\x02}ctorch\nFloatStorage\nK\x01s.")
    with pytest.raises(ValueError, match="a key is a"):
        read_torch_file(path)


def test_marked_tensors_are_refused(tmp_path):
    """Their values differ from the numbers in the file."""
    torch = pytest.importorskip("torch")
    path = tmp_path / "negative.pth"
    torch.save({"a": torch._neg_view(torch.ones(3))}, path)
    with pytest.raises(ValueError, match="marked as negative"):
        read_torch_file(path)


def test_a_refusal_keeps_to_its_line(tmp_path):
    path = tmp_path / "planted.pth"
    _zip(path, b"\x80\x04\x8c\x0aos\x1b[2J\nerr\x8c\x06system\x93.")
    with pytest.raises(ValueError, match="asks for") as caught:
        read_torch_file(path)
    assert "\x1b" not in str(caught.value)
    assert "\n" not in str(caught.value)


# === Pickled arrays ===

CLUSTERS = {
    7: np.random.RandomState(0).rand(10, 3),
    26: np.random.RandomState(1).rand(4, 3).astype("float32"),
    5: np.asfortranarray(np.random.RandomState(2).rand(3, 3)),
    1: np.arange(6, dtype=">f4").reshape(2, 3),
}


def _assert_clusters(read):
    assert list(read) == list(CLUSTERS)
    for key, array in CLUSTERS.items():
        assert read[key].dtype == array.dtype.newbyteorder("=")
        np.testing.assert_array_equal(read[key], array)


def test_a_dict_saved_by_numpy(tmp_path):
    path = tmp_path / "features_clustered_010.npy"
    np.save(path, CLUSTERS)
    _assert_clusters(read_array_dict(path))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickled_dict(tmp_path, protocol):
    path = tmp_path / "clusters.pkl"
    path.write_bytes(pickle.dumps(CLUSTERS, protocol))
    _assert_clusters(read_array_dict(path))


def test_a_dict_pickled_by_python_2(tmp_path):
    """Python 2 saved the bytes of an array as text."""
    content = np.float64([[1, 2, 3]]).tobytes()
    path = tmp_path / "clusters.npy"
    _npy(
        path,
        b"\x80\x02}K\x07cnumpy.core.multiarray\n_reconstruct\n"
        b"cnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01K\x01K\x03\x86"
        b"cnumpy\ndtype\nU\x02f8K\x00K\x01\x87R(K\x03U\x01<NNN"
        b"J\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U"
        + bytes([len(content)])
        + content
        + b"tbs.",
    )
    np.testing.assert_array_equal(read_array_dict(path)[7], [[1, 2, 3]])


@pytest.mark.parametrize(
    "content",
    [
        np.ones(3),
        {1: "text"},
        {1: np.array([None, {}], dtype=object)},
        {1: np.array(["text"])},
        [np.ones(3)],
    ],
    ids=["array", "text", "objects", "strings", "list"],
)
def test_other_pickled_data_is_refused(tmp_path, content):
    path = tmp_path / "other.pkl"
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(ValueError, match=r"other\.pkl is no dict"):
        read_array_dict(path)
