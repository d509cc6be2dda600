"""Networks from and to checkpoints of the original PyTorch code."""

import golden_weights
import keras
import numpy as np
import pytest
import tensorflow as tf

import hdgan
from hdgan.data.torch_file import read_torch_file
from hdgan.models.pix2pixhd import pytorch_checkpoint

GOLDEN = golden_weights.FOLDER
LOADERS = {
    "global": pytorch_checkpoint.load_generator,
    "local1": pytorch_checkpoint.load_generator,
    "local2": pytorch_checkpoint.load_generator,
    "encoder": pytorch_checkpoint.load_encoder,
    "discriminator": lambda path: pytorch_checkpoint.load_discriminator(path)[
        0
    ],
}


def _load(name):
    return LOADERS[name](GOLDEN / f"{name}.pth")


def _relative_error(actual, expected):
    return np.linalg.norm(actual - expected) / np.linalg.norm(expected)


# === Golden checkpoints ===


@pytest.mark.parametrize("name", ["global", "local1", "local2"])
def test_generators_make_the_golden_output(name):
    arrays = golden_weights.load(name)
    output = _load(name)(arrays["input"]).numpy()
    assert _relative_error(output, arrays["output"]) < 1e-4


def test_encoder_makes_the_golden_output():
    arrays = golden_weights.load("encoder")
    output = _load("encoder")([arrays["input"], arrays["instance"][..., 0]])
    assert _relative_error(output.numpy(), arrays["output"]) < 1e-4


def test_discriminator_makes_the_golden_output():
    arrays = golden_weights.load("discriminator")
    outputs = _load("discriminator")(arrays["input"])
    assert len(outputs) == 3
    for number, scale in enumerate(outputs):
        for layer, features in enumerate(scale):
            expected = arrays[f"out/{number}/{layer}"]
            assert _relative_error(features.numpy(), expected) < 1e-4


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "global",
            "GlobalGenerator(input_channels=6, base_width=4, "
            "num_downsamplings=3, num_blocks=2, norm='instance', "
            "dropout_rate=0.0, output_channels=3, upsampling='transposed')",
        ),
        (
            "local2",
            "LocalEnhancer(GlobalGenerator(input_channels=6, base_width=8, "
            "num_downsamplings=2, num_blocks=2, norm='instance', "
            "dropout_rate=0.0, output_channels=3, upsampling='transposed'), "
            "num_enhancers=2, num_blocks=3)",
        ),
        (
            "discriminator",
            "MultiscaleDiscriminator(input_channels=9, base_width=4, "
            "num_layers=3, num_scales=3, norm='instance', spectral_norm=False, "
            "initialization='normal')",
        ),
        (
            "encoder",
            "InstanceEncoder(base_width=4, num_downsamplings=2, "
            "style_channels=3, norm='instance', regions='instances')",
        ),
    ],
)
def test_architecture_is_found(name, expected):
    assert pytorch_checkpoint.describe(_load(name)) == expected


@pytest.mark.parametrize("name", LOADERS)
def test_state_dict_equals_the_file(name):
    written = pytorch_checkpoint.state_dict(_load(name))
    read = read_torch_file(GOLDEN / f"{name}.pth")
    assert list(written) == list(read)
    for key, array in read.items():
        assert written[key].dtype == array.dtype
        np.testing.assert_array_equal(written[key], array)


# === What the golden checkpoints do not have ===


def _save(path, state):
    torch = pytest.importorskip("torch")
    torch.save({k: torch.tensor(v) for k, v in state.items()}, path)
    return path


def _drawn(network):
    """Sets every weight of a network to a different value."""
    draw = np.random.default_rng(3)
    for weight in network.weights:
        weight.assign(draw.uniform(0.1, 0.3, weight.shape))
    return network


