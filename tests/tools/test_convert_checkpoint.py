"""The converter's command, both ways."""

import json
import pathlib
import sys

import golden_weights
import numpy as np
import programs
import pytest
import tensorflow as tf
import tiny_models

import hdgan
from hdgan.data.torch_file import read_torch_file
from hdgan.models.pix2pixhd import pytorch_checkpoint

GOLDEN = pathlib.Path(__file__).parent.parent / "golden"
TOOL = "tools.convert_checkpoint"


def _convert(*arguments):
    result = programs.run_inside(TOOL, *arguments)
    assert result.code == 0, result.err
    return result.out


def _refuse(*arguments):
    result = programs.run_inside(TOOL, *arguments)
    programs.assert_one_clear_error(result)
    return result.err


def _save(path, network, feature_matching=True):
    """Saves a network as the original PyTorch code does."""
    torch = pytest.importorskip("torch")
    state = pytorch_checkpoint.state_dict(network, feature_matching)
    torch.save({k: torch.tensor(v) for k, v in state.items()}, path)
    return path


@pytest.mark.journey
def test_local_checkpoint_to_a_photograph(tmp_path):
    """From a file in the old container to the golden output, by command."""
    output = tmp_path / "models" / "local1.keras"
    out = programs.run(
        TOOL,
        f"--generator={GOLDEN / 'local1.pth'}",
        "--label_nc=5",
        f"--output={output}",
    )
    for words in (
        "LocalEnhancer(GlobalGenerator(input_channels=6, base_width=4",
        "num_enhancers=1, num_blocks=2",
        "new weights",
        "5 classes, boundary map",
        str(output),
    ):
        assert words in out
    model = hdgan.load_model(output)
    arrays = golden_weights.load("local1")
    photo = model.generator(arrays["input"]).numpy()
    error = np.linalg.norm(photo - arrays["output"])
    assert error < 1e-4 * np.linalg.norm(arrays["output"])
    # From raw maps to photographs.
    scenes = tiny_models.make_scenes(1, 32, 48)
    photo = model.synthesize(**tiny_models.maps_of(scenes))
    assert photo.shape == (1, 32, 48, 3)


@pytest.mark.parametrize("generator", ["global", "local1", "local2"])
def test_there_and_back_is_bit_for_bit(tmp_path, generator):
    torch = pytest.importorskip("torch")
    model = tmp_path / "model.keras"
    _convert(
        f"--generator={GOLDEN / f'{generator}.pth'}",
        f"--discriminator={GOLDEN / 'discriminator.pth'}",
        "--label_nc=5",
        f"--output={model}",
    )
    folder = tmp_path / "checkpoints" / "name"
    out = _convert("--to_pytorch", f"--model={model}", f"--output={folder}")
    for letter, name in (("G", generator), ("D", "discriminator")):
        path = folder / f"latest_net_{letter}.pth"
        assert str(path) in out
        original = torch.load(GOLDEN / f"{name}.pth", weights_only=True)
        written = torch.load(path, weights_only=True)
        assert list(written) == list(original)
        for key, tensor in original.items():
            assert torch.equal(written[key], tensor), key
            assert written[key].dtype == tensor.dtype
    assert sorted(path.name for path in folder.iterdir()) == [
        "latest_net_D.pth",
        "latest_net_G.pth",
    ]


@pytest.mark.parametrize("styles", ["instances", "labels"])
def test_an_encoder_there_and_back(tmp_path, styles):
    torch = pytest.importorskip("torch")
    generator = hdgan.GlobalGenerator(9, 4, 2, 1)
    model = tmp_path / "model.keras"
    out = _convert(
        f"--generator={_save(tmp_path / 'G.pth', generator)}",
        f"--discriminator={GOLDEN / 'discriminator.pth'}",
        f"--encoder={GOLDEN / 'encoder.pth'}",
        *(["--label_feat"] if styles == "labels" else []),
        "--label_nc=5",
        f"--output={model}",
    )
    assert "5 classes, boundary map, 3 style channels" in out
    assert hdgan.load_model(model).encoder.regions == styles
    _convert("--to_pytorch", f"--model={model}", f"--output={tmp_path}")
    original = torch.load(GOLDEN / "encoder.pth", weights_only=True)
    written = torch.load(tmp_path / "latest_net_E.pth", weights_only=True)
    assert list(written) == list(original)
    for key, tensor in original.items():
        assert torch.equal(written[key], tensor), key


