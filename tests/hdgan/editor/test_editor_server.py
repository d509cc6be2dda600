"""The protocol of the editor's server, and what it rejects."""

import base64
import io
import json
import zlib

import numpy as np
import pytest
from editor_server import CAR, LABELS, WIDTH, make_studio
from PIL import Image
from starlette.testclient import TestClient

from hdgan.data.image_files import encode_png
from hdgan.editing import (
    EditableScene,
    move_object,
    remove_object,
    synthesize_scene,
)
from hdgan.editing.scene_file import dump_scene, parse_scene
from hdgan.editor import make_app
from hdgan.editor.wire import pack_map, unpack_map

HOST = "http://127.0.0.1:8490"


@pytest.fixture(scope="module")
def studio():
    return make_studio(max_pixels=256 * 128)


@pytest.fixture(scope="module")
def client(studio):
    return TestClient(make_app(studio), base_url=HOST)


@pytest.fixture(scope="module")
def scene(studio):
    return studio.first_scene()


@pytest.fixture
def session(client, scene):
    answer = client.post("/api/sessions", json=json.loads(dump_scene(scene)))
    assert answer.status_code == 200, answer.text
    return f"/api/sessions/{answer.json()['session']}"


def change_of(label_map, instance_map, left=0, top=0):
    height, width = np.shape(label_map)
    return {
        "left": left,
        "top": top,
        "width": width,
        "height": height,
        "label_map": pack_map(label_map),
        "instance_map": pack_map(instance_map),
    }


def download_scene(client, session):
    return parse_scene(client.get(f"{session}/files/scene.json").content)


def assert_rejected(answer, status, *words):
    assert answer.status_code == status, answer.text
    for word in words:
        assert word in answer.json()["error"]


# === Scenes and photographs ===


def test_page_and_its_files_come_from_the_package(client):
    page = client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    script = client.get("/static/js/main.js")
    assert script.headers["content-type"].startswith("text/javascript")
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/static/x"):
        assert_rejected(client.get(path), 404)


def test_facts_describe_classes_and_styles(client, studio):
    facts = client.get("/api/editor").json()
    assert [entry["name"] for entry in facts["classes"]] == [*LABELS.names]
    assert facts["things"] == [CAR, CAR + 1]
    assert facts["style"]["regions"] == "instance"
    centers = facts["style"]["centers"][str(CAR)]
    np.testing.assert_array_equal(
        np.float32(centers), studio.backend.clusters.of_class(CAR)
    )


def test_photograph_is_that_of_the_library(client, session, studio, scene):
    request = {"sequence": 1, "version": 0, "step": 1}
    answer = client.post(f"{session}/photograph", json=request)
    assert answer.headers["content-type"] == "image/png"
    photo = np.asarray(Image.open(io.BytesIO(answer.content)))
    expected = synthesize_scene(studio.backend._model, scene)
    np.testing.assert_array_equal(photo, expected)


