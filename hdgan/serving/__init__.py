"""Trained models as SavedModels for TF Serving."""

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