def test_a_converted_model_trains_on_as_it_did(tmp_path):
    """The same losses and photographs as the original model."""
    original = tiny_models.sharpen(tiny_models.make_model(num_blocks=2))
    _save(tmp_path / "G.pth", original.generator)
    _save(tmp_path / "D.pth", original.discriminator)
    labels = tmp_path / "labels.json"
    original.labels.save(labels)
    _convert(
        f"--generator={tmp_path / 'G.pth'}",
        f"--discriminator={tmp_path / 'D.pth'}",
        f"--labels_file={labels}",
        f"--output={tmp_path / 'model.keras'}",
    )
    converted = hdgan.load_model(tmp_path / "model.keras")
    assert converted.labels.names == original.labels.names
    scenes = tiny_models.make_scenes(2)
    np.testing.assert_array_equal(
        converted.synthesize(**tiny_models.maps_of(scenes)),
        original.synthesize(**tiny_models.maps_of(scenes)),
    )
    losses = []
    for model in (original, converted):
        model.compile()
        losses.append(model.train_on_batch(scenes, return_dict=True))
    tf.nest.map_structure(np.testing.assert_allclose, *losses)


def test_without_feature_matching_the_names_stay(tmp_path):
    model = tiny_models.make_model()
    _save(tmp_path / "G.pth", model.generator)
    _save(tmp_path / "D.pth", model.discriminator, feature_matching=False)
    _convert(
        f"--generator={tmp_path / 'G.pth'}",
        f"--discriminator={tmp_path / 'D.pth'}",
        "--use_instances",
        f"--output={tmp_path / 'model.keras'}",
    )
    converted = hdgan.load_model(tmp_path / "model.keras")
    weights = {t.name: t.weight for t in converted.default_losses()}
    assert weights["feature_matching"] == 0
    _convert(
        "--to_pytorch",
        f"--model={tmp_path / 'model.keras'}",
        f"--output={tmp_path}",
    )
    written = read_torch_file(tmp_path / "latest_net_D.pth")
    original = read_torch_file(tmp_path / "D.pth")
    assert list(written) == list(original)
    for key, array in original.items():
        np.testing.assert_array_equal(written[key], array)


def test_rgb_input_without_instances(tmp_path):
    generator = hdgan.GlobalGenerator(3, 4, 2, 1)
    path = _save(tmp_path / "G.pth", generator)
    out = _convert(
        f"--generator={path}",
        "--label_nc=0",
        "--nouse_instances",
        f"--output={tmp_path / 'model.keras'}",
    )
    assert "Input: RGB\n" in out
    model = hdgan.load_model(tmp_path / "model.keras")
    assert model.labels is None
    photo = model.synthesize(np.zeros((9, 17, 3), "uint8"))
    assert photo.shape == (9, 17, 3)


@pytest.fixture(scope="module")
def generators(tmp_path_factory):
    """Files of generators, by the number of their input channels."""
    folder = tmp_path_factory.mktemp("generators")
    paths = {}
    for channels in (1, 3, 4, 36):
        network = hdgan.GlobalGenerator(channels, 2, 1, 1)
        paths[channels] = _save(folder / f"G{channels}.pth", network)
    return paths


BOUNDARY, NO_BOUNDARY = "--use_instances", "--nouse_instances"


@pytest.mark.parametrize(
    ("channels", "arguments", "possible"),
    [
        (36, [], [f"--label_nc=35 {BOUNDARY}", f"--label_nc=36 {NO_BOUNDARY}"]),
        (
            3,
            [],
            [
                f"2 classes and a boundary map (--label_nc=2 {BOUNDARY})",
                f"3 classes alone (--label_nc=3 {NO_BOUNDARY})",
                f"RGB alone (--label_nc=0 {NO_BOUNDARY})",
            ],
        ),
        (3, [NO_BOUNDARY], ["--label_nc=3", "--label_nc=0"]),
        (4, [BOUNDARY], ["--label_nc=3", "--label_nc=0"]),
    ],
)
def test_what_the_channels_mean_is_not_guessed(
    generators, tmp_path, channels, arguments, possible
):
    output = tmp_path / "model.keras"
    path = generators[channels]
    error = _refuse(f"--generator={path}", f"--output={output}", *arguments)
    for words in (path, f"takes {channels} channels", *possible):
        assert str(words) in error
    assert error.count("--label_nc") == len(possible)
    assert not output.exists()


