"""How time, memory and FLOPs grow with the size and width of a model."""

import numpy as np

from hdgan.models.presets import resolve_preset

# Height and width in pixels.
SIZES = ((128, 256), (256, 512), (512, 1024), (1024, 2048))
BASE_WIDTHS = (16, 32, 64)


def measure_growth(options, measure):
    """Measures several sizes, and several widths at the size of the options.

    Args:
        options: dict of the benchmark's flags.
        measure: function of a part's name (`"train"`, `"synthesis"`) and such
            a dict. It returns the record of the part, or raises a `ValueError`,
            which becomes the row's error.

    Returns:
        Dict of `sizes` and `widths`, lists of rows, and for each part of the
        exponents of pixels and of width that fit them best.
    """
    parts = [part for part in options["what"] if part in ("train", "synthesis")]
    config = resolve_preset(options["preset"])["networks"]
    ratio = config["discriminator_width"] / config["base_width"]
    sizes = [
        {"height": height, "width": width}
        for height, width in SIZES
        if height * width <= options["max_pixels"]
    ]
    widths = [
        {"base_width": width, "discriminator_width": int(ratio * width)}
        for width in BASE_WIDTHS
    ]
    rows = {
        "sizes": [_measure_row(c, parts, options, measure) for c in sizes],
        "widths": [_measure_row(c, parts, options, measure) for c in widths],
    }
    for part in parts:
        rows[f"{part}_exponents"] = {
            "pixels": fit_exponents(
                rows["sizes"], part, lambda row: row["height"] * row["width"]
            ),
            "width": fit_exponents(
                rows["widths"], part, lambda row: row["base_width"]
            ),
        }
    return rows


def fit_exponents(rows, part, size_of):
    """Fits powers of a size to measurements, by least squares of logarithms.

    Args:
        rows: list of rows as of `measure_growth`; those with an error are left
            out.
        part: str, `"train"` or `"synthesis"`.
        size_of: function of a row that returns its size.

    Returns:
        Dict of float, the exponents of `seconds`, `flops` and
        `peak_memory_bytes`; None for fewer than two rows.
    """
    rows = [row for row in rows if "error" not in row[part]]
    if len(rows) < 2:
        return None
    x = np.log([size_of(row) for row in rows])
    quantities = {
        "seconds": lambda record: record["seconds"]["median"],
        "flops": lambda record: record["flops"]["total"],
        "peak_memory_bytes": lambda record: record["peak_memory_bytes"],
    }
    return {
        name: float(np.polyfit(x, np.log([get(r[part]) for r in rows]), 1)[0])
        for name, get in quantities.items()
    }


def _measure_row(changes, parts, options, measure):
    """Returns a row of a growth table; one that fails holds the error."""
    row = dict(changes)
    print("Measuring", *(f"{k}={v}" for k, v in changes.items()), flush=True)
    for part in parts:
        try:
            row[part] = measure(part, {**options, **changes})
        except ValueError as error:
            row[part] = {"error": str(error)}
    return row
