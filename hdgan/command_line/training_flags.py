"""The flags that all training recipes share, and their checks.

A recipe calls `define` with its preset and what differs from the defaults. The
numbers of a preset are flags too; unset, they are the preset's.
"""

import json
import pathlib

from absl import flags

from hdgan.data.resize_policy import MODES
from hdgan.layers.normalization import NORMS
from hdgan.models.precision import PRECISIONS
from hdgan.models.presets import list_presets

# What may differ between a run and its continuation.
_CHANGEABLE = (
    "workdir",
    "data_dir",
    "resume",
    "dry_run",
    "max_steps",
    "checkpoint_steps",
    "sample_steps",
    "num_sample_scenes",
    "log_steps",
    "devices",
    "global_model",
)
_MODEL_NUMBERS = {
    "base_width": "channels at full resolution",
    "num_downsamplings": "halvings inside the generator",
    "num_blocks": "residual blocks",
    "num_local_blocks": "residual blocks of an enhancer",
    "num_scales": "scales of the discriminator",
    "num_discriminator_layers": "stride-2 convolutions of each PatchGAN",
    "discriminator_width": "channels of a PatchGAN's first convolution",
    "encoder_width": "channels of the instance encoder at full resolution",
    "style_channels": "channels of a style: of the encoder's features",
}
_LEAST = {
    "label_nc": 0,
    "max_dataset_size": 1,
    "epochs": 0,
    "decay_epochs": 0,
    "fix_global_epochs": 0,
    "global_epochs": 0,
    "global_decay_epochs": 0,
    "max_steps": 1,
    "batch_size": 1,
    "gradient_accumulation_steps": 1,
    "pool_size": 0,
    "seed": 0,
    "checkpoint_steps": 1,
    "sample_steps": 1,
    "num_sample_scenes": 1,
    "log_steps": 1,
}
_names = []
_defaults = {}


def define(preset, **defaults):
    """Defines a recipe's flags.

    Args:
        preset: key of `hdgan.PRESETS`.
        **defaults: defaults of flags that differ from the shared ones.
    """
    _defaults.update(defaults)
    _define_data()
    config = list_presets()[preset]
    _define_model(config["networks"])
    _define_losses(config["losses"])
    _define_optimisation()
    _define_run()


def add(kind, name, default, help, **options):
    """Defines a flag that is one of the run's options.

    Args:
        kind: `"integer"`, `"string"`, ...: the ending of an absl function.
        name: str.
        default: its default, unless `define` was given another.
        help: str.
        **options: what the absl function takes besides.
    """
    getattr(flags, f"DEFINE_{kind}")(
        name=name, default=_defaults.get(name, default), help=help, **options
    )
    _names.append(name)


def _define_data():
    add("string", "data_dir", None, "Folder with train_label, train_img, ...")
    add("string", "split", "train", "Start of the folders' names.")
    add("integer", "label_nc", None, "Number of classes; 0: RGB input.")
    add(
        "string",
        "labels_file",
        None,
        "JSON with names and colors of the classes; "
        "by default labels.json of the data set, if there is one.",
    )
    add("bool", "use_instances", True, "Use instance maps: {split}_inst.")
    add("enum", "resize_mode", "scale_width", "Resize mode.", enum_values=MODES)
    add("integer", "load_size", 1024, "Pixels to scale to.")
    add("integer", "crop_size", 512, "Pixels of a crop's side.")
    add("bool", "flip", True, "Mirror half of the scenes.")
    add("bool", "shuffle", True, "A new order of the scenes each epoch.")
    add(
        "string",
        "cache_dir",
        None,
        "Folder to keep scaled scenes in, so that each is decoded once: 6 MB "
        "for one of 1024x512.",
    )
    add("integer", "max_dataset_size", None, "Use only so many scenes.")


def _define_model(numbers):
    for name, help in _MODEL_NUMBERS.items():
        if name in numbers:
            add("integer", name, None, f"{help} (preset: {numbers[name]}).")
    add("enum", "norm", None, "Norm.", enum_values=NORMS)
    add("float", "dropout_rate", None, "Dropout in the generator, 0..1.")
    add("bool", "spectral_norm", None, "Spectral norm in the discriminator.")
    add("bool", "instance_feat", False, "Train an instance feature encoder.")
    add("bool", "label_feat", False, "Train one that averages over classes.")
    add(
        "bool",
        "load_style_maps",
        False,
        "Take features from {split}_feat, as tools.encode_styles writes "
        "them, instead of training an encoder.",
    )
    add(
        "enum",
        "precision",
        "float32",
        "Of the networks; weights and losses stay in float32. float16 scales "
        "the losses and skips a step that overflows.",
        enum_values=list(PRECISIONS),
    )
    add(
        "bool",
        "remat",
        False,
        "Compute activations twice instead of keeping them: less memory for "
        "more time.",
    )
    add(
        "bool",
        "jit",
        False,
        "Compile the train step with XLA: for one GPU and scenes of one size; "
        "on a processor it is slower.",
    )
    add("float", "ema_decay", None, "Decay of a moving average of the weights.")