def test_preview_is_smaller(client, session):
    request = {"sequence": 1, "version": 0, "step": 4}
    answer = client.post(f"{session}/photograph", json=request)
    assert answer.headers["content-type"] == "image/jpeg"
    with Image.open(io.BytesIO(answer.content)) as image:
        assert image.size == (WIDTH // 4, WIDTH // 8)


def test_objects_are_previewed_where_they_are_dragged(client, session, scene):
    def make(**more):
        request = {"sequence": 1, "version": 0, "step": 2, **more}
        return client.post(f"{session}/photograph", json=request)

    instance = next(iter(scene.objects("car")))
    edit = {"action": "move", "instance": instance, "order": "front"}
    moved = make(object={**edit, "dx": -20, "dy": 5})
    assert moved.content != make().content
    assert download_scene(client, session) == scene
    answer = make(object={**edit, "dx": -2000, "dy": 0})
    assert_rejected(answer, 422, "Nothing of the")


def test_another_seed_gives_another_sample(client, session):
    def make(seed):
        request = {"sequence": 0, "version": 0, "step": 1, "seed": seed}
        return client.post(f"{session}/photograph", json=request).content

    assert make(1) == make(1)
    assert len({make(seed) for seed in range(4)}) > 1


def test_edits_change_a_rectangle(client, session, scene):
    label_map = np.full((3, 5), CAR)
    instance_map = np.full((3, 5), 9500)
    edit = {"base": 0, "change": change_of(label_map, instance_map, 7, 11)}
    edit["styles"], edit["seed"] = {"9500": [0.5, -0.25, 0.0]}, 9
    answer = client.post(f"{session}/edits", json=edit)
    assert answer.json() == {"version": 1}
    edited = download_scene(client, session)
    expected = scene.label_map.copy(), scene.instance_map.copy()
    for array, part in zip(expected, (CAR, 9500), strict=True):
        array[11:14, 7:12] = part
    assert edited == EditableScene(
        *expected, LABELS, {9500: (0.5, -0.25, 0.0)}, 9, "ab" * 32
    )


def test_downloads_hold_the_ids_exactly(client, session, scene):
    for kind, expected, mode in (
        ("label", scene.label_map, "L"),
        ("instance", scene.instance_map, "I;16"),
    ):
        answer = client.get(f"{session}/files/{kind}.png")
        assert "attachment" in answer.headers["content-disposition"]
        with Image.open(io.BytesIO(answer.content)) as image:
            assert image.mode == mode
            np.testing.assert_array_equal(np.asarray(image), expected)


@pytest.mark.parametrize("action", ["remove", "move"])
def test_objects_are_edited_by_the_library(client, session, scene, action):
    instance = next(iter(scene.objects("car")))
    request = {"version": 0, "action": action, "instance": instance}
    expected = remove_object(scene, instance)
    if action == "move":
        request.update(dx=-9, dy=4, order="front")
        expected = move_object(scene, instance, -9, 4, "front")
    change = client.post(f"{session}/object", json=request).json()["change"]
    box = (
        slice(change["top"], change["top"] + change["height"]),
        slice(change["left"], change["left"] + change["width"]),
    )
    for name in ("label_map", "instance_map"):
        array = getattr(scene, name).copy()
        array[box] = unpack_map(
            name, change, (change["height"], change["width"])
        )
        np.testing.assert_array_equal(array, getattr(expected, name))
    # The page decides; the server's copy is as before.
    assert download_scene(client, session) == scene


def test_styles_are_listed_and_encoded(client, session, scene):
    listed = client.post(f"{session}/styles", json={"version": 0}).json()
    ids = {str(k) for k in np.unique(scene.instance_map)}
    assert set(listed["styles"]) == ids
    photo = np.random.default_rng(0).integers(0, 256, (40, 60, 3), "uint8")
    file = base64.b64encode(encode_png("photo", photo)).decode()
    request = {"version": 0, "photo": file}
    encoded = client.post(f"{session}/encode", json=request).json()
    assert set(encoded["styles"]) == ids


def test_uploads_open_as_scenes(client, scene):
    files = {
        "label": scene.label_map.astype("uint8"),
        "instance": scene.instance_map,
    }
    request = {
        kind: base64.b64encode(encode_png(kind, array)).decode()
        for kind, array in files.items()
    }
    opened = parse_scene(client.post("/api/open", json=request).content)
    np.testing.assert_array_equal(opened.label_map, scene.label_map)
    np.testing.assert_array_equal(opened.instance_map, scene.instance_map)
    text = base64.b64encode(dump_scene(scene).encode()).decode()
    answer = client.post("/api/open", json={"scene": text})
    assert parse_scene(answer.content) == scene


# === Order ===


def test_another_version_is_a_conflict(client, session):
    assert client.post(f"{session}/edits", json={"base": 0}).status_code == 200
    for path, request in (
        (f"{session}/edits", {"base": 0}),
        (f"{session}/edits", {"base": 5}),
        (f"{session}/photograph", {"sequence": 1, "version": 7, "step": 1}),
        (f"{session}/object", {"version": 0, "action": "remove"}),
        ("/api/sessions/unknown/edits", {"base": 0}),
    ):
        assert_rejected(client.post(path, json=request), 409, "again")


def test_stale_requests_are_dropped_before_synthesis(client, session):
    photograph = f"{session}/photograph"
    client.post(f"{session}/edits", json={"base": 0, "seed": 3})
    answer = client.post(
        photograph, json={"sequence": 5, "version": 1, "step": 2}
    )
    assert answer.headers["x-version"] == "1"
    for stale in (
        {"sequence": 4, "version": 1, "step": 2},
        {"sequence": 4, "version": 1, "step": 1},
        # Newer, but of a version that is gone.
        {"sequence": 6, "version": 0, "step": 1},
    ):
        assert client.post(photograph, json=stale).status_code == 204


# === Rejections ===


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (change_of([[11]], [[11]]), "class 11"),
        (change_of([[-1]], [[-1]]), "class -1"),
        (change_of([[CAR]], [[4]]), "instance id 4"),
        (change_of([[4]], [[9001]]), "instance id 9001"),
        (change_of([[4]], [[4]], left=WIDTH), "not inside"),
        (change_of([[4]], [[4]], top=-1), "not inside"),
        ({**change_of([[4]], [[4]]), "width": 2}, "does not hold"),
        ({**change_of([[4]], [[4]]), "width": 2.0}, "integer"),
        ({**change_of([[4]], [[4]]), "label_map": "!"}, "damaged"),
        ({**change_of([[4]], [[4]]), "label_map": None}, "label_map"),
        ([], "rectangle"),
    ],
)
def test_wrong_changes_leave_the_scene(client, session, scene, change, word):
    answer = client.post(f"{session}/edits", json={"base": 0, "change": change})
    assert_rejected(answer, 422, word)
    assert download_scene(client, session) == scene
    assert client.post(f"{session}/edits", json={"base": 0}).status_code == 200


