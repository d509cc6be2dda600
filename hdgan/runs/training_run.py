"""What a training recipe does with its flags."""

import dataclasses
import hashlib
import json
import math
import pathlib
import re
import sys

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from hdgan.data.files import write_file
from hdgan.data.resize_policy import ResizePolicy
from hdgan.data.scene_dataset import make_dataset, read_scene
from hdgan.data.scene_files import SceneFiles, check_scenes, find_scenes
from hdgan.layers import PerceptualLoss
from hdgan.models.pix2pixhd.coarse_to_fine import enlarge
from hdgan.models.pix2pixhd.model import Pix2PixHD
from hdgan.models.pix2pixhd.presets import PRESETS, resolve_preset
from hdgan.models.precision import PRECISIONS
from hdgan.preprocessing.label_set import LabelSet
from hdgan.runs.callbacks.sample_page import SamplePage
from hdgan.runs.callbacks.scalar_log import ScalarLog
from hdgan.runs.callbacks.training_checkpoint import (
    TrainingCheckpoint,
    link_or_copy,
    list_checkpoints,
)
from hdgan.runs.phase import Phase
from hdgan.runs.summary import (
    print_memory,
    print_networks,
    print_plan,
)
from hdgan.runs.training_loop import train
from hdgan.training.linear_decay import LinearDecay
from hdgan.training.torch_adam import TorchAdam


@dataclasses.dataclass(frozen=True)
class _Run:
    """What all phases of a run share."""

    options: dict
    workdir: pathlib.Path
    strategy: tf.distribute.Strategy
    labels: LabelSet | None
    scenes: SceneFiles
    sizes: list

    @property
    def steps_per_epoch(self):
        examples = (
            self.options["batch_size"]
            * self.options["gradient_accumulation_steps"]
        )
        return math.ceil(len(self.scenes) / examples)

    def count_steps(self, phase):
        """Returns the steps of a whole phase."""
        return (phase.epochs + phase.decay_epochs) * self.steps_per_epoch


def run(preset, options, phases=None, load_coarse=None):
    """Trains a preset's model: check, print, build or resume, fit.

    Args:
        preset: key of `hdgan.PRESETS`.
        options: dict, from `training_flags.resolve`.
        phases: list of `Phase`; None is one, of that preset.
        load_coarse: function without arguments that returns the trained model
            with which the first phase begins; None for none.

    Returns:
        The trained model, or None after a dry run.

    Raises:
        ValueError: if data, flags and workdir do not fit one another.
    """
    if phases is None:
        phases = [Phase(preset, options["epochs"], options["decay_epochs"])]
    workdir = pathlib.Path(options["workdir"])
    strategy = _make_strategy(options)
    first = _find_phase(phases, workdir) if options["resume"] else None
    coarse = None
    # A phase that has begun has all that it needs.
    if load_coarse is not None and first is None:
        coarse = load_coarse()
    labels = _find_labels(options, workdir, coarse)
    scenes = _find_scenes(options, labels)
    if options["resume"]:
        _check_record(workdir, preset, scenes, labels)
    else:
        _check_unused(workdir)
    sizes = check_scenes(scenes, len(labels or ()))
    run = _Run(options, workdir, strategy, labels, scenes, sizes)
    first = first or 0
    model = _begin(run, phases, first, coarse)
    resizings = _make_resizings(run, phases, first, model)
    print_plan(preset, run, phases)
    if options["dry_run"]:
        print_networks(model)
        print_memory(run, model, resizings[first])
        print("Dry run: everything fits; nothing was trained.")
        return None
    if not options["resume"]:
        _write_record(workdir, preset, options, scenes, labels)

    directory = workdir / phases[first].name
    step = sum(run.count_steps(phase) for phase in phases[:first])
    for number in range(first, len(phases)):
        phase = phases[number]
        num_steps = run.count_steps(phase)
        if options["max_steps"]:
            num_steps = min(num_steps, options["max_steps"] - step)
        if num_steps <= 0:
            break
        if number > first:
            model = _begin(run, phases, number, model)
        if len(phases) > 1:
            print(f"Phase {number + 1} of {len(phases)}: {phase}")
        print_networks(model)
        print_memory(run, model, resizings[number])
        directory = workdir / phase.name
        _fit(run, directory, model, resizings[number], step, num_steps)
        if phase.name:
            link_or_copy(directory / "model.keras", workdir / "model.keras")
        step += num_steps
    print(f"Model:       {workdir / 'model.keras'}")
    print(f"Samples:     {directory / 'samples' / 'index.html'}")
    print(f"TensorBoard: tensorboard --logdir={workdir}")
    return model


