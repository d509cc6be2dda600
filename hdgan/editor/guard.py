"""Checks of every request before it is answered.

A page of another site must not reach the editor: `Host` is checked against DNS
rebinding, `Origin` and the content type against forged requests.
"""

import ipaddress
import socket
from urllib.parse import urlsplit

from starlette.responses import JSONResponse

_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")
_SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; "
        "connect-src 'self'; img-src 'self' data: blob:; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


class Guard:
    """ASGI middleware that rejects requests of other sites and large bodies.

    Args:
        app: ASGI application.
        host: str, the address that the server listens on.
        max_bytes: int, the largest body of a request.
    """

    def __init__(self, app, host, max_bytes):
        self._app = app
        self._host = host
        self._max_bytes = max_bytes

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {
            key.decode("latin-1"): value.decode("latin-1")
            for key, value in scope["headers"]
        }
        problem = self._find_problem(scope["method"], headers)
        if problem is None:
            body = await self._read(receive, headers)
            if body is None:
                problem = (413, "The request is larger than a scene can be.")
        if problem is not None:
            status, message = problem
            response = JSONResponse(
                {"error": message}, status, _SECURITY_HEADERS
            )
            await response(scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), _add_headers(send))

    def _find_problem(self, method, headers):
        """Returns the status and words of a rejection, or None."""
        host = headers.get("host", "")
        if not self._is_own_name(_name_of(host)):
            return 403, f"This editor does not answer to the name {host!r}."
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2] != host:
            return 403, "Another site's page may not use this editor."
        site = headers.get("sec-fetch-site", "same-origin")
        is_read = method in ("GET", "HEAD")
        if site not in ("same-origin", "none") and not is_read:
            return 403, "Another site's page may not use this editor."
        kind = headers.get("content-type", "").partition(";")[0].strip()
        # Forms of other sites can't send this type.
        if not is_read and kind != "application/json":
            return 415, f"Expected application/json. Received: {kind!r}"
        return None

    def _is_own_name(self, name):
        if name in _LOOPBACK_NAMES or name == self._host:
            return True
        if is_loopback(self._host):
            return False
        # Rebinding needs a name of the other site, so addresses are safe.
        return _is_address(name) or name == socket.gethostname().lower()

    async def _read(self, receive, headers):
        """Returns the body, or None if it is too large."""
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._max_bytes:
            return None
        parts, size = [], 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return b"".join(parts)
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > self._max_bytes:
                return None
            if not message.get("more_body"):
                return b"".join(parts)


def _replay(body, receive):
    """Returns a `receive` that gives the body again, then what follows."""
    sent = False

    async def replay():
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay


def _add_headers(send):
    extra = [
        (key.lower().encode(), value.encode())
        for key, value in _SECURITY_HEADERS.items()
    ]

    async def send_with_headers(message):
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message["headers"], *extra]}
        await send(message)

    return send_with_headers


def _name_of(host):
    """Returns the name in a `Host` header, without the port."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _is_address(name):
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(host):
    """Returns whether an address is reached from this machine alone.

    Args:
        host: str, an address, or a name.
    """
    if host == "localhost":
        return True
    return _is_address(host) and ipaddress.ip_address(host).is_loopback
