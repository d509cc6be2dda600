"""Random edits of a data set, with Apache Beam.

The workers need this package with the extras `beam` and `editing`, and the same
paths to the data set, the model and the output folder.
"""

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.utils.shared import Shared

from hdgan.models.model_file import load_model

COUNTERS = ("done", "skipped")
_NAMESPACE = "hdgan"


def add_augmentation(pipeline, augmentation, model_file):
    """Adds the samples of an augmentation to a pipeline.

    Samples that are there already are skipped, so the same pipeline resumes an
    interrupted run. The counters `COUNTERS` are in the namespace `hdgan`.

    Args:
        pipeline: `beam.Pipeline`.
        augmentation: `hdgan.editing.edited_data_set.Augmentation`.
        model_file: str, path of the model's `.keras` file.
    """
    _ = (
        pipeline
        | "Samples" >> beam.Create(augmentation.list_samples())
        | "Spread" >> beam.Reshuffle()
        | "Edit" >> beam.ParDo(_Edit(augmentation, model_file))
    )


class _Edit(beam.DoFn):
    """Makes one sample."""

    def __init__(self, augmentation, model_file):
        self._augmentation = augmentation
        self._model_file = model_file
        # One model for all threads of a worker.
        self._shared = Shared()

    def setup(self):
        self._holder = self._shared.acquire(
            lambda: _Holder(load_model(self._model_file))
        )

    def process(self, sample):
        if self._augmentation.is_done(*sample):
            Metrics.counter(_NAMESPACE, "skipped").inc()
            return
        self._augmentation.make(self._holder.model, *sample)
        Metrics.counter(_NAMESPACE, "done").inc()


class _Holder:
    def __init__(self, model):
        self.model = model
