"""Training runs, from Python: `hdgan.runs.train(options)`.

The recipes turn their flags into `TrainingOptions` and call the same function.
"""

from hdgan.lazy_exports import lazy_exports

# `train` imports TensorFlow; recipes need the options before that.
_EXPORTS = {
    "Phase": "hdgan.runs.phase",
    "TrainingOptions": "hdgan.runs.options",
    "train": "hdgan.runs.training_run",
}
__all__ = [*_EXPORTS]
__getattr__, __dir__ = lazy_exports(__name__, _EXPORTS)
