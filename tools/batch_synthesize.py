r"""Makes photographs of whole folders of label maps, with Apache Beam.

    pip install 'hdgan[beam]'
    python -m hdgan.tools.batch_synthesize --savedmodel=serving/hdgan/1 \
        --label_dir=data/test_label --instance_dir=data/test_inst \
        --output_dir=photos

runs here, in this process. `--runner` takes any of Beam's runners, and
`--beam_options` what it needs, such as `--beam_options='--project=streets
--region=europe-west4'`; folders, the model and the list of failures have then
to be where all workers reach them (`gs://...`).

Photographs have the names of their label maps. What is in the output folder
already is skipped, so that the same command goes on where it was stopped. What
fails is listed in `--failures`, the rest is made, and the exit code is 1.
"""

import json
import pathlib
import shlex
import sys

from absl import flags

from hdgan.command_line import program, scene_flags
from hdgan.serving.scene_request import tell_failure

_SHOWN = 10


def main():
    try:
        from apache_beam.io.filesystems import FileSystems
        from apache_beam.options.pipeline_options import PipelineOptions
        from apache_beam.pipeline import Pipeline
        from apache_beam.runners.runner import PipelineState
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("apache_beam"):
            raise
        raise ValueError(
            "This tool needs Apache Beam, which is not installed: pip install "
            "'hdgan[beam]'. The tool synthesize needs none."
        ) from error
    from hdgan.serving import batch_pipeline

    values = flags.FLAGS
    # What is wrong with all of it is told before it begins.
    scene_flags.check_output_dir()
    description = batch_pipeline.read_export(values.savedmodel)
    scene_flags.check_export(description)
    folders = batch_pipeline.BatchFolders(
        values.label_dir,
        values.output_dir,
        values.instance_dir,
        values.photo_dir,
        values.style_dir,
        is_rgb=description["labels"] is None,
    )
    num_scenes = len(folders.list_scenes())
    try:
        options = shlex.split(values.beam_options)
    except ValueError as error:
        raise ValueError(
            f"--beam_options={values.beam_options}: {error}."
        ) from error
    pipeline = Pipeline(values.runner, options=PipelineOptions(options))
    failures = _find_failures(values)
    program.make_folder("output_dir", values.output_dir)
    print(f"Scenes: {num_scenes}", flush=True)
    batch_pipeline.add_synthesis(pipeline, values.savedmodel, folders, failures)
    result = pipeline.run()
    state = result.wait_until_finish()
    counts = batch_pipeline.read_counters(result)
    print(", ".join(f"{count} {name}" for name, count in counts.items()))
    if state != PipelineState.DONE:
        sys.exit(
            f"error: The run ended as {state}. The same command goes on with "
            "what is missing."
        )
    if counts["failed"]:
        with FileSystems.open(failures) as file:
            for line in file.read().splitlines()[:_SHOWN]:
                failure = json.loads(line)
                print(
                    tell_failure(failure["path"], failure["error"]),
                    file=sys.stderr,
                )
        sys.exit(
            f"error: {counts['failed']} of {num_scenes} scenes failed: "
            f"{failures} lists them."
        )


def _find_failures(values):
    """Returns the path of the list of failures, in a folder that is there."""
    if values.failures is None:
        return f"{values.output_dir.rstrip('/')}/failures.jsonl"
    if "://" in values.failures:
        return values.failures
    path = pathlib.Path(values.failures).resolve()
    if path.is_dir():
        raise ValueError(f"--failures={path} is a folder. Expected a file.")
    program.make_folder("failures", path.parent)
    return str(path)


if __name__ == "__main__":
    flags.DEFINE_string("savedmodel", None, "A version.", required=True)
    scene_flags.define()
    flags.DEFINE_string(
        "failures", None, "List of failures; by default in --output_dir."
    )
    flags.DEFINE_string("runner", "DirectRunner", "One of Beam's runners.")
    flags.DEFINE_string(
        "beam_options", "", "Options of the runner, as one string."
    )
    program.run(main)
