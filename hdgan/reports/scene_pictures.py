"""A scene's maps and photographs as pictures to look at."""

import numpy as np

from hdgan.layers import BoundaryMap


def scene_pictures(
    model, label_map, instance_map=None, photo=None, style_map=None
):
    """Synthesizes a scene and returns pictures of its inputs and outputs.

    Args:
        model: `LabelToPhotoModel`.
        label_map: integers `(height, width)`, or an RGB image.
        instance_map: integers `(height, width)`. Defaults to None.
        photo: uint8 `(height, width, 3)`. Defaults to None.
        style_map: uint8 `(height, width, channels)`. Defaults to None. It is
            shown if it has three channels.

    Returns:
        Dict from caption to uint8 array `(height, width, 3)`.

    Raises:
        ValueError: if an input does not fit the model.

    Example:
        >>> pictures = scene_pictures(model, **scenes.read(0))
    """
    pictures = {}
    if model.labels is None:
        pictures["Input"] = np.asarray(label_map)
    else:
        pictures["Label map"] = model.labels.colorize(label_map)
        if instance_map is None:
            instance_map = label_map
    if instance_map is not None and model.use_instances:
        boundary = np.asarray(BoundaryMap()(instance_map[None]))[0]
        white = np.uint8(255) - (boundary * 255).astype("uint8")
        pictures["Boundary map"] = np.repeat(white, 3, axis=-1)
    if style_map is not None and np.shape(style_map)[-1] == 3:
        pictures["Style map"] = np.asarray(style_map)
    pictures["Generated"] = model.synthesize(
        label_map,
        instance_map,
        style_photo=photo if model.encoder is not None else None,
        style_map=style_map,
    )
    if photo is not None:
        pictures["Photo"] = np.asarray(photo)
    return pictures
