"""The maps of a scene as files hold them."""

import numpy as np

# The largest id in a PNG file.
_LARGEST = 65535


def maps_for_files(scene):
    """Returns the maps of a scene with ids that PNG files hold.

    Pixels without a class have an ignored id again. Objects of classes above 65
    have ids beyond 16 bits; then all objects of the scene are numbered.

    Args:
        scene: `EditableScene`.

    Returns:
        Label map and instance map, `(height, width)`; the former is uint8 where
        its ids allow.
    """
    label_map, instance_map = scene.label_map, scene.instance_map
    if instance_map.max() > _LARGEST:
        is_object = instance_map != label_map
        _, numbers = np.unique(instance_map[is_object], return_inverse=True)
        instance_map = label_map.copy()
        instance_map[is_object] = len(scene.labels) + numbers
    ids = [number for number in scene.labels.ignore_ids if number >= 0]
    if ids:
        last = len(scene.labels) - 1
        is_ignored = label_map == last
        instance_map = np.where(
            is_ignored & (instance_map == last), ids[0], instance_map
        )
        label_map = np.where(is_ignored, ids[0], label_map)
    if label_map.max() < 256:
        label_map = label_map.astype("uint8")
    return label_map, instance_map
