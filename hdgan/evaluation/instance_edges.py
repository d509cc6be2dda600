"""How sharply a photograph separates instances of one class."""

import numpy as np

# Rec. 709, for the brightness of RGB.
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])


def measure_instance_edges(photo, label_map, instance_map):
    """Compares brightness steps at and away from touching instances.

    The boundary map shows the generator where one car ends and the next
    begins, which the label map does not (Wang et al., 2018, section 3.3 and
    figure 4). If it helps, the photograph has an edge there.

    Args:
        photo: uint8 `(height, width, 3)`.
        label_map: integers `(height, width)`.
        instance_map: integers `(height, width)`.

    Returns:
        Four floats: the sum of the steps between neighboring pixels that lie
        in different instances of one class, the number of such pairs, and sum
        and number of the pairs within one of these instances. A step is the
        absolute difference in brightness, 0..255.
    """
    brightness = photo @ _LUMINANCE
    at_edge, within = np.zeros(2), np.zeros(2)
    # Only classes of which two instances touch: others have no such edge.
    pairs = [_pairs(label_map, axis) for axis in (0, 1)]
    touching = []
    for axis, (first, second) in enumerate(pairs):
        ids = _pairs(instance_map, axis)
        is_edge = (first == second) & (ids[0] != ids[1])
        touching.append(np.unique(first[is_edge]))
    classes = np.unique(np.concatenate(touching))
    for axis, (first, second) in enumerate(pairs):
        ids = _pairs(instance_map, axis)
        steps = np.abs(np.subtract(*_pairs(brightness, axis)))
        is_class = (first == second) & np.isin(first, classes)
        for result, mask in (
            (at_edge, is_class & (ids[0] != ids[1])),
            (within, is_class & (ids[0] == ids[1])),
        ):
            result += (steps[mask].sum(), mask.sum())
    return (*map(float, at_edge), *map(float, within))


def _pairs(array, axis):
    """Returns all pixels with a next one along an axis, and the next ones."""
    array = np.moveaxis(array, axis, 0)
    return array[:-1], array[1:]
