"""Synthesis of whole folders by an exported model, with Apache Beam.

The workers need this package with the extra `beam`, too. Image files may be on
any file system of Beam; the model must also be on one of TensorFlow's.
"""

import dataclasses
import json
import math
import os
import pathlib
import uuid

import apache_beam as beam
import tensorflow as tf
from apache_beam.io.filesystem import CompressionTypes
from apache_beam.io.filesystems import FileSystems
from apache_beam.metrics import Metrics
from apache_beam.ml.inference.base import (
    KeyedModelHandler,
    ModelHandler,
    RunInference,
)
from google.protobuf.message import DecodeError
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from hdgan.data.files import write_file
from hdgan.data.image_files import list_images, select_images
from hdgan.data.scene_files import pair_files
from hdgan.serving.description import PATH as DESCRIPTION
from hdgan.serving.description import parse_description
from hdgan.serving.scene_request import (
    is_photo,
    list_requests,
    photo_name,
    read_request,
    time_of_change,
)
from hdgan.serving.transports import clean_message

COUNTERS = ("done", "skipped", "failed")
_NAMESPACE = "hdgan"
# The outputs of a step.
_READ, _FAILED = "read", "failed"
_SIGNATURE = "synthesize_png"
# The files that every export has.
_FILES = ("saved_model.pb", "variables/variables.index", DESCRIPTION)


@dataclasses.dataclass(frozen=True)
class BatchFolders:
    """The folders of a pipeline, local or remote (`gs://...`).

    Args:
        label_dir: str, the label maps, or RGB images.
        output_dir: str, for the photographs.
        instance_dir: str, the instance maps. Defaults to None.
        photo_dir: str, the photos whose styles are used. Defaults to None.
        style_dir: str, the style maps. Defaults to None.
        is_rgb: bool, whether `label_dir` holds RGB images. Defaults to False.
        pair_cores: bool, as in `match_files`. Defaults to False.
    """

    label_dir: str
    output_dir: str
    instance_dir: str | None = None
    photo_dir: str | None = None
    style_dir: str | None = None
    is_rgb: bool = False
    pair_cores: bool = False

    def list_scenes(self):
        """Returns the paths of each scene's files, by the names of the inputs.

        Raises:
            ValueError: if a folder is empty, or files of different folders do
                not match.
        """
        folders = {
            "label_bytes": self.label_dir,
            "instance_bytes": self.instance_dir,
            "photo_bytes": self.photo_dir,
            "style_bytes": self.style_dir,
        }
        scenes = pair_files(
            *folders.values(),
            self.is_rgb,
            list_files=_list_images,
            pair_cores=self.pair_cores,
        )
        return [
            {
                name: FileSystems.join(folders[name], path.name)
                for name, path in paths.items()
            }
            for paths in list_requests(scenes)
        ]

    def list_missing(self):
        """Returns the scenes of `list_scenes` that have no photograph yet.

        A photograph that is older than a file of its scene does not count.
        """
        photos = {
            path.stem: time
            for path, time in _list(self.output_dir).items()
            if is_photo(path)
        }
        folders = (
            self.label_dir,
            self.instance_dir,
            self.photo_dir,
            self.style_dir,
        )
        times = {
            FileSystems.join(folder, path.name): time
            for folder in folders
            if folder is not None
            for path, time in _list(folder).items()
        }
        return [
            paths
            for paths in self.list_scenes()
            if photos.get(_stem(paths["label_bytes"]), -math.inf)
            < max(times[path] for path in paths.values())
        ]


def read_export(directory):
    """Returns the description of an exported model without loading the model.

    Args:
        directory: str, the folder of the exported version.

    Raises:
        ValueError: if a file of the export is missing or damaged.
    """
    for name in _FILES:
        file = FileSystems.join(directory, name)
        if not FileSystems.exists(file):
            raise ValueError(
                f"{directory} does not hold {name}. Expected a version that "
                "the tool export_savedmodel wrote, such as serving/hdgan/1."
            )
        if name == "saved_model.pb" and not _is_savedmodel(_read(file)):
            raise ValueError(
                f"{file} is not a readable SavedModel. Export it again."
            )
    # `file` is the last of them, the description.
    try:
        return parse_description(_read(file))
    except ValueError as error:
        raise ValueError(f"{file}: {error} Export it again.") from error


def _is_savedmodel(contents):
    try:
        return len(SavedModel.FromString(contents).meta_graphs) == 1
    except DecodeError:
        return False


def add_synthesis(pipeline, directory, folders, failures):
    """Adds the synthesis of folders to a pipeline.

    Each photograph gets the name of its label map. It is written to a temporary
    file and renamed. Scenes that have a photograph are skipped, so the same
    pipeline resumes an interrupted run. Scenes that fail are listed and do not
    stop the others. The counters `COUNTERS` are in the namespace `hdgan`.

    Args:
        pipeline: `beam.Pipeline`.
        directory: str, the folder of the exported version.
        folders: `BatchFolders`.
        failures: str, file to write or replace. For each scene that failed it
            has a line of JSON with the `path` of the label map and the `error`.
    """
    read = (
        pipeline
        | "Folders" >> beam.Create([folders])
        # Listed by a worker: the names of many scenes would make the pipeline
        # itself too large for a runner.
        | "List scenes" >> beam.ParDo(_List())
        | "Spread" >> beam.Reshuffle()
        | "Read"
        >> beam.ParDo(_Read(folders.is_rgb)).with_outputs(_FAILED, main=_READ)
    )
    written = (
        read[_READ]
        | "Synthesize" >> RunInference(KeyedModelHandler(_Export(directory)))
        | "Write"
        >> beam.ParDo(_Write(folders.output_dir)).with_outputs(_FAILED)
    )
    _ = (
        (read[_FAILED], written[_FAILED])
        | "All failures" >> beam.Flatten()
        | "Collect failures" >> beam.combiners.ToList()
        | "Write failures" >> beam.Map(_write_failures, failures)
    )


