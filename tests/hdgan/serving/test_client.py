"""The client against a stand-in server of real exports, by both protocols."""

import base64
import concurrent.futures
import contextlib
import http.server
import io
import json
import re
import threading
import time
import zlib

import numpy as np
import pytest
import standin_server
from PIL import Image
from tiny_models import inputs_for, make_model, sharpen

from hdgan.data.image_files import encode_png
from hdgan.serving import Client, ServingError, ServingOptions

PROTOCOLS = ("rest_url", "grpc_url")
PHOTO = np.zeros((2, 2, 3), "uint8")


def _huge_image():
    """Returns an answer with an image whose header claims a huge size."""
    image = bytearray(encode_png("", PHOTO))
    image[16:24] = 2 * (2**16).to_bytes(4, "big")
    image[29:33] = zlib.crc32(image[12:29]).to_bytes(4, "big")
    text = base64.b64encode(image).decode()
    return json.dumps({"outputs": [{"b64": text}]}).encode()


HUGE = _huge_image()


@pytest.fixture(scope="module")
def model():
    return sharpen(make_model(num_downsamplings=1))


@pytest.fixture(scope="module")
def server(model, tmp_path_factory):
    directory = tmp_path_factory.mktemp("serving") / "1"
    model.export(directory, ServingOptions(max_pixels=2_000_000))
    with standin_server.start(directory) as server:
        yield server


@pytest.fixture(autouse=True)
def fresh(server):
    server.num_refusals, server.delay = 0, 0.0
    # Requests that a client has given up are still in progress.
    while server.num_now:
        time.sleep(0.02)
    server.num_requests = server.num_at_once = 0


def _scene(model, height=17, width=33):
    scene = inputs_for(model, 1, height, width)
    return scene["label_map"][0], scene["instance_map"][0]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("size", [(1, 1), (17, 33)])
def test_photographs_are_those_of_synthesize(model, server, protocol, size):
    client = Client(getattr(server, protocol))
    maps = _scene(model, *size)
    photo = client.synthesize(*maps)
    assert (photo.dtype, photo.shape) == (np.uint8, (*size, 3))
    assert np.abs(photo.astype(int) - model.synthesize(*maps)).max() <= 1
    without = client.synthesize(maps[0])
    assert np.abs(without.astype(int) - model.synthesize(maps[0])).max() <= 1


def test_an_axis_of_one_channel_is_dropped(model, server):
    client = Client(server.rest_url)
    label_map, instance_map = _scene(model)
    photo = client.synthesize(label_map[..., None], instance_map[..., None])
    expected = client.synthesize(label_map, instance_map)
    np.testing.assert_array_equal(photo, expected)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_large_photographs_come_through(model, server, protocol):
    # Noise, so that the answer exceeds gRPC's default limit of 4 MB.
    draw = np.random.default_rng(0)
    label_map = draw.integers(0, 5, (1024, 1800), "uint8")
    files = {"label_bytes": encode_png("", label_map), "instance_bytes": b""}
    image = Client(getattr(server, protocol)).synthesize_files(files)
    assert len(image) > 4 * 2**20
    photo = np.asarray(Image.open(io.BytesIO(image)))
    difference = np.abs(photo.astype(int) - model.synthesize(label_map))
    assert difference.max() <= 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_model_is_described(server, protocol):
    description = Client(getattr(server, protocol)).describe()
    assert description["num_labels"] == 5


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_requested_version_answers(server, protocol):
    url = getattr(server, protocol)
    assert Client(url, version=1).describe()["num_labels"] == 5
    with pytest.raises(ServingError, match="NOT_FOUND"):
        Client(url, version=2).describe()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_closed_client_sends_no_requests(server, protocol):
    with Client(f"{getattr(server, protocol)}/") as client:
        assert client.describe()["num_labels"] == 5
    with pytest.raises(ValueError, match="closed"):
        client.describe()
    assert server.num_requests == 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("is_refused", [True, False])
