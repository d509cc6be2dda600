"""The client against a stand-in that runs real exports, by both protocols."""

import json
import time

import numpy as np
import pytest
import standin_server
from tiny_models import inputs_for, make_model, sharpen

from hdgan.serving import Client, ServingError, ServingOptions

PROTOCOLS = ("rest_url", "grpc_url")


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
    # What a client no longer waits for goes on.
    while server.num_now:
        time.sleep(0.05)
    server.num_refusals, server.delay = 0, 0.0
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


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_large_photographs_come_through(model, server, protocol):
    # Of noise: as PNG more than the 4 MB that gRPC takes by default.
    draw = np.random.default_rng(0)
    label_map = draw.integers(0, 5, (1024, 1800), "uint8")
    photo = Client(getattr(server, protocol)).synthesize(label_map)
    assert photo.shape == (1024, 1800, 3)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_model_describes_itself(server, protocol):
    description = json.loads(Client(getattr(server, protocol)).describe())
    assert description["num_labels"] == 5


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_the_server_refuses_is_an_exception(server, protocol):
    client = Client(getattr(server, protocol))
    with pytest.raises(ServingError, match=r"outside 0..4") as caught:
        client.synthesize(np.full((8, 8), 7, "uint8"))
    assert caught.value.code == "INVALID_ARGUMENT"
    with pytest.raises(ServingError, match="differ in batch") as caught:
        client.synthesize(np.zeros((8, 8), "uint8"), np.zeros((8, 9), "int32"))
    # Once each: another try could not help.
    assert server.num_requests == 2
    with pytest.raises(ServingError, match="Servable not found") as caught:
        Client(getattr(server, protocol), model="other").describe()
    assert caught.value.code == "NOT_FOUND"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_what_may_pass_is_tried_again(model, server, protocol):
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
def test_a_deadline_holds_for_all_tries(server, protocol):
    client = Client(getattr(server, protocol), timeout=0.5)
    server.delay = 2.0
    begin = time.monotonic()
    with pytest.raises(ServingError) as caught:
        client.describe()
    assert caught.value.code == "DEADLINE_EXCEEDED"
    assert time.monotonic() - begin < 2.0


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "grpc://127.0.0.1:9"])
def test_no_server_at_all(url):
    with pytest.raises(ServingError) as caught:
        Client(url, retries=0, timeout=5).describe()
    assert caught.value.code == "UNAVAILABLE"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_many_at_a_time_but_not_too_many(model, server, protocol):
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
        # They are not all taken at once.
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
    with pytest.raises(ValueError, match="above 0"):
        Client("http://localhost:8501", timeout=0)
    client = Client("http://localhost:8501")
    with pytest.raises(ValueError, match=r"holds ids 0\.\.70000"):
        client.synthesize(np.zeros((1, 2), "uint8"), np.array([[0, 70000]]))
