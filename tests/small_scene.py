"""A small scene to edit."""

import numpy as np

import hdgan
from hdgan.editing import EditableScene

LABELS = hdgan.LabelSet(
    ["sky", "building", "tree", "road", "car"], things=["car"]
)
SKY, BUILDING, TREE, ROAD, CAR = range(5)


def make_scene(height=40, width=60, **options):
    """Sky, a tree, a road and two cars, of which the right one is nearer."""
    label_map = np.full((height, width), SKY)
    label_map[5:20, 4:14] = TREE
    label_map[20:] = ROAD
    instance_map = label_map.copy()
    for number, (top, left) in enumerate(((18, 20), (24, 28))):
        label_map[top : top + 8, left : left + 12] = CAR
        instance_map[top : top + 8, left : left + 12] = 4000 + number
    return EditableScene(label_map, instance_map, LABELS, **options)
