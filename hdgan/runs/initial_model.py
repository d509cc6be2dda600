"""The trained model that a run starts from."""

from hdgan.models.model_file import load_model
from hdgan.models.presets import find_model_class


def open_initial_model(name, options):
    """Loads a trained model and checks that it fits the options.

    Args:
        name: str, the option that holds its path, such as `"initial_model"`.
        options: `TrainingOptions`.

    Returns:
        `LabelToPhotoModel`, which brings its classes and networks along.

    Raises:
        ValueError: if the file is no model of the preset's family, or was
            trained with other classes or inputs than the options say.
    """
    path = getattr(options, name)
    model = load_model(path)
    family = find_model_class(options.preset)
    if not isinstance(model, family):
        raise ValueError(
            f"{name}={path} is a {type(model).__name__}. Expected a "
            f"{family.__name__}, as {options.preset} trains it."
        )
    num_classes = 0
    if model.labels is not None:
        # Without the one that ignored ids become.
        num_classes = len(model.labels) - bool(model.labels.ignore_ids)
    if options.label_nc not in (None, num_classes):
        raise ValueError(
            f"label_nc={options.label_nc}, but {name}={path} has {num_classes} "
            "classes. Leave `label_nc` out."
        )
    for what, received, found in (
        ("instance maps", options.use_instances, model.use_instances),
        (
            "loaded style maps",
            options.styles == "loaded",
            bool(model.style_map_channels),
        ),
        (
            "an encoder",
            options.styles not in (None, "loaded"),
            model.encoder is not None,
        ),
    ):
        if received != found:
            raise ValueError(
                f"{name}={path} was trained {'with' if found else 'without'} "
                f"{what}, and the options say otherwise. Train it further "
                "likewise."
            )
    return model
