"""Model files that are damaged, or made to harm, end in one clear line."""

import io
import json
import pathlib
import subprocess
import sys
import warnings
import zipfile

import h5py
import keras
import numpy as np
import pytest
from tiny_models import make_model

import hdgan
from hdgan.models.model_file import check_keras_file

CONFIG, WEIGHTS = "config.json", "model.weights.h5"


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A model with every kind of network; its file."""
    model = make_model(
        styles="instances",
        ema_decay=0.9,
        num_scales=1,
        num_downsamplings=1,
        encoder_downsamplings=1,
    )
    path = tmp_path_factory.mktemp("sound") / "model.keras"
    model.save(path)
    return path


@pytest.fixture(scope="module")
def entries(sound):
    with zipfile.ZipFile(sound) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _write(path, entries, compression=zipfile.ZIP_STORED):
    with warnings.catch_warnings(), zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content, compression)


def _assert_refused(path, words=None, load=hdgan.load_model):
    with pytest.raises(ValueError, match=words) as caught:
        load(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert message.isprintable()
    assert len(message) < 900
    return message


# === The archive ===


def _flip(content, place):
    changed = bytearray(content)
    changed[int(place * len(content))] ^= 1
    return bytes(changed)


def _change_table(content, offset, value):
    """Changes the last entry in the archive's table."""
    changed = bytearray(content)
    place = changed.rindex(b"PK\x01\x02") + offset
    changed[place : place + len(value)] = value
    return bytes(changed)


ARCHIVES = {
    **{
        f"{share:.0%} of it": lambda content, share=share: content[
            : int(share * len(content))
        ]
        for share in (0, 0.01, 0.5, 0.99)
    },
    **{
        f"a flipped bit at {place:.0%}": lambda content, place=place: _flip(
            content, place
        )
        for place in (0, 0.2, 0.4, 0.6, 0.8)
    },
    "without its last byte": lambda content: content[:-1],
    "a text": lambda content: b"no model",
    "a picture": lambda content: b"\x89PNG\r\n\x1a\n" + content[8:2000],
    "encrypted": lambda content: _change_table(content, 8, b"\x01"),
    "an unknown compression": lambda content: _change_table(
        content, 10, b"\x63"
    ),
    "a size of 4 GB": lambda content: _change_table(
        content, 20, b"\xf0\xff\xff\xff" * 2
    ),
}


@pytest.mark.parametrize("load", [hdgan.load_model, check_keras_file])
@pytest.mark.parametrize("change", ARCHIVES.values(), ids=ARCHIVES)
def test_damaged_archives(sound, tmp_path, change, load):
    path = tmp_path / "model.keras"
    path.write_bytes(change(sound.read_bytes()))
    _assert_refused(path, "is not a Keras model, or is damaged", load)


@pytest.mark.parametrize("load", [hdgan.load_model, check_keras_file])
@pytest.mark.parametrize("name", [CONFIG, WEIGHTS])
def test_missing_and_expanding_entries(entries, tmp_path, name, load):
    path = tmp_path / "model.keras"
    _write(path, {k: v for k, v in entries.items() if k != name})
    _assert_refused(path, f"holds no {name}", load)
    _write(path, {**entries, name: bytes(10**8)}, zipfile.ZIP_DEFLATED)
    _assert_refused(path, "unpacks to 100,", load)
    _write(path, entries, zipfile.ZIP_LZMA)
    _assert_refused(path, "compressed by method 14", load)


def test_sound_files_pass_the_check(sound):
    check_keras_file(sound)
    check_keras_file(str(sound))


def test_other_paths(sound, tmp_path):
    _assert_refused(tmp_path / "x.keras", "does not exist", check_keras_file)
    _assert_refused(tmp_path, "no regular file", check_keras_file)
    path = tmp_path / "model.zip"
    path.write_bytes(sound.read_bytes())
    _assert_refused(path, r"ends in \.keras")


# === The configuration ===


def _network(config, name):
    return config["config"][name]["config"]


CONFIGS = {
    "no network": (lambda c: c["config"].pop("generator"), "generator"),
    "another class": (
        lambda c: c["config"].update(labels=c["config"]["generator"]),
        None,
    ),
    "a missing argument": (
        lambda c: _network(c, "generator").pop("input_channels"),
        "input_channels",
    ),
    "an unknown argument": (
        lambda c: c["config"].update({"\x1b[2J": 1}),
        None,
    ),
    "text for a number": (
        lambda c: _network(c, "generator").update(base_width="4"),
        "base_width",
    ),
    "no number": (
        lambda c: _network(c, "generator").update(dropout_rate=float("nan")),
        "dropout_rate",
    ),
    "another width": (
        lambda c: _network(c, "generator").update(base_width=8),
        None,
    ),
    "another norm": (
        lambda c: _network(c, "generator").update(norm="batch"),
        None,
    ),
    "one block more": (
        lambda c: _network(c, "generator").update(num_blocks=2),
        None,
    ),
    "a huge width": (
        lambda c: _network(c, "generator").update(base_width=10**6),
        "declares networks of",
    ),
    "huge input": (
        lambda c: _network(c, "discriminator").update(input_channels=10**9),
        "declares networks of",
    ),
    "huge depth": (
        lambda c: _network(c, "encoder").update(num_downsamplings=10**9),
        "declares num_downsamplings",
    ),
    "code": (
        lambda c: c["config"].update(
            encoder={"class_name": "__lambda__", "config": {"value": "x"}}
        ),
        "lambda",
    ),
    "an unknown family": (
        lambda c: c.update(registered_name="mine>Model", class_name="Model"),
        "class Model.*Import",
    ),
}


