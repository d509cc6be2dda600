r"""Has a TF Serving server make photographs of a folder of label maps.

    python -m hdgan.tools.request --url=http://localhost:8501 \
        --label_dir=data/test_label --instance_dir=data/test_inst \
        --output_dir=photos

Photographs have the names of their label maps. What is in the output folder
already is left out, so that the same command goes on where it was stopped. What
the server refuses is listed at the end, with its reason, and makes the exit
code 1. `--url=grpc://localhost:8500` asks by gRPC, after
`pip install 'hdgan[serving]'`.
"""

import pathlib
import sys

import keras
from absl import flags

from hdgan.command_line import program, scene_flags
from hdgan.data.files import write_file
from hdgan.data.scene_files import pair_files
from hdgan.serving.client import Client
from hdgan.serving.scene_request import (
    is_photo,
    list_requests,
    photo_name,
    read_request,
    tell_failure,
)
from hdgan.serving.transports import ServingError


def request_folder(client, scenes, output_dir, concurrency=4):
    """Asks for a photograph of every scene that has none, with a progress bar.

    Args:
        client: `hdgan.serving.Client`.
        scenes: `SceneFiles`.
        output_dir: path of a folder.
        concurrency: int >= 1, requests at the same time.

    Returns:
        Dict from the label map's path to what went wrong with it.
    """
    output_dir = pathlib.Path(output_dir)
    there = {path.stem for path in output_dir.iterdir() if is_photo(path)}
    missing = [
        paths
        for paths in list_requests(scenes)
        if paths["label_bytes"].stem not in there
    ]
    if len(missing) < len(scenes):
        print(f"{len(scenes) - len(missing)} are there already.")

    def ask(paths):
        files = read_request(paths, scenes.is_rgb, pathlib.Path.read_bytes)
        image = client.synthesize_files(files)
        name = photo_name(paths["label_bytes"].stem, image)
        write_file(output_dir / name, image)

    errors = {}
    if missing:
        progress = keras.utils.Progbar(len(missing), unit_name="scene")
        for paths, error in client.map(ask, missing, concurrency):
            if error is not None:
                errors[paths["label_bytes"]] = error
            progress.add(1)
    return errors


def _describe(client):
    """Returns what the model says of itself.

    A server that doesn't answer is told once, not for every scene.
    """
    try:
        return client.describe()
    except ServingError as error:
        raise ValueError(
            f"No model answers: {error}. Expected a server of an export, "
            "REST usually at http://HOST:8501, gRPC at grpc://HOST:8500, "
            "and by --model the name that it gives the model."
        ) from error


def main():
    values = flags.FLAGS
    if values.concurrency < 1:
        raise ValueError(
            f"--concurrency must be at least 1. Received: {values.concurrency}"
        )
    scene_flags.check_output_dir()
    with Client(
        values.url,
        values.model,
        values.version,
        values.timeout,
        values.retries,
    ) as client:
        description = _describe(client)
        scene_flags.check_export(description)
        scenes = pair_files(
            values.label_dir,
            values.instance_dir,
            values.photo_dir,
            values.style_dir,
            is_rgb=description["labels"] is None,
        )
        program.make_folder("output_dir", values.output_dir)
        errors = request_folder(
            client, scenes, values.output_dir, values.concurrency
        )
    for path, error in errors.items():
        print(tell_failure(path, error), file=sys.stderr)
    if errors:
        sys.exit(f"error: {len(errors)} of {len(scenes)} scenes failed.")


def _define_flags():
    flags.DEFINE_string("url", None, "Server.", required=True)
    flags.DEFINE_string("model", "hdgan", "Name of the model there.")
    flags.DEFINE_integer("version", None, "By default the server's.")
    scene_flags.define()
    flags.DEFINE_integer("concurrency", 4, "Requests at the same time.")
    flags.DEFINE_float("timeout", 60.0, "Seconds for one, all tries together.")
    flags.DEFINE_integer("retries", 50, "At most; until the timeout is over.")


if __name__ == "__main__":
    _define_flags()
    program.run(main)
