"""The presets of all families, found without importing TensorFlow.

A family is a package of `hdgan.models` with the modules `presets`, which holds
`PRESETS` and the name `MODEL` of its class, and `model`, which defines it.
"""

import functools
import importlib
import pkgutil

import hdgan.models


def import_families():
    """Imports the model class of each family, so that Keras can load it."""
    return [
        getattr(
            importlib.import_module(f"hdgan.models.{package}.model"),
            module.MODEL,
        )
        for package, module in list_families().items()
    ]


@functools.cache
def list_families():
    """Returns the `presets` module of each family, by the package's name."""
    return {
        info.name: importlib.import_module(f"hdgan.models.{info.name}.presets")
        for info in pkgutil.iter_modules(hdgan.models.__path__)
        if info.ispkg
    }


# Every preset's configuration, by its name.
PRESETS = {
    name: config
    for module in list_families().values()
    for name, config in module.PRESETS.items()
}


def find_model_class(preset):
    """Returns the model class that has a preset.

    Args:
        preset: str.

    Raises:
        ValueError: if there is no such preset.
    """
    for package, module in list_families().items():
        if preset in module.PRESETS:
            model = importlib.import_module(f"hdgan.models.{package}.model")
            return getattr(model, module.MODEL)
    raise ValueError(
        f"There is no preset {preset!r}. The presets are: {', '.join(PRESETS)}"
    )


def resolve_preset(preset, **overrides):
    """Returns a preset's configuration with some of its networks' changed.

    Args:
        preset: str.
        **overrides: values by key of the preset's `networks`; None leaves the
            preset's.

    Returns:
        Dict of `networks`, `losses`, `generator_optimizer`,
        `discriminator_optimizer` and `update_order`.

    Raises:
        ValueError: if there is no such preset, or no such key in its networks.
    """
    if preset not in PRESETS:
        raise ValueError(
            f"There is no preset {preset!r}. The presets are: "
            f"{', '.join(PRESETS)}"
        )
    config = PRESETS[preset]
    networks = config["networks"]
    unknown = sorted(set(overrides) - set(networks))
    if unknown:
        raise ValueError(
            f"The preset {preset!r} has no {', '.join(unknown)}. It has: "
            f"{', '.join(networks)}"
        )
    given = {k: v for k, v in overrides.items() if v is not None}
    return {**config, "networks": {**networks, **given}}
