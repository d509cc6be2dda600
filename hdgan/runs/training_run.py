"""A training run: check, print the plan, build or resume, train each phase."""

import dataclasses
import functools
import math

import keras
import numpy as np
import tensorflow as tf

from hdgan.data.scene_checks import check_scenes
from hdgan.data.scene_dataset import find_data_error
from hdgan.data.scene_source import SceneSource
from hdgan.preprocessing.label_set import LabelSet
from hdgan.runs.callbacks.progress import Progress
from hdgan.runs.callbacks.sample_page import SamplePage
from hdgan.runs.callbacks.scalar_log import ScalarLog
from hdgan.runs.callbacks.training_checkpoint import (
    TrainingCheckpoint,
    link_or_copy,
)
from hdgan.runs.devices import make_strategy
from hdgan.runs.initial_model import open_initial_model
from hdgan.runs.model_setup import (
    check_phases,
    check_preset,
    load_phase,
    make_model,
)
from hdgan.runs.options import TrainingOptions
from hdgan.runs.phase import Phase
from hdgan.runs.run_directory import RunDirectory
from hdgan.runs.stop_signals import RunStopped, StopOnSignal
from hdgan.runs.summary import (
    describe_model,
    print_devices,
    print_memory,
    print_model,
    print_plan,
)
from hdgan.runs.training_data import (
    check_data_dir,
    check_folders,
    check_image_size,
    find_labels,
    find_probabilities,
    find_scene_width,
    find_training_scenes,
    make_batches,
    make_resize_policies,
    read_sample_scenes,
)
from hdgan.runs.training_loop import train_steps
from hdgan.runs.validation_setup import ValidationSetup, hold_back


@dataclasses.dataclass(frozen=True)
class _Run:
    """Everything that the phases of a run share."""

    options: TrainingOptions
    directory: RunDirectory
    strategy: tf.distribute.Strategy
    labels: LabelSet | None
    scenes: SceneSource
    # From each (height, width) to the path of a label map of that size.
    sizes: dict
    held_back: SceneSource | None
    validation: ValidationSetup | None
    # How often each scene is drawn; None for all alike.
    probabilities: np.ndarray | None

    @property
    def steps_per_epoch(self):
        return math.ceil(len(self.scenes) / self.scenes_per_step)

    @property
    def scenes_per_step(self):
        options = self.options
        return options.batch_size * options.gradient_accumulation_steps

    def count_steps(self, phase):
        """Returns the steps of a whole phase."""
        return phase.num_epochs * self.steps_per_epoch

    def count_all_steps(self, phases):
        """Returns the step at which the run ends."""
        total = sum(self.count_steps(phase) for phase in phases)
        return min(total, self.options.max_steps or total)