def _define_losses(losses):
    add(
        "enum",
        "adversarial_loss",
        losses["generator_adversarial"]["kind"],
        "Adversarial loss.",
        enum_values=("least_squares", "hinge", "non_saturating"),
    )
    for term in ("feature_matching", "perceptual", "l1"):
        weight = losses[term]["weight"]
        add("float", f"{term}_weight", weight, f"Weight of the term {term}.")
    add(
        "string",
        "vgg_weights",
        "imagenet",
        "VGG19 weights of the perceptual loss: imagenet (downloaded by Keras), "
        "a Keras weights file without top (.h5), or torchvision's (.pth), "
        "which gives the published loss.",
    )
    add(
        "enum",
        "vgg_inputs",
        None,
        "What these weights are given: raw ([-1, 1] as it is, as the published "
        "code does), by default to torchvision's; caffe (BGR, 0..255, mean "
        "subtracted), by default to Keras'.",
        enum_values=("caffe", "raw"),
    )


def _define_optimisation():
    add("integer", "epochs", 100, "Epochs at the full learning rate.")
    add("integer", "decay_epochs", 100, "Epochs of linear decay to 0.")
    add("integer", "max_steps", None, "End after so many steps already.")
    add("integer", "batch_size", 1, "Examples of a batch, over all devices.")
    add(
        "integer",
        "gradient_accumulation_steps",
        1,
        "Batches of a step, which takes the mean of their gradients.",
    )
    add("float", "learning_rate", 2e-4, "Adam's learning rate.")
    add(
        "integer",
        "pool_size",
        0,
        "Earlier fakes kept for the discriminator, for each device; a resumed "
        "run starts with none.",
    )
    add("integer", "seed", 0, "Seed of weights and order of the data.")


def _define_run():
    add("string", "workdir", None, "Folder of the run.")
    add("bool", "resume", False, "Go on with the run in workdir.")
    add("bool", "dry_run", False, "Check everything, print, and stop.")
    add(
        "list",
        "devices",
        [],
        "Devices to train on, such as GPU:0,GPU:1; by default all GPUs, else "
        "the processor. CPU:0,CPU:1 splits the processor in two.",
    )
    add("integer", "checkpoint_steps", 1000, "Steps between checkpoints.")
    add("integer", "sample_steps", 500, "Steps between sample pages.")
    add("integer", "num_sample_scenes", 4, "Scenes on the sample page.")
    add("integer", "log_steps", 50, "Steps between TensorBoard scalars.")


def resolve():
    """Returns all flags as a dict; a resumed run's take the saved values.

    Raises:
        ValueError: if flags are missing or do not fit one another or, with
            `--resume`, the run's saved options.
    """
    values = flags.FLAGS
    options = {name: values[name].value for name in _names}
    if not options["workdir"]:
        raise ValueError("--workdir is missing: the folder of the run.")
    if options["resume"]:
        options = _resumed(options)
    if not options["data_dir"]:
        raise ValueError("--data_dir is missing: the folder of the data set.")
    if not pathlib.Path(options["data_dir"]).is_dir():
        raise ValueError(
            f"--data_dir={options['data_dir']}: there is no such folder. "
            "Correct the path."
        )
    for name, least in _LEAST.items():
        if options.get(name) is not None and options[name] < least:
            raise ValueError(
                f"--{name} must be at least {least}. Received: {options[name]}"
            )
    if options["learning_rate"] <= 0:
        raise ValueError(
            "--learning_rate must be above 0. "
            f"Received: {options['learning_rate']}"
        )
    if options["epochs"] + options["decay_epochs"] < 1:
        raise ValueError("--epochs and --decay_epochs are both 0.")
    if options["jit"] and options["pool_size"]:
        raise ValueError(
            "--jit with --pool_size: the pool of earlier fakes lies outside of "
            "what XLA compiles. Leave one of them out."
        )
    _check_styles(options)
    return options


def _check_styles(options):
    if options["instance_feat"] and options["label_feat"]:
        raise ValueError(
            "--instance_feat and --label_feat were both given: an encoder "
            "averages over instances or over classes. Choose one."
        )
    if options["load_style_maps"]:
        if options["style_channels"] not in (None, 3):
            raise ValueError(
                f"--style_channels={options['style_channels']} with "
                "--load_style_maps: the files of {split}_feat hold 3. Leave "
                "--style_channels out."
            )
    elif options["label_feat"] and options["label_nc"] == 0:
        raise ValueError(
            "--label_feat needs classes to average over, but --label_nc=0 is "
            "RGB input. Use --instance_feat, with instance maps."
        )


def _resumed(options):
    path = pathlib.Path(options["workdir"]) / "options.json"
    if not path.is_file():
        raise ValueError(
            f"{path.parent} holds no run to resume: there is no options.json. "
            "Leave out --resume, or correct --workdir."
        )
    try:
        saved = json.loads(path.read_text())["options"]
    except (KeyError, ValueError) as error:
        raise ValueError(
            f"{path} is damaged: it does not hold the run's options. Start a "
            "new run in another --workdir."
        ) from error
    for name, value in options.items():
        is_given = flags.FLAGS[name].present
        if not is_given and name in saved and name not in ("max_steps",):
            options[name] = saved[name]
        elif name not in _CHANGEABLE and value != saved.get(name):
            raise ValueError(
                f"--{name}={value} differs from the run's {saved.get(name)}. "
                "A resumed run keeps its options: leave the flag out, or start "
                "a new run in another --workdir."
            )
    options["resume"] = True
    return options
