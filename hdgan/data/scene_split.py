"""Holding back scenes for validation."""

import hashlib


def split_by_name(scenes, share):
    """Divides scenes by a hash of their names.

    A scene stays on its side when others are added or removed.

    Args:
        scenes: `SceneFiles`.
        share: float in (0, 1), the part to hold back. At least one scene is
            held back, and at least one is not.

    Returns:
        Two `SceneFiles`: the rest, and the scenes that are held back.

    Raises:
        ValueError: if `share` is out of range, or there are fewer than two
            scenes.

    Example:
        >>> train_scenes, val_scenes = split_by_name(scenes, 0.1)
    """
    if not 0 < share < 1:
        raise ValueError(
            f"The share of scenes to hold back must be in (0, 1). Received: "
            f"{share}"
        )
    if len(scenes) < 2:
        raise ValueError(
            f"{len(scenes)} scene can't be divided into a training and a "
            "validation part. Expected at least 2."
        )
    ranks = [rank_name(name) for name in scenes.names]
    held = [rank < share for rank in ranks]
    if not any(held):
        held[ranks.index(min(ranks))] = True
    if all(held):
        held[ranks.index(max(ranks))] = False
    rest = [index for index, is_held in enumerate(held) if not is_held]
    chosen = [index for index, is_held in enumerate(held) if is_held]
    return scenes.select(rest), scenes.select(chosen)


def rank_name(name):
    """Returns a number in [0, 1) that depends on a name alone."""
    digest = hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest()
    return int.from_bytes(digest[:6], "big") / 2**48
