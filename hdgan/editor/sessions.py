"""The scenes that pages have open, as the server knows them."""

import collections
import secrets
import threading

import numpy as np

from hdgan.editing.scene import EditableScene
from hdgan.editor.errors import unknown_session
from hdgan.editor.wire import unpack_change

# Scenes in memory, each of 8 bytes per pixel. A page whose scene was dropped
# sends it again.
_MAX_SESSIONS = 16


class Session:
    """The scene of one page, which changes by rectangles.

    Threads may share a session.

    Args:
        scene: `EditableScene`, the first version.

    Attributes:
        name: str, the name that the page calls it by.
        version: int, counts the edits.
        newest: int, the highest sequence number of its requests for
            photographs.
    """

    def __init__(self, scene):
        self.name = secrets.token_urlsafe(12)
        self.version = 0
        self.newest = -1
        self._labels = scene.labels
        self._model_hash = scene.model_hash
        self._label_map = scene.label_map.copy()
        self._instance_map = scene.instance_map.copy()
        self._styles, self._seed = dict(scene.styles), scene.seed
        self._lock = threading.Lock()

    def edit(self, base, change=None, styles=None, seed=None):
        """Makes the next version of the scene.

        Args:
            base: int, the version that the edit is for.
            change: dict, a rectangle as in `hdgan.editor.wire`. Defaults to
                None: the maps stay.
            styles: dict from ids to styles, all of them. Defaults to None: the
                styles stay.
            seed: int. Defaults to None: the seed stays.

        Returns:
            int, the new version.

        Raises:
            RequestError: if `base` is another version than the current one.
            ValueError: if the change, a style or the seed is wrong. The scene
                is then unchanged.
        """
        with self._lock:
            if base != self.version:
                raise unknown_session()
            styles = self._styles if styles is None else styles
            seed = self._seed if seed is None else seed
            checked = self._check_styles(styles, seed)
            if change is not None:
                box, label_map, instance_map = unpack_change(
                    change, self._label_map.shape, len(self._labels)
                )
                self._label_map[box] = label_map
                self._instance_map[box] = instance_map
            self._styles, self._seed = dict(checked.styles), checked.seed
            self.version += 1
            return self.version

    def snapshot(self, step=1, seed=None):
        """Returns the current scene and its version.

        Args:
            step: int >= 1; above 1 the maps are scaled down by it, each pixel
                that at its center. Defaults to 1.
            seed: int, another seed. Defaults to None, the scene's.
        """
        with self._lock:
            places = [_centers(side, step) for side in self._label_map.shape]
            grid = np.ix_(*places)
            scene = EditableScene(
                self._label_map[grid],
                self._instance_map[grid],
                self._labels,
                self._styles,
                self._seed if seed is None else seed,
                self._model_hash,
            )
            return scene, self.version

    def _check_styles(self, styles, seed):
        """Returns a scene of one pixel, which checks styles and seed."""
        pixel = np.zeros((1, 1), int)
        return EditableScene(pixel, None, self._labels, styles, seed)


class Sessions:
    """The sessions of a server; the one unused for longest is dropped."""

    def __init__(self):
        self._sessions = collections.OrderedDict()

    def open(self, scene):
        """Returns a new `Session` of a scene.

        Args:
            scene: `EditableScene`.
        """
        session = Session(scene)
        self._sessions[session.name] = session
        while len(self._sessions) > _MAX_SESSIONS:
            self._sessions.popitem(last=False)
        return session

    def find(self, name, version=None):
        """Returns a session.

        Args:
            name: str, the session's name.
            version: int, the version that it must have. Defaults to None, any.

        Raises:
            RequestError: with the status 409, if there is none.
        """
        session = self._sessions.get(name)
        if session is None or version not in (None, session.version):
            raise unknown_session()
        self._sessions.move_to_end(name)
        return session


def scale_down(scene, step):
    """Returns a scene with smaller maps, each pixel that at its center.

    Args:
        scene: `EditableScene`.
        step: int >= 1, by which both sides are divided.
    """
    grid = np.ix_(*(_centers(side, step) for side in scene.size))
    return scene.replace(
        label_map=scene.label_map[grid], instance_map=scene.instance_map[grid]
    )


def _centers(side, step):
    count = -(-side // step)
    return np.minimum((np.arange(count) * step + step // 2), side - 1)
