"""What a training recipe does with its flags."""

import hashlib
import json
import math
import os
import pathlib
import re
import sys

import keras
import numpy as np
import tensorflow as tf
from absl import logging

from hdgan.callbacks.sample_page import SamplePage
from hdgan.callbacks.scalar_log import ScalarLog
from hdgan.callbacks.training_checkpoint import (
    TrainingCheckpoint,
    list_checkpoints,
)
from hdgan.data.resizing import Resizing
from hdgan.data.scene_dataset import make_dataset, read_scene
from hdgan.data.scene_files import check_scenes, find_scenes
from hdgan.label_set import LabelSet
from hdgan.layers import PerceptualLoss
from hdgan.linear_decay import LinearDecay
from hdgan.pix2pixhd import Pix2PixHD
from hdgan.presets import PRESETS
from hdgan.published_adam import published_adam
from hdgan.training import train


def run(preset, options):
    """Trains a preset's model: check, print, build or resume, fit.

    Args:
        preset: key of `hdgan.PRESETS`.
        options: dict, from `training_flags.resolve`.

    Returns:
        The trained model, or None after a dry run.

    Raises:
        ValueError: if data, flags and workdir do not fit one another.
    """
    workdir = pathlib.Path(options["workdir"])
    labels = _find_labels(options)
    scenes = find_scenes(
        options["data_dir"],
        options["split"],
        is_rgb=labels is None,
        use_instances=options["use_instances"],
        use_features=options["load_features"],
    )
    if options["max_dataset_size"]:
        scenes = scenes.take(options["max_dataset_size"])
    checkpoints = []
    if options["resume"]:
        _check_record(workdir, preset, scenes, labels)
        # There are none if the run was stopped before its first.
        checkpoints = list_checkpoints(workdir)
    else:
        _check_unused(workdir)
    strategy = _make_strategy(options)
    sizes = check_scenes(scenes, len(labels or ()))
    steps_per_epoch = math.ceil(len(scenes) / options["batch_size"])
    num_steps = _count_steps(options, steps_per_epoch)
    keras.utils.set_random_seed(options["seed"])
    with strategy.scope():
        if checkpoints:
            model = _load(checkpoints[-1])
        else:
            model = _make_model(preset, options, labels)
            _compile(model, options, steps_per_epoch)
    resizing = _make_resizing(options, model, sizes)
    _print_plan(preset, options, scenes, model, num_steps, steps_per_epoch)
    if options["dry_run"]:
        print("Dry run: everything fits; nothing was trained.")
        return None
    if not options["resume"]:
        _write_record(workdir, preset, options, scenes, labels)

    samples = SamplePage(
        workdir,
        _sample_scenes(options, scenes, resizing),
        options["sample_steps"],
    )
    callbacks = [
        ScalarLog(workdir / "tensorboard", options["log_steps"]),
        samples,
        TrainingCheckpoint(workdir, options["checkpoint_steps"]),
    ]
    _fit(
        model, options, scenes, resizing, num_steps, steps_per_epoch, callbacks
    )
    print(f"Model:       {workdir / 'model.keras'}")
    print(f"Samples:     {samples.path}")
    print(f"TensorBoard: tensorboard --logdir={workdir / 'tensorboard'}")
    return model


def _fit(
    model, options, scenes, resizing, num_steps, steps_per_epoch, callbacks
):
    try:
        train(
            model,
            lambda step: make_dataset(
                scenes,
                resizing,
                batch_size=options["batch_size"],
                shuffle=options["shuffle"],
                flip=options["flip"],
                seed=options["seed"],
                start_step=step,
            ),
            num_steps,
            steps_per_epoch,
            callbacks=callbacks,
            # Into a file, a line per epoch instead of a moving bar.
            verbose=1 if sys.stdout.isatty() else 2,
        )
    except tf.errors.ResourceExhaustedError as error:
        raise ValueError(
            "The device's memory is full. Make the images smaller "
            "(--load_size, or a --resize_mode that crops to --crop_size), the "
            "networks narrower (--base_width, --discriminator_width), or the "
            "batch smaller (--batch_size). TensorFlow says: "
            f"{error.message[:200]}"
        ) from error


def _find_labels(options):
    """Returns the `LabelSet`, or None for RGB input."""
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
    if len(devices) > 1:
        return tf.distribute.MirroredStrategy(devices)
    if devices:
        return tf.distribute.OneDeviceStrategy(devices[0])
    return tf.distribute.get_strategy()


