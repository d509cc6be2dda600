"""Training a segmenter on the photographs of a data set."""

import json
import math
import pathlib
import sys
import time

import keras
import numpy as np
import tensorflow as tf

from hdgan.checks import check_integers
from hdgan.data.files import hash_file, replacing, write_file
from hdgan.data.resize_policy import ResizePolicy
from hdgan.data.scene_dataset import make_dataset, read_scene
from hdgan.data.scene_split import split_by_name
from hdgan.evaluation.ignored_labels import find_ignored
from hdgan.evaluation.segmentation_scores import SegmentationScores
from hdgan.evaluation.segmenter import RECORD
from hdgan.networks.segmenter import make_segmenter

# Sizes, relative to that of the evaluation, at which scenes are learned.
_SCALES = (1.0, 1.25, 1.5)
_SIZE_MULTIPLE = 32
# Label of a pixel that does not count.
_NO_CLASS = -1


def train_segmenter(
    scenes,
    labels,
    output_dir,
    validation=0.1,
    load_size=0,
    backbone="efficientnet_lite0",
    backbone_weights="imagenet",
    ignore_labels=(),
    epochs=30,
    patience=5,
    steps_per_epoch=None,
    batch_size=8,
    crop_size=512,
    learning_rate=5e-4,
    seed=0,
):
    """Trains a segmentation network on real photographs.

    Its mean IoU on scenes that are held back is measured after each epoch. The
    training stops when it no longer rises, and the weights of the best epoch
    are saved, as `segmenter.keras`, with `segmenter.json`, which says how they
    were trained. Photographs are mirrored, scaled by 1 to 1.5, cropped, and
    changed in brightness and contrast.

    Args:
        scenes: `SceneFiles` with photos.
        labels: `LabelSet`.
        output_dir: path of the folder to write to.
        validation: float in (0, 1), the share of the scenes that is held back,
            chosen by name; or `SceneFiles`. Defaults to 0.1.
        load_size: int, width in pixels that scenes are scaled to; 0 keeps
            their size. Evaluate at the same. Defaults to 0.
        backbone, backbone_weights: as in `make_segmenter`.
        ignore_labels: sequence of label ids or names of classes whose pixels
            are left out, beside those that `labels` ignores. Defaults to none.
        epochs: int, the most epochs. Defaults to 30.
        patience: int, epochs without a rise after which to stop. Defaults to 5.
        steps_per_epoch: int, or None for once through the scenes. Defaults to
            None.
        batch_size: int. Defaults to 8.
        crop_size: int, the largest side of a crop, in pixels. Defaults to 512.
        learning_rate: float, of AdamW, which falls to 0 with a cosine.
            Defaults to 5e-4.
        seed: int. Defaults to 0.

    Returns:
        Path of the file, and dict of what `segmenter.json` holds.

    Raises:
        ValueError: if scenes are too few or too small, or an argument is out
            of range.

    Example:
        >>> scenes = find_scenes("data", "train")
        >>> path, record = train_segmenter(scenes, labels, "runs/segmenter")
    """
    check_integers(epochs=epochs, patience=patience, batch_size=batch_size)
    check_integers(_SIZE_MULTIPLE, crop_size=crop_size)
    data = scenes.fingerprint()
    held_back = validation
    if isinstance(validation, float):
        scenes, held_back = split_by_name(scenes, validation)
    names = labels.get_config()["names"]
    ignore_labels = find_ignored(labels, ignore_labels)
    keras.utils.set_random_seed(seed)
    model = make_segmenter(len(names), backbone, backbone_weights)
    crop = _choose_crop(scenes, load_size, crop_size)
    steps = steps_per_epoch or math.ceil(len(scenes) / batch_size)
    dataset = _make_batches(
        scenes, load_size, crop, batch_size, seed, ignore_labels, len(names)
    )
    model.compile(
        keras.optimizers.AdamW(
            keras.optimizers.schedules.CosineDecay(
                learning_rate, epochs * steps
            ),
            weight_decay=1e-4,
        ),
        keras.losses.SparseCategoricalCrossentropy(
            from_logits=True, ignore_class=_NO_CLASS
        ),
        metrics=[SegmentationScores(len(names))],
    )
    stop = keras.callbacks.EarlyStopping(
        "val_mean_iou",
        mode="max",
        patience=patience,
        restore_best_weights=True,
    )
    start = time.monotonic()
    history = model.fit(
        dataset,
        epochs=epochs,
        steps_per_epoch=steps,
        validation_data=_read_held_back(
            held_back, load_size, ignore_labels, len(names)
        ),
        callbacks=[stop],
        shuffle=False,
        verbose=1 if sys.stdout.isatty() else 2,
    ).history
    if not np.isfinite(history["val_mean_iou"]).any():
        raise ValueError(
            "The mean IoU of the scenes that are held back is not a number: "
            "they hold no pixel of a class that counts, or the training "
            "diverged. Choose other scenes (`validation`), or a lower "
            "`learning_rate`."
        )
    best = int(np.nanargmax(history["val_mean_iou"]))
    record = {
        "classes": names,
        "data_sha256": data,
        "backbone": backbone,
        "held_out_mean_iou": history["val_mean_iou"][best],
        "num_scenes": len(scenes),
        "num_held_out": len(held_back),
        "load_size": load_size,
        "crop_size": crop,
        "ignore_labels": list(ignore_labels),
        "steps": (best + 1) * steps,
        "batch_size": batch_size,
        "seed": seed,
        "seconds": round(time.monotonic() - start),
    }
    return _save(pathlib.Path(output_dir), model, record)


