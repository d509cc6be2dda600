"""Valid and invalid requests from many clients to a stand-in server.

    python tests/mixed_requests.py

exports a small model and serves it with `standin_server.py` in another process.
Prints how many requests of each kind were answered or refused correctly.
"""

import collections
import concurrent.futures
import contextlib
import io
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

import numpy as np
from PIL import Image
from tiny_models import inputs_for, make_model, sharpen

from hdgan.data.image_files import encode_png
from hdgan.serving import Client, ServingError, ServingOptions

MAX_PIXELS = 10_000
_SIZES = (1, 1), (17, 33), (32, 48), (100, 100)


def _encode(mode, size=(8, 8)):
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, "PNG")
    return buffer.getvalue()


_GREY = _encode("L")
# By kind: label and instance file, the code of the error, and its message.
BAD = {
    "id without a class": (
        encode_png("", np.full((8, 8), 5, "uint8")),
        b"",
        "INVALID_ARGUMENT",
        "outside 0..4",
    ),
    "sizes that differ": (
        _GREY,
        _encode("L", (8, 9)),
        "INVALID_ARGUMENT",
        "differ in batch, height or width",
    ),
    "not an image": (b"<html>", b"", "INVALID_ARGUMENT", "not a PNG"),
    "empty file": (b"", b"", "INVALID_ARGUMENT", "not a PNG"),
    "half a file": (_GREY[:50], b"", "INVALID_ARGUMENT", "is cut short"),
    "colors": (_encode("RGB"), b"", "INVALID_ARGUMENT", "not a gray PNG"),
    "too large": (
        _encode("L", (101, 100)),
        b"",
        "INVALID_ARGUMENT",
        f"larger than the {MAX_PIXELS} pixels",
    ),
    "another model": (_GREY, b"", "NOT_FOUND", "not found"),
    "missing input": (_GREY, None, "INVALID_ARGUMENT", "instance_bytes"),
}


class Answer(NamedTuple):
    """The outcome of a request; `problem` is None if it was correct."""

    kind: str
    problem: str | None
    seconds: float


@contextlib.contextmanager
def serve(directory):
    """Serves an export in another process; yields the process and its URLs."""
    program = pathlib.Path(__file__).with_name("standin_server.py")
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(
            [sys.executable, program, directory],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        yield process, process.stdout.readline().split()
        process.stdin.close()
        if process.wait():
            errors.seek(0)
            print(errors.read(), file=sys.stderr)


def ask_mixed(model, urls, num_requests=200, num_clients=8):
    """Sends requests for photographs, half of which are invalid.

    Args:
        model: `Pix2PixHD`, the model that is served.
        urls: list of the server's URLs, which the clients take in turns.
        num_requests: int, the number of requests. Defaults to 200.
        num_clients: int, the number of simultaneous clients. Defaults to 8.

    Returns:
        List of `Answer`.
    """
    draw = random.Random(0)
    kinds = [*["good"] * len(BAD), *BAD]
    scenes = []
    for size in _SIZES:
        scene = inputs_for(model, 1, *size)
        maps = scene["label_map"][0].astype("uint8"), scene["instance_map"][0]
        scenes.extend(
            (given, model.synthesize(*given)) for given in (maps, maps[:1])
        )
    work = [
        (kind, draw.choice(scenes))
        for kind in (kinds * num_requests)[:num_requests]
    ]
    draw.shuffle(work)
    clients = [Client(urls[k % len(urls)]) for k in range(num_clients)]
    strangers = [
        Client(urls[k % len(urls)], "nobody") for k in range(num_clients)
    ]

    def ask(number):
        kind, (maps, expected) = work[number]
        begin = time.perf_counter()
        try:
            if kind == "good":
                photo = clients[number % num_clients].synthesize(*maps)
                problem = _compare(photo, expected)
            else:
                group = strangers if kind == "another model" else clients
                _ask_badly(group[number % num_clients], kind)
                problem = "The request was not refused."
        except ServingError as error:
            problem = None if _is_expected(error, kind) else str(error)
        return Answer(kind, problem, time.perf_counter() - begin)

    with concurrent.futures.ThreadPoolExecutor(num_clients) as pool:
        return list(pool.map(ask, range(num_requests)))


def _compare(photo, expected):
    if photo.shape != expected.shape:
        return f"The photograph has the shape {photo.shape}."
    difference = np.abs(photo.astype(int) - expected).max()
    return None if difference <= 1 else f"A pixel is off by {difference}."


def _ask_badly(client, kind):
    label, instance, _, _ = BAD[kind]
    files = {"label_bytes": label, "instance_bytes": instance}
    client.synthesize_files({k: v for k, v in files.items() if v is not None})


def _is_expected(error, kind):
    if kind not in BAD:
        return False
    _, _, code, message = BAD[kind]
    return error.code == code and message in error.message


def resident_bytes(process):
    """Returns the resident memory of a process."""
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    (line,) = (li for li in status.splitlines() if li.startswith("VmRSS"))
    return 1024 * int(line.split()[1])


def main():
    model = sharpen(make_model(num_downsamplings=1))
    with tempfile.TemporaryDirectory() as folder:
        directory = pathlib.Path(folder) / "1"
        model.export(directory, ServingOptions(max_pixels=MAX_PIXELS))
        with serve(directory) as (process, urls):
            before = resident_bytes(process)
            begin = time.perf_counter()
            answers = ask_mixed(model, urls)
            seconds = time.perf_counter() - begin
            described = "num_labels" in Client(urls[0]).describe()
            after = resident_bytes(process)
            # TensorFlow's caches are full by now: further growth is a leak.
            answers += ask_mixed(model, urls)
            later = resident_bytes(process)
        code = process.returncode
    seconds_of = collections.defaultdict(list)
    wrong = [answer for answer in answers if answer.problem]
    for answer in answers:
        seconds_of[answer.kind].append(answer.seconds)
    print(
        f"{len(answers) // 2} requests from 8 clients in {seconds:.1f} s, then "
        "as many again"
    )
    for kind, each in seconds_of.items():
        failed = sum(answer.kind == kind for answer in wrong)
        print(
            f"  {kind:20} {len(each):4} sent, {len(each) - failed:4} "
            f"{'correct' if kind == 'good' else 'refused clearly'}, "
            f"{1000 * statistics.median(each):.0f} ms"
        )
    print(
        f"  server: {before / 2**20:.0f} MiB before, {after / 2**20:.0f} "
        f"after, {later / 2**20:.0f} after the second round; "
        f"{'still answers' if described else 'is broken'}; exit code {code}"
    )
    for answer in wrong:
        print(f"wrong: {answer.kind}: {answer.problem}")
    sys.exit(bool(wrong or code or not described))


if __name__ == "__main__":
    main()
