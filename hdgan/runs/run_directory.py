"""The folder of a run: its options, its phases, its checkpoints."""

import hashlib
import json
import pathlib

from absl import logging

from hdgan.data.files import write_file
from hdgan.models.model_file import check_keras_file
from hdgan.models.presets import resolve_preset
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

    def check_untrained(self, phases):
        """Checks that a run without checkpoints has trained nothing.

        Args:
            phases: list of `Phase`.

        Raises:
            ValueError: if there is a trained model, which a run that begins
                anew would replace.
        """
        for folder in {self.path, *map(self.of_phase, phases)}:
            model = folder / "model.keras"
            if model.exists():
                raise ValueError(
                    f"{self.path} has no checkpoint to resume from, but a "
                    f"trained model, {model}, which would be replaced. To "
                    "train that one further, start a new run: --initial_model="
                    f"{model} with another `workdir`."
                )

    def set_damaged_aside(self, phases):
        """Renames damaged checkpoints, so that a run resumes from a sound one.

        Args:
            phases: list of `Phase`.

        Raises:
            ValueError: if all checkpoints are damaged.
        """
        damaged = []
        for phase in reversed(phases):
            for path in reversed(self.checkpoints(phase)):
                try:
                    check_keras_file(path)
                except ValueError as error:
                    aside = path.with_name(f"{path.name}.damaged")
                    logging.warning("%s It is set aside as %s.", error, aside)
                    path.rename(aside)
                    damaged.append(path)
                else:
                    return
        if damaged:
            raise ValueError(
                f"All checkpoints of {self.path} are damaged: "
                f"{', '.join(map(str, damaged))}. Start a new run in another "
                "`workdir`."
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
        # A run of an earlier version lacks the newest options: it was trained
        # with what is their default.
        saved = {**_defaults(options), **record["options"]}
        # As in the record: JSON turns tuples into lists.
        values = json.loads(json.dumps(options.to_dict()))
        for name, value in values.items():
            if name in changeable or value == saved.get(name, value):
                continue
            if name == "vgg_weights" and _may_move(values, value, saved[name]):
                continue
            raise ValueError(
                f"{name}={value} differs from the run's {saved[name]}. A "
                f"resumed run keeps its options: leave `{name}` out, or start "
                "a new run in another `workdir`."
            )

    def write_record(self, options, scenes, labels, model):
        """Makes the folder and records the run, anew when it is resumed.

        Args:
            options: `TrainingOptions`.
            scenes: `SceneFiles`.
            labels: `LabelSet` or None.
            model: dict, what the options have resulted in, for the reader.

        Raises:
            ValueError: if the folder can't be written to.
        """
        record = {
            **_identity(options.preset, scenes, labels),
            "labels": labels and labels.get_config(),
            "options": options.to_dict(),
            "model": model,
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


def _defaults(options):
    """Returns the values that options and networks have unless changed."""
    defaults = type(options)(preset=options.preset)
    networks = resolve_preset(options.preset)["networks"]
    return json.loads(json.dumps({**networks, **defaults.to_dict()}))


def _may_move(options, path, saved):
    """Returns whether other `vgg_weights` change nothing of a run."""
    is_unused = options.get("perceptual_weight") == 0
    # A file may have another place now.
    return is_unused or "imagenet" not in (path, saved)


def _identity(preset, scenes, labels):
    """Returns the part of the record that a resumed run must not change."""
    names = "\n".join(scenes.names)
    return {
        "preset": preset,
        "num_scenes": len(scenes),
        "scene_names_sha256": hashlib.sha256(names.encode()).hexdigest(),
        "classes": None if labels is None else list(labels.names),
    }
