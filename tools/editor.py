r"""Opens the editor: a page to paint label maps on, beside the photograph.

    hdgan editor --model=runs/styles

shows a page in the browser: paint classes, stamp, move and remove objects,
choose their styles, and see the photograph that the model makes. `--data_dir`
brings the scenes of a data set, and their objects as stamps. A model of the
drawn streets needs neither: it opens a drawn street. `--serving_url` uses a
model that TF Serving runs instead of `--model`.

The server answers to this machine alone. `--host` opens it to others, who can
then use the model without a password.
"""

import contextlib

from absl import flags, logging

from hdgan.command_line import program


def main():
    try:
        from hdgan.editor.server import serve
    except ImportError as error:
        raise ValueError(
            f"The editor needs {error.name}, which is not installed: pip "
            "install starlette uvicorn scipy"
        ) from error
    from hdgan.editor.guard import is_loopback
    from hdgan.editor.studio import Studio

    values = flags.FLAGS
    if values.max_pixels < 1:
        raise ValueError(
            f"--max_pixels must be at least 1. Received: {values.max_pixels}"
        )
    if not is_loopback(values.host):
        logging.warning(
            "--host=%s: everyone who reaches this address can use the editor, "
            "without a password and without encryption.",
            values.host,
        )
    with contextlib.closing(_make_backend(values)) as backend:
        studio = Studio(
            backend,
            values.scene,
            values.data_dir,
            values.split,
            values.max_pixels,
        )
        serve(studio, values.host, values.port, values.open_browser)


def _make_backend(values):
    if values.model and values.serving_url:
        raise ValueError(
            "--model and --serving_url are two sources of photographs. Give "
            "one of them."
        )
    if values.serving_url:
        from hdgan.editor.serving_backend import ServingBackend

        return ServingBackend(values.serving_url, values.serving_model)
    if not values.model:
        raise ValueError(
            "The editor needs a model: --model=FILE, a .keras file or the "
            "folder of a run, or --serving_url=URL of a TF Serving server."
        )
    from hdgan.data.files import hash_file
    from hdgan.editor.local_backend import LocalBackend
    from hdgan.models.model_file import find_model_file, load_model

    path = find_model_file(values.model)
    name = path.parent.name if path.name == "model.keras" else path.stem
    return LocalBackend(load_model(path), name, hash_file(path))


if __name__ == "__main__":
    flags.DEFINE_string(
        "model",
        None,
        "Model that makes the photographs: a .keras file, or the folder of its "
        "run.",
    )
    flags.DEFINE_string(
        "serving_url",
        None,
        "URL of a TF Serving server that makes them instead: http://HOST:PORT, "
        "https://... or grpc://HOST:PORT.",
    )
    flags.DEFINE_string(
        "serving_model", "hdgan", "Name of the model on that server."
    )
    flags.DEFINE_string(
        "scene",
        None,
        "Scene file to open. Default: the first of --data_dir, or a drawn "
        "street.",
    )
    flags.DEFINE_string(
        "data_dir",
        None,
        "Folder of a data set with scenes to open and objects to stamp.",
    )
    flags.DEFINE_string("split", "train", "Start of that data set's folders.")
    flags.DEFINE_string(
        "host", "127.0.0.1", "Address to listen on. Others can reach any other."
    )
    flags.DEFINE_integer("port", 8490, "Port to listen on; 0 takes a free one.")
    flags.DEFINE_bool("open_browser", True, "Open the page in the browser.")
    flags.DEFINE_integer(
        "max_pixels", 2048 * 1024, "Most pixels of a scene or an upload."
    )
    program.run(main)
