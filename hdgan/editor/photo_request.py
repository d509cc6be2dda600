"""A request for a photograph."""

from typing import NamedTuple

from hdgan.checks import check_integers


class PhotoRequest(NamedTuple):
    """What photograph of a session's scene a page asks for.

    Attributes:
        sequence: int >= 0, counts the requests of the page.
        version: int >= 0, the version of the scene.
        step: int >= 1, by which the maps are scaled down; 1 is the full size.
        seed: int >= 0 of a sample; None for the scene's own.
        edit: dict, the edit of an object that is being dragged, as of
            `hdgan.editor.object_edits`; None for none.
    """

    sequence: int
    version: int
    step: int = 1
    seed: int | None = None
    edit: dict | None = None

    @classmethod
    def parse(cls, values):
        """Returns the request in a JSON object.

        Args:
            values: dict with `sequence`, `version` and maybe `step`, `seed`
                and `object`.

        Raises:
            ValueError: if a value has another type or is out of range.
        """
        step, seed = values.get("step", 1), values.get("seed")
        edit = values.get("object")
        numbers = {key: values.get(key) for key in ("sequence", "version")}
        check_integers(minimum=0, **numbers)
        check_integers(step=step)
        if seed is not None:
            check_integers(minimum=0, seed=seed)
        if edit is not None and not isinstance(edit, dict):
            raise ValueError(f"`object` must be an edit. Received: {edit!r}")
        return cls(*numbers.values(), step, seed, edit)

    @property
    def is_full(self):
        """bool, whether it is the scene's own photograph at full size."""
        return self.step == 1 and self.seed is None and self.edit is None

    def is_wanted(self, session):
        """Returns whether no newer request has overtaken this one.

        Args:
            session: `Session`.
        """
        is_newest = self.seed is not None or session.newest == self.sequence
        # A preview shows whatever is newest; others one version exactly.
        return is_newest and (self.step > 1 or session.version == self.version)
