r"""Imports a public data set, or masks and polygons of your own.

    hdgan import_dataset --format=ade20k --source=ADEChallengeData2016 \
        --output_dir=data/ade20k

writes `train_label`, `train_inst`, `train_img` and `labels.json`, on which the
recipes train. docs/guides/data.md has a command for each format. The same
command again keeps what is finished and writes the rest.
"""

from absl import flags

from hdgan.command_line import program
from hdgan.data.importing.options import FORMATS, ImportOptions

_NUM_SHOWN = 10


def main():
    from hdgan.data.importing.importer import import_data_set

    values = flags.FLAGS
    for name in ("source", "output_dir"):
        if not values[name].value:
            raise ValueError(f"--{name} is empty. Expected a folder.")
    given = {
        name: values[name].value for name in ImportOptions.__dataclass_fields__
    }
    for name in ("things", "ignore"):
        if given[name] is not None:
            given[name] = tuple(given[name])
    options = ImportOptions(**given)
    result = import_data_set(options)
    print(
        f"{result.num_written} scenes were written to {options.output_dir}/"
        f"{options.split}_*, {result.num_kept} were there already."
    )
    if result.left_out:
        print(f"{len(result.left_out)} scenes were left out, such as:")
        _print_some(result.left_out)
    if result.problems:
        _fail(result)
    train_flags = {"data_dir": options.output_dir, "workdir": "runs/first"}
    if options.split != "train":
        train_flags["split"] = options.split
    command = program.command("hdgan.recipes.pix2pixhd_512p", **train_flags)
    print(f"Train with: {command}")


def _print_some(lines):
    for line in lines[:_NUM_SHOWN]:
        print(f"  {line}")


def _fail(result):
    """Raises the error that lists scenes with problems."""
    print(f"{len(result.problems)} scenes have problems, such as:")
    _print_some(result.problems)
    raise ValueError(
        f"{len(result.problems)} scenes were not imported: {result.problems[0]}"
        f" All are listed in {result.list_file}. Correct them and run the "
        "command again; finished scenes are kept."
    )


def _define_formats_flags():
    """Defines the flags that not all formats take."""
    text = {
        "source_split": "Split of the source, such as val2017. Default: the "
        "one that the format has for --split.",
        "photo_dir": "Folder of the photographs, from --source.",
        "mask_dir": "Folder of the masks, from --source.",
        "mask_suffix": "End of the masks' names that photographs don't have, "
        "such as _mask.",
        "annotations": "JSON file of the annotations, from --source.",
        "color_table": "File with a class a line, RED GREEN BLUE NAME or "
        "NAME,RED,GREEN,BLUE, from --source. Default: colors.txt.",
        "names_file": "Text file with the names of the scenes to import, one a "
        "line. Default: all.",
        "classes_file": "Text file with the names of the classes, one a line, "
        "or a labels.json. Default: all labels in the files, sorted.",
    }
    for name, help in text.items():
        flags.DEFINE_string(name, None, help)
    flags.DEFINE_enum(
        "labels",
        None,
        ["cityscapes35", "cityscapes19"],
        "Classes of Cityscapes. Default: cityscapes35.",
    )
    flags.DEFINE_enum(
        "version",
        None,
        ["v1.2", "v2.0"],
        "Version of Mapillary Vistas' annotations. Default: the newest.",
    )
    flags.DEFINE_float(
        "tolerance",
        0.0,
        "Largest distance of a mask's color from its class's, in values of "
        "0..255.",
    )
    flags.DEFINE_enum(
        "unknown_colors",
        "error",
        ["error", "ignore"],
        "What pixels of other colors are: an error, or without a class.",
    )


if __name__ == "__main__":
    flags.DEFINE_enum(
        "format",
        None,
        list(FORMATS),
        "Format of the source.",
        required=True,
    )
    flags.DEFINE_string(
        "source", None, "Folder of the data set as downloaded.", required=True
    )
    flags.DEFINE_string(
        "output_dir", None, "Folder of the data set to write.", required=True
    )
    flags.DEFINE_string(
        "split", "train", "Start of the written folders' names."
    )
    flags.DEFINE_enum(
        "photos",
        "copy",
        ["copy", "link"],
        "Whether photographs are copied, or symbolic links to the source.",
    )
    flags.DEFINE_list(
        "things",
        None,
        "Classes whose objects are counted, such as car,person. Default: those "
        "of the format.",
    )
    flags.DEFINE_list(
        "ignore",
        None,
        "Classes whose pixels become pixels without a class. Default: those of "
        "the format.",
    )
    _define_formats_flags()
    program.run(main)
