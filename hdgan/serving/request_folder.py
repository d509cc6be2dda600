"""Photographs of a folder of label maps from a TF Serving server."""

import math
import pathlib

from hdgan.data.files import write_file
from hdgan.progress_bar import make_progress_bar
from hdgan.serving.scene_request import (
    is_photo,
    list_requests,
    photo_name,
    read_request,
    time_of_change,
)


def request_folder(client, scenes, output_dir, concurrency=4):
    """Requests a photograph of every scene that has none yet, or an old one.

    A photograph is old if a file of its scene was changed after it. Prints a
    progress bar.

    Args:
        client: `hdgan.serving.Client`.
        scenes: `SceneFiles`.
        output_dir: path of an existing folder for the photographs.
        concurrency: int >= 1, the number of simultaneous requests. Defaults
            to 4.

    Returns:
        Dict from the path of a label map to the exception that its scene ended
        in, for the scenes that failed.
    """
    output_dir = pathlib.Path(output_dir)
    times = {
        path.stem: time_of_change(path)
        for path in output_dir.iterdir()
        if is_photo(path)
    }
    missing = [
        paths
        for paths in list_requests(scenes)
        if times.get(paths["label_bytes"].stem, -math.inf)
        < max(map(time_of_change, paths.values()))
    ]
    if len(missing) < len(scenes):
        print(f"{len(scenes) - len(missing)} scenes have a photograph already.")

    def ask(paths):
        files = read_request(paths, scenes.is_rgb, pathlib.Path.read_bytes)
        image = client.synthesize_files(files)
        name = photo_name(paths["label_bytes"].stem, image)
        write_file(output_dir / name, image)

    errors = {}
    if missing:
        progress = make_progress_bar(len(missing))
        for paths, error in client.map(ask, missing, concurrency):
            if error is not None:
                errors[paths["label_bytes"]] = error
            progress.add(1)
    return errors
