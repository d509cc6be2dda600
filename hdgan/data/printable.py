"""Text from a file of unknown origin, made safe for a terminal."""


def printable(text, length=300):
    r"""Returns text as one line without control characters.

    Args:
        text: object whose `str` is taken.
        length: int, characters to keep. Defaults to 300.

    Example:
        >>> printable("conv\x1b[2J\n1")
        'conv\\x1b[2J 1'
    """
    text = str(text)
    shown = " ".join(text[:length].split())
    shown = "".join(c if c.isprintable() else repr(c)[1:-1] for c in shown)
    return shown if len(text) <= length else f"{shown}..."
