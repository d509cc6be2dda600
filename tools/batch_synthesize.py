r"""Synthesizes photographs of folders of label maps with Apache Beam.

    pip install apache-beam
    hdgan batch_synthesize --savedmodel=serving/hdgan/1 \
        --label_dir=data/test_label --instance_dir=data/test_inst \
        --output_dir=photos

runs in this process. `--runner` selects another of Beam's runners, and
`--beam_options` passes options to it, such as
`--beam_options='--project=streets --region=europe-west4'`. All workers must
then be able to reach the folders, the model and the list of failures
(`gs://...`).

Each photograph gets the name of its label map. Label maps whose photograph is
in the output folder, and newer, are skipped, so the same command resumes an
interrupted run. Scenes that fail are listed in `--failures`; all others are
synthesized, and the exit code is then 1.
"""

import json
import pathlib
import sys

from absl import flags

from hdgan.command_line import beam_flags, program, scene_flags

_NUM_SHOWN = 10


def main():
    pipeline = beam_flags.make_pipeline(
        "Or use the tool synthesize, which works without it."
    )
    from apache_beam.runners.runner import PipelineState

    from hdgan.serving import batch_pipeline

    values = flags.FLAGS
    # Checked before the pipeline starts: errors that concern all scenes.
    scene_flags.check_folders()
    description = batch_pipeline.read_export(values.savedmodel)
    scene_flags.check_export(description)
    folders = batch_pipeline.BatchFolders(
        values.label_dir,
        values.output_dir,
        values.instance_dir,
        values.photo_dir,
        values.style_dir,
        is_rgb=description["labels"] is None,
        pair_cores=values.pair_cores,
    )
    num_scenes = len(folders.list_scenes())
    failures = _choose_failures(values)
    program.make_folder("output_dir", values.output_dir)
    print(f"Scenes: {num_scenes}", flush=True)
    batch_pipeline.add_synthesis(pipeline, values.savedmodel, folders, failures)
    result = pipeline.run()
    state = result.wait_until_finish()
    counts = batch_pipeline.read_counters(result)
    print(", ".join(f"{count} {name}" for name, count in counts.items()))
    if state != PipelineState.DONE:
        sys.exit(
            f"error: The run ended as {state}. Run the same command again to "
            "synthesize the missing photographs."
        )
    if counts["failed"]:
        _print_failures(failures)
        sys.exit(
            f"error: {counts['failed']} of {num_scenes} scenes failed. "
            f"{failures} lists them."
        )


def _choose_failures(values):
    """Returns the path of the list of failures; makes its local folder."""
    if values.failures is None:
        return f"{values.output_dir.rstrip('/')}/failures.jsonl"
    if "://" in values.failures:
        return values.failures
    path = pathlib.Path(values.failures).resolve()
    if path.is_dir():
        raise ValueError(f"--failures={path} is a folder. Expected a file.")
    program.make_folder("failures", path.parent)
    return str(path)


def _print_failures(path):
    from apache_beam.io.filesystems import FileSystems

    from hdgan.serving.scene_request import describe_failure

    with FileSystems.open(path) as file:
        for line in file.read().splitlines()[:_NUM_SHOWN]:
            failure = json.loads(line)
            print(
                describe_failure(failure["path"], failure["error"]),
                file=sys.stderr,
            )


def _define_flags():
    flags.DEFINE_string(
        "savedmodel",
        None,
        "Folder of an exported version, such as serving/hdgan/1.",
        required=True,
    )
    scene_flags.define()
    flags.DEFINE_string(
        "failures",
        None,
        "File to write the list of failures to. Default: failures.jsonl in "
        "--output_dir.",
    )
    beam_flags.define("DirectRunner")


if __name__ == "__main__":
    _define_flags()
    program.run(main)
