"""Small models and scenes for tests of whole models."""

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
    """Makes a narrow and shallow model of a preset, with the same weights.

    Args:
        preset: str, the preset's name. Defaults to `"tiny"`.
        labels: `LabelSet` or None. Defaults to `LABELS`.
        seed: int, seed of the initial weights. Defaults to 7.
        **options: other arguments of `from_preset`.
    """
    keras.utils.set_random_seed(seed)
    networks = hdgan.PRESETS[preset]["networks"]
    small = {k: value for k, value in _SMALL.items() if k in networks}
    return hdgan.LabelToPhotoModel.from_preset(
        preset,
        labels=labels,
        **{**small, **_SMALL_OF_PRESET[preset], **options},
    )


def sharpen(model):
    """Scales the weights of G and E, so that photographs differ visibly.

    The photographs of an untrained model differ by less than one grey level.
    """
    for network in (model.generator, model.encoder):
        if network is not None:
            network.set_weights([5 * w for w in network.get_weights()])
    return model


def make_scenes(
    count, height=32, width=48, seed=0, is_rgb=False, style_channels=0
):
    """Returns a batch of scenes in NumPy, as `fit` takes them.

    Labels form blocks of 4x4 pixels, instances blocks of 8x8 pixels. Half
    precision can't tell the instance ids apart. Photos and style maps are
    noise.

    Args:
        count: int, number of scenes.
        height: int, pixels. Defaults to 32.
        width: int, pixels. Defaults to 48.
        seed: int, seed of the scenes. Defaults to 0.
        is_rgb: bool, whether RGB noise replaces label map and instance map.
            Defaults to False.
        style_channels: int, channels of the style map. Defaults to 0: no style
            map.
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
    """Returns a batch of scenes with the inputs that the model trains on."""
    return make_scenes(
        count,
        height,
        width,
        is_rgb=model.labels is None,
        style_channels=model.style_map_channels,
    )


def maps_of(scenes):
    """Returns the scenes without the photo, as arguments of `synthesize`."""
    return {name: scenes[name] for name in scenes if name != "photo"}


def inputs_for(model, count, height=32, width=48):
    """Returns the arguments that `synthesize` of the model needs."""
    scenes = scenes_for(model, count, height, width)
    return scenes if model.encoder is not None else maps_of(scenes)


def synthesize(model, scenes, **more):
    """Calls `synthesize` on scenes as `fit` takes them.

    A model with an encoder takes the styles of the photos.
    """
    arguments = {**scenes, **more}
    photo = arguments.pop("photo", None)
    if model.encoder is not None:
        arguments["style_photo"] = photo
    return model.synthesize(**arguments)


def optimizer_state(model):
    """Returns every variable of both optimizers as NumPy arrays."""
    return [
        variable.numpy()
        for optimizer in (
            model.generator_optimizer,
            model.discriminator_optimizer,
        )
        for variable in optimizer.variables
    ]
