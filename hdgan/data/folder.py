"""A folder of scenes as a dataset for `fit`."""

import itertools

import tensorflow as tf

from hdgan.checks import check_integers
from hdgan.data.resize_policy import ResizePolicy
from hdgan.data.scene_checks import check_scenes
from hdgan.data.scene_dataset import make_dataset
from hdgan.data.scene_files import find_scenes


def load_folder(
    data_dir,
    labels,
    split="train",
    resizing=None,
    batch_size=1,
    use_instances=True,
    shuffle=True,
    flip=True,
    seed=0,
    augmentation=None,
    cache_dir=None,
):
    """Makes a dataset for `fit` or `evaluate` of a folder of scenes.

    The files are found and checked as in a recipe: pairs, sizes and ids. The
    folders are `{split}_label`, `{split}_inst` and `{split}_img`; for RGB input
    `{split}_A`, `{split}_inst` and `{split}_B`.

    A pass over the dataset is an epoch, and `fit` knows its steps. Each pass
    goes on where the one before ended, with an order, crops and flips of its
    own; scenes that do not fill the last batch come first in the next epoch.
    The first pass is the same in every run.

    Args:
        data_dir: path of the data set.
        labels: the classes of the label maps, as `from_preset` takes them:
            `LabelSet`, list of names, name of a label set, such as
            `"cityscapes35"`, or None for RGB input.
        split: str, start of the folders' names. Defaults to `"train"`.
        resizing: `ResizePolicy`. Defaults to None: scaled to 1024 pixels of
            width.
        batch_size: int >= 1, scenes of a batch, over all replicas. Defaults
            to 1.
        use_instances: bool, whether to read instance maps. Defaults to True.
        shuffle: bool, whether each pass has an order of its own. Defaults to
            True; pass False to evaluate.
        flip: bool, whether each scene is mirrored with probability 0.5.
            Defaults to True; pass False to evaluate.
        seed: int >= 0. Defaults to 0.
        augmentation: Keras layer that transforms scenes, as in `make_dataset`.
            Defaults to None.
        cache_dir: path of the folder that keeps scaled scenes, as in
            `make_dataset`. Defaults to None.

    Returns:
        Finite `tf.data.Dataset` of dicts of `label_map`, int32 `(batch,
        height, width)`, or uint8 `(batch, height, width, 3)` for RGB input;
        `photo`, uint8 `(batch, height, width, 3)`; and with instances
        `instance_map`, int32 `(batch, height, width)`.

    Raises:
        ValueError: if a folder or file is missing or damaged, a label id has no
            class, sizes differ within a scene or a batch, or a batch has more
            scenes than the folder. It names the file.

    Example:
        >>> labels = hdgan.LabelSet.named("cityscapes35")
        >>> model = hdgan.Pix2PixHD.from_preset("pix2pixhd_512p", labels=labels)
        >>> model.compile()
        >>> model.fit(hdgan.data.load_folder("cityscapes", labels), epochs=10)
    """
    # Preprocessing is built upon this department.
    from hdgan.preprocessing.label_set import as_label_set

    check_integers(batch_size=batch_size)
    labels = as_label_set(labels)
    resizing = resizing or ResizePolicy()
    scenes = find_scenes(
        data_dir,
        split,
        is_rgb=labels is None,
        use_instances=use_instances,
        labels=labels,
    )
    sizes = check_scenes(
        scenes, len(labels or ()), labels.ignore_ids if labels else ()
    )
    finals = {resizing.final_size(*size) for size in set(sizes)}
    if batch_size > 1 and len(finals) > 1:
        raise ValueError(
            f"The scenes in {data_dir} have {len(finals)} different sizes "
            f"after resizing, which can't share a batch of {batch_size}. "
            "Expected one size: choose a resize mode that crops, or "
            "`batch_size=1`."
        )
    steps = len(scenes) // batch_size
    if not steps:
        raise ValueError(
            f"{data_dir} holds {len(scenes)} scenes, fewer than a batch of "
            f"{batch_size}. Choose a smaller `batch_size`."
        )
    passes = itertools.count()

    def list_next_pass():
        yield next(passes)

    def load_pass(number):
        return make_dataset(
            scenes,
            resizing,
            batch_size,
            shuffle,
            flip,
            seed,
            number * steps,
            augmentation,
            cache_dir,
        ).take(steps)

    return (
        tf.data.Dataset.from_generator(
            list_next_pass, output_signature=tf.TensorSpec((), tf.int64)
        )
        .flat_map(load_pass)
        .apply(tf.data.experimental.assert_cardinality(steps))
        .prefetch(tf.data.AUTOTUNE)
    )
