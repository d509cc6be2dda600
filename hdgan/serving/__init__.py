"""Exports trained models for TF Serving and asks servers for photographs."""

import importlib
import typing

if typing.TYPE_CHECKING:
    from hdgan.serving.client import Client
    from hdgan.serving.options import ServingOptions
    from hdgan.serving.savedmodel import export_savedmodel
    from hdgan.serving.server_files import write_server_files
    from hdgan.serving.transports import ServingError

__all__ = [
    "Client",
    "ServingError",
    "ServingOptions",
    "export_savedmodel",
    "write_server_files",
]
_MODULES = {
    "Client": "client",
    "ServingError": "transports",
    "ServingOptions": "options",
    "export_savedmodel": "savedmodel",
    "write_server_files": "server_files",
}


# Loaded on first use: an export needs TensorFlow, a REST client does not.
def __getattr__(name):
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{_MODULES[name]}")
    return getattr(module, name)


def __dir__():
    return sorted({*globals(), *__all__})
