"""Data sets: label maps, instance maps and the photographs they show.

`load_folder` makes a dataset for `fit` in one call; the other functions are its
steps.
"""

from hdgan.lazy_exports import lazy_exports

# Loaded on first use: tools that only write files need no TensorFlow.
_EXPORTS = {
    "DrawnStreets": "hdgan.data.street.drawn_streets",
    "RecordScenes": "hdgan.data.records.record_scenes",
    "ResizePolicy": "hdgan.data.resize_policy",
    "SceneFiles": "hdgan.data.scene_files",
    "SceneSource": "hdgan.data.scene_source",
    "check_scenes": "hdgan.data.scene_checks",
    "find_scenes": "hdgan.data.scene_files",
    "load_folder": "hdgan.data.folder",
    "make_dataset": "hdgan.data.scene_dataset",
    "pair_files": "hdgan.data.scene_files",
    "read_scene": "hdgan.data.scene_dataset",
}
__all__ = [*_EXPORTS]
__getattr__, __dir__ = lazy_exports(__name__, _EXPORTS)
