"""Tables and charts of HTML pages; each function returns HTML."""

import html

import numpy as np

_BAR_COLORS = ("#2a6fbb", "#b9c4cf")


def heading(text, note=""):
    """Returns a heading, and a paragraph below it.

    Args:
        text: str.
        note: str. Defaults to none.
    """
    paragraph = f"<p><small>{html.escape(note)}</small></p>\n" if note else ""
    return f"<h2>{html.escape(text)}</h2>\n{paragraph}"


def paragraph(text):
    """Returns a paragraph.

    Args:
        text: str.
    """
    return f"<p>{html.escape(text)}</p>\n"


def code(text):
    """Returns a block of code, such as a command.

    Args:
        text: str.
    """
    return f"<pre>{html.escape(text)}</pre>\n"


def table(columns, rows, kind="numbers"):
    """Returns a table.

    Args:
        columns: list of str, the head.
        rows: list of lists of str; HTML for cells that are `Html`.
        kind: `"numbers"`, on the right of their cells, or `"facts"`, text on
            the left. Defaults to `"numbers"`.
    """
    head = "".join(f"<th>{html.escape(column)}</th>" for column in columns)
    body = "".join(
        f"<tr>{''.join(f'<td>{_cell(cell)}</td>' for cell in row)}</tr>\n"
        for row in rows
    )
    return (
        f'<div class="wide"><table class="{kind}">\n'
        f"<thead><tr>{head}</tr></thead>\n"
        f"<tbody>{body}</tbody></table></div>\n"
    )


class Html(str):
    """Text that is HTML already."""


def bars(values):
    """Returns bars, one above the other.

    Args:
        values: list of at most two floats in [0, 1], or None for no bar.
    """
    spans = "".join(
        f'<span style="width: {100 * value:.1f}%; background: {color}" '
        f'title="{value:.3f}"></span>'
        for value, color in zip(values, _BAR_COLORS, strict=False)
        if value is not None
    )
    return Html(f'<div class="bars">{spans}</div>')


def confusion_matrix(counts, names):
    """Returns a table of the share of each row's pixels in each column.

    Args:
        counts: integers `(num_classes, num_columns)`, rows are the labels.
        names: list of str, of the columns; of the rows the first.
    """
    counts = np.asarray(counts, "float64")
    totals = counts.sum(1, keepdims=True)
    shares = counts / np.maximum(totals, 1)
    head = "".join(f"<th>{html.escape(name)}</th>" for name in names)
    rows = []
    for name, row, total in zip(names, shares, totals[:, 0], strict=False):
        cells = "".join(_shaded(share) for share in row) if total else ""
        empty = f'<td colspan="{len(names)}">no pixel</td>'
        rows.append(f"<tr><th>{html.escape(name)}</th>{cells or empty}</tr>\n")
    return (
        '<div class="wide"><table class="matrix"><thead><tr><th></th>'
        f"{head}</tr></thead>\n<tbody>{''.join(rows)}</tbody></table></div>\n"
    )


def _shaded(share):
    text = f"{100 * share:.0f}" if share >= 0.005 else ""
    color = "#fff" if share > 0.5 else "#222"
    return (
        f'<td class="cell" style="background: rgba(42, 111, 187, {share:.2f});'
        f' color: {color}">{text}</td>'
    )


def _cell(cell):
    return cell if isinstance(cell, Html) else html.escape(str(cell))