def _torch_generator(torch, dropout):
    """Returns the original generator with batch norm, by its description."""
    nn = torch.nn

    class Block(nn.Module):
        def __init__(self, width):
            super().__init__()
            layers = [nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3)]
            layers += [nn.BatchNorm2d(width), nn.ReLU()]
            layers += [nn.Dropout(0.5)] if dropout else []
            layers += [nn.ReflectionPad2d(1), nn.Conv2d(width, width, 3)]
            layers += [nn.BatchNorm2d(width)]
            self.conv_block = nn.Sequential(*layers)

        def forward(self, x):
            return x + self.conv_block(x)

    class Generator(nn.Module):
        def __init__(self):
            super().__init__()
            self.model = nn.Sequential(
                *[nn.ReflectionPad2d(3), nn.Conv2d(5, 4, 7)],
                *[nn.BatchNorm2d(4), nn.ReLU()],
                nn.Conv2d(4, 8, 3, stride=2, padding=1),
                *[nn.BatchNorm2d(8), nn.ReLU()],
                *[Block(8), Block(8)],
                nn.ConvTranspose2d(
                    8, 4, 3, stride=2, padding=1, output_padding=1
                ),
                *[nn.BatchNorm2d(4), nn.ReLU()],
                *[nn.ReflectionPad2d(3), nn.Conv2d(4, 3, 7), nn.Tanh()],
            )

    return Generator()


@pytest.mark.parametrize("dropout", [False, True], ids=["plain", "dropout"])
def test_batch_norm_and_dropout_agree_with_pytorch(tmp_path, dropout):
    torch = pytest.importorskip("torch")
    torch.manual_seed(5)
    original = _torch_generator(torch, dropout)
    image = torch.randn(2, 5, 12, 16)
    original.train().model(image)  # So that the statistics are not 0 and 1.
    with torch.no_grad():
        expected = original.eval().model(image).numpy()
    path = tmp_path / "latest_net_G.pth"
    torch.save(original.state_dict(), path)
    generator = pytorch_checkpoint.load_generator(path)
    assert generator.norm == "batch"
    assert generator.dropout_rate == (0.5 if dropout else 0.0)
    output = generator(image.numpy().transpose(0, 2, 3, 1), training=False)
    error = _relative_error(output.numpy(), expected.transpose(0, 2, 3, 1))
    assert error < 1e-4
    # And back: PyTorch reads the written file.
    state = pytorch_checkpoint.state_dict(generator)
    again = _torch_generator(torch, dropout)
    _, unexpected = again.load_state_dict(
        {k: torch.tensor(v) for k, v in state.items()}, strict=False
    )
    assert not unexpected
    with torch.no_grad():
        np.testing.assert_array_equal(
            again.eval().model(image).numpy(), expected
        )


@pytest.mark.parametrize("norm", ["instance", "batch"])
@pytest.mark.parametrize("num_layers", [1, 3, 5])
def test_discriminators_saved_without_feature_matching(
    tmp_path, norm, num_layers
):
    network = _drawn(hdgan.MultiscaleDiscriminator(5, 2, num_layers, 2, norm))
    state = pytorch_checkpoint.state_dict(network, feature_matching=False)
    last = 3 * num_layers + 2
    kernels = [k for k, v in state.items() if v.ndim == 4]
    assert kernels == [
        f"layer{scale}.{index}.weight"
        for scale in (0, 1)
        for index in [0, *range(2, last + 1, 3)]
    ]
    path = _save(tmp_path / "latest_net_D.pth", state)
    loaded, feature_matching = pytorch_checkpoint.load_discriminator(path)
    assert not feature_matching
    assert loaded.get_config() == {
        **network.get_config(),
        "name": "discriminator",
    }
    image = np.random.default_rng(0).normal(size=(1, 32, 32, 5))
    for one, other in zip(
        tf.nest.flatten(network(image)),
        tf.nest.flatten(loaded(image)),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)


