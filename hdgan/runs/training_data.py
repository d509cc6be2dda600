"""The scenes of a run: classes, files, sizes, samples."""

import pathlib

import numpy as np

from hdgan.data.class_balance import balance_scenes
from hdgan.data.files import check_writable_folder
from hdgan.data.random_transform import RandomTransform
from hdgan.data.resize_policy import ResizePolicy
from hdgan.data.scene_dataset import make_dataset, read_scene
from hdgan.data.scene_files import find_scenes, has_split
from hdgan.preprocessing.data_set_labels import find_data_set_labels


def check_data_dir(options):
    """Checks that the folder of the data set exists.

    Args:
        options: `TrainingOptions`.

    Raises:
        ValueError: if it does not.
    """
    if not pathlib.Path(options.data_dir).is_dir():
        raise ValueError(
            f"data_dir={options.data_dir}: there is no such folder. Correct "
            "the path."
        )


def make_batches(options, scenes, policy, probabilities, step):
    """Makes the stream of training batches.

    Args:
        options: `TrainingOptions`.
        scenes: `SceneSource`.
        policy: `ResizePolicy`.
        probabilities: as of `find_probabilities`.
        step: int, the step of the run that the stream starts at.

    Returns:
        `tf.data.Dataset`, as of `make_dataset`.
    """
    transform = RandomTransform(
        options.augment_zoom, options.augment_rotation, options.augment_color
    )
    return make_dataset(
        scenes,
        policy,
        batch_size=options.batch_size,
        shuffle=options.shuffle,
        flip=options.flip,
        seed=options.seed,
        start_step=step * options.gradient_accumulation_steps,
        cache_dir=options.cache_dir,
        transform=transform if transform.does_something else None,
        probabilities=probabilities,
    )


def find_probabilities(options, scenes, labels):
    """Returns how often each scene is drawn, or None for all alike.

    Args:
        options: `TrainingOptions`.
        scenes: `SceneSource`.
        labels: `LabelSet`, or None for RGB input.

    Raises:
        ValueError: if classes are to be balanced, but there are none.
    """
    if not options.class_balance:
        return None
    if labels is None:
        raise ValueError(
            f"`class_balance` is {options.class_balance}, but RGB input has "
            "no classes. Leave it out."
        )
    return balance_scenes(scenes, len(labels), options.class_balance)


def check_folders(options):
    """Checks that the run can write where it will; makes nothing.

    Args:
        options: `TrainingOptions`.

    Raises:
        ValueError: if it can't.
    """
    for name in ("workdir", "cache_dir"):
        folder = getattr(options, name)
        if folder is None:
            continue
        try:
            check_writable_folder(folder)
        except OSError as error:
            raise ValueError(
                f"{name}={folder} can't be written to: {error}. Choose a "
                "folder where you may write."
            ) from error


def find_labels(options):
    """Finds the classes of a data set.

    Args:
        options: `TrainingOptions`.

    Returns:
        `LabelSet`, or None for RGB input.

    Raises:
        ValueError: if the number of classes is not known, is not that of the
            label set, or the label set is given twice.
    """
    return find_data_set_labels(
        options.data_dir,
        options.label_nc,
        options.labels,
        options.labels_file,
        options.ignore_ids,
    )


def find_training_scenes(options, labels):
    """Finds the files of a data set.

    Args:
        options: `TrainingOptions`.
        labels: `LabelSet`, or None for RGB input.

    Returns:
        `SceneFiles`.

    Raises:
        ValueError: if folders or files are missing.
    """
    scenes = find_scenes(
        options.data_dir,
        options.split,
        is_rgb=labels is None,
        use_instances=options.use_instances,
        use_style_maps=options.load_style_maps,
        pair_cores=options.pair_cores,
        labels=labels,
    )
    if options.max_dataset_size:
        scenes = scenes.take(options.max_dataset_size)
    return scenes


