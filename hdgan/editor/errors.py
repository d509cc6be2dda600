"""Errors that the editor's server answers with."""


class RequestError(Exception):
    """A request that can't be answered.

    Args:
        status: int, the HTTP status.
        message: str, words for the person in front of the page.
    """

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status
        self.message = message


def unknown_session():
    """Returns the error of a request whose maps the server does not have."""
    return RequestError(
        409,
        "The server does not have this version of the scene. Send the whole "
        "scene again.",
    )
