"""Confidence intervals by drawing scenes again."""

import numpy as np

# Confidence level of each interval, in percent.
CONFIDENCE = 95
_NUM_DRAWS = 1000


def draw_counts(num_scenes, seed=0):
    """Draws sets of scenes with replacement.

    Args:
        num_scenes: int.
        seed: int. Defaults to 0.

    Returns:
        Integers `(1000, num_scenes)`: how often each draw has each scene.
    """
    random = np.random.default_rng(seed)
    shares = np.full(num_scenes, 1 / num_scenes)
    return random.multinomial(num_scenes, shares, size=_NUM_DRAWS)


def interval(values):
    """Returns the bounds between which 95 % of a statistic's draws lie.

    Args:
        values: floats `(draws,)`, of which NaN are left out.

    Returns:
        List of two floats, or None if no value is finite.
    """
    values = np.asarray(values)
    values = values[np.isfinite(values)]
    if not len(values):
        return None
    outside = (100 - CONFIDENCE) / 2
    return [float(v) for v in np.percentile(values, [outside, 100 - outside])]


def mean_of_draws(counts, values):
    """Returns the mean over the scenes of each draw.

    Args:
        counts: integers `(draws, num_scenes)`, as `draw_counts` gives.
        values: floats `(num_scenes,)`, NaN for scenes without one.

    Returns:
        Float64 `(draws,)`, NaN for a draw without any value.
    """
    values = np.asarray(values, "float64")
    is_given = np.isfinite(values)
    totals = counts @ np.where(is_given, values, 0.0)
    numbers = counts @ is_given
    result = np.full(len(counts), np.nan)
    np.divide(totals, numbers, out=result, where=numbers > 0)
    return result
