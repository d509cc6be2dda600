r"""Checks a data set before training: files, pairs, ids, classes, duplicates.

    hdgan check_dataset --data_dir=data

reads every file of all splits (`train_label`, `train_inst`, `train_img`,
`test_label`, ...), lists the problems with their fixes, and suggests the flags
to train with. `--output_dir=report` writes `index.html` with the classes, their
pixels, and samples with the boundary map drawn over them. `--json` prints
everything for programs. The exit code is 1 when training would go wrong.
"""

import json
import pathlib
import shlex
import sys

from absl import flags

from hdgan.command_line import program
from hdgan.preprocessing.named_label_sets import NAMED_LABEL_SETS

_NUM_FILES = 3


def main():
    import contextlib

    from hdgan.data.checking.data_set_check import check_data_set
    from hdgan.reports.data_set_page import verdict, write_data_set_page

    values = flags.FLAGS
    labels = _find_labels(values)
    # The progress bar is no JSON.
    with contextlib.redirect_stdout(sys.stderr if values.json else sys.stdout):
        check = check_data_set(
            values.data_dir, labels, values.label_nc, values.pair_cores
        )
    command = shlex.join(
        [
            *("hdgan", "train", "pix2pixhd_512p"),
            *check.flags,
            *_label_flags(values),
            "--workdir=runs/first",
        ]
    )
    if values.output_dir:
        program.make_folder("output_dir", pathlib.Path(values.output_dir))
        page = pathlib.Path(values.output_dir) / "index.html"
        write_data_set_page(page, check, command)
    if values.json:
        print(json.dumps(_describe(check, command), indent=1))
    else:
        _print(check, command)
        print(f"\n{verdict(check)}")
        if values.output_dir:
            print(f"Page: {page}")
    if not check.is_ready:
        sys.exit(1)


def _find_labels(values):
    """Returns the `LabelSet`, or None if the classes have no names."""
    from hdgan.preprocessing.data_set_labels import find_data_set_labels

    if values.label_nc is not None and values.label_nc < 1:
        raise ValueError(
            "--label_nc must be at least 1: RGB input has no classes to check. "
            f"Received: {values.label_nc}"
        )
    ignore_ids = tuple(map(int, values.ignore_ids))
    file = pathlib.Path(values.data_dir) / "labels.json"
    named = values.labels or values.labels_file or file.is_file()
    if not named and values.label_nc is None:
        if ignore_ids:
            raise ValueError(
                "--ignore_ids needs the number of classes: give --label_nc."
            )
        return None
    return find_data_set_labels(
        values.data_dir,
        values.label_nc,
        values.labels,
        values.labels_file,
        ignore_ids,
    )


def _label_flags(values):
    """Returns the flags of the classes, to be passed on to the training."""
    return [
        f"--{name}={values[name].value}"
        for name in ("label_nc", "labels", "labels_file")
        if values[name].value is not None
    ] + [f"--ignore_ids={','.join(values.ignore_ids)}"] * bool(
        values.ignore_ids
    )


def _print(check, command):
    for finding in check.findings:
        print(f"\n{finding.severity.upper()} {finding.title}")
        for file in finding.files[:_NUM_FILES]:
            print(f"    {file}")
        if finding.count > _NUM_FILES:
            print(f"    and {finding.count - _NUM_FILES} more")
        print(f"    {finding.fix}")
    print(f"\nCommand to train with:\n  {command}")


def _describe(check, command):
    """Returns the check as plain data."""
    import dataclasses

    return {
        "data_dir": str(check.data_dir),
        "is_ready": check.is_ready,
        "classes": check.labels and check.labels.get_config(),
        "splits": {
            split: {
                "scenes": len(scenes),
                "label_ids": {
                    str(k): {"pixels": pixels, "scenes": count}
                    for k, (pixels, count) in check.count_ids(split).items()
                },
            }
            for split, scenes in check.splits.items()
        },
        "findings": [dataclasses.asdict(f) for f in check.findings],
        "flags": check.flags,
        "command": command,
    }


if __name__ == "__main__":
    flags.DEFINE_string(
        "data_dir", None, "Folder of the data set.", required=True
    )
    flags.DEFINE_integer(
        "label_nc",
        None,
        "Number of classes. Default: that of labels.json, or found in the "
        "maps.",
    )
    flags.DEFINE_enum(
        "labels",
        None,
        list(NAMED_LABEL_SETS),
        "Name of a label set that ships with hdgan. Default: labels.json of "
        "the data set, if it has one.",
    )
    flags.DEFINE_string(
        "labels_file",
        None,
        "JSON file with names and colors of the classes. Default: labels.json "
        "of the data set, if it has one.",
    )
    flags.DEFINE_list("ignore_ids", [], "Ids of pixels without a class.")
    flags.DEFINE_bool(
        "pair_cores",
        False,
        "Pair files whose names agree only without a start or end that all "
        "names of their folder share, such as berlin_0 and munich_0.",
    )
    flags.DEFINE_string(
        "output_dir", None, "Folder for the page. Default: no page."
    )
    flags.DEFINE_bool("json", False, "Print the result as JSON.")
    program.run(main)