def test_compressed_bombs_are_not_unpacked(client, session):
    bomb = base64.b64encode(zlib.compress(bytes(10**7))).decode()
    change = {**change_of([[4]], [[4]]), "label_map": bomb}
    answer = client.post(f"{session}/edits", json={"base": 0, "change": change})
    assert_rejected(answer, 422, "does not hold 1x1")


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"styles": {"9000": [float("1e999")]}}, "finite"),
        ({"styles": {"car": [0.5]}}, "styles"),
        ({"styles": [1]}, "styles"),
        ({"seed": -1}, "seed"),
    ],
)
def test_wrong_values_are_rejected(client, session, values, word):
    body = json.dumps({"base": 0, **values})
    answer = client.post(
        f"{session}/edits",
        content=body,
        headers={"Content-Type": "application/json"},
    )
    assert_rejected(answer, 422, word)


def test_scenes_that_do_not_fit_are_rejected(client, scene):
    config = json.loads(dump_scene(scene))
    wrong_instances = EditableScene(scene.label_map, None, LABELS)
    config["instance_map"] = pack_map(wrong_instances.instance_map + 1)
    assert_rejected(client.post("/api/sessions", json=config), 422, "instance")
    other = EditableScene([[0]], None, ["sky"])
    answer = client.post("/api/sessions", json=json.loads(dump_scene(other)))
    assert_rejected(answer, 422, "other classes")
    large = EditableScene(np.zeros((200, 200), int), None, LABELS)
    answer = client.post("/api/sessions", json=json.loads(dump_scene(large)))
    assert_rejected(answer, 422, "--max_pixels")


def test_wrong_uploads_are_rejected(client):
    def encode(contents):
        return base64.b64encode(contents).decode()

    file = io.BytesIO()
    Image.new("L", (300, 300)).save(file, "PNG")
    jpeg = io.BytesIO()
    Image.new("L", (8, 8)).save(jpeg, "JPEG")
    wrong_ids = encode_png("label", np.full((8, 8), 77, "uint8"))
    for request, word in (
        ({"label": encode(file.getvalue())}, "--max_pixels"),
        ({"label": encode(jpeg.getvalue())}, "JPEG"),
        ({"label": encode(b"%!PS-Adobe")}, "no image"),
        ({"label": encode(wrong_ids)}, "77"),
        ({"label": "?"}, "base64"),
        ({}, "no file"),
        ({"scene": encode(b"{}")}, "Expected a scene file"),
    ):
        assert_rejected(client.post("/api/open", json=request), 422, word)


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8490", "192.168.1.5", ""]
)
def test_other_host_names_are_rejected(client, host):
    for path in ("/", "/api/editor", "/static/js/main.js"):
        answer = client.get(path, headers={"Host": host})
        assert_rejected(answer, 403, "does not answer to the name")


