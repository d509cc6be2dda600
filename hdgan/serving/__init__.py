"""Exports trained models for TF Serving and asks servers for photographs."""

from hdgan.lazy_exports import lazy_exports

# Loaded on first use: an export needs TensorFlow, a REST client does not.
_EXPORTS = {
    "Client": "hdgan.serving.client",
    "ServingError": "hdgan.serving.transports",
    "ServingOptions": "hdgan.serving.options",
    "export_onnx": "hdgan.serving.onnx_export",
    "export_savedmodel": "hdgan.serving.savedmodel",
    "write_server_files": "hdgan.serving.server_files",
}
__all__ = [*_EXPORTS]
__getattr__, __dir__ = lazy_exports(__name__, _EXPORTS)