def make_resize_policies(options, phases, sizes, first, size_multiple):
    """Makes the `ResizePolicy` of each phase.

    Args:
        options: `TrainingOptions`.
        phases: list of `Phase`.
        sizes: dict from each `(height, width)` of a scene, in pixels, to the
            path of the first label map of that size.
        first: int, index of the phase that is trained first.
        size_multiple: int, the multiple that the first phase's networks need.

    Returns:
        List of `ResizePolicy`.

    Raises:
        ValueError: if scenes are too small for a crop, or have several sizes
            and a batch or XLA needs one.
    """
    policies = []
    for index, phase in enumerate(phases):
        if index > first and phase.init_from == "enlarged":
            size_multiple *= 2
        policy = ResizePolicy(
            options.resize_mode,
            options.load_size,
            options.crop_size,
            size_multiple,
            phase.shrink,
        )
        count = len({_final_size(policy, *item) for item in sizes.items()})
        if options.batch_size > 1 and count > 1:
            raise ValueError(
                f"The scenes have {count} different sizes after resizing, "
                f"which can't share a batch of {options.batch_size}. Expected "
                "one size: choose a `resize_mode` that crops, or "
                "`batch_size` 1."
            )
        if options.jit and count > 1:
            raise ValueError(
                f"`jit` with scenes of {count} different sizes after resizing: "
                "XLA would compile the step for each size, which takes "
                "minutes. Choose a `resize_mode` that crops, or leave out "
                "`jit`."
            )
        policies.append(policy)
    return policies


def _final_size(policy, size, path):
    try:
        return policy.final_size(*size)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def find_scene_width(policy, sizes):
    """Returns the width of all scenes before a crop, or None if it varies.

    Args:
        policy: `ResizePolicy`.
        sizes: iterable of `(height, width)` of the scenes, in pixels.
    """
    widths = {policy.loaded_size(*size)[1] for size in sizes}
    return widths.pop() if len(widths) == 1 else None


def check_image_size(model, policy, sizes):
    """Checks that the scenes have the size that a model makes.

    Args:
        model: `LabelToPhotoModel`.
        policy: `ResizePolicy`.
        sizes: dict from each `(height, width)` of a scene, in pixels, to the
            path of the first label map of that size.

    Raises:
        ValueError: if the model makes images of one size, and a scene has
            another after resizing.
    """
    if model.image_size is None:
        return
    height, width = model.image_size
    for size, path in sizes.items():
        final = policy.final_size(*size)
        if final != (height, width):
            raise ValueError(
                f"{path}: scenes of {size[1]}x{size[0]} pixels (width x "
                f"height) are {final[1]}x{final[0]} after resizing, but the "
                f"generator's `image_size` is {width}x{height}. Choose a "
                "`resize_mode` with the `load_size` or `crop_size` that gives "
                "that size, or in Python another `image_size`, (height, "
                "width), in `networks`."
            )


def read_sample_scenes(options, scenes, policy):
    """Reads the scenes of the sample page: of the training, and others.

    Args:
        options: `TrainingOptions`.
        scenes: `SceneFiles` of the training.
        policy: `ResizePolicy`.

    Returns:
        Dict from a heading to a scene's numpy arrays.

    Raises:
        ValueError: naming the file, if one can't be read.
    """
    sources = {"Training": scenes}
    others = _find_other_scenes(options, scenes.is_rgb)
    if others is not None:
        sources[options.sample_split.capitalize()] = others
    samples = {}
    for source, files in sources.items():
        count = min(options.num_sample_scenes, len(files))
        # Spread over the data set.
        for index in np.linspace(0, len(files) - 1, count).astype(int):
            name = f"{source}: {files.stem(index)}"
            samples[name] = read_scene(files, int(index), policy)
    return samples


def _find_other_scenes(options, is_rgb):
    """Returns the scenes of another split, or None if it has none."""
    folder = pathlib.Path(options.data_dir)
    split = options.sample_split
    kind = "A" if is_rgb else "label"
    if split == options.split or not has_split(folder, split, kind):
        return None
    photos = "B" if is_rgb else "img"
    return find_scenes(
        folder,
        split,
        is_rgb,
        use_instances=options.use_instances,
        # A style may come from a photo.
        use_photos=options.styles is not None
        or has_split(folder, split, photos),
        use_style_maps=options.load_style_maps,
        pair_cores=options.pair_cores,
        labels=find_labels(options),
    )