def _find_phase(phases, workdir):
    """Returns the number of the last phase that has a checkpoint, or None."""
    begun = [
        number
        for number, phase in enumerate(phases)
        if list_checkpoints(workdir / phase.name)
    ]
    return max(begun, default=None)


def _begin(run, phases, number, previous):
    """Returns a phase's compiled model, as it was left or as it begins."""
    options = run.options
    phase = phases[number]
    # Fresh weights do not depend on how much was trained before, or where.
    keras.utils.set_random_seed(options["seed"] + number)
    with run.strategy.scope():
        if options["resume"]:
            # There are none if the run was stopped before its first.
            checkpoints = list_checkpoints(run.workdir / phase.name)
            if checkpoints:
                return _load(checkpoints[-1])
        discriminator_optimizer = None
        if phase.init_from == "fresh":
            model = _make_model(phase, options, run.labels)
        elif phase.init_from == "enlarged":
            model = enlarge(
                previous,
                resolve_preset(
                    phase.preset, num_local_blocks=options["num_local_blocks"]
                )["num_local_blocks"],
                options["ema_decay"],
                PRECISIONS[options["precision"]],
            )
        else:
            model = previous
            discriminator_optimizer = previous.discriminator_optimizer
        _compile(run, phase, model, discriminator_optimizer)
    return model


def _fit(run, directory, model, resizing, first_step, num_steps):
    """Trains a phase to its end; `first_step` counts those of all before."""
    options = run.options
    samples = SamplePage(
        directory,
        _sample_scenes(options, run.scenes, resizing),
        options["sample_steps"],
    )
    callbacks = [
        ScalarLog(directory / "tensorboard", options["log_steps"]),
        samples,
        TrainingCheckpoint(directory, options["checkpoint_steps"]),
    ]
    try:
        train(
            model,
            lambda step: make_dataset(
                run.scenes,
                resizing,
                batch_size=options["batch_size"],
                shuffle=options["shuffle"],
                flip=options["flip"],
                seed=options["seed"],
                start_step=(first_step + step)
                * options["gradient_accumulation_steps"],
                cache_dir=options["cache_dir"],
            ),
            num_steps,
            run.steps_per_epoch,
            callbacks=callbacks,
            # Into a file, a line per epoch instead of a moving bar.
            verbose=1 if sys.stdout.isatty() else 2,
        )
    except tf.errors.ResourceExhaustedError as error:
        raise ValueError(
            "The device's memory is full. Pass --remat or "
            "--precision=bfloat16, make the images smaller "
            "(--load_size, or a --resize_mode that crops to --crop_size), the "
            "networks narrower (--base_width, --discriminator_width), or the "
            "batch smaller (--batch_size; --gradient_accumulation_steps makes "
            "up for it). TensorFlow says: "
            f"{error.message[:200]}"
        ) from error


def _find_scenes(options, labels):
    scenes = find_scenes(
        options["data_dir"],
        options["split"],
        is_rgb=labels is None,
        use_instances=options["use_instances"],
        use_style_maps=options["load_style_maps"],
    )
    if options["max_dataset_size"]:
        scenes = scenes.take(options["max_dataset_size"])
    return scenes


