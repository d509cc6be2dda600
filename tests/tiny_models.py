"""Small models and scenes that the tests of the whole model share."""

import keras
import numpy as np

import hdgan

NUM_CLASSES = 5
LABELS = hdgan.LabelSet(
    ["sky", "road", "car", "tree", "house"],
    [(70, 130, 180), (128, 64, 128), (0, 0, 142), (107, 142, 35), (70, 70, 70)],
)
_SMALL = {
    "base_width": 4,
    "discriminator_width": 4,
    "num_downsamplings": 2,
    "num_discriminator_layers": 1,
    "encoder_width": 4,
    "encoder_downsamplings": 2,
}
_SMALL_OF_PRESET = {
    "tiny": {"num_blocks": 1},
    "pix2pixhd_512p": {"num_blocks": 1},
    "pix2pixhd_1024p": {"num_blocks": 1, "num_local_blocks": 1},
    "pix2pix_256": {"num_downsamplings": 3},
    "spade_256": {
        "base_width": 2,
        "hidden_channels": 4,
        "encoder_width": 2,
        "style_channels": 5,
        "image_size": (64, 64),
    },
}
_SMALL_OF_PRESET["spade_512x256"] = _SMALL_OF_PRESET["spade_256"]


def make_model(preset="tiny", labels=LABELS, seed=7, **options):
    """Makes a model of a preset, narrow and shallow, always the same."""
    keras.utils.set_random_seed(seed)
    networks = hdgan.PRESETS[preset]["networks"]
    small = {k: value for k, value in _SMALL.items() if k in networks}
    return hdgan.LabelToPhotoModel.from_preset(
        preset,
        labels=labels,
        **{**small, **_SMALL_OF_PRESET[preset], **options},
    )


def sharpen(model):
    """Makes an untrained model's photographs differ by more than rounding."""
    for network in (model.generator, model.encoder):
        if network is not None:
            network.set_weights([5 * w for w in network.get_weights()])
    return model


def make_scenes(
    count, height=32, width=48, seed=0, is_rgb=False, style_channels=0
):
    """Returns a batch of scenes as `fit` takes them, in NumPy.

    Blocks of 4x4 pixels of one label; instances of 8x8 pixels whose ids half
    precision can't tell apart; photos of noise, and style maps if they have
    channels.
    """
    draw = np.random.default_rng(seed)
    shape = (count, height, width)

    def blocks(size, values):
        coarse = draw.choice(values, (count, height // size + 1, width))
        fine = np.repeat(np.repeat(coarse, size, axis=1), size, axis=2)
        return fine[:, :height, :width]

    scenes = {
        "label_map": blocks(4, np.arange(NUM_CLASSES, dtype="uint8")),
        "instance_map": blocks(8, np.int32([3, 20001, 20002, 26001, 26002])),
        "photo": draw.integers(0, 256, (*shape, 3), "uint8"),
    }
    if is_rgb:
        scenes["label_map"] = draw.integers(0, 256, (*shape, 3), "uint8")
        del scenes["instance_map"]
    if style_channels:
        scenes["style_map"] = draw.integers(
            0, 256, (*shape, style_channels), "uint8"
        )
    return scenes


def scenes_for(model, count, height=32, width=48):
    """Returns a batch of scenes as `fit` takes them, of the model's kind."""
    return make_scenes(
        count,
        height,
        width,
        is_rgb=model.labels is None,
        style_channels=model.style_map_channels,
    )


def maps_of(scenes):
    """Returns the arguments of `synthesize` without the photo."""
    return {name: scenes[name] for name in scenes if name != "photo"}


def inputs_for(model, count, height=32, width=48):
    """Returns the arguments of `synthesize` that the model needs."""
    scenes = scenes_for(model, count, height, width)
    return scenes if model.encoder is not None else maps_of(scenes)


def optimizer_state(model):
    """Returns every variable of both optimizers, in NumPy."""
    return [
        variable.numpy()
        for optimizer in (
            model.generator_optimizer,
            model.discriminator_optimizer,
        )
        for variable in optimizer.variables
    ]
