"""The text report of the tool `benchmark`."""

# Ratio of the matrix products' speeds from which a measurement is unreliable.
NOISY = 1.25


def print_report(result):
    """Prints the measurements as tables.

    Args:
        result: dict with the content of the file that `--json` writes.
    """
    settings = result["settings"]
    size = (
        f"{_size(settings)} (width x height), batch {settings['batch']}, "
        if result.keys() & {"train", "synthesis", "growth"}
        else ""
    )
    print(
        f"{settings['preset']}, {size}{settings['precision']}, "
        f"{result['machine']['cores']} cores, "
        f"TensorFlow {result['machine']['tensorflow']}"
    )
    for part in ("train", "synthesis"):
        if part in result:
            _print_part(part, result[part], settings)
    if "peak" in result:
        peaks = result["peak"]["matrix_peaks"]
        _print_table([["matrix products", _list_speeds(peaks)]])
    if "data" in result:
        _print_data(result["data"])
    if "serving" in result:
        _print_serving(result["serving"])
    if "growth" in result:
        _print_growth(result["growth"], settings)
    if size:
        print(
            "FLOPs of convolutions and dense layers; a multiplication with its "
            "addition is two.\nNorms, activations and losses are not counted."
        )


def _print_part(part, record, settings):
    padded = record["padded_height"], record["padded_width"]
    flops = record["flops"]
    rows = [[part, "median", "minimum", "maximum"]]
    for name in ("seconds", "end_to_end_seconds"):
        if name in record:
            values = record[name]
            rows.append(
                [
                    name.replace("_", " "),
                    *(
                        f"{values[key]:.4g}"
                        for key in ("median", "minimum", "maximum")
                    ),
                ]
            )
    print()
    _print_table(rows)
    if padded != (settings["height"], settings["width"]):
        print(f"  padded to {padded[1]}x{padded[0]}, as the networks require")
    _print_table(
        [
            ["  steps timed", str(record["steps"])],
            ["  images per second", f"{record['images_per_second']:.3g}"],
            [
                "  GFLOPs",
                f"{flops['total'] / 1e9:,.4g}: "
                + ", ".join(
                    f"{flops[name] / 1e9:,.4g} {name.replace('_', ' ')}"
                    for name in (
                        "forward",
                        "kernel_gradients",
                        "input_gradients",
                    )
                ),
            ],
            [
                "  GFLOPs per second",
                _list_speeds([record["flops_per_second"]]),
            ],
            [
                "  of matrix products",
                _list_speeds(record["matrix_peaks"])
                + " before, between, after",
            ],
            ["  utilisation", f"{record['utilisation']:.0%}"],
            [
                "  peak memory",
                f"{record['peak_memory_bytes'] / 2**20:,.0f} MiB"
                f"{_estimate(record)}",
            ],
            [
                "  first result after",
                f"{record['first_step_seconds']:.3g} s, of which tracing "
                f"{record['tracing_seconds']:.3g} s",
            ],
        ]
    )
    if flops["uncounted"]:
        print(f"  FLOPs not counted: {', '.join(flops['uncounted'])}")
    peaks = record["matrix_peaks"]
    if max(peaks) > NOISY * min(peaks):
        print(
            "  The matrix products differ by a factor of "
            f"{max(peaks) / min(peaks):.1f}: other programs are running, or "
            "the\n  clock rate changes. Measure again on an idle machine."
        )


def _print_data(record):
    rows = [["scenes", "per second", "per second and core"]]
    for name, speeds in record.items():
        if isinstance(speeds, dict):
            rows.append([name, *(f"{v:.3g}" for v in speeds.values())])
    print()
    _print_table(rows)
    records = ""
    if "ratio_per_core_records" in record:
        records = f", from records {record['ratio_per_core_records']:.2f}"
    print(
        f"  make_dataset to Pillow: {record['ratio_per_core']:.2f} per core, "
        f"{record['ratio_all_cores']:.2f} on {record['cores']} cores; per core "
        f"from a cache {record['ratio_per_core_cached']:.1f}{records}"
    )


def _print_serving(record):
    rows = [["seconds", "generator", "serving_default", "ratio"]]
    for size in record["sizes"]:
        seconds = size["seconds"]
        rows.append(
            [
                _size(size),
                f"{seconds['generator']:.3g}",
                f"{seconds['serving_default']:.3g}",
                f"{size['ratio']:.3f}",
            ]
        )
    print()
    _print_table(rows)
    rows = [["a process", "concurrency", "images per second", "peak MiB"]]
    rows[0] += ["loaded after s", "answer after s"]
    for size in record["sizes"]:
        rows.extend(
            [
                _size(size),
                str(process["concurrency"]),
                f"{process['images_per_second']:.3g}",
                f"{process['peak_memory_bytes'] / 2**20:,.0f}",
                f"{process['load_seconds']:.3g}",
                f"{process['first_answer_seconds']:.3g}",
            ]
            for process in size["processes"]
        )
    print()
    _print_table(rows)
    for size in record["sizes"]:
        one, *_, most = size["processes"]
        more = most["peak_memory_bytes"] - one["peak_memory_bytes"]
        own = one["peak_memory_bytes"] - one["loaded_memory_bytes"]
        each = more / (most["concurrency"] - one["concurrency"])
        print(
            f"  {_size(size)}: {one['loaded_memory_bytes'] / 2**20:,.0f} MiB "
            f"loaded, {own / 2**20:,.0f} MiB for a request, "
            f"{each / 2**20:,.0f} MiB for each further concurrent request"
        )


def _size(record):
    return f"{record['width']}x{record['height']}"


def _print_growth(growth, settings):
    for part in ("train", "synthesis"):
        if f"{part}_exponents" not in growth:
            continue
        rows = [[part, "seconds", "MiB", "GFLOPs", "utilisation"]]
        for row in growth["sizes"]:
            rows.append([_size(row), *_growth_columns(row[part])])
        rows.append(["exponent of pixels", *_exponents(growth, part, "pixels")])
        for row in growth["widths"]:
            name = (
                f"{settings['width']}x{settings['height']} at base width "
                f"{row['base_width']}"
            )
            rows.append([name, *_growth_columns(row[part])])
        rows.append(["exponent of width", *_exponents(growth, part, "width")])
        print()
        _print_table(rows)


def _growth_columns(record):
    if "error" in record:
        return [record["error"]]
    return [
        f"{record['seconds']['median']:.3g}",
        f"{record['peak_memory_bytes'] / 2**20:,.0f}",
        f"{record['flops']['total'] / 1e9:,.4g}",
        f"{record['utilisation']:.0%}",
    ]


def _estimate(record):
    estimate = record.get("estimated_memory_bytes")
    return f", estimated {estimate / 2**20:,.0f}" if estimate else ""


def _exponents(growth, part, quantity):
    exponents = growth[f"{part}_exponents"][quantity]
    if exponents is None:
        return ["too few rows"]
    return [
        f"{exponents[name]:.2f}"
        for name in ("seconds", "peak_memory_bytes", "flops")
    ]


def _list_speeds(speeds):
    return ", ".join(f"{speed / 1e9:,.4g}" for speed in speeds)


def _print_table(rows):
    """Prints rows in columns; a row's last cell may exceed its column."""
    num_columns = max(map(len, rows))
    widths = [
        max((len(row[k]) for row in rows if k < len(row) - 1), default=0)
        for k in range(num_columns)
    ]
    for row in rows:
        cells = [cell.ljust(widths[k]) for k, cell in enumerate(row[:-1])]
        print("  ".join([*cells, row[-1]]))
