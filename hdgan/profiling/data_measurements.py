"""The measurement of how fast scenes are read."""

import collections
import concurrent.futures
import importlib.util
import itertools
import os
import pathlib
import tempfile
import time

import numpy as np
from PIL import Image

from hdgan.data.records.building import RecordBuilding
from hdgan.data.records.record_scenes import RecordScenes
from hdgan.data.resize_policy import ResizePolicy
from hdgan.data.scene_dataset import make_dataset
from hdgan.data.scene_files import SceneFiles, find_scenes, has_split

# Scenes that records are built of, for the comparison.
_NUM_RECORDS = 100


def measure_data(options):
    """Counts the scenes per second of `make_dataset` and of Pillow.

    Pillow does the same work: it reads, decodes, resizes (photos bicubically
    with antialiasing, maps by nearest neighbor), mirrors every other scene, and
    makes arrays. With a cache, epochs after the first are counted.

    Args:
        options: dict of the flags.

    Returns:
        Dict for the report, with records if their package is installed; "per
        core" means per second of processor time.
    """
    scenes = _find_scenes(options)
    if not isinstance(scenes, SceneFiles):
        raise ValueError(
            f"{options['data_dir']} holds records. Expected the folder that "
            "they were built from: records are built for the comparison."
        )
    with tempfile.TemporaryDirectory() as folder:
        cache_dir = pathlib.Path(folder) / "cache"
        records = _build_records(scenes, pathlib.Path(folder))
        return _compare_loaders(scenes, cache_dir, records, options)


def _find_scenes(options):
    data_dir = pathlib.Path(options["data_dir"])
    return find_scenes(
        data_dir,
        options["split"],
        is_rgb=not options["label_nc"],
        use_instances=has_split(data_dir, options["split"], "inst"),
    )


def _build_records(scenes, folder):
    """Returns the first scenes from records, or None without the package."""
    if importlib.util.find_spec("array_record") is None:
        return None
    scenes = scenes.take(_NUM_RECORDS)
    building = RecordBuilding(scenes, folder, 1, scenes.fingerprint())
    building.finish([building.write_shard(0)])
    return RecordScenes(folder)


def _compare_loaders(scenes, cache_dir, records, options):
    num_cores = len(os.sched_getaffinity(0))
    resizing = ResizePolicy("scale_width", options["load_size"])
    loaders = {
        "make_dataset": lambda: iter(make_dataset(scenes, resizing)),
        "make_dataset_cached": lambda: itertools.islice(
            # The first epoch reads all scenes and writes the cache.
            make_dataset(scenes, resizing, cache_dir=cache_dir),
            len(scenes),
            None,
        ),
        "pillow": lambda: _read_with_pillow(scenes, options["load_size"], 1),
        "pillow_threads": lambda: _read_with_pillow(
            scenes, options["load_size"], num_cores
        ),
    }
    if records is not None:
        loaders["make_dataset_records"] = lambda: iter(
            make_dataset(records, resizing)
        )
    num_rounds = 2
    seconds = options["seconds"] / num_rounds / len(loaders)
    sums = {name: np.zeros(3) for name in loaders}
    # In turns, so that other programs slow all loaders alike.
    for _ in range(num_rounds):
        for name, make in loaders.items():
            sums[name] += _count_scenes(make(), seconds)
    record = {"cores": num_cores, "num_scenes": len(scenes)}
    for name, (count, wall, processor) in sums.items():
        record[name] = {
            "scenes_per_second": count / wall,
            "scenes_per_second_per_core": count / processor,
        }
    for name in (name for name in loaders if name.startswith("make")):
        key = name.replace("make_dataset", "ratio_per_core")
        record[key] = (
            record[name]["scenes_per_second_per_core"]
            / record["pillow"]["scenes_per_second_per_core"]
        )
    record["ratio_all_cores"] = (
        record["make_dataset"]["scenes_per_second"]
        / record["pillow_threads"]["scenes_per_second"]
    )
    return record


def _read_with_pillow(scenes, load_size, num_threads):
    """Yields scenes endlessly, read by `num_threads` threads."""
    resamplings = [
        (scenes.photos, Image.Resampling.BICUBIC),
        (scenes.instance_maps, Image.Resampling.NEAREST),
        (
            scenes.inputs,
            Image.Resampling.BICUBIC
            if scenes.is_rgb
            else Image.Resampling.NEAREST,
        ),
    ]

    def load(number):
        arrays = []
        for paths, resampling in resamplings:
            if paths is None:
                continue
            with Image.open(paths[number % len(scenes)]) as image:
                if resampling is Image.Resampling.BICUBIC:
                    image = image.convert("RGB")
                height = load_size * image.height // image.width
                image = image.resize((load_size, height), resampling)
            if number % 2:
                image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            dtype = "uint8" if image.mode == "RGB" else "int32"
            arrays.append(np.array(image, dtype))
        return arrays

    with concurrent.futures.ThreadPoolExecutor(num_threads) as pool:
        waiting = collections.deque()
        for number in itertools.count():
            waiting.append(pool.submit(load, number))
            if len(waiting) > 2 * num_threads:
                yield waiting.popleft().result()


def _count_scenes(scenes, seconds):
    """Returns a number of scenes, and their wall and processor seconds."""
    next(scenes)  # Creates the threads and the graph.
    begin, processor = time.perf_counter(), time.process_time()
    count = 0
    while time.perf_counter() - begin < seconds:
        next(scenes)
        count += 1
    return (
        count,
        time.perf_counter() - begin,
        time.process_time() - processor,
    )