def _find_labels(options, workdir, coarse):
    """Returns the `LabelSet`, or None for RGB input."""
    if coarse is not None:
        return coarse.labels
    if options.get("global_model"):  # Begun with that model's.
        saved = _read_record(workdir)["labels"]
        return saved and LabelSet.from_config(saved)
    count = options["label_nc"]
    if count == 0:
        return None
    file = options["labels_file"]
    default = pathlib.Path(options["data_dir"]) / "labels.json"
    if file is None and default.is_file():
        file = default
    if file is None:
        if count is None:
            raise ValueError(
                "The number of classes is not known: pass --label_nc=N (35 for "
                "Cityscapes' labelIds, 0 for RGB input), or a --labels_file."
            )
        return LabelSet.numbered(count)
    labels = LabelSet.load(file)
    if count is not None and count != len(labels):
        raise ValueError(
            f"--label_nc={count}, but {file} names {len(labels)} classes."
        )
    return labels


def _make_strategy(options):
    """Returns the distribution strategy over the devices asked for."""
    gpus = [
        f"GPU:{k}" for k in range(len(tf.config.list_physical_devices("GPU")))
    ]
    devices = options["devices"] or gpus
    for name in devices:
        if not re.fullmatch(r"CPU:\d+", name) and name not in gpus:
            raise ValueError(
                f"--devices has {name!r}. Expected CPU:0, CPU:1, ..., or one "
                "of the GPUs that TensorFlow finds: "
                f"{', '.join(gpus) or 'none'}."
            )
    num_cpus = sum(name.startswith("CPU") for name in devices)
    if num_cpus > 1:
        tf.config.set_logical_device_configuration(
            tf.config.list_physical_devices("CPU")[0],
            [tf.config.LogicalDeviceConfiguration()] * num_cpus,
        )
    if options["batch_size"] % max(len(devices), 1):
        raise ValueError(
            f"--batch_size={options['batch_size']} can't be split over "
            f"{len(devices)} devices. Expected a multiple of {len(devices)}, "
            "or fewer --devices."
        )
    if options["jit"] and len(devices) > 1:
        raise ValueError(
            f"--jit on {len(devices)} devices: XLA can't compile a step that "
            "several share. Leave out --jit, or choose one of --devices."
        )
    if len(devices) > 1:
        return tf.distribute.MirroredStrategy(devices)
    if devices:
        return tf.distribute.OneDeviceStrategy(devices[0])
    return tf.distribute.get_strategy()


def _make_resizings(run, phases, first, model):
    """Returns each phase's `ResizePolicy`, `model` being the first one's."""
    options = run.options
    resizings = []
    multiple = model.preprocessing.size_multiple
    for number, phase in enumerate(phases):
        if number > first and phase.init_from == "enlarged":
            multiple *= 2
        resizing = ResizePolicy(
            options["resize_mode"],
            options["load_size"],
            options["crop_size"],
            multiple,
            phase.shrink,
        )
        results = {resizing.final_size(*size) for size in set(run.sizes)}
        if options["batch_size"] > 1 and len(results) > 1:
            raise ValueError(
                f"The scenes have {len(results)} different sizes after "
                "resizing, which can't share a batch of "
                f"{options['batch_size']}. Expected one size: choose a "
                "--resize_mode that crops, or --batch_size=1."
            )
        if options["jit"] and len(results) > 1:
            raise ValueError(
                f"--jit with scenes of {len(results)} different sizes after "
                "resizing: XLA would compile the step anew for each, for "
                "minutes. Choose a --resize_mode that crops, or leave out "
                "--jit."
            )
        resizings.append(resizing)
    return resizings


def _check_unused(workdir):
    if (workdir / "options.json").exists():
        raise ValueError(
            f"{workdir} already holds a run. Pass --resume to go on with it, "
            "or another --workdir."
        )


def _identity(preset, scenes, labels):
    """Returns what must stay the same from a run's start to its end."""
    names = "\n".join(scenes.names)
    return {
        "preset": preset,
        "num_scenes": len(scenes),
        "scene_names_sha256": hashlib.sha256(names.encode()).hexdigest(),
        "classes": None if labels is None else list(labels.names),
    }


def _read_record(workdir):
    return json.loads((workdir / "options.json").read_text())


