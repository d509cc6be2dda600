"""What an exported model says of itself, as a file beside its graph.

It can be read without loading the model, which its signature `describe` needs.
"""

import dataclasses
import importlib.metadata
import json
import pathlib

# Where SavedModels have what no graph uses.
PATH = "assets.extra/describe.json"
# What those who ask a model rely on.
_KEYS = {"signatures", "labels", "use_instances", "style_channels"}


def describe_model(model, options, signatures):
    """Returns what a served model says of itself, as JSON takes it.

    Args:
        model: `Pix2PixHD`.
        options: `ServingOptions`.
        signatures: dict, as of `make_signatures`.
    """
    # Clients read descriptions without TensorFlow; only exports write them.
    import keras
    import tensorflow as tf

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
        # By class; one that is not there has a single cluster.
        "num_style_clusters": {
            str(label): len(centers)
            for label, centers in (clusters.centers if clusters else {}).items()
        },
        "preset": model.preset,
        "generator": type(model.generator).__name__,
        "parameters": model.inference_generator.count_params(),
        "precision": model.preprocessing.compute_dtype,
        "size_multiple": model.preprocessing.size_multiple,
        **dataclasses.asdict(options),
        "versions": {
            "hdgan": importlib.metadata.version("hdgan"),
            "keras": keras.__version__,
            "tensorflow": tf.__version__,
        },
    }


def write_description(directory, description):
    """Writes what a SavedModel says of itself.

    Args:
        directory: path of the SavedModel.
        description: dict, as of `describe_model`.
    """
    path = pathlib.Path(directory) / PATH
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(description, indent=1) + "\n")


def parse_description(text):
    """Returns what `write_description` wrote, or a server answered.

    Args:
        text: str or bytes.

    Raises:
        ValueError: if it is something else.
    """
    try:
        description = json.loads(text)
    except ValueError as error:
        raise ValueError(f"It is no JSON: {text[:100]!r}") from error
    if not isinstance(description, dict) or not set(description) >= _KEYS:
        raise ValueError(f"It describes no model: {text[:100]!r}")
    return description
