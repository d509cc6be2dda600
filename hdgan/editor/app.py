"""The web application of the editor: what each address answers."""

import contextlib
import importlib.resources
import io
import json
import mimetypes
import time

from PIL import Image
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hdgan.data.image_files import encode_png
from hdgan.editing.map_files import maps_for_files
from hdgan.editing.scene_file import dump_scene, parse_scene
from hdgan.editor.errors import RequestError, unknown_session
from hdgan.editor.guard import Guard
from hdgan.editor.object_edits import apply_edit, edit_object
from hdgan.editor.photo_request import PhotoRequest
from hdgan.editor.sessions import Sessions, scale_down
from hdgan.editor.synthesis_queue import SynthesisQueue
from hdgan.editor.uploads import read_scene, read_style_photo
from hdgan.editor.wire import check_ids, unpack_map

# A scene as JSON: two maps of four bytes in base64, and as much for styles.
_BYTES_PER_PIXEL = 12
_MIN_BODY = 2**22
_JPEG_QUALITY = 85


def make_app(studio, host="127.0.0.1"):
    """Makes the ASGI application of an editor.

    Args:
        studio: `Studio`.
        host: str, the address that the server listens on, by which `Host`
            headers are checked. Defaults to `"127.0.0.1"`.

    Returns:
        `starlette.applications.Starlette`.
    """
    api = _Api(studio)
    files = _read_page()

    async def get_file(request):
        name = request.path_params.get("name") or "index.html"
        if name not in files:
            raise HTTPException(404)
        content, kind = files[name]
        return Response(content, media_type=kind)

    session = "/api/sessions/{session}"
    routes = [
        Route("/", get_file),
        Route("/static/{name:path}", get_file),
        Route("/api/editor", api.describe),
        Route("/api/shapes", api.list_shapes),
        Route("/api/scenes/first", api.open_first),
        Route("/api/scenes/{number:int}", api.open_scene),
        Route("/api/open", api.open_upload, methods=["POST"]),
        Route("/api/sessions", api.start, methods=["POST"]),
        Route(f"{session}/edits", api.edit, methods=["POST"]),
        Route(f"{session}/photograph", api.synthesize, methods=["POST"]),
        Route(f"{session}/object", api.edit_object, methods=["POST"]),
        Route(f"{session}/styles", api.list_styles, methods=["POST"]),
        Route(f"{session}/encode", api.encode_styles, methods=["POST"]),
        Route(f"{session}/files/{{kind}}", api.download),
    ]
    max_bytes = max(_BYTES_PER_PIXEL * studio.max_pixels, _MIN_BODY)
    return Starlette(
        routes=routes,
        lifespan=api.lifespan,
        middleware=[Middleware(Guard, host=host, max_bytes=max_bytes)],
        exception_handlers={
            RequestError: _answer_request_error,
            ValueError: _answer_value_error,
            HTTPException: _answer_http_error,
            Exception: _answer_failure,
        },
    )