@pytest.mark.parametrize("host", ["localhost:8490", "[::1]:8490", "127.0.0.1"])
def test_names_of_this_machine_are_answered(client, host):
    answer = client.get("/api/editor", headers={"Host": host})
    assert answer.status_code == 200


def test_addresses_are_names_only_of_open_servers(studio):
    client = TestClient(make_app(studio, "0.0.0.0"), base_url=HOST)
    for host, status in (("192.168.1.5:8490", 200), ("evil.example", 403)):
        answer = client.get("/api/editor", headers={"Host": host})
        assert answer.status_code == status


def test_other_sites_are_rejected(client, session):
    for headers in (
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {"Sec-Fetch-Site": "cross-site"},
    ):
        answer = client.post(
            f"{session}/edits", json={"base": 0}, headers=headers
        )
        assert_rejected(answer, 403, "Another site")
    form = {"Content-Type": "text/plain"}
    answer = client.post(f"{session}/edits", content="{}", headers=form)
    assert_rejected(answer, 415, "application/json")
    answer = client.post(
        f"{session}/edits", json={"base": 0}, headers={"Origin": HOST}
    )
    assert answer.status_code == 200


def test_large_bodies_are_rejected_unread(client):
    headers = {"Content-Type": "application/json"}
    answer = client.post("/api/open", content=b"x" * 2**23, headers=headers)
    assert_rejected(answer, 413, "larger")

    def stream():
        for _ in range(100):
            yield b"x" * 2**20

    answer = client.post("/api/open", content=stream(), headers=headers)
    assert_rejected(answer, 413, "larger")


@pytest.mark.parametrize(
    ("path", "request_"),
    [
        ("edits", {"base": 0, "change": {}, "styles": {}, "seed": 1}),
        (
            "photograph",
            {"sequence": 1, "version": 0, "step": 2, "seed": 1, "object": {}},
        ),
        (
            "object",
            {
                "version": 0,
                "action": "stamp",
                "shape": 0,
                "x": 0.5,
                "base": 0.5,
                "scale": 1,
                "mirror": False,
                "order": "front",
            },
        ),
        ("object", {"version": 0, "action": "move", "instance": 9000}),
        ("object", {"version": 0, "action": "scale", "instance": 9000}),
        ("styles", {"version": 0}),
        ("encode", {"version": 0, "photo": ""}),
    ],
)
def test_values_of_other_types_never_fail_the_server(
    client, session, path, request_
):
    odd = (
        None,
        True,
        -1,
        1.5,
        10**30,
        1e308,
        "x",
        "9000",
        [],
        [1],
        {},
        {"a": 1},
    )
    for key in (*request_, "dx", "dy", "factor"):
        for value in odd:
            answer = client.post(
                f"{session}/{path}", json={**request_, key: value}
            )
            assert answer.status_code in (200, 204, 409, 422), (key, value)
            assert client.get(f"{session}/files/label.png").status_code == 200


def test_malformed_requests_are_rejected(client, session):
    headers = {"Content-Type": "application/json"}
    for body in ("{", "[]", "\xff"):
        answer = client.post(f"{session}/edits", content=body, headers=headers)
        assert_rejected(answer, 400, "not")
    assert_rejected(client.get(f"{session}/files/passwd"), 404)
    assert_rejected(client.get("/api/scenes/99"), 404)
    for request in (
        {"version": 0, "action": "explode"},
        {"version": 0, "action": "remove", "instance": 12345},
        {"version": 0, "action": "stamp", "shape": 10**6},
    ):
        answer = client.post(f"{session}/object", json=request)
        assert_rejected(answer, 422)