def test_closing_ends_the_calls_in_progress(server, protocol, is_refused):
    client = Client(getattr(server, protocol))
    # With a server that refuses, the client waits for its next try.
    server.delay, server.num_refusals = (0.0, 1000) if is_refused else (5.0, 0)
    begin = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.describe)
        while not server.num_requests:
            time.sleep(0.02)
        client.close()
        error = waiting.exception()
    assert isinstance(error, (ServingError, ValueError))
    assert "closed" in str(error).lower()
    assert time.monotonic() - begin < 5


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_consumer_that_stops_early_does_not_wait(server, protocol):
    client = Client(getattr(server, protocol))
    server.delay = 5.0
    begin = time.monotonic()
    results = client.map(lambda _: client.describe(), range(3))
    first = threading.Thread(target=lambda: next(results, None), daemon=True)
    first.start()
    while not server.num_now:
        time.sleep(0.02)
    client.close()
    first.join()
    results.close()
    assert time.monotonic() - begin < 5


@pytest.fixture(scope="module")
def styled(exports):
    """A model with an encoder and clusters, and a server of it."""
    with standin_server.start(exports["encoder"].directory) as server:
        yield exports["encoder"].model, server


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_encoded_styles_are_used_and_changed(styled, protocol):
    model, server = styled
    client = Client(getattr(server, protocol))
    scene = {k: v[0] for k, v in inputs_for(model, 1, 17, 33).items()}
    styles = client.encode(**scene)
    assert set(styles) == set(np.unique(scene["instance_map"]))
    assert {style.shape for style in styles.values()} == {(3,)}
    maps = scene["label_map"], scene["instance_map"]
    photo = client.synthesize_with_style(*maps, styles)
    assert (photo.dtype, photo.shape) == (np.uint8, (17, 33, 3))
    expected = model.synthesize(*maps, scene["photo"])
    assert np.abs(photo.astype(int) - expected).max() <= 1
    # The style of one car is changed.
    changed = {**styles, 26001: -styles[26001]}
    other = client.synthesize_with_style(*maps, changed)
    assert (other != photo).any()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_styles_are_clusters_by_seed_or_index(styled, protocol):
    model, server = styled
    client = Client(getattr(server, protocol))
    # Sky above a road.
    label_map = np.repeat(np.uint8([[0], [1]]), 8, axis=0).repeat(32, axis=1)
    centers = model.style_clusters.centers[1]
    photos = set()
    for cluster, center in enumerate(centers):
        style_map = np.where(label_map[..., None], center, centers.mean(0))
        expected = model.synthesize(label_map, style_map=style_map)
        photo = client.synthesize_with_style(label_map, styles={1: cluster})
        assert np.abs(photo.astype(int) - expected).max() <= 1
        photos.add(photo.tobytes())
    drawn = {
        client.synthesize_with_style(label_map, seed=seed).tobytes()
        for seed in range(8)
    }
    assert drawn == photos
    assert len(photos) == 2
    with pytest.raises(ServingError, match="does not have"):
        client.synthesize_with_style(label_map, styles={1: 2})
    for options in ({"styles": {"car": 1}}, {"styles": {2**31: 1}}):
        with pytest.raises(ValueError, match=r"An id .* must be an int32"):
            client.synthesize_with_style(label_map, **options)
    for seed in (2**31, 0.5):
        with pytest.raises(ValueError, match=r"`seed` must be an int32"):
            client.synthesize_with_style(label_map, seed=seed)
    for style in (
        -2,
        0.7,
        "red",
        [0.5],
        [[0], [0, 0]],
        [0, 0, 0, 0],
        [0, 0, 1.5],
        [0, float("nan"), 0],
    ):
        with pytest.raises(ValueError, match=r"styles\[1\].*3 floats"):
            client.synthesize_with_style(label_map, styles={1: style})


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_refused_requests_raise(server, protocol):
    client = Client(getattr(server, protocol))
    with pytest.raises(ServingError, match=r"outside 0..4") as caught:
        client.synthesize(np.full((8, 8), 7, "uint8"))
    assert caught.value.code == "INVALID_ARGUMENT"
    # The message of the check, without TensorFlow's text around it.
    assert caught.value.message == (
        "`label_bytes` holds a label id outside 0..4: this model has 5 classes."
    )
    with pytest.raises(ServingError) as caught:
        client.synthesize(np.zeros((8, 8), "uint8"), np.zeros((8, 9), "int32"))
    assert caught.value.message == (
        "`instance_map` and `label_map` differ in batch, height or width."
    )
    # Neither was retried, as a retry would fail in the same way.
    assert server.num_requests == 2
    with pytest.raises(ServingError, match="Servable not found") as caught:
        Client(getattr(server, protocol), model="other").describe()
    assert caught.value.code == "NOT_FOUND"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_transient_errors_are_retried(model, server, protocol):
    client = Client(getattr(server, protocol), retries=2)
    server.num_refusals = 2
    client.describe()
    assert server.num_requests == 3
    server.num_refusals = 3
    with pytest.raises(ServingError, match="is starting") as caught:
        client.describe()
    assert caught.value.code == "UNAVAILABLE"
    assert server.num_requests == 6


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_timeout_includes_all_retries(server, protocol):
    client = Client(getattr(server, protocol), timeout=0.5)
    server.delay = 2.0
    with pytest.raises(ServingError) as caught:
        client.describe()
    assert caught.value.code == "DEADLINE_EXCEEDED"
    assert server.num_requests == 1
    # Each try is answered at once; the deadline ends the retries, not their
    # number.
    server.delay, server.num_refusals = 0.0, 1000
    begin = time.monotonic()
    client = Client(getattr(server, protocol), timeout=1.5)
    with pytest.raises(ServingError, match="is starting"):
        client.describe()
    assert 2 <= server.num_requests < 10
    assert time.monotonic() - begin <= 1.5


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "grpc://127.0.0.1:9"])
def test_no_server(url):
    with pytest.raises(ServingError) as caught:
        Client(url, retries=0, timeout=5).describe()
    assert caught.value.code == "UNAVAILABLE"


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "grpc://127.0.0.1:9"])
def test_retries_are_reported(url, monkeypatch, caplog):
    with pytest.raises(ServingError, match=r"(?i)connection refused"):
        Client(url, timeout=1.5).describe()
    (message,) = caplog.messages
    assert message.startswith(f"No answer from {url} yet (")
    assert "onnection refused" in message
    # What is left of the deadline, on a busy machine some hundredths less.
    assert re.search(r"Retrying for 1(\.\d+)? s\.$", message)
    caplog.clear()
    monkeypatch.setattr("hdgan.serving.client._REPORT_INTERVAL", 0.0)
    with pytest.raises(ServingError):
        Client(url, timeout=60, retries=2).describe()
    assert len(caplog.messages) == 2