def test_full_size_names_are_the_published_ones():
    """`model.38` is the output layer of the default generator."""
    generator = hdgan.GlobalGenerator(36, base_width=1)
    names = list(pytorch_checkpoint.state_dict(generator))
    assert names[:2] == ["model.1.weight", "model.1.bias"]
    assert names[-2:] == ["model.38.weight", "model.38.bias"]
    inner = hdgan.GlobalGenerator(36, base_width=2)
    names = list(pytorch_checkpoint.state_dict(hdgan.LocalEnhancer(inner, 1)))
    assert "model.34.weight" in names
    assert not any(name.startswith("model.38") for name in names)
    assert names[-2:] == ["model1_2.7.weight", "model1_2.7.bias"]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_other_precisions(tmp_path, dtype):
    torch = pytest.importorskip("torch")
    path = tmp_path / "latest_net_E.pth"
    state = torch.load(GOLDEN / "encoder.pth", weights_only=True)
    state = {k: v.to(getattr(torch, dtype)) for k, v in state.items()}
    torch.save(state, path)
    written = pytorch_checkpoint.state_dict(
        pytorch_checkpoint.load_encoder(path)
    )
    for name, tensor in state.items():
        np.testing.assert_array_equal(written[name], tensor.float().numpy())


def test_statistics_of_old_instance_norms_are_ignored(tmp_path):
    state = read_torch_file(GOLDEN / "global.pth")
    for number, width in ((2, 4), (5, 8)):
        state[f"model.{number}.running_mean"] = np.ones(width, "float32")
        state[f"model.{number}.running_var"] = np.ones(width, "float32")
    path = _save(tmp_path / "old.pth", state)
    generator = pytorch_checkpoint.load_generator(path)
    assert generator.norm == "instance"
    arrays = golden_weights.load("global")
    output = generator(arrays["input"]).numpy()
    assert _relative_error(output, arrays["output"]) < 1e-4


# === Files that do not fit ===


@pytest.mark.parametrize("name", LOADERS)
def test_missing_tensors_are_named(tmp_path, name):
    state = read_torch_file(GOLDEN / f"{name}.pth")
    for key in [*list(state)[::5], *list(state)[-2:]]:
        rest = {k: v for k, v in state.items() if k != key}
        path = _save(tmp_path / "part.pth", rest)
        with pytest.raises(ValueError, match=r"part\.pth.*missing") as caught:
            LOADERS[name](path)
        assert key in str(caught.value)


@pytest.mark.parametrize("name", LOADERS)
def test_left_over_tensors_are_named(tmp_path, name):
    state = read_torch_file(GOLDEN / f"{name}.pth")
    state["model.99.weight"] = np.zeros((2, 2), "float32")
    path = _save(tmp_path / "more.pth", state)
    with pytest.raises(ValueError, match=r"more\.pth.*left over.*model\.99"):
        LOADERS[name](path)


@pytest.mark.parametrize("name", LOADERS)
def test_tensors_of_a_wrong_shape_are_named(tmp_path, name):
    state = read_torch_file(GOLDEN / f"{name}.pth")
    key = list(state)[3]  # The second convolution's bias.
    state[key] = np.zeros(77, "float32")
    path = _save(tmp_path / "wrong.pth", state)
    with pytest.raises(ValueError, match=r"wrong\.pth") as caught:
        LOADERS[name](path)
    assert f"{key} has the shape (77,). Expected" in str(caught.value)


@pytest.mark.parametrize(
    ("loader", "file"),
    [
        ("global", "discriminator"),
        ("global", "encoder"),
        ("encoder", "global"),
        ("encoder", "discriminator"),
        ("discriminator", "global"),
    ],
)
def test_files_of_another_network(loader, file):
    with pytest.raises(ValueError, match=rf"{file}\.pth"):
        LOADERS[loader](GOLDEN / f"{file}.pth")


def test_something_else_than_a_state_dict(tmp_path):
    torch = pytest.importorskip("torch")
    path = tmp_path / "training.pth"
    torch.save({"epoch": 3, "state": {"w": torch.ones(2)}}, path)
    with pytest.raises(ValueError, match=r"training\.pth.*epoch, state"):
        pytorch_checkpoint.load_generator(path)


@pytest.mark.parametrize(
    "network",
    [
        lambda: hdgan.UNetGenerator(4, 2, 2),
        lambda: hdgan.MultiscaleDiscriminator(4, 2, spectral_norm=True),
        lambda: hdgan.GlobalGenerator(4, 2, 1, 1, norm="none"),
        lambda: hdgan.GlobalGenerator(4, 2, 1, 1, upsampling="resize"),
        lambda: hdgan.LocalEnhancer(
            hdgan.GlobalGenerator(4, 2, 1, 1, upsampling="resize")
        ),
        lambda: keras.Sequential(),
    ],
    ids=[
        "unet",
        "spectral norm",
        "no norm",
        "resize",
        "resize enhancer",
        "sequential",
    ],
)
def test_networks_that_the_original_code_lacks(network):
    with pytest.raises(ValueError, match="original PyTorch code"):
        pytorch_checkpoint.state_dict(network())