@pytest.mark.parametrize(
    ("channels", "arguments", "expected"),
    [
        (36, ["--label_nc=35"], "35 classes, boundary map"),
        (36, [NO_BOUNDARY], "36 classes"),
        (4, ["--label_nc=0"], "RGB, boundary map"),
        (3, [BOUNDARY], "2 classes, boundary map"),
        # Nothing else is possible.
        (1, [], "1 classes"),
    ],
)
def test_a_flag_says_what_the_channels_mean(
    generators, tmp_path, channels, arguments, expected
):
    out = _convert(
        f"--generator={generators[channels]}",
        f"--output={tmp_path / 'model.keras'}",
        *arguments,
    )
    assert f"Input: {expected}\n" in out


def test_the_moving_average_goes_to_pytorch(tmp_path):
    model = tiny_models.make_model(ema_decay=0.9)
    model.average_generator.set_weights(
        [w + 1 for w in model.generator.get_weights()]
    )
    model.save(tmp_path / "model.keras")
    out = _convert(
        "--to_pytorch",
        f"--model={tmp_path / 'model.keras'}",
        f"--output={tmp_path}",
    )
    assert "moving average" in out
    written = read_torch_file(tmp_path / "latest_net_G.pth")
    expected = pytorch_checkpoint.state_dict(model.average_generator)
    for key, array in expected.items():
        np.testing.assert_array_equal(written[key], array)


def test_without_pytorch_only_the_way_back_fails(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    model = tmp_path / "model.keras"
    generator = f"--generator={GOLDEN / 'local2.pth'}"
    _convert(generator, "--label_nc=5", f"--output={model}")
    error = _refuse("--to_pytorch", f"--model={model}", f"--output={tmp_path}")
    assert "pip install torch" in error
    assert not list(tmp_path.glob("*.pth"))


# === Bad input ===


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--label_nc=7"], ["6 channels", "5 classes", "Received: label_nc=7"]),
        (["--label_nc=0"], ["5 classes", "Received: label_nc=0"]),
        (["--nouse_instances"], ["6 classes alone", "use_instances=False"]),
        (
            ["--load_style_maps", "--label_nc=2"],
            ["global.pth", "discriminator.pth", "Expected 6"],
        ),
        (
            [f"--encoder={GOLDEN / 'encoder.pth'}", "--label_nc=2"],
            ["takes 9 channels", "--encoder"],
        ),
        ([f"--encoder={GOLDEN / 'global.pth'}"], ["not an encoder"]),
        ([f"--discriminator={GOLDEN / 'global.pth'}"], ["no discriminator"]),
        (["--generator=nowhere.pth"], ["nowhere.pth", "no such file"]),
        (["--output=model.h5"], ["model.h5", ".keras"]),
        (["--model=model.keras"], ["--to_pytorch"]),
        (["--label_feat"], ["--label_feat", "--encoder"]),
        (["--to_pytorch"], ["--model"]),
    ],
    ids=lambda value: " ".join(value)[:30],
)
def test_what_does_not_fit_is_refused(tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    error = _refuse(
        f"--generator={GOLDEN / 'global.pth'}",
        f"--discriminator={GOLDEN / 'discriminator.pth'}",
        "--label_nc=5",
        "--output=model.keras",
        *arguments,
    )
    for word in words:
        assert word in error
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path):
    model = tmp_path / "model.keras"
    model.write_text("Mine.")
    generator = f"--generator={GOLDEN / 'global.pth'}"
    error = _refuse(generator, f"--output={model}")
    assert "exists already" in error
    assert model.read_text() == "Mine."
    pytest.importorskip("torch")
    model.unlink()
    _convert(generator, "--label_nc=5", f"--output={model}")
    (tmp_path / "latest_net_D.pth").write_text("Mine.")
    error = _refuse("--to_pytorch", f"--model={model}", f"--output={tmp_path}")
    assert "latest_net_D.pth exists already" in error
    assert not (tmp_path / "latest_net_G.pth").exists()


def test_a_labels_file_has_to_fit(tmp_path):
    path = tmp_path / "labels.json"
    path.write_text(json.dumps({"names": ["sky", "road"]}))
    error = _refuse(
        f"--generator={GOLDEN / 'global.pth'}",
        f"--labels_file={path}",
        f"--output={tmp_path / 'model.keras'}",
    )
    assert "5 classes and a boundary map" in error
    assert "Received: label_nc=2" in error
