r"""Requests photographs of a folder of label maps from a TF Serving server.

    hdgan request --url=http://localhost:8501 \
        --label_dir=data/test_label --instance_dir=data/test_inst \
        --output_dir=photos

Each photograph gets the name of its label map. Label maps whose photograph is
in the output folder, and newer, are skipped, so the same command resumes an
interrupted run. Scenes that fail are listed at the end with the reason, and
the exit code is then 1. gRPC (`--url=grpc://localhost:8500`) needs
`pip install 'tensorflow-serving-api~=2.21.0'`.
"""

import sys

from absl import flags

from hdgan.command_line import program, scene_flags


def main():
    # Imported here so that --help does not wait for TensorFlow.
    from hdgan.data.scene_files import pair_files
    from hdgan.serving.client import Client
    from hdgan.serving.request_folder import request_folder
    from hdgan.serving.scene_request import describe_failure

    values = flags.FLAGS
    if values.concurrency < 1:
        raise ValueError(
            f"--concurrency must be at least 1. Received: {values.concurrency}"
        )
    scene_flags.check_folders()
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
            pair_cores=values.pair_cores,
        )
        program.make_folder("output_dir", values.output_dir)
        errors = request_folder(
            client, scenes, values.output_dir, values.concurrency
        )
    for path, error in errors.items():
        print(describe_failure(path, error), file=sys.stderr)
    if errors:
        sys.exit(f"error: {len(errors)} of {len(scenes)} scenes failed.")


def _describe(client):
    """Returns the model's description.

    Asked for first, so that a server that does not answer is reported once and
    not for every scene.
    """
    from hdgan.serving.transports import ServingError

    try:
        return client.describe()
    except ServingError as error:
        raise ValueError(
            f"{client.url} does not answer for this model: {error}. Expected a "
            "server of an export, usually at http://HOST:8501 (REST) or "
            "grpc://HOST:8500 (gRPC), and the model's name there in --model."
        ) from error


def _define_flags():
    flags.DEFINE_string(
        "url",
        None,
        "URL of the server: http://HOST:PORT, https://... or grpc://HOST:PORT.",
        required=True,
    )
    flags.DEFINE_string("model", "hdgan", "Name of the model on the server.")
    flags.DEFINE_integer(
        "version", None, "Version of the model. Default: the server's choice."
    )
    scene_flags.define()
    flags.DEFINE_integer("concurrency", 4, "Number of simultaneous requests.")
    flags.DEFINE_float(
        "timeout",
        60.0,
        "Seconds until a request fails, including its retries.",
    )
    flags.DEFINE_integer(
        "retries",
        50,
        "Number of retries of a request, within --timeout.",
    )


if __name__ == "__main__":
    _define_flags()
    program.run(main)
