"""The flags of programs that can run on Apache Beam."""

import logging
import shlex

from absl import flags

# They count as flags of the main module: the program that calls `define`.
flags.disclaim_key_flags()


def define(runner):
    """Defines the flags of the runner.

    Args:
        runner: str, default of the flag `runner`; None runs without Beam.
    """
    default = "" if runner else " Default: none, this process without Beam."
    flags.DEFINE_string(
        "runner", runner, f"Name of the Beam runner to use.{default}"
    )
    flags.DEFINE_string(
        "beam_options", "", "Options for the runner, as one string."
    )


def make_pipeline(advice):
    """Returns the pipeline that the flags describe.

    Args:
        advice: str, sentence about another way, for the error where Beam is
            missing.

    Raises:
        ValueError: if Beam is not installed, or the options can't be split.
    """
    # Beam warns in vain of a library for BigQuery.
    logging.disable(logging.WARNING)
    try:
        from apache_beam.options.pipeline_options import PipelineOptions
        from apache_beam.pipeline import Pipeline
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("apache_beam"):
            raise
        raise ValueError(
            "This needs Apache Beam, which is not installed: pip install "
            f"apache-beam. {advice}"
        ) from error
    finally:
        logging.disable(logging.NOTSET)
    values = flags.FLAGS
    try:
        options = shlex.split(values.beam_options)
    except ValueError as error:
        raise ValueError(
            f"--beam_options={values.beam_options} cannot be split into "
            f"options: {error}. Quote it as in a shell."
        ) from error
    return Pipeline(values.runner, options=PipelineOptions(options))
