"""Turns the flags of a training recipe into its options."""

import dataclasses

from absl import flags

from hdgan.runs.options import option_fields, option_type

_KINDS = {
    bool: "bool",
    int: "integer",
    float: "float",
    str: "string",
    tuple: "list",
}
_NETWORK_HELP = {
    "base_width": "Channels of the generator at full resolution.",
    "num_downsamplings": "Halvings of the resolution inside the generator.",
    "num_blocks": "Residual blocks of the generator.",
    "num_local_blocks": "Residual blocks of a local enhancer.",
    "dropout_rate": "Dropout rate in the generator, in [0, 1).",
    "norm": "Normalization of the networks: instance, batch or none.",
    "upsampling": "How the generator doubles the size: transposed, by a "
    "transposed convolution, as published; or resize, by nearest neighbor and "
    "a convolution, which paints no checkerboard.",
    "num_scales": "Scales of the discriminator.",
    "num_discriminator_layers": "Stride-2 convolutions of each PatchGAN.",
    "discriminator_width": "Channels of a PatchGAN's first convolution.",
    "spectral_norm": "Use spectral normalization in the discriminator.",
    "encoder_width": "Channels of the instance encoder at full resolution.",
    "style_channels": "Channels of a style.",
}


def define(options, fixed=()):
    """Defines a flag for each option, loss weight and scalar of the networks.

    Args:
        options: `TrainingOptions`, or a subclass with more options. Its values
            are the flags' defaults.
        fixed: names of options that get no flag, because the recipe passes
            them to `resolve`. Defaults to none.
    """
    heading = None
    for field in option_fields(type(options)):
        heading = field.metadata.get("heading", heading)
        if field.name not in fixed:
            _define(
                heading,
                option_type(field),
                field.name,
                getattr(options, field.name),
                field.metadata["help"],
                field.metadata.get("choices"),
            )
    for name, weight in options.losses.items():
        help = f"Weight of the loss term {name}; 0 turns it off."
        _define("Losses", float, f"{name}_weight", weight, help)
    for name in _network_flags(options):
        value = options.networks[name]
        help = _NETWORK_HELP.get(name, f"`{name}` of the preset's networks.")
        _define("Networks", type(value), name, value, help)
    if options.data_dir is None and "resume" in fixed:
        if "data_dir" not in fixed:
            flags.mark_flag_as_required("data_dir")
    elif options.data_dir is None and "data_dir" not in fixed:
        # A run that is resumed knows its data set. Absl's words for a required
        # flag.
        flags.register_multi_flags_validator(
            ["data_dir", "resume"],
            lambda given: given["data_dir"] is not None or given["resume"],
            "Flag --data_dir must have a value other than None.",
        )
    if options.workdir is None:
        flags.mark_flag_as_required("workdir")


def resolve(defaults, **fixed):
    """Returns the options that the flags describe.

    A flag that was not given takes its default or, in a run that is resumed,
    the value that the run was started with.

    Args:
        defaults: options with which `define` was called.
        **fixed: values that replace those of the flags of the same names.

    Returns:
        Options of the same class.

    Raises:
        ValueError: if there is no run to resume, or its record is damaged.
    """
    for name in ("workdir", "resume"):
        if name not in fixed:
            fixed[name] = flags.FLAGS[name].value
    saved = _read_saved(fixed["workdir"]) if fixed["resume"] else {}
    values = {
        field.name: _resolve(field.name, saved)
        for field in option_fields(type(defaults))
        if field.name not in fixed
    }
    for field in option_fields(type(defaults)):
        if option_type(field) is tuple:
            values[field.name] = _parse_items(field, values[field.name])
    if is_given("learning_rate"):
        # It replaces a recipe's own rate of each network.
        for network in ("generator", "discriminator"):
            name = f"{network}_learning_rate"
            if not is_given(name):
                values[name] = None
    networks = {
        name: _resolve(name, saved) for name in _network_flags(defaults)
    }
    if values["initial_model"]:
        for name in networks:
            if is_given(name):
                raise ValueError(
                    f"`{name}` was given with `initial_model`, which defines "
                    "its own. Leave it out."
                )
    losses = {
        name: _resolve(f"{name}_weight", saved) for name in defaults.losses
    }
    return dataclasses.replace(
        defaults,
        **{**values, **fixed},
        networks={**defaults.networks, **networks},
        losses=losses,
    )


def _parse_items(field, items):
    kind = field.metadata.get("item", str)
    try:
        return tuple(map(kind, items))
    except ValueError as error:
        raise ValueError(
            f"`{field.name}` must hold integers. Received: {','.join(items)}"
        ) from error


def is_given(name):
    """Whether a flag is on the command line."""
    return bool(flags.FLAGS[name].present)


def _network_flags(options):
    """Returns the names of the networks' values that are flags."""
    # A recipe fixes the others, such as sizes.
    return [
        name
        for name, value in options.networks.items()
        if isinstance(value, (bool, int, float, str))
    ]


def _resolve(name, saved):
    # A run that was stopped early goes on to its end.
    if name in saved and name != "max_steps" and not is_given(name):
        return saved[name]
    return flags.FLAGS[name].value


def _read_saved(workdir):
    # Imports Keras.
    from hdgan.runs.run_directory import RunDirectory

    if not workdir:
        raise ValueError("`workdir` is missing: the folder of the run.")
    return RunDirectory(workdir).read_record()["options"]


def _define(heading, kind, name, default, help, choices=None):
    if default not in (None, ()):
        # `--help` adds it itself.
        help = help.partition(" Default:")[0]
    if kind is tuple:
        default = list(default)
    if choices is not None and kind is not tuple:
        flags.DEFINE_enum(name, default, choices, help, module_name=heading)
    else:
        define = getattr(flags, f"DEFINE_{_KINDS[kind]}")
        define(name, default, help, module_name=heading)
