"""Building records with Apache Beam.

The workers need this package with the extras `beam` and `records`, and the same
paths to the data set and the output folder.
"""

import apache_beam as beam
from apache_beam.metrics import Metrics

COUNTERS = ("done", "skipped")
_NAMESPACE = "hdgan"


def add_building(pipeline, building):
    """Adds the building of a split's records to a pipeline.

    Shards that are complete are kept, so the same pipeline resumes an
    interrupted run. The manifest is written last. The counters `COUNTERS` count
    shards, in the namespace `hdgan`.

    Args:
        pipeline: `beam.Pipeline`.
        building: `hdgan.data.records.building.RecordBuilding`.
    """
    _ = (
        pipeline
        | "Shards" >> beam.Create(range(building.num_shards))
        | "Spread" >> beam.Reshuffle()
        | "Write" >> beam.Map(_write_shard, building)
        | "Collect" >> beam.combiners.ToList()
        | "Finish" >> beam.Map(_finish, building)
    )


def _write_shard(number, building):
    entry = building.find_shard(number)
    Metrics.counter(_NAMESPACE, "skipped" if entry else "done").inc()
    return number, entry or building.write_shard(number)


def _finish(shards, building):
    building.finish([entry for _, entry in sorted(shards, key=lambda s: s[0])])
