"""Runs the editor's server."""

import contextlib
import os
import socket
import sys
import threading
import webbrowser

import uvicorn

from hdgan.editor.app import make_app
from hdgan.editor.guard import is_loopback


def serve(studio, host="127.0.0.1", port=0, open_browser=False):
    """Serves the editor until the process is interrupted.

    Args:
        studio: `Studio`.
        host: str, address to listen on. Defaults to `"127.0.0.1"`.
        port: int, port to listen on; 0 takes a free one. Defaults to 0.
        open_browser: bool, whether to open the page, on a machine with a
            screen. Defaults to False.

    Raises:
        ValueError: if the address can't be listened on.
    """
    with contextlib.closing(_listen(host, port)) as listener:
        url = make_url(host, listener.getsockname()[1])
        config = uvicorn.Config(
            make_app(studio, host),
            log_level="warning",
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=2,
        )
        print(f"The editor is at {url} (Ctrl-C stops it).", flush=True)
        if open_browser and _has_screen():
            threading.Timer(0.5, webbrowser.open, [url]).start()
        uvicorn.Server(config).run(sockets=[listener])


def make_url(host, port):
    """Returns the address of the page.

    Args:
        host: str, address that the server listens on.
        port: int.
    """
    if not is_loopback(host) and host in ("0.0.0.0", "::"):
        host = socket.gethostname()
    return f"http://{f'[{host}]' if ':' in host else host}:{port}/"


def _has_screen():
    """Returns whether a browser would not open in this terminal."""
    if sys.platform in ("darwin", "win32"):
        return True
    return bool({"DISPLAY", "WAYLAND_DISPLAY"} & set(os.environ))


def _listen(host, port):
    try:
        family = socket.getaddrinfo(host, port)[0][0]
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        raise ValueError(
            f"The editor can't listen on {host}, port {port}: {error}. Choose "
            "another --port; 0 takes a free one."
        ) from error