def train(options, phases=None, load_initial_model=None, callbacks=()):
    """Trains a model, phase by phase, into the folder `options.workdir`.

    The folder receives checkpoints, sample pages, TensorBoard's files, the
    options and, as `model.keras`, the newest model. With `options.resume` the
    run continues from its last checkpoint and ends as an uninterrupted run
    would.

    Args:
        options: `TrainingOptions`.
        phases: list of `Phase`. Defaults to one phase of `options.preset` and
            `options.epochs`.
        load_initial_model: function without arguments that returns the trained
            `LabelToPhotoModel` that the first phase starts from. A resumed run
            that has a checkpoint does not call it. Defaults to None.
        callbacks: list of `keras.callbacks.Callback` for each phase, called
            after the run's own. Defaults to ().

    Returns:
        The trained model, or None after a dry run.

    Raises:
        ValueError: if options, data and folder do not fit one another; nothing
            is written then.

    Example:
        >>> options = hdgan.runs.TrainingOptions(
        ...     preset="pix2pixhd_512p", data_dir="cityscapes", label_nc=35,
        ...     workdir="runs/cityscapes",
        ... )
        >>> model = hdgan.runs.train(options)
    """
    options.validate()
    check_preset(options)
    # First, because the labels file is in this folder.
    check_data_dir(options)
    if load_initial_model is None and options.initial_model:
        load_initial_model = functools.partial(
            open_initial_model, "initial_model", options
        )
    if phases is None:
        phases = [
            Phase(
                preset=options.preset,
                epochs=options.epochs,
                decay_epochs=options.decay_epochs,
                init_from="continued" if load_initial_model else "fresh",
            )
        ]
    check_phases(phases, options, load_initial_model is not None)
    directory = RunDirectory(options.workdir)
    strategy = make_strategy(options)
    print_devices(options)
    first = None
    if options.resume:
        directory.set_damaged_aside(phases)
        first = directory.find_phase(phases)
    # A phase that has a checkpoint needs no other model.
    initial_model = None
    if load_initial_model is not None and first is None:
        initial_model = load_initial_model()
    if load_initial_model is None:
        labels = find_labels(options)
    elif initial_model is not None:
        labels = initial_model.labels
    else:
        saved = directory.read_record()["labels"]
        labels = saved and LabelSet.from_config(saved)
    scenes = find_training_scenes(options, labels)
    scenes, held_back = hold_back(options, scenes)
    if options.resume:
        directory.check_record(options, scenes, labels)
        if first is None:
            directory.check_untrained(phases)
            print("Resuming at step 0: there is no checkpoint yet.")
    else:
        directory.check_unused()
    sizes = _check_scenes(scenes, labels)
    validation = None
    if held_back is not None:
        _check_scenes(held_back, labels)
        validation = ValidationSetup(options, scenes, held_back, labels)
    check_folders(options)
    run = _Run(
        options,
        directory,
        strategy,
        labels,
        scenes,
        sizes,
        held_back,
        validation,
        find_probabilities(options, scenes, labels),
    )
    first = first or 0
    model = _start_phase(run, phases, first, initial_model)
    policies = make_resize_policies(
        options, phases, sizes, first, model.preprocessing.size_multiple
    )
    print_plan(run, phases)
    _check_models(run, phases, first, model, policies)
    if options.dry_run:
        print("Dry run: everything fits; nothing was trained.")
        return None
    directory.write_record(options, scenes, labels, describe_model(model))
    if validation is not None:
        validation.prepare()
        # The same whether a segmenter was trained now or before.
        keras.utils.set_random_seed(options.seed + first)
    return _train_phases(run, phases, first, model, policies, callbacks)


def _check_scenes(scenes, labels):
    """Checks every file of the scenes.

    Returns:
        Dict from each `(height, width)` of a scene to the path of the first
        label map of that size.
    """
    checked = check_scenes(
        scenes, len(labels or ()), labels.ignore_ids if labels else ()
    )
    sizes = {}
    for index, size in enumerate(checked):
        sizes.setdefault(size, scenes.place(index))
    return sizes


def _check_models(run, phases, first, model, policies):
    """Checks the models of all phases from `first` on, and prints their memory.

    Args:
        run: `_Run`.
        phases: list of `Phase`.
        first: int, index of the phase that is trained first.
        model: compiled model of that phase.
        policies: list of `ResizePolicy` of the phases.

    Raises:
        ValueError: if the scenes have not the size that a model makes.
    """
    for index in range(first, len(phases)):
        if index > first:
            # The later models are only made to be measured, and not on a GPU,
            # whose memory is the training's.
            with tf.device("CPU:0"):
                if index == first + 1:
                    model = type(model).from_config(model.get_config())
                model = make_model(
                    phases[index],
                    run.options,
                    run.labels,
                    model,
                    run.steps_per_epoch,
                )
        if len(phases) > 1:
            print(f"Phase {index + 1} of {len(phases)}: {phases[index]}")
        check_image_size(model, policies[index], run.sizes)
        print_model(model)
        print_memory(run, model, policies[index])


