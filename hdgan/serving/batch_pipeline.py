"""Photographs of whole folders, by Apache Beam on an exported model.

Needs the extra `beam`; whoever runs a part of the pipeline needs it, and this
package, too. Files may be wherever Beam's file systems reach, the model where
TensorFlow's do as well.
"""

import dataclasses
import json
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
)
from hdgan.serving.transports import clean_message

COUNTERS = ("done", "skipped", "failed")
_NAMESPACE = "hdgan"
# Outputs of a step.
_MADE, _FAILED = "made", "failed"
_SIGNATURE = "synthesize_png"
# Of an export.
_FILES = ("saved_model.pb", "variables/variables.index", DESCRIPTION)


@dataclasses.dataclass(frozen=True)
class BatchFolders:
    """Where the files of a batch are: local, or as `gs://...` and the like.

    Args:
        label_dir: str, label maps, or RGB images.
        output_dir: str, for photographs.
        instance_dir: str, or None.
        photo_dir: str, or None; photos whose styles are taken.
        style_dir: str, or None.
        is_rgb: bool, whether `label_dir` holds RGB images.
    """

    label_dir: str
    output_dir: str
    instance_dir: str | None = None
    photo_dir: str | None = None
    style_dir: str | None = None
    is_rgb: bool = False

    def list_scenes(self):
        """Returns the paths of each scene's files, by the inputs' names.

        Raises:
            ValueError: if a folder is empty, or files have no partner.
        """
        folders = {
            "label_bytes": self.label_dir,
            "instance_bytes": self.instance_dir,
            "photo_bytes": self.photo_dir,
            "style_bytes": self.style_dir,
        }
        scenes = pair_files(
            *folders.values(), self.is_rgb, list_files=_list_images
        )
        return [
            {
                name: FileSystems.join(folders[name], path.name)
                for name, path in paths.items()
            }
            for paths in list_requests(scenes)
        ]

    def list_done(self):
        """Returns the names, without endings, that photographs have already."""
        return {path.stem for path in _list(self.output_dir) if is_photo(path)}


def read_export(directory):
    """Returns what an exported model says of itself, without loading it.

    Args:
        directory: str, the exported version.

    Raises:
        ValueError: if it is no export, or files of it are missing.
    """
    for name in _FILES:
        file = FileSystems.join(directory, name)
        if not FileSystems.exists(file):
            raise ValueError(
                f"{directory} holds no {name}. Expected a version that the "
                "tool export_savedmodel wrote, such as serving/hdgan/1."
            )
        if name == "saved_model.pb" and not _is_savedmodel(_read(file)):
            raise ValueError(
                f"{file} is no SavedModel that can be read. Export it again."
            )
    # The last of them.
    try:
        return parse_description(_read(file))
    except ValueError as error:
        raise ValueError(f"{file}: {error}. Export it again.") from error


def _is_savedmodel(contents):
    try:
        return len(SavedModel.FromString(contents).meta_graphs) == 1
    except DecodeError:
        return False


def add_synthesis(pipeline, directory, folders, failures):
    """Adds the synthesis of folders to a pipeline.

    A photograph has the name of its label map; it is written elsewhere and
    renamed. What is there is skipped, so that the same pipeline goes on where
    it was stopped; what fails is listed, and the rest made. Counted are
    `COUNTERS`, in the namespace `hdgan`.

    Args:
        pipeline: Beam's.
        directory: str, the exported version.
        folders: `BatchFolders`.
        failures: str, file to write or replace: of each scene that failed the
            `path` of its label map and the `error`, as JSON, one a line.
    """
    read = (
        pipeline
        | "Folders" >> beam.Create([folders])
        # Not before: of many the pipeline's description would be too long.
        | "List scenes" >> beam.ParDo(_List())
        | "Spread" >> beam.Reshuffle()
        | "Read"
        >> beam.ParDo(_Read(folders.is_rgb)).with_outputs(_FAILED, main=_MADE)
    )
    written = (
        read[_MADE]
        | "Synthesize" >> RunInference(KeyedModelHandler(_Export(directory)))
        | "Write"
        >> beam.ParDo(_Write(folders.output_dir)).with_outputs(_FAILED)
    )
    _ = (
        (read[_FAILED], written[_FAILED])
        | "All failures" >> beam.Flatten()
        | "Together" >> beam.combiners.ToList()
        | "List failures" >> beam.Map(_write_failures, failures)
    )


def read_counters(result):
    """Returns how many scenes are done, skipped and failed.

    Args:
        result: what `pipeline.run()` returned, finished.
    """
    metrics = result.metrics().query(
        beam.metrics.MetricsFilter().with_namespace(_NAMESPACE)
    )
    counts = dict.fromkeys(COUNTERS, 0)
    for counter in metrics["counters"]:
        counts[counter.key.metric.name] += counter.result
    return counts


class _List(beam.DoFn):
    """From folders to the paths of each scene that has no photograph yet."""

    def process(self, folders):
        done = folders.list_done()
        for paths in folders.list_scenes():
            if _stem(paths["label_bytes"]) in done:
                _count("skipped")
            else:
                yield paths


class _Read(beam.DoFn):
    """From a scene's paths to its label map's path and its request."""

    def __init__(self, is_rgb):
        self._is_rgb = is_rgb

    def process(self, paths):
        key = paths["label_bytes"]
        try:
            yield key, read_request(paths, self._is_rgb, _read)
        except (ValueError, OSError) as error:
            yield _fail(key, error)


class _Export(ModelHandler):
    """Runs the signature that takes files; one scene at a time."""

    def __init__(self, directory):
        # Sizes differ, and one image keeps a machine busy.
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
                # What the signature refuses, or has no memory for. Any other
                # error ends the run.
                yield _Answer(error=clean_message(error.message))

    def get_num_bytes(self, batch):
        return sum(len(v) for request in batch for v in request.values())


@dataclasses.dataclass(frozen=True)
class _Answer:
    image: bytes | None = None
    error: str | None = None


class _Write(beam.DoFn):
    """Writes photographs; only failures come out."""

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


def _count(name):
    Metrics.counter(_NAMESPACE, name).inc()


def _stem(path):
    return pathlib.PurePosixPath(path).stem


def _read(path):
    with FileSystems.open(
        path, compression_type=CompressionTypes.UNCOMPRESSED
    ) as file:
        return file.read()


def _write(folder, name, contents):
    """Writes a file elsewhere and renames it."""
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
    # Some storage, such as HDFS, renames to no file that is there.
    if FileSystems.exists(path):
        FileSystems.delete([path])
    FileSystems.rename([unfinished], [path])


def _write_failures(found, path):
    lines = [f"{json.dumps(failure)}\n" for failure in found]
    _write(*FileSystems.split(path), "".join(lines).encode())


class _Url(pathlib.PurePosixPath):
    """A path such as `gs://bucket/file`, whose slashes stay two."""

    def __str__(self):
        return super().__str__().replace(":/", "://", 1)


def _list(folder):
    if _is_local(folder):
        # A pattern would be made of brackets in its name.
        is_there = os.path.isdir(folder)
        names = os.listdir(folder) if is_there else []
        return [pathlib.PurePosixPath(folder, name) for name in names]
    (result,) = FileSystems.match([FileSystems.join(folder, "*")])
    return [_Url(file.path) for file in result.metadata_list]


def _list_images(folder, suffixes):
    if _is_local(folder):
        return list_images(folder, suffixes)
    return select_images(folder, _list(folder), suffixes)


def _is_local(folder):
    return "://" not in folder