class _Api:
    """The addresses below `/api`."""

    def __init__(self, studio):
        self._studio = studio
        self._sessions = Sessions()
        self._queue = SynthesisQueue()
        self._is_warm = False

    @contextlib.asynccontextmanager
    async def lifespan(self, app):
        yield
        self._queue.close()

    async def describe(self, request):
        return JSONResponse(self._studio.describe())

    async def list_shapes(self, request):
        shapes = await run_in_threadpool(self._studio.describe_shapes)
        return JSONResponse(shapes)

    async def open_first(self, request):
        scene = await run_in_threadpool(self._studio.first_scene)
        return _scene_response(scene)

    async def open_scene(self, request):
        number = request.path_params["number"]
        scene = await run_in_threadpool(self._studio.open_scene, number)
        return _scene_response(scene)

    async def open_upload(self, request):
        values = await _read_json(request)
        scene = await run_in_threadpool(self._read_upload, values)
        return _scene_response(scene)

    async def start(self, request):
        body = await request.body()
        scene = await run_in_threadpool(self._parse_scene, body)
        session = self._sessions.open(scene)
        return JSONResponse({"session": session.name, "version": 0})

    async def edit(self, request):
        session = self._find(request)
        values = await _read_json(request)
        version = session.edit(
            values.get("base"),
            values.get("change"),
            _parse_styles(values.get("styles")),
            values.get("seed"),
        )
        return JSONResponse({"version": version})

    async def synthesize(self, request):
        session = self._find(request)
        wanted = PhotoRequest.parse(await _read_json(request))
        if wanted.version > session.version:
            raise unknown_session()
        if wanted.seed is None:
            session.newest = max(session.newest, wanted.sequence)
        photo = await self._queue.run(
            lambda: self._make_photo(session, wanted),
            lambda: wanted.is_wanted(session),
        )
        if photo is None:
            return Response(status_code=204)
        if not self._is_warm:
            self._is_warm = True
            self._queue.submit(lambda: self._warm_up(session))
        contents, kind, version, seconds = photo
        return Response(
            contents,
            media_type=kind,
            headers={
                "X-Version": str(version),
                "X-Seconds": f"{seconds:.4f}",
            },
        )

    async def edit_object(self, request):
        values = await _read_json(request)
        session = self._find(request, values.get("version"))

        def edit():
            scene, _ = session.snapshot()
            return edit_object(scene, values, lambda: self._studio.shapes)

        return JSONResponse(await run_in_threadpool(edit))

    async def list_styles(self, request):
        values = await _read_json(request)
        session = self._find(request, values.get("version"))

        def list_styles():
            scene, _ = session.snapshot()
            return self._studio.backend.list_styles(scene)

        return _styles_response(await run_in_threadpool(list_styles))

    async def encode_styles(self, request):
        values = await _read_json(request)
        session = self._find(request, values.get("version"))

        def encode():
            scene, _ = session.snapshot()
            photo = read_style_photo(
                values, scene.size, self._studio.max_pixels
            )
            return self._studio.backend.encode_styles(scene, photo)

        return _styles_response(await run_in_threadpool(encode))

    async def download(self, request):
        session = self._find(request)
        kind = request.path_params["kind"]
        if kind not in _FILES:
            raise RequestError(404, f"There is no file {kind!r}.")

        def encode():
            scene, _ = session.snapshot()
            return _FILES[kind](scene)

        contents = await run_in_threadpool(encode)
        is_image = kind.endswith(".png")
        return Response(
            contents,
            media_type="image/png" if is_image else "application/json",
            headers={"Content-Disposition": f'attachment; filename="{kind}"'},
        )

    def _warm_up(self, session):
        """Makes previews once: TensorFlow traces another graph for them."""
        for step in self._studio.preview_steps:
            self._make_photo(session, PhotoRequest(0, 0, step))

    def _find(self, request, version=None):
        return self._sessions.find(request.path_params["session"], version)

    def _parse_scene(self, body):
        values = json.loads(body)
        scene = self._studio.check_scene(parse_scene(body))
        size = scene.size
        # The scene would renumber wrong ids, and then differ from the page's.
        check_ids(
            unpack_map("label_map", values, size),
            unpack_map("instance_map", values, size),
            len(scene.labels),
        )
        return scene

    def _read_upload(self, values):
        labels, limit = self._studio.labels, self._studio.max_pixels
        return self._studio.check_scene(read_scene(values, labels, limit))

    def _make_photo(self, session, wanted):
        """Returns a file, its type, the version shown, and seconds."""
        begin = time.perf_counter()
        if wanted.edit is None:
            scene, version = session.snapshot(wanted.step, wanted.seed)
        else:
            scene, version = session.snapshot(1, wanted.seed)
            edited, _ = apply_edit(
                scene, wanted.edit, lambda: self._studio.shapes
            )
            scene = scale_down(edited, wanted.step)
        photo = self._studio.backend.synthesize(scene)
        if wanted.is_full:
            contents = encode_png("photo", photo, compress_level=1)
            kind = "image/png"
        else:
            file = io.BytesIO()
            Image.fromarray(photo).save(file, "JPEG", quality=_JPEG_QUALITY)
            contents, kind = file.getvalue(), "image/jpeg"
        return contents, kind, version, time.perf_counter() - begin


def _encode_label_map(scene):
    label_map, _ = maps_for_files(scene)
    return encode_png("The label map", label_map)


def _encode_instance_map(scene):
    _, instance_map = maps_for_files(scene)
    return encode_png("The instance map", instance_map)


_FILES = {
    "label.png": _encode_label_map,
    "instance.png": _encode_instance_map,
    "scene.json": dump_scene,
}


async def _read_json(request):
    try:
        values = json.loads(await request.body())
    except (UnicodeDecodeError, ValueError) as error:
        raise RequestError(400, "The request is not JSON.") from error
    if not isinstance(values, dict):
        raise RequestError(400, "The request is not a JSON object.")
    return values


def _parse_styles(styles):
    if styles is None:
        return None
    try:
        return {int(key): tuple(style) for key, style in styles.items()}
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(
            "`styles` must map ids to lists of numbers."
        ) from error


def _scene_response(scene):
    return Response(dump_scene(scene), media_type="application/json")


def _styles_response(styles):
    return JSONResponse(
        {"styles": {str(key): list(style) for key, style in styles.items()}}
    )


def _read_page():
    """Returns a dict from the names of the page's files to their contents.

    They are read once, so that no name in a request becomes a path.
    """
    root = importlib.resources.files("hdgan.editor") / "static"
    found, folders = {}, [("", root)]
    while folders:
        prefix, folder = folders.pop()
        for entry in folder.iterdir():
            name = f"{prefix}{entry.name}"
            if entry.is_dir():
                folders.append((f"{name}/", entry))
            else:
                kind, _ = mimetypes.guess_type(entry.name)
                if entry.name.endswith(".js"):
                    kind = "text/javascript"
                found[name] = entry.read_bytes(), kind
    return found


async def _answer_request_error(request, error):
    return JSONResponse({"error": error.message}, error.status)


async def _answer_value_error(request, error):
    return JSONResponse({"error": str(error)}, 422)


async def _answer_http_error(request, error):
    words = {404: "There is nothing at this address."}
    message = words.get(error.status_code, error.detail)
    return JSONResponse({"error": message}, error.status_code)


async def _answer_failure(request, error):
    words = f"The server failed: {type(error).__name__}: {error}"
    return JSONResponse({"error": words[:500]}, 500)
