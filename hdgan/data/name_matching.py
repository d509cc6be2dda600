"""Matching the files of two folders by their names."""

import collections
import difflib
import re
import typing

# Words in a name that say what the file holds, not which scene it shows.
_KIND_WORD = re.compile(
    r"colou?r|feats?|gt|ids?|im(age|g)s?|inst(ance)?s?|labels?|maps?|masks?"
    r"|photos?|real|rgb|seg(mentation)?|semantic|styles?",
    re.IGNORECASE,
)


def match_files(first, second, pair_cores=False):
    """Finds the match of each file of one folder in another.

    Files match if their names agree, apart from their suffixes; or else without
    the end that all names of a folder share (`_leftImg8bit`); or else without
    the shared start, too (`label_`). The parts that are cut off must say what
    the files hold, such as `label` or `img`: without `berlin_` and `munich_`,
    files of different scenes would agree.

    Args:
        first: list of paths in one folder.
        second: list of paths in the other.
        pair_cores: bool, whether any shared start and end may be cut off.
            Defaults to False.

    Returns:
        List of the paths of `second`, in the order of their matches in `first`.

    Raises:
        ValueError: if a file has no match, or more than one, or what would be
            cut off may tell scenes apart.
    """
    pairing = pair_by_name(first, second, pair_cores)
    if pairing.doubt:
        raise ValueError(pairing.doubt)
    alone = pairing.alone
    if alone:
        shown = ", ".join(str(file) for file in alone[:3])
        raise ValueError(
            f"{first[0].parent} holds {len(first)} files and "
            f"{second[0].parent} {len(second)}, and {len(alone)} of them have "
            f"no matching file, or more than one: {shown}"
            f"{', ...' if len(alone) > 3 else ''}. Add the missing files, "
            "remove these, or rename them to match."
        )
    by_file = dict(pairing.pairs)
    return [by_file[file] for file in first]


class Pairing(typing.NamedTuple):
    """The matching files of two folders.

    Args:
        pairs: list of pairs of paths.
        alone: list of the paths, of either folder, without one match.
        doubt: str, why pairs may show different scenes; None if they don't.
    """

    pairs: list
    alone: list
    doubt: str | None


def pair_by_name(first, second, pair_cores=False):
    """Pairs the files of two folders, as many as match.

    Args:
        first: list of paths in one folder.
        second: list of paths in the other.
        pair_cores: bool, as in `match_files`. Defaults to False.

    Returns:
        `Pairing`, by the first rule of `match_files` that leaves no file alone,
        or else the one that leaves the fewest.
    """
    best = None
    for cuts in _list_cuts(first, second):
        pairs, alone = _pair(first, second, cuts)
        doubt = None
        if not alone and not pair_cores:
            doubt = _find_doubt(*pairs[0], cuts)
        if best is None or len(alone) < len(best.alone):
            best = Pairing(pairs, alone, doubt)
        if not alone:
            break
    return best


def _pair(first, second, cuts):
    """Returns the pairs of files whose cores agree, and all other files."""
    keys = [
        [_cut(file.stem, *cut)[1] for file in files]
        for files, cut in zip((first, second), cuts, strict=True)
    ]
    counts = [collections.Counter(column) for column in keys]
    by_key = dict(zip(keys[1], second, strict=True))
    pairs, alone = [], []
    for column, files in zip(keys, (first, second), strict=True):
        for key, file in zip(column, files, strict=True):
            # A count of 2: `1.png` and `1.jpg` in one folder.
            if not (counts[0][key] == counts[1][key] == 1):
                alone.append(file)
            elif files is first:
                pairs.append((file, by_key[key]))
    return pairs, alone


def _list_cuts(first, second):
    """Returns the cuts to try: characters at start and end, for each folder."""
    stems = [[file.stem for file in files] for files in (first, second)]
    if len(first) == len(second) == 1:
        # One name does not show what all names of its folder share.
        a, b = stems[0][0], stems[1][0]
        core = difflib.SequenceMatcher(None, a, b, False).find_longest_match()
        return [
            (
                (core.a, len(a) - core.a - core.size),
                (core.b, len(b) - core.b - core.size),
            )
        ]
    ends = [_shared_end(column) for column in stems]
    starts = [
        _shared_start(column, end)
        for column, end in zip(stems, ends, strict=True)
    ]
    return [
        ((0, 0), (0, 0)),
        tuple((0, end) for end in ends),
        tuple(zip(starts, ends, strict=True)),
    ]


def _cut(stem, start, end):
    """Splits a name into what is cut off at its start, its core and its end."""
    return stem[:start], stem[start : len(stem) - end], stem[len(stem) - end :]


def _find_doubt(file, match, cuts):
    """Returns why what is cut off may tell scenes apart, or None."""
    parts = _cut(file.stem, *cuts[0])
    others = _cut(match.stem, *cuts[1])
    for part, other in ((parts[0], others[0]), (parts[2], others[2])):
        if not (_names_kind(part, other) and _names_kind(other, part)):
            return (
                f"{file} and {match} agree only without {part!r} and "
                f"{other!r}, and may show different scenes. If they show the "
                "same one, pass --pair_cores; or rename the files to match."
            )
    return None


def _names_kind(part, other):
    """Returns whether what a part has beyond the other says what a file holds.

    `_000019_gtFine_labelIds` does so beyond `_000019_leftImg8bit`.
    """
    shared = re.split(r"[_\-. ]+", other)
    own = [name for name in re.split(r"[_\-. ]+", part) if name not in shared]
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+", " ".join(own))
    return not own or any(map(_KIND_WORD.fullmatch, words))


def _shared_end(stems):
    """Returns the length of the end of all names, from a separator on."""
    if len(stems) == 1:
        return 0
    end = _common_start([stem[::-1] for stem in stems])[::-1]
    starts = [i for i, char in enumerate(end) if char in "_-. "]
    return len(end) - starts[0] if starts else 0


def _shared_start(stems, end):
    """Returns the length of the start of all names, up to a separator."""
    if len(stems) == 1:
        return 0
    start = _common_start([stem[: len(stem) - end] for stem in stems])
    return max((start.rfind(char) for char in "_-. "), default=-1) + 1


def _common_start(strings):
    """Returns the longest common start of some strings."""
    low, high = min(strings), max(strings)
    for position, char in enumerate(low):
        if char != high[position]:
            return low[:position]
    return low