# === Files that are made to harm ===


@pytest.mark.parametrize(
    ("loader", "names"),
    [
        ("encoder", ["model.200.bias"]),
        ("global", ["model.400.conv_block.1.weight"]),
        ("global", ["model.13.conv_block.1.weight", "model9000_1.1.weight"]),
        ("discriminator", [f"scale0_layer{k}.0.bias" for k in range(4000)]),
        ("discriminator", [f"scale{k}_layer0.0.bias" for k in range(9000)]),
    ],
)
def test_a_small_file_builds_no_large_network(tmp_path, loader, names):
    shape = (64, 3, 7, 7)
    state = {name: np.zeros(1, "float32") for name in names}
    state["model.1.weight"] = np.zeros(shape, "float32")
    if loader == "discriminator":
        state = {"scale0_layer0.0.weight": np.zeros(shape, "float32"), **state}
        del state["model.1.weight"]
    path = _save(tmp_path / "small.pth", state)
    with pytest.raises(ValueError, match=r"small\.pth"):
        LOADERS[loader](path)


def test_expanded_tensors_are_refused(tmp_path):
    """Else a file of 8 kB would ask for gigabytes."""
    torch = pytest.importorskip("torch")
    state = {
        "model.1.weight": torch.zeros(1).expand(2**15, 3, 7, 7),
        "model.7.conv_block.1.weight": torch.zeros(1).expand(2**16, 8, 3, 3),
    }
    path = tmp_path / "expanded.pth"
    torch.save(state, path)
    with pytest.raises(ValueError, match=r"expanded\.pth.*repeat their data"):
        pytorch_checkpoint.load_generator(path)


@pytest.mark.parametrize("name", ["model.1.\x1b[2J\x07.bias", "a\nb" * 100])
def test_names_of_tensors_keep_to_the_line(tmp_path, name):
    """They come from the file and go to the terminal."""
    state = read_torch_file(GOLDEN / "encoder.pth")
    path = tmp_path / "planted.pth"
    for value in (state["model.1.bias"], state["model.1.bias"] * np.nan):
        _save(path, {**state, name: value})
        for load in LOADERS.values():
            with pytest.raises(ValueError, match=r"planted\.pth") as caught:
                load(path)
            assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s.update({1: s["model.1.bias"]}), "state dict"),
        (lambda s: s["model.4.bias"].fill_(float("nan")), r"model\.4\.bias"),
        (
            lambda s: s.update({"model.4.bias": s["model.4.bias"].long()}),
            r"model\.4\.bias.*int64",
        ),
        (
            lambda s: s.update({"model.1.weight": s["model.1.weight"][:0]}),
            "base_width",
        ),
        (
            lambda s: s.update({f"model.{'9' * 5000}.bias": s["model.1.bias"]}),
            "left over",
        ),
    ],
    ids=["key", "nan", "integers", "empty", "digits"],
)
def test_invalid_values_and_names(tmp_path, change, words):
    torch = pytest.importorskip("torch")
    state = torch.load(GOLDEN / "encoder.pth", weights_only=True)
    change(state)
    path = tmp_path / "wrong.pth"
    torch.save(state, path)
    with pytest.raises(ValueError, match=rf"wrong\.pth.*{words}"):
        pytorch_checkpoint.load_encoder(path)


def test_a_file_saved_from_data_parallel(tmp_path):
    state = read_torch_file(GOLDEN / "local1.pth")
    path = _save(
        tmp_path / "parallel.pth", {f"module.{k}": v for k, v in state.items()}
    )
    network = pytorch_checkpoint.load_generator(path)
    written = pytorch_checkpoint.state_dict(network)
    for name, array in state.items():
        np.testing.assert_array_equal(written[name], array)
