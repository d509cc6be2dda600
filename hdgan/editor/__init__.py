"""The editor: a page in the browser that edits scenes, and its server."""

from hdgan.lazy_exports import lazy_exports

_EXPORTS = {
    "LocalBackend": "hdgan.editor.local_backend",
    "ServingBackend": "hdgan.editor.serving_backend",
    "Studio": "hdgan.editor.studio",
    "make_app": "hdgan.editor.app",
    "serve": "hdgan.editor.server",
}
__all__ = [*_EXPORTS]
__getattr__, __dir__ = lazy_exports(__name__, _EXPORTS)