def _check_record(workdir, preset, scenes, labels):
    """Checks that a run can go on with this recipe and data."""
    record = _read_record(workdir)
    for key, value in _identity(preset, scenes, labels).items():
        if record[key] != value:
            raise ValueError(
                f"The run in {workdir} has {key}={record[key]}, but now it is "
                f"{value}: it can't go on as it began. Use the same recipe and "
                "data, or start in another --workdir."
            )


def _write_record(workdir, preset, options, scenes, labels):
    """Makes the run's folder and writes its options."""
    content = {
        **_identity(preset, scenes, labels),
        "labels": labels and labels.get_config(),
        "options": options,
    }
    try:
        workdir.mkdir(parents=True, exist_ok=True)
        write_file(workdir / "options.json", json.dumps(content, indent=2))
    except OSError as error:
        raise ValueError(
            f"--workdir={workdir} can't be written to: {error}. Choose a "
            "folder where you may write."
        ) from error


def _load(checkpoint):
    model = keras.models.load_model(checkpoint)
    print(f"Resuming at step {model.step} from {checkpoint}.")
    return model


def _make_model(phase, options, labels):
    numbers = {
        name: options[name] for name in PRESETS[phase.preset] if name in options
    }
    return Pix2PixHD.from_preset(
        phase.preset,
        labels=labels,
        use_instances=options["use_instances"],
        styles=_find_styles(options),
        ema_decay=options["ema_decay"],
        dtype=PRECISIONS[options["precision"]],
        **{**numbers, **phase.numbers},
    )


def _find_styles(options):
    """Returns what the generator takes styles from.

    Published commands name, beside --load_style_maps, the kind of encoder that
    made the features; to the generator it makes no difference.
    """
    if options["load_style_maps"]:
        return "loaded"
    if options["label_feat"]:
        return "labels"
    return "instances" if options["instance_feat"] else None


def _compile(run, phase, model, discriminator_optimizer):
    options = run.options

    def adam(epochs, decay_epochs):
        schedule = options["learning_rate"]
        if decay_epochs:
            schedule = LinearDecay(
                schedule, epochs, decay_epochs, run.steps_per_epoch
            )
        return TorchAdam(schedule)

    generator_epochs = phase.epochs, phase.decay_epochs
    model.compile(
        adam(*generator_epochs),
        discriminator_optimizer
        or adam(*(phase.discriminator_epochs or generator_epochs)),
        adversarial_loss=options["adversarial_loss"],
        feature_matching_weight=options["feature_matching_weight"],
        perceptual_loss=_make_perceptual_loss(options),
        perceptual_weight=options["perceptual_weight"],
        l1_weight=options["l1_weight"],
        weights_to_train=phase.weights_to_train,
        pool_size=options["pool_size"],
        remat=options["remat"],
        jit_compile=options["jit"],
        gradient_accumulation_steps=options["gradient_accumulation_steps"],
    )


def _make_perceptual_loss(options):
    """Returns the perceptual loss, or None, saying so, without weights."""
    if not options["perceptual_weight"]:
        return None
    loss = PerceptualLoss(options["vgg_weights"], options["vgg_inputs"])
    if options["vgg_weights"] != "imagenet":
        loss.build()
        return loss
    try:
        loss.build()
    except Exception as error:  # Keras raises a bare one for a failed download.
        if "fetch failure" not in str(error):
            raise
        logging.warning(
            "The perceptual loss is OFF: the ImageNet weights of VGG19 could "
            "not be downloaded (%s). Training goes on without it. To have it, "
            "pass --vgg_weights=FILE; to silence this, --perceptual_weight=0.",
            error,
        )
        return None
    return loss


def _sample_scenes(options, scenes, resizing):
    """Reads the scenes of the sample page, spread over the data set."""
    count = min(options["num_sample_scenes"], len(scenes))
    chosen = np.linspace(0, len(scenes) - 1, count).astype(int)
    return {
        scenes.inputs[index].stem: read_scene(scenes, int(index), resizing)
        for index in chosen
    }