def _make_resizing(options, model, sizes):
    resizing = Resizing(
        options["resize_mode"],
        options["load_size"],
        options["crop_size"],
        model.coding.size_multiple,
    )
    results = {resizing.final_size(*size) for size in set(sizes)}
    if options["batch_size"] > 1 and len(results) > 1:
        raise ValueError(
            f"The scenes have {len(results)} different sizes after resizing, "
            f"which can't share a batch of {options['batch_size']}. Expected "
            "one size: choose a --resize_mode that crops, or --batch_size=1."
        )
    return resizing


def _count_steps(options, steps_per_epoch):
    num_steps = (options["epochs"] + options["decay_epochs"]) * steps_per_epoch
    return min(num_steps, options["max_steps"] or num_steps)


def _print_plan(preset, options, scenes, model, num_steps, steps_per_epoch):
    for name, value in {"preset": preset, **options}.items():
        print(f"  {name:26}{value}")
    print(
        f"{len(scenes)} scenes; {steps_per_epoch} steps per epoch, "
        f"{num_steps} steps in all; generator "
        f"{model.generator.count_params():,} parameters, discriminator "
        f"{model.discriminator.count_params():,}."
    )


def _check_unused(workdir):
    if (workdir / "options.json").exists():
        raise ValueError(
            f"{workdir} already holds a run. Pass --resume to go on with it, "
            "or another --workdir."
        )


def _identity(preset, scenes, labels):
    """Returns what must stay the same from a run's start to its end."""
    names = "\n".join(path.name for path in scenes.inputs)
    return {
        "preset": preset,
        "num_scenes": len(scenes),
        "scene_names_sha256": hashlib.sha256(names.encode()).hexdigest(),
        "classes": None if labels is None else list(labels.names),
    }


def _check_record(workdir, preset, scenes, labels):
    """Checks that a run can go on with this recipe and data."""
    record = json.loads((workdir / "options.json").read_text())
    for key, value in _identity(preset, scenes, labels).items():
        if record[key] != value:
            raise ValueError(
                f"The run in {workdir} has {key}={record[key]}, but now it is "
                f"{value}: it can't go on as it began. Use the same recipe and "
                "data, or start in another --workdir."
            )


def _write_record(workdir, preset, options, scenes, labels):
    """Makes the run's folder and writes its options."""
    content = {**_identity(preset, scenes, labels), "options": options}
    try:
        workdir.mkdir(parents=True, exist_ok=True)
        temporary = workdir / "options.json.part"
        temporary.write_text(json.dumps(content, indent=2))
        os.replace(temporary, workdir / "options.json")
    except OSError as error:
        raise ValueError(
            f"--workdir={workdir} can't be written to: {error}. Choose a "
            "folder where you may write."
        ) from error


def _load(checkpoint):
    model = keras.models.load_model(checkpoint)
    step = int(model.generator_optimizer.iterations.numpy())
    print(f"Resuming at step {step} from {checkpoint}.")
    return model


def _make_model(preset, options, labels):
    return Pix2PixHD.from_preset(
        preset,
        labels=labels,
        use_instances=options["use_instances"],
        styles=_find_styles(options),
        ema_decay=options["ema_decay"],
        **{name: options[name] for name in PRESETS[preset] if name in options},
    )


def _find_styles(options):
    """Returns what the generator takes styles from.

    Published commands name, beside --load_features, the kind of encoder that
    made the features; to the generator it makes no difference.
    """
    if options["load_features"]:
        return "loaded"
    if options["label_feat"]:
        return "labels"
    return "instances" if options["instance_feat"] else None


def _compile(model, options, steps_per_epoch):
    def adam():
        schedule = options["learning_rate"]
        if options["decay_epochs"]:
            schedule = LinearDecay(
                schedule,
                options["epochs"],
                options["decay_epochs"],
                steps_per_epoch,
            )
        return published_adam(schedule)

    model.compile(
        adam(),
        adam(),
        adversarial_loss=options["adversarial_loss"],
        feature_matching_weight=options["feature_matching_weight"],
        perceptual_loss=_make_perceptual_loss(options),
        perceptual_weight=options["perceptual_weight"],
        l1_weight=options["l1_weight"],
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