def _save(folder, model, record):
    """Writes the network and its record; returns both, the first as a path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "segmenter.keras"
    model.compile()  # Without the optimizer's moments.
    with replacing(path) as temporary:
        model.save(temporary)
    record = {**record, "sha256": hash_file(path)}
    write_file(folder / RECORD, json.dumps(record, indent=1))
    return path, record


def check_segmenter(path, scenes, load_size, ignore_labels):
    """Checks that a segmenter was trained as one is about to be.

    Args:
        path: path of the file that `train_segmenter` wrote.
        scenes: `SceneFiles`.
        load_size, ignore_labels: as in `train_segmenter`.

    Raises:
        ValueError: naming the file, if its record is missing, or tells of
            other photographs, another size or other ignored labels.
    """
    expected = {
        "data_sha256": scenes.fingerprint(),
        "load_size": load_size,
        "ignore_labels": list(ignore_labels),
    }
    try:
        record = json.loads(path.with_name(RECORD).read_text("utf-8"))
    except (OSError, ValueError):
        record = {}
    different = [k for k, v in expected.items() if record.get(k) != v]
    if different:
        raise ValueError(
            f"{path} was trained on other photographs or in another way "
            f"({', '.join(different)}). Remove its folder to train it anew, or "
            "choose the segmenter with --segmenter."
        )


def _choose_crop(scenes, load_size, crop_size):
    """Returns the largest side of a crop that all scenes have."""
    policy = _policy(load_size)
    shortest = crop_size
    for index in range(len(scenes)):
        size = scenes.read(index)["label_map"].shape[:2]
        shortest = min(
            shortest, *(policy.loaded_size(*size) if policy else size)
        )
    crop = shortest // _SIZE_MULTIPLE * _SIZE_MULTIPLE
    if not crop:
        raise ValueError(
            f"A scene is {shortest} pixels high or wide. Expected at least "
            f"{_SIZE_MULTIPLE}: choose a larger `load_size`."
        )
    return crop


def _policy(load_size):
    return ResizePolicy("scale_width", load_size) if load_size else None


def _make_batches(
    scenes, load_size, crop, batch_size, seed, ignore_labels, num_classes
):
    """Returns an endless dataset of `(photos, labels)`."""
    if load_size:
        policies = [
            ResizePolicy("scale_width_and_crop", round(load_size * scale), crop)
            for scale in _SCALES
        ]
    else:
        policies = [ResizePolicy("crop", crop_size=crop)]
    augmentation = keras.layers.Pipeline(
        [
            keras.layers.RandomBrightness(0.15, seed=seed),
            keras.layers.RandomContrast(0.25, seed=seed),
        ]
    )
    datasets = [
        make_dataset(
            scenes,
            policy,
            batch_size,
            seed=seed + number,
            augmentation=augmentation,
        )
        for number, policy in enumerate(policies)
    ]
    return tf.data.Dataset.sample_from_datasets(datasets, seed=seed).map(
        lambda scene: (
            tf.cast(scene["photo"], tf.float32),
            _mark_ignored(scene["label_map"], ignore_labels, num_classes),
        )
    )


def _mark_ignored(label_map, ignore_labels, num_classes):
    is_class = (label_map >= 0) & (label_map < num_classes)
    for label in ignore_labels:
        is_class &= label_map != label
    return tf.where(is_class, label_map, _NO_CLASS)


def _read_held_back(scenes, load_size, ignore_labels, num_classes):
    """Returns a dataset of `(photo, labels)`, in batches of one."""
    policy = _policy(load_size)

    def read():
        for index in range(len(scenes)):
            scene = (
                read_scene(scenes, index, policy)
                if policy
                else scenes.read(index)
            )
            yield (
                scene["photo"][None].astype("float32"),
                scene["label_map"][None].astype("int32"),
            )

    dataset = tf.data.Dataset.from_generator(
        read,
        output_signature=(
            tf.TensorSpec((1, None, None, 3), tf.float32),
            tf.TensorSpec((1, None, None), tf.int32),
        ),
    ).map(
        lambda photo, label_map: (
            photo,
            _mark_ignored(label_map, ignore_labels, num_classes),
        )
    )
    return dataset.apply(tf.data.experimental.assert_cardinality(len(scenes)))
