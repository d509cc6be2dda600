"""A training run: check, print the plan, build or resume, train each phase."""

import dataclasses
import math
import sys

import keras
import tensorflow as tf

from hdgan.data.scene_dataset import make_dataset
from hdgan.data.scene_files import SceneFiles, check_scenes
from hdgan.preprocessing.label_set import LabelSet
from hdgan.runs.callbacks.sample_page import SamplePage
from hdgan.runs.callbacks.scalar_log import ScalarLog
from hdgan.runs.callbacks.training_checkpoint import (
    TrainingCheckpoint,
    link_or_copy,
)
from hdgan.runs.devices import make_strategy
from hdgan.runs.model_setup import check_phases, check_preset, make_model
from hdgan.runs.options import TrainingOptions
from hdgan.runs.phase import Phase
from hdgan.runs.run_directory import RunDirectory
from hdgan.runs.summary import print_memory, print_networks, print_plan
from hdgan.runs.training_data import (
    check_data_dir,
    check_image_size,
    find_labels,
    find_training_scenes,
    make_resize_policies,
    read_sample_scenes,
)
from hdgan.runs.training_loop import train_steps


@dataclasses.dataclass(frozen=True)
class _Run:
    """Everything that the phases of a run share."""

    options: TrainingOptions
    directory: RunDirectory
    strategy: tf.distribute.Strategy
    labels: LabelSet | None
    scenes: SceneFiles
    sizes: set

    @property
    def steps_per_epoch(self):
        examples = (
            self.options.batch_size * self.options.gradient_accumulation_steps
        )
        return math.ceil(len(self.scenes) / examples)

    def count_steps(self, phase):
        """Returns the steps of a whole phase."""
        return phase.num_epochs * self.steps_per_epoch


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
    if phases is None:
        phases = [
            Phase(
                preset=options.preset,
                epochs=options.epochs,
                decay_epochs=options.decay_epochs,
            )
        ]
    check_phases(phases, options, load_initial_model is not None)
    directory = RunDirectory(options.workdir)
    strategy = make_strategy(options)
    first = directory.find_phase(phases) if options.resume else None
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
    if options.resume:
        directory.check_record(options, scenes, labels)
    else:
        directory.check_unused()
    sizes = set(check_scenes(scenes, len(labels or ())))
    run = _Run(options, directory, strategy, labels, scenes, sizes)
    first = first or 0
    model = _start_phase(run, phases, first, initial_model)
    policies = make_resize_policies(
        options, phases, sizes, first, model.preprocessing.size_multiple
    )
    check_image_size(model, policies[first], sizes)
    print_plan(run, phases)
    if options.dry_run:
        print_networks(model)
        print_memory(run, model, policies[first])
        print("Dry run: everything fits; nothing was trained.")
        return None
    if not options.resume:
        directory.write_record(options, scenes, labels)
    return _train_phases(run, phases, first, model, policies, callbacks)


def _train_phases(run, phases, first, model, policies, callbacks):
    """Trains from phase `first` on; `model` is that phase's."""
    step = sum(run.count_steps(phase) for phase in phases[:first])
    folder = run.directory.of_phase(phases[first])
    for index in range(first, len(phases)):
        phase = phases[index]
        num_steps = run.count_steps(phase)
        if run.options.max_steps:
            num_steps = min(num_steps, run.options.max_steps - step)
        if num_steps <= 0:
            break
        if index > first:
            model = _start_phase(run, phases, index, model)
        if len(phases) > 1:
            print(f"Phase {index + 1} of {len(phases)}: {phase}")
        print_networks(model)
        print_memory(run, model, policies[index])
        folder = run.directory.of_phase(phase)
        _fit(run, folder, model, policies[index], step, num_steps, callbacks)
        if phase.name:
            link_or_copy(
                folder / "model.keras", run.directory.path / "model.keras"
            )
        step += num_steps
    print(f"Model:       {run.directory.path / 'model.keras'}")
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
                model = keras.models.load_model(checkpoints[-1])
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

    def make_batches(step):
        return make_dataset(
            run.scenes,
            policy,
            batch_size=options.batch_size,
            shuffle=options.shuffle,
            flip=options.flip,
            seed=options.seed,
            start_step=(first_step + step)
            * options.gradient_accumulation_steps,
            cache_dir=options.cache_dir,
        )

    try:
        train_steps(
            model,
            make_batches,
            num_steps,
            run.steps_per_epoch,
            callbacks=[
                ScalarLog(folder / "tensorboard", options.log_steps),
                SamplePage(
                    folder,
                    read_sample_scenes(options, run.scenes, policy),
                    options.sample_steps,
                ),
                TrainingCheckpoint(folder, options.checkpoint_steps),
                *callbacks,
            ],
            # In a file, one line per epoch instead of a moving bar.
            verbose=1 if sys.stdout.isatty() else 2,
        )
    except tf.errors.ResourceExhaustedError as error:
        raise ValueError(
            "The memory of the device is full. Pass `remat` or `precision` "
            "bfloat16, make the images smaller (`load_size`, or a "
            "`resize_mode` that crops to `crop_size`), the networks narrower "
            "(`base_width`, `discriminator_width`), or the batch smaller "
            "(`batch_size`; `gradient_accumulation_steps` compensates for it). "
            f"TensorFlow reports: {error.message[:200]}"
        ) from error