@contextlib.contextmanager
def _answering(parts, pause=0.0):
    """A server that answers one request with these parts, one by one."""

    class Proxy(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                for part in parts:
                    self.wfile.write(part)
                    time.sleep(pause)

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Proxy) as proxy:
        thread = threading.Thread(target=proxy.handle_request)
        thread.start()
        yield f"http://127.0.0.1:{proxy.server_port}"
        thread.join()


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"<html>Sign in</html>", "UNKNOWN: <html>Sign in"),
        (b"[1]", r"UNKNOWN: \[1\]"),
        (b'{"outputs": 3}', "outputs.*Received: {'image_bytes': 3}"),
        (b'{"outputs": {"photo": 3}}', "outputs.*Received: .*{'photo': 3}"),
        (b'{"outputs": [{"b64": "?"}]}', "outputs.*Received"),
        (b'{"outputs": [{"b64": "aGVsbG8="}]}', "not an image: b'hello'"),
        (b'{"outputs": []}', r"outputs.*Received"),
        (
            b'{"outputs": [{"b64": "aGk="}, {"b64": "aGk="}]}',
            r"outputs.*Received",
        ),
        (HUGE, "not an image"),
    ],
)
def test_answers_that_no_model_gives(answer, message):
    with (
        _answering([answer]) as url,
        pytest.raises(ServingError, match=message),
    ):
        Client(url).synthesize(np.zeros((2, 2), "uint8"))


