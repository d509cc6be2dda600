"""The description of an exported model, as a file beside its graph.

The signature `describe` returns the same text, but only after the model is
loaded.
"""

import dataclasses
import json
import pathlib

# A SavedModel keeps files that its graph does not use in assets.extra.
PATH = "assets.extra/describe.json"
# The entries that clients rely on.
_KEYS = {"signatures", "labels", "use_instances", "style_channels"}


def describe_model(model, options, signatures):
    """Returns the description of a served model, a dict for JSON.

    Args:
        model: `LabelToPhotoModel`.
        options: `ServingOptions`.
        signatures: dict that `make_signatures` returned.
    """
    # Clients read descriptions without TensorFlow; only exports write them.
    import keras
    import tensorflow as tf

    import hdgan

    labels = model.labels
    clusters = model.style_clusters
    return {
        "labels": None if labels is None else labels.get_config(),
        "num_labels": 0 if labels is None else len(labels),
        "signatures": {
            name: [spec.name for spec in specs]
            for name, (_, specs) in signatures.items()
        },
        "use_instances": model.use_instances,
        "style_channels": model.style_channels,
        "style_limit": model.style_limit,
        # By class. A class that is not listed has a single cluster.
        "num_style_clusters": {
            str(label): len(centers)
            for label, centers in (clusters.centers if clusters else {}).items()
        },
        # Instead of an index, a client may send the style of a cluster.
        "style_centers": {
            str(label): centers.tolist()
            for label, centers in (clusters.centers if clusters else {}).items()
        },
        "style_regions": model.style_regions if model.style_channels else None,
        # (height, width), the only size in pixels; None if any size works.
        "image_size": model.image_size and list(model.image_size),
        "scene_width": model.scene_width,
        "preset": model.preset,
        "generator": type(model.generator).__name__,
        "parameters": model.inference_generator.count_params(),
        "precision": model.preprocessing.compute_dtype,
        "size_multiple": model.preprocessing.size_multiple,
        **dataclasses.asdict(options),
        "versions": {
            "hdgan": hdgan.__version__,
            "keras": keras.__version__,
            "tensorflow": tf.__version__,
        },
    }


def write_description(directory, description):
    """Writes the description of a SavedModel.

    Args:
        directory: path of the SavedModel.
        description: dict that `describe_model` returned.
    """
    path = pathlib.Path(directory) / PATH
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(description, indent=1) + "\n")


def parse_description(text):
    """Parses a description from a file or from a server's answer.

    Args:
        text: str or bytes.

    Returns:
        Dict, as `describe_model` returned it.

    Raises:
        ValueError: if the text does not describe a model.
    """
    try:
        description = json.loads(text)
    except ValueError as error:
        raise ValueError(f"This is not JSON: {text[:100]!r}.") from error
    if not isinstance(description, dict) or not set(description) >= _KEYS:
        raise ValueError(f"This does not describe a model: {text[:100]!r}.")
    return description