def _train_phases(run, phases, first, model, policies, callbacks):
    """Trains from phase `first` on; `model` is that phase's."""
    step = sum(run.count_steps(phase) for phase in phases[:first])
    total_steps = run.count_all_steps(phases)
    folder = run.directory.of_phase(phases[first])
    if step + model.step >= total_steps:
        print(
            f"Nothing is left to train: the run is at step {step + model.step} "
            f"of {total_steps}. `epochs`, `decay_epochs` and `max_steps` say "
            "how long a run is."
        )
    for index in range(first, len(phases)):
        phase = phases[index]
        num_steps = min(run.count_steps(phase), total_steps - step)
        if num_steps <= 0:
            break
        if index > first:
            model = _start_phase(run, phases, index, model)
        model.scene_width = find_scene_width(policies[index], run.sizes)
        if len(phases) > 1:
            print(f"Phase {index + 1} of {len(phases)}: {phase}")
        folder = run.directory.of_phase(phase)
        progress = Progress(
            step, total_steps, run.steps_per_epoch, run.scenes_per_step
        )
        _fit(
            run,
            folder,
            model,
            policies[index],
            step,
            num_steps,
            [progress, *callbacks],
        )
        for name in ("model.keras", "best.keras"):
            if phase.name and (folder / name).is_file():
                link_or_copy(folder / name, run.directory.path / name)
        step += num_steps
    print(f"Model:       {run.directory.path / 'model.keras'}")
    if run.validation is not None:
        print(f"Best model:  {run.directory.path / 'best.keras'}")
    print(f"Samples:     {folder / 'samples' / 'index.html'}")
    print(f"TensorBoard: tensorboard --logdir={run.directory.path}")
    return model


def _start_phase(run, phases, index, previous):
    """Returns the compiled model of a phase: from its checkpoint, or new."""
    phase = phases[index]
    # New weights must depend neither on how much was trained before nor on
    # where the run was stopped.
    keras.utils.set_random_seed(run.options.seed + index)
    with run.strategy.scope():
        if run.options.resume:
            # There are none if the run was stopped before its first.
            checkpoints = run.directory.checkpoints(phase)
            if checkpoints:
                model = load_phase(
                    checkpoints[-1], phase, run.options, run.steps_per_epoch
                )
                print(f"Resuming at step {model.step} from {checkpoints[-1]}.")
                return model
        return make_model(
            phase, run.options, run.labels, previous, run.steps_per_epoch
        )


def _fit(run, folder, model, policy, first_step, num_steps, callbacks):
    """Trains a phase to its end.

    Args:
        run: `_Run`.
        folder: path of the phase.
        model: compiled model of the phase.
        policy: `ResizePolicy` of the phase.
        first_step: int, steps of all phases before this one.
        num_steps: int, step of this phase at which it ends.
        callbacks: list of further callbacks.
    """
    options = run.options

    def make_dataset(step):
        return make_batches(
            options, run.scenes, policy, run.probabilities, first_step + step
        )

    if run.validation is not None:
        validation = run.validation.make_callback(
            folder, policy, run.steps_per_epoch, num_steps
        )
        if validation.is_over(model.step):
            print("Nothing is left to train: `stop_after` has ended the run.")
            return
        callbacks = [validation, *callbacks]
    checkpoint = TrainingCheckpoint(
        folder, options.checkpoint_steps, options.checkpoint_minutes
    )
    stop = StopOnSignal()
    try:
        with stop.listening():
            train_steps(
                model,
                make_dataset,
                num_steps,
                run.steps_per_epoch,
                callbacks=[
                    # First, so that no other callback can cost its steps.
                    checkpoint,
                    stop,
                    ScalarLog(folder / "tensorboard", options.log_steps),
                    SamplePage(
                        folder,
                        read_sample_scenes(options, run.scenes, policy),
                        options.sample_steps,
                    ),
                    *callbacks,
                ],
                verbose=0,
            )
    except tf.errors.InvalidArgumentError as error:
        problem = find_data_error(error)
        if problem is None:
            raise
        checkpoint.save_new()
        raise ValueError(
            f"{problem} Training stopped at step {model.step}, and the "
            f"checkpoint is {checkpoint.newest}: pass `resume` to go on."
        ) from error
    except tf.errors.ResourceExhaustedError as error:
        raise ValueError(
            "The memory of the device is full. Pass `remat` or `precision` "
            "bfloat16, make the images smaller (`load_size`, or a "
            "`resize_mode` that crops to `crop_size`), the networks narrower "
            "(`base_width`, `discriminator_width`), or the batch smaller "
            "(`batch_size`; `gradient_accumulation_steps` compensates for it). "
            f"TensorFlow reports: {error.message[:200]}"
        ) from error
    if stop.received is not None:
        raise RunStopped(stop.received, model.step, checkpoint.newest)
