r"""Puts the scenes of a data set into records: a few large files.

    pip install array_record apache-beam
    hdgan build_records --data_dir=data --output_dir=records

writes `records/train` and `labels.json`; a recipe reads them with
`--data_dir=records`, and nothing else changes: batches are equal bit for bit.
Records are decoded in a third of the time of PNG files, and need few files on
network storage. Each shard is read back after it is written, and the manifest
has the counts and checksums. The same command goes on where it was stopped.
`--runner` selects another of Beam's runners.
"""

import pathlib
import shutil
import sys

from absl import flags

from hdgan.command_line import beam_flags, program

# Bytes of a shard: few files, and enough of them to read in parallel.
_SHARD_BYTES = 200_000_000


def main():
    pipeline = beam_flags.make_pipeline("Records are built with it.")
    from apache_beam.runners.runner import PipelineState

    from hdgan.data.records.array_record import check_installed
    from hdgan.data.records.building import RecordBuilding
    from hdgan.data.records.building_pipeline import add_building
    from hdgan.data.scene_files import find_scenes
    from hdgan.serving.batch_pipeline import read_counters

    values = flags.FLAGS
    data_dir = pathlib.Path(values.data_dir)
    output_dir = pathlib.Path(values.output_dir)
    if output_dir.resolve() == data_dir.resolve():
        raise ValueError(
            "--output_dir is --data_dir. Choose another folder for the records."
        )
    check_installed()
    scenes = find_scenes(
        data_dir,
        values.split,
        is_rgb=values.rgb_input,
        use_instances=values.instances,
        use_style_maps=values.style_maps,
        pair_cores=values.pair_cores,
    )
    folder = output_dir / values.split
    program.make_folder("output_dir", folder)
    building = RecordBuilding(
        scenes,
        folder,
        values.num_shards or _choose_shards(scenes),
        scenes.fingerprint(),
    )
    add_building(pipeline, building)
    result = pipeline.run()
    state = result.wait_until_finish()
    if state != PipelineState.DONE:
        sys.exit(
            f"error: The run ended as {state}. Run the same command again to "
            "write the missing shards."
        )
    labels = data_dir / "labels.json"
    if labels.is_file():
        shutil.copyfile(labels, output_dir / "labels.json")
    counts = read_counters(result)
    size = sum(path.stat().st_size for path in folder.iterdir())
    print(
        f"{len(scenes)} scenes in {building.num_shards} shards, {size:,} "
        f"bytes: {folder}"
        + f" ({counts['skipped']} shards were there already)"
        * bool(counts["skipped"])
    )


def _choose_shards(scenes):
    """Returns a number of shards, by the size of the first scenes."""
    sample = scenes.take(10)
    size = sum(
        array.nbytes
        for index in range(len(sample))
        for array in sample.read(index).values()
    )
    # Compression halves about.
    total = size / len(sample) * len(scenes) / 2
    return min(max(round(total / _SHARD_BYTES), 1), len(scenes))


if __name__ == "__main__":
    flags.DEFINE_string(
        "data_dir", None, "Folder of the data set.", required=True
    )
    flags.DEFINE_string("split", "train", "Start of the folders' names.")
    flags.DEFINE_string(
        "output_dir", None, "Folder for the records.", required=True
    )
    flags.DEFINE_integer(
        "num_shards",
        None,
        "Number of files. Default: about 200 MB each.",
        lower_bound=1,
    )
    flags.DEFINE_bool("instances", True, "Include instance maps.")
    flags.DEFINE_bool(
        "style_maps", False, "Include the style maps that encode_styles wrote."
    )
    flags.DEFINE_bool(
        "rgb_input", False, "The inputs are RGB images, not label maps."
    )
    flags.DEFINE_bool(
        "pair_cores",
        False,
        "Pair files whose names agree only without a start or end that all "
        "names of their folder share, such as berlin_0 and munich_0.",
    )
    beam_flags.define("DirectRunner")
    program.run(main)