@pytest.mark.parametrize("change", CONFIGS)
def test_configurations_that_do_not_fit(entries, tmp_path, change):
    config = json.loads(entries[CONFIG])
    change, words = CONFIGS[change]
    change(config)
    path = tmp_path / "model.keras"
    _write(path, {**entries, CONFIG: json.dumps(config)})
    _assert_refused(path, words)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"\xff\xfe", b"[" * 10**5, b" " * 11_000_000],
    ids=["empty", "cut", "list", "binary", "nested", "long"],
)
def test_configurations_that_are_none(entries, tmp_path, content):
    path = tmp_path / "model.keras"
    _write(path, {**entries, CONFIG: content})
    _assert_refused(path, "damaged")


@pytest.mark.parametrize("content", [b"", b"{", b"[]"])
def test_the_metadata_are_not_needed(sound, entries, tmp_path, content):
    path = tmp_path / "model.keras"
    _write(path, {**entries, "metadata.json": content})
    loaded, expected = hdgan.load_model(path), hdgan.load_model(sound)
    for weight, right in zip(loaded.weights, expected.weights, strict=True):
        np.testing.assert_array_equal(weight, right)


# === The weights ===


def _replace(weights, name, **options):
    del weights[name]
    weights.create_dataset(name, **options)


HUGE = {"shape": (30_000, 30_000), "dtype": "f4"}
ARRAYS = {
    "missing": (lambda w, name: w.pop(name), None),
    "another shape": (
        lambda w, name: _replace(w, name, data=np.zeros((2, 3), "f4")),
        None,
    ),
    "a group": (lambda w, name: (w.pop(name), w.create_group(name)), None),
    "text": (lambda w, name: _replace(w, name, data="text"), "declares"),
    "compressed": (
        lambda w, name: _replace(
            w, name, **HUGE, chunks=(1000, 1000), compression="gzip"
        ),
        "declares 3,600,000,000 bytes",
    ),
    "nothing": (
        lambda w, name: _replace(w, name, **HUGE),
        "declares 3,600,000,000 bytes",
    ),
    "another file": (
        lambda w, name: _replace(
            w,
            name,
            shape=(4,),
            dtype="f4",
            external=[("/etc/hostname", 0, 16)],
        ),
        None,
    ),
    "a link": (
        lambda w, name: (
            w.pop(name),
            w.update({name: h5py.ExternalLink("/etc/hostname", "x")}),
        ),
        None,
    ),
}


@pytest.fixture(scope="module")
def kernel(entries):
    """The path of a kernel of the generator in the weights file."""
    found = []
    with h5py.File(io.BytesIO(entries[WEIGHTS])) as weights:
        weights.visititems(
            lambda name, item: (
                found.append(name) if getattr(item, "ndim", 0) == 4 else None
            )
        )
    return next(name for name in found if "generator" in name)


@pytest.mark.parametrize("change", ARRAYS)
def test_weights_that_do_not_fit(entries, tmp_path, kernel, change):
    change, words = ARRAYS[change]
    content = io.BytesIO(entries[WEIGHTS])
    with h5py.File(content, "r+") as weights:
        change(weights, kernel)
    path = tmp_path / "model.keras"
    _write(path, {**entries, WEIGHTS: content.getvalue()})
    _assert_refused(path, words)


@pytest.mark.parametrize("share", [0, 0.001, 0.5, 0.99])
def test_weights_that_are_cut_short(entries, tmp_path, share):
    content = entries[WEIGHTS][: int(share * len(entries[WEIGHTS]))]
    path = tmp_path / "model.keras"
    _write(path, {**entries, WEIGHTS: content})
    _assert_refused(path, "damaged")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_not_finite(sound, tmp_path, value):
    model = keras.models.load_model(sound)
    for network in (model.average_generator, model.encoder):
        bias = network.weights[1]
        bias.assign([value, *bias.numpy()[1:]])
    path = tmp_path / "model.keras"
    model.save(path)
    message = _assert_refused(path, "earlier checkpoint")
    assert "1 in the encoder" in message
    assert "1 in the average_generator" in message
    # The check of the file alone opens no model.
    check_keras_file(path)


# === Bounded memory ===


def test_huge_networks_take_no_memory(entries, tmp_path):
    """With a width of 20,000 one of the convolutions would take 29 GB."""
    config = json.loads(entries[CONFIG])
    _network(config, "generator")["base_width"] = 20_000
    path = tmp_path / "model.keras"
    _write(path, {**entries, CONFIG: json.dumps(config)})
    program = (
        "import resource, sys, hdgan, tensorflow\n"
        "measure = lambda: resource.getrusage(resource.RUSAGE_SELF)\n"
        "before = measure().ru_maxrss\n"
        "try: hdgan.load_model(sys.argv[1])\n"
        "except ValueError as error:\n"
        "    print(measure().ru_maxrss - before, error)\n"
    )
    out = subprocess.run(
        [sys.executable, "-c", program, str(path)],
        cwd=pathlib.Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "declares networks of" in out
    kilobytes = int(out.split()[0])
    assert kilobytes < 500_000
