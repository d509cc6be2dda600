"""Steps of SPADE's training, held to those of the original PyTorch code."""

import types

import golden_spade
import keras
import numpy as np
import pytest
import tensorflow as tf

import hdgan

# The golden files' columns under our names.
COLUMNS = (
    "generator_adversarial",
    "feature_matching",
    "discriminator_fake",
    "discriminator_real",
    "kl_divergence",
)


class _Record(keras.callbacks.Callback):
    """Keeps the losses of each step."""

    def __init__(self):
        super().__init__()
        self.losses = []

    def on_train_batch_begin(self, batch, logs=None):
        # Without it the logs would be means over the steps so far.
        self.model.reset_metrics()

    def on_train_batch_end(self, batch, logs=None):
        self.losses.append([logs[name] for name in COLUMNS if name in logs])


class _RecordedSpade(hdgan.Spade):
    """Keeps every fake."""

    def generate(self, scene, training):
        generated = super().generate(scene, training)
        self.fakes.append(generated.image.numpy())
        return generated


class _GivenNoise(keras.layers.Layer):
    """`GaussianSampling` with the noise of a golden file, one per call."""

    def __init__(self, noise):
        super().__init__()
        self.noise = iter(noise)

    def call(self, mean, log_variance):
        return mean + tf.exp(0.5 * log_variance) * next(self.noise)


def _make_model(config, size):
    channels = config["label_nc"] + config["contain_dontcare_label"]
    condition = channels + (not config["no_instance"])
    style, encoder = {}, None
    if config["use_vae"]:
        style = {"style_channels": config["z_dim"], "image_size": size}
        encoder = hdgan.StyleEncoder(config["ngf"], config["z_dim"])
    return _RecordedSpade(
        hdgan.SpadeGenerator(
            condition,
            config["ngf"],
            hidden_channels=config["hidden"],
            **style,
        ),
        hdgan.MultiscaleDiscriminator(
            condition + 3,
            config["ndf"],
            spectral_norm="inner",
            initialization="xavier",
        ),
        encoder,
        labels=hdgan.LabelSet.numbered(channels),
        use_instances=not config["no_instance"],
    )


def _scenes(arrays, config):
    scenes = {
        "label_map": arrays["label"][:, 0].astype("int32"),
        "photo": arrays["image"].transpose(0, 2, 3, 1),
    }
    # Its last channel is that of the pixels without a label.
    scenes["label_map"][scenes["label_map"] == 255] = config["label_nc"]
    if not config["no_instance"]:
        scenes["instance_map"] = arrays["instance"][:, 0].astype("int32")
    return scenes


@pytest.fixture(scope="module", params=["", "_vae"])
def run(request):
    """The golden run, and ours through `fit` from the same weights."""
    name = f"spade_training{request.param}"
    with np.load(golden_spade.FOLDER / f"{name}.npz") as file:
        arrays = dict(file)
    config = golden_spade.load(name)["config"]
    model = _make_model(config, arrays["image"].shape[2:])
    model.fakes = []
    weights = {
        "G": golden_spade.generator(model.generator),
        "D": golden_spade.discriminator(model.discriminator),
    }
    if config["use_vae"]:
        weights["E"] = golden_spade.encoder(model.encoder)
        model.sampling = _GivenNoise(arrays["eps"])
    for network, named in weights.items():
        golden_spade.assign(named, golden_spade.select(arrays, f"{network}0/"))
    record = _Record()
    # Eagerly, because the fakes are kept.
    model.compile(run_eagerly=True)
    model.fit(
        _scenes(arrays, config),
        batch_size=config["batch"],
        shuffle=False,
        verbose=0,
        callbacks=[record],
    )
    return types.SimpleNamespace(
        arrays=arrays,
        config=config,
        weights=weights,
        losses=record.losses,
        fakes=model.fakes,
    )


def _ends(run):
    """Yields golden starts and ends, and our ends, of each stored network."""
    for network, weights in run.weights.items():
        ends = golden_spade.select(run.arrays, f"{network}1/")
        # The end of one discriminator is not in its file.
        assert ends or (network == "D" and run.config["use_vae"])
        if ends:
            starts = golden_spade.select(run.arrays, f"{network}0/")
            yield starts, ends, golden_spade.read(weights, ends)


def test_losses_of_every_step(run):
    expected = run.arrays["losses"]
    assert np.shape(run.losses) == expected.shape
    np.testing.assert_allclose(run.losses, expected, rtol=1e-4, atol=1e-4)


def test_fakes_of_the_generators_updates(run):
    expected = run.arrays["fakes_stride8"].transpose(0, 1, 3, 4, 2)
    # Each step draws a second fake, for the discriminator.
    received = np.stack(run.fakes[::2])[:, :, ::8, ::8]
    assert golden_spade.relative_error(received, expected) < 1e-4


def test_kernels_move_as_the_golden_ones(run):
    for starts, ends, received in _ends(run):
        kernels = [
            name for name in ends if name.endswith(("weight", "weight_orig"))
        ]

        def movement(values, starts=starts, kernels=kernels):
            return np.concatenate(
                [(values[name] - starts[name]).ravel() for name in kernels]
            )

        error = golden_spade.relative_error(movement(received), movement(ends))
        assert error < 2e-2


def test_states_end_as_the_golden_ones(run):
    for _, ends, received in _ends(run):
        for name, end in ends.items():
            if name.endswith(("running_var", "weight_u")):
                error = golden_spade.relative_error(received[name], end)
                assert error < 1e-4, name
            if name.endswith("running_mean"):
                np.testing.assert_allclose(
                    received[name], end, atol=1e-3, err_msg=name
                )
