"""Four train steps agree with those of the original PyTorch code."""

import types

import golden_weights
import keras
import numpy as np
import pytest

import hdgan

# Names of the loss terms in the order of the golden file's columns.
COLUMNS = (
    "generator_adversarial",
    "feature_matching",
    "discriminator_real",
    "discriminator_fake",
)
# The only biases with an effect: an instance norm subtracts all others again.
GENERATOR_BIASES = {"model.19"}
DISCRIMINATOR_BIASES = {
    f"scale{scale}_layer{layer}.0" for scale in (0, 1) for layer in (0, 4)
}


class _Record(keras.callbacks.Callback):
    """Records the losses of each step and the fake before it."""

    def __init__(self, maps):
        super().__init__()
        self.maps = maps
        self.losses = []
        self.fakes = []

    def on_train_batch_begin(self, batch, logs=None):
        # Otherwise the logs would be means over the steps so far.
        self.model.reset_metrics()
        maps = {name: self.maps[name][batch : batch + 1] for name in self.maps}
        self.fakes.append(self.model(maps).numpy()[0])

    def on_train_batch_end(self, batch, logs=None):
        self.losses.append(dict(logs))


def _weights(arrays, network):
    """Returns arrays by PyTorch's names.

    Args:
        arrays: dict, the golden file.
        network: str, `G0` or `D0` before training, `G1` or `D1` after it.
    """
    prefix = f"{network}/"
    return {
        key.removeprefix(prefix): array
        for key, array in arrays.items()
        if key.startswith(prefix)
    }


def _assign(network, weights):
    return golden_weights.assign(
        network, {f"w/{name}": array for name, array in weights.items()}
    )


def _make_model(config):
    generator, discriminator = config["generator"], config["discriminator"]
    return hdgan.Pix2PixHD(
        hdgan.GlobalGenerator(
            generator["input_nc"],
            generator["ngf"],
            generator["n_downsample_global"],
            generator["n_blocks_global"],
        ),
        hdgan.MultiscaleDiscriminator(
            discriminator["input_nc"],
            discriminator["ndf"],
            discriminator["n_layers_D"],
            discriminator["num_D"],
        ),
        labels=hdgan.LabelSet.numbered(config["num_labels"]),
    )


@pytest.fixture(scope="module")
def run():
    """The golden run, and a run of `fit` from the same initial weights."""
    with np.load(golden_weights.FOLDER / "training.npz") as file:
        golden = dict(file)
    # `golden` keeps PyTorch's axes for weights; here images are channels last.
    arrays = golden_weights.load("training")
    model = _make_model(arrays["config"])
    layers = {
        "G": _assign(model.generator, _weights(golden, "G0")),
        "D": _assign(model.discriminator, _weights(golden, "D0")),
    }
    maps = {
        "label_map": arrays["label"][..., 0],
        "instance_map": arrays["instance"][..., 0],
    }
    # Floats, because the golden images are not whole grey levels.
    scenes = {**maps, "photo": (arrays["image"] + 1.0) * 127.5}
    record = _Record(maps)
    model.compile()
    model.fit(
        scenes, batch_size=1, shuffle=False, verbose=0, callbacks=[record]
    )
    return types.SimpleNamespace(
        golden=golden, arrays=arrays, record=record, layers=layers
    )


def test_losses_of_every_step(run):
    expected = run.golden["losses"]
    # Logs include the weight, which is 0.5 for the discriminator's terms.
    factors = [1, 1, 2, 2]
    losses = [
        [f * logs[name] for f, name in zip(factors, COLUMNS, strict=True)]
        for logs in run.record.losses
    ]
    assert len(losses) == len(expected) == 4
    np.testing.assert_allclose(losses, expected, rtol=1e-4)


def test_fakes_before_every_step(run):
    fakes = run.record.fakes
    for fake, expected in zip(fakes, run.arrays["fakes"], strict=True):
        error = np.linalg.norm(fake - expected) / np.linalg.norm(expected)
        assert error < 1e-4


@pytest.mark.parametrize(
    ("network", "free_biases"),
    [("G", GENERATOR_BIASES), ("D", DISCRIMINATOR_BIASES)],
)
def test_weights_after_the_last_step(run, network, free_biases):
    starts = _weights(run.golden, f"{network}0")
    ends = _weights(run.golden, f"{network}1")
    assert free_biases <= set(run.layers[network])
    for name, layer in run.layers[network].items():
        start, end = (
            golden_weights.to_keras(arrays[f"{name}.weight"])
            for arrays in (starts, ends)
        )
        kernel = layer.kernel.numpy()
        np.testing.assert_allclose(kernel, end, atol=2e-4, err_msg=name)
        movement = np.linalg.norm(end - start)
        assert movement > 0
        assert np.linalg.norm(kernel - end) < 1e-2 * movement, name
        if name in free_biases:
            np.testing.assert_allclose(
                layer.bias.numpy(), ends[f"{name}.bias"], atol=2e-4
            )
