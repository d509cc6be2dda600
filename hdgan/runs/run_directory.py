"""The folder of a run: its options, its phases, its checkpoints."""

import hashlib
import json
import pathlib

from hdgan.data.files import write_file
from hdgan.runs.callbacks.training_checkpoint import list_checkpoints
from hdgan.runs.options import option_fields

_FILE = "options.json"


class RunDirectory:
    """The folder of a run.

    `options.json` in it records options, data and recipe, so that the run is
    resumed with the same ones.

    Args:
        path: folder; made when the run is recorded.
    """

    def __init__(self, path):
        self.path = pathlib.Path(path)

    @property
    def holds_run(self):
        """Whether a run was started here."""
        return (self.path / _FILE).exists()

    def check_unused(self):
        """Checks that a new run can start here.

        Raises:
            ValueError: if the folder holds a run already.
        """
        if self.holds_run:
            raise ValueError(
                f"{self.path} already holds a run. Pass `resume` to continue "
                "it, or choose another `workdir`."
            )

    def read_record(self):
        """Reads the record of the run.

        Returns:
            Dict with `options`, `labels`, `preset` and what identifies the
            data set.

        Raises:
            ValueError: if there is no run, or its record is damaged.
        """
        path = self.path / _FILE
        if not path.is_file():
            raise ValueError(
                f"{self.path} holds no run to resume: it has no {_FILE}. Leave "
                "out `resume`, or correct `workdir`."
            )
        try:
            record = json.loads(path.read_text())
            record["options"], record["labels"], record["preset"]
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path} is damaged: it does not hold the run's options. Start "
                "a new run in another `workdir`."
            ) from error
        return record

    def check_record(self, options, scenes, labels):
        """Checks that the run can be resumed with these options and data.

        Args:
            options: `TrainingOptions`.
            scenes: `SceneFiles`.
            labels: `LabelSet` or None.

        Raises:
            ValueError: if recipe, data or an option that must not change
                differs from the record.
        """
        record = self.read_record()
        for key, value in _identity(options.preset, scenes, labels).items():
            if record.get(key) != value:
                raise ValueError(
                    f"The run in {self.path} has {key}={record.get(key)}, but "
                    f"now it is {value}. Use the same recipe and data, or "
                    "start a new run in another `workdir`."
                )
        changeable = {
            field.name
            for field in option_fields(type(options))
            if field.metadata.get("is_changeable")
        }
        saved = record["options"]
        # As in the record: JSON turns tuples into lists.
        values = json.loads(json.dumps(options.to_dict()))
        for name, value in values.items():
            # A run of an earlier version lacks the newest options.
            if name in changeable or value == saved.get(name, value):
                continue
            raise ValueError(
                f"{name}={value} differs from the run's {saved[name]}. A "
                f"resumed run keeps its options: leave `{name}` out, or start "
                "a new run in another `workdir`."
            )

    def write_record(self, options, scenes, labels):
        """Makes the folder and records the run.

        Args:
            options: `TrainingOptions`.
            scenes: `SceneFiles`.
            labels: `LabelSet` or None.

        Raises:
            ValueError: if the folder can't be written to.
        """
        record = {
            **_identity(options.preset, scenes, labels),
            "labels": labels and labels.get_config(),
            "options": options.to_dict(),
        }
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            write_file(self.path / _FILE, json.dumps(record, indent=2))
        except OSError as error:
            raise ValueError(
                f"workdir={self.path} can't be written to: {error}. Choose a "
                "folder where you may write."
            ) from error

    def of_phase(self, phase):
        """Returns the path of a phase's folder."""
        return self.path / phase.name

    def checkpoints(self, phase):
        """Returns the checkpoints of a phase, the oldest first."""
        return list_checkpoints(self.of_phase(phase))

    def find_phase(self, phases):
        """Returns the index of the last phase with a checkpoint, or None."""
        started = [
            index
            for index, phase in enumerate(phases)
            if self.checkpoints(phase)
        ]
        return max(started, default=None)


def _identity(preset, scenes, labels):
    """Returns the part of the record that a resumed run must not change."""
    names = "\n".join(scenes.names)
    return {
        "preset": preset,
        "num_scenes": len(scenes),
        "scene_names_sha256": hashlib.sha256(names.encode()).hexdigest(),
        "classes": None if labels is None else list(labels.names),
    }
