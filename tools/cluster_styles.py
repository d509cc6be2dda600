r"""Finds the typical styles of each class, and stores them in a model.

    hdgan cluster_styles --model=runs/styles --data_dir=data

encodes the photos of `train_img` with the model's encoder, one vector per
instance, and forms at most 10 clusters per class, each with a picture of a
typical instance. `hdgan synthesize`, exported models and the editor then choose
among them. Instances that cover at most 1/64 of their image don't count
(`--min_area`), and a class without larger ones gets the mean of all centers.
"""

import pathlib

from absl import flags

from hdgan.command_line import program


def main():
    from hdgan.data.resize_policy import ResizePolicy
    from hdgan.data.scene_checks import check_scenes
    from hdgan.data.scene_files import find_scenes
    from hdgan.models.model_file import (
        find_model_file,
        load_model,
        store_style_clusters,
    )
    from hdgan.models.style_clustering import cluster_styles

    values = flags.FLAGS
    path = find_model_file(values.model)
    model = load_model(path)
    load_size = values.load_size
    if load_size is None:
        load_size = model.scene_width
    resizing = ResizePolicy("none", size_multiple=1)
    if load_size:
        resizing = ResizePolicy("scale_width", load_size)
    labels = model.labels
    scenes = find_scenes(
        values.data_dir,
        values.split,
        is_rgb=labels is None,
        use_instances=model.use_instances,
        pair_cores=values.pair_cores,
    )
    check_scenes(scenes, len(labels or ()), labels.ignore_ids if labels else ())
    clusters = cluster_styles(
        model,
        scenes,
        resizing,
        values.num_clusters,
        values.min_area,
        values.seed,
    )
    output = pathlib.Path(values.output or path)
    store_style_clusters(path, clusters, output)
    for label, centers in clusters.centers.items():
        print(f"{_describe(model, label)}: {len(centers)} clusters")
    if labels is not None and model.style_regions != "image":
        without = [
            name
            for k, name in enumerate(labels.names)
            if k not in clusters.centers
        ]
        if without:
            print(f"No clusters: {', '.join(without)}")
    print(f"Model: {output}")


def _describe(model, label):
    if model.style_regions == "image":
        return "whole images"
    return (
        f"class {label}" if model.labels is None else model.labels.names[label]
    )


if __name__ == "__main__":
    flags.DEFINE_string(
        "model",
        None,
        "Model with an encoder: a .keras file, or the folder of its run.",
        required=True,
    )
    flags.DEFINE_string(
        "data_dir", None, "Folder of the data set.", required=True
    )
    flags.DEFINE_string("split", "train", "Start of the folders' names.")
    flags.DEFINE_bool(
        "pair_cores",
        False,
        "Pair files whose names agree only without a start or end that all "
        "names of their folder share, such as berlin_0 and munich_0.",
    )
    flags.DEFINE_integer(
        "load_size",
        None,
        "Width in pixels that scenes are scaled to; 0 keeps their own. "
        "Default: that of the training.",
    )
    flags.DEFINE_integer("num_clusters", 10, "Most clusters of a class.")
    flags.DEFINE_float(
        "min_area",
        1 / 64,
        "Share of the image that an instance must exceed to count.",
    )
    flags.DEFINE_integer("seed", 0, "Seed of k-means.")
    flags.DEFINE_string(
        "output",
        None,
        "File to write, such as styled.keras. Default: the model's own file, "
        "in which only the clusters change.",
    )
    program.run(main)