def read_counters(result):
    """Returns the number of scenes per counter, a dict with keys `COUNTERS`.

    Args:
        result: `PipelineResult` of a pipeline that has finished.
    """
    metrics = result.metrics().query(
        beam.metrics.MetricsFilter().with_namespace(_NAMESPACE)
    )
    counts = dict.fromkeys(COUNTERS, 0)
    for counter in metrics["counters"]:
        counts[counter.key.metric.name] += counter.result
    return counts


class _List(beam.DoFn):
    """Turns folders into the paths of each scene without a photograph."""

    def process(self, folders):
        missing = folders.list_missing()
        _count("skipped", len(folders.list_scenes()) - len(missing))
        yield from missing


class _Read(beam.DoFn):
    """Turns the paths of a scene into its label map's path and a request."""

    def __init__(self, is_rgb):
        self._is_rgb = is_rgb

    def process(self, paths):
        key = paths["label_bytes"]
        try:
            yield key, read_request(paths, self._is_rgb, _read)
        except (ValueError, OSError) as error:
            yield _fail(key, error)


class _Export(ModelHandler):
    """Runs the signature that takes files, one scene at a time."""

    def __init__(self, directory):
        # Scenes differ in size, and one image keeps all cores busy.
        super().__init__(max_batch_size=1)
        self._directory = directory

    def load_model(self):
        return tf.saved_model.load(self._directory)

    def run_inference(self, batch, model, inference_args=None):
        synthesize = model.signatures[_SIGNATURE]
        for request in batch:
            try:
                outputs = synthesize(
                    **{k: tf.constant([v]) for k, v in request.items()}
                )
                yield _Answer(image=outputs["image_bytes"].numpy()[0])
            except (
                tf.errors.InvalidArgumentError,
                tf.errors.ResourceExhaustedError,
            ) as error:
                # A scene that is refused, or too large for the memory, fails
                # alone. Any other error ends the run.
                yield _Answer(error=clean_message(error.message))

    def get_num_bytes(self, batch):
        return sum(len(v) for request in batch for v in request.values())


@dataclasses.dataclass(frozen=True)
class _Answer:
    image: bytes | None = None
    error: str | None = None


class _Write(beam.DoFn):
    """Writes photographs and outputs failures only."""

    def __init__(self, output_dir):
        self._output_dir = output_dir

    def process(self, keyed):
        key, answer = keyed
        if answer.error is not None:
            yield _fail(key, answer.error)
            return
        _write(
            self._output_dir, photo_name(_stem(key), answer.image), answer.image
        )
        _count("done")


def _fail(key, error):
    _count("failed")
    return beam.pvalue.TaggedOutput(_FAILED, {"path": key, "error": str(error)})


def _count(name, number=1):
    Metrics.counter(_NAMESPACE, name).inc(number)


def _stem(path):
    return pathlib.PurePosixPath(path).stem


def _read(path):
    with FileSystems.open(
        path, compression_type=CompressionTypes.UNCOMPRESSED
    ) as file:
        return file.read()


def _write(folder, name, contents):
    """Writes a file under a temporary name and renames it."""
    if _is_local(folder):
        write_file(pathlib.Path(folder, name), contents)
        return
    unfinished = FileSystems.join(
        folder, f".unfinished-{uuid.uuid4().hex}-{name}"
    )
    with FileSystems.create(
        unfinished, compression_type=CompressionTypes.UNCOMPRESSED
    ) as file:
        file.write(contents)
    path = FileSystems.join(folder, name)
    # Some file systems, such as HDFS, do not replace a file in a rename.
    if FileSystems.exists(path):
        FileSystems.delete([path])
    FileSystems.rename([unfinished], [path])


def _write_failures(found, path):
    lines = [f"{json.dumps(failure)}\n" for failure in found]
    _write(*FileSystems.split(path), "".join(lines).encode())


class _Url(pathlib.PurePosixPath):
    """A path such as `gs://bucket/file` that keeps its double slash."""

    def __str__(self):
        return super().__str__().replace(":/", "://", 1)


def _list(folder):
    """Returns a dict from each file of a folder to its time of change."""
    if _is_local(folder):
        # Beam would read brackets in the folder's name as a pattern.
        names = os.listdir(folder) if os.path.isdir(folder) else []
        paths = [pathlib.PurePosixPath(folder, name) for name in names]
        return {path: time_of_change(path) for path in paths}
    (result,) = FileSystems.match([FileSystems.join(folder, "*")])
    return {
        _Url(file.path): file.last_updated_in_seconds
        for file in result.metadata_list
    }


def _list_images(folder, suffixes):
    if _is_local(folder):
        return list_images(folder, suffixes)
    return select_images(folder, _list(folder), suffixes)


def _is_local(folder):
    return "://" not in folder
