"""Undo and redo of edits."""

from hdgan.checks import check_integers


class History:
    """The scenes of an editing session, to go back and forth among.

    Scenes never change, so a step keeps a whole scene, about 8 bytes per pixel.

    Args:
        scene: `EditableScene`, the first.
        limit: int >= 1, steps that can be undone; older ones are forgotten.
            Defaults to 200.

    Example:
        >>> history = History(scene)
        >>> history.add(replace_class(history.scene, "tree", "building"))
        >>> history.undo()
    """

    def __init__(self, scene, limit=200):
        check_integers(limit=limit)
        self._scenes = [scene]
        self._position = 0
        self._limit = limit

    @property
    def scene(self):
        """`EditableScene`, the current one."""
        return self._scenes[self._position]

    @property
    def can_undo(self):
        """bool, whether there is a step to undo."""
        return self._position > 0

    @property
    def can_redo(self):
        """bool, whether there is a step to redo."""
        return self._position < len(self._scenes) - 1

    def add(self, scene):
        """Adds a step, and forgets those that were undone.

        Args:
            scene: `EditableScene`, the new current one.
        """
        kept = self._scenes[: self._position + 1]
        self._scenes = [*kept, scene][-self._limit - 1 :]
        self._position = len(self._scenes) - 1

    def undo(self):
        """Goes one step back, and returns the scene.

        Raises:
            ValueError: if there is nothing to undo.
        """
        if not self.can_undo:
            raise ValueError("There is nothing to undo.")
        self._position -= 1
        return self.scene

    def redo(self):
        """Goes one step forth again, and returns the scene.

        Raises:
            ValueError: if there is nothing to redo.
        """
        if not self.can_redo:
            raise ValueError("There is nothing to redo.")
        self._position += 1
        return self.scene