def test_an_answer_without_a_description():
    with (
        _answering([b'{"outputs": ["{}"]}']) as url,
        pytest.raises(ServingError, match="does not describe a model"),
    ):
        Client(url).describe()


@pytest.mark.parametrize("part", [b" ", b" " * 2**17])
def test_an_answer_that_does_not_end(part):
    with _answering([part] * 50, pause=0.1) as url:
        begin = time.monotonic()
        with pytest.raises(ServingError, match="was not complete") as caught:
            Client(url, timeout=0.5).describe()
        assert time.monotonic() - begin < 3
    assert caught.value.code == "DEADLINE_EXCEEDED"


def test_an_answer_with_too_few_styles():
    answer = b"""{"outputs": {"style_instances": [1, 2],
        "style_vectors": [[0.5, 0.5]]}}"""
    with (
        _answering([answer]) as url,
        pytest.raises(ServingError, match="Expected the outputs"),
    ):
        Client(url).encode(*2 * [np.zeros((2, 2), "uint8")], PHOTO)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_simultaneous_calls_are_limited(model, server, protocol):
    client = Client(getattr(server, protocol))
    server.delay = 0.1
    label_map, _ = _scene(model)
    taken = []

    def items():
        for number in range(12):
            taken.append(number)
            yield number

    def ask(number):
        bad = np.full((4, 4), 9, "uint8")
        return client.synthesize(bad if number % 4 == 3 else label_map)

    results = {}
    for number, result in client.map(ask, items(), concurrency=3):
        results[number] = result
        # An item is taken only when its call can start.
        assert len(taken) <= len(results) + 3
    assert sorted(results) == list(range(12))
    for number, result in results.items():
        if number % 4 == 3:
            assert result.code == "INVALID_ARGUMENT"
        else:
            assert result.shape == (17, 33, 3)
    assert 1 < server.num_at_once <= 3


def test_bad_arguments():
    with pytest.raises(ValueError, match=r"grpc://HOST:PORT.*'localhost:8501'"):
        Client("localhost:8501")
    for options in (
        {"timeout": 0},
        {"timeout": float("nan")},
        {"timeout": float("inf")},
        {"retries": -1},
    ):
        with pytest.raises(ValueError, match="above 0"):
            Client("http://localhost:8501", **options)
    with pytest.raises(ValueError, match=r"0\.\.2\*\*63"):
        Client("http://localhost:8501", version=-1)
    with pytest.raises(ValueError, match="Received: None"):
        Client(None)
    client = Client("http://localhost:8501")
    label_map = np.zeros((1, 2), "uint8")
    with pytest.raises(ValueError, match=r"values 0\.\.70000.*0\.\.65535"):
        client.synthesize(label_map, np.array([[0, 70000]]))
    with pytest.raises(ValueError, match=r"`style_photo` must be of integers"):
        client.synthesize(label_map, style_photo=np.zeros((1, 2, 3)))
    with pytest.raises(ValueError, match=r"at least 1.*\(0, 2\)"):
        client.synthesize(label_map[:0])
    with pytest.raises(ValueError, match=r"values 0\.\.70000.*0\.\.65535"):
        client.encode(label_map, [[0, 70000]], np.zeros((1, 2, 3), "uint8"))
    with pytest.raises(ValueError, match=r"at least 1\. Received: 0"):
        next(client.map(print, [1], concurrency=0))
    with pytest.raises(ValueError, match=r"`photo` must be of integers"):
        client.encode(label_map, label_map, np.zeros((1, 2, 3)))
