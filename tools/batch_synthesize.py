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
import shlex
import sys

from absl import flags

from hdgan import command_line

_SHOWN = 10


def main():
    try:
        from apache_beam.io.filesystems import FileSystems
        from apache_beam.options.pipeline_options import PipelineOptions
        from apache_beam.pipeline import Pipeline

        from hdgan.serving import batch_pipeline
    except ImportError as error:
        raise ValueError(
            "This tool needs Apache Beam, which is not installed: pip install "
            "'hdgan[beam]'. The tool synthesize needs none."
        ) from error
    values = flags.FLAGS
    folders = batch_pipeline.BatchFolders(
        values.label_dir,
        values.output_dir,
        values.instance_dir,
        values.photo_dir,
        values.feature_dir,
        values.rgb,
    )
    # What is wrong with all of it is told before it begins.
    command_line.check_output_dir(
        "label_dir", "instance_dir", "photo_dir", "feature_dir"
    )
    batch_pipeline.check_inputs(values.savedmodel, folders)
    num_scenes = len(folders.list_scenes())
    failures = values.failures or FileSystems.join(
        values.output_dir, "failures.jsonl"
    )
    pipeline = Pipeline(
        values.runner,
        options=PipelineOptions(shlex.split(values.beam_options)),
    )
    command_line.make_folder("output_dir", values.output_dir)
    print(f"{num_scenes} scenes", flush=True)
    batch_pipeline.add_synthesis(pipeline, values.savedmodel, folders, failures)
    result = pipeline.run()
    result.wait_until_finish()
    counts = batch_pipeline.read_counters(result)
    print(", ".join(f"{count} {name}" for name, count in counts.items()))
    if counts["failed"]:
        with FileSystems.open(failures) as file:
            for line in file.read().splitlines()[:_SHOWN]:
                failure = json.loads(line)
                print(f"{failure['path']}: {failure['error']}", file=sys.stderr)
        sys.exit(
            f"error: {counts['failed']} of {num_scenes} scenes failed: "
            f"{failures} lists them."
        )


if __name__ == "__main__":
    flags.DEFINE_string("savedmodel", None, "A version.", required=True)
    flags.DEFINE_string("label_dir", None, "Label maps.", required=True)
    flags.DEFINE_string("instance_dir", None, "Instance maps.")
    flags.DEFINE_string("photo_dir", None, "Photos whose styles are taken.")
    flags.DEFINE_string("feature_dir", None, "Feature maps.")
    flags.DEFINE_bool("rgb", False, "The label maps are RGB images.")
    flags.DEFINE_string("output_dir", None, "For photographs.", required=True)
    flags.DEFINE_string(
        "failures", None, "List of failures; by default in --output_dir."
    )
    flags.DEFINE_string("runner", "DirectRunner", "One of Beam's runners.")
    flags.DEFINE_string(
        "beam_options", "", "Options of the runner, as one string."
    )
    command_line.run(main)
