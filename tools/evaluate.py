r"""Measures how good a model's photographs are.

    hdgan evaluate --model=runs/streets --data_dir=data --split=test \
        --output_dir=report

A segmentation network reads the generated photographs: the more of their
pixels it assigns to the class in the label map, the better (pixel accuracy,
mean IoU). The row of the real photographs, in the same protocol, is the
ceiling. Beside it are Fréchet and kernel distances of features, with those
between real photographs as their floor; PSNR, SSIM, MS-SSIM and a perceptual
distance from the real photograph of the same scene; with `--samples=N`, how
much photographs of one label map differ; and with instance maps, how clearly
touching instances of one class are separated.

The folder receives `report.json`, all numbers and how they were measured;
`index.html`, tables, charts and the best and worst scenes; and TensorBoard's
scalars. `--baseline` compares with another report.

Without `--segmenter`, one is trained on the real photographs of
`--segmenter_split`, kept as `OUTPUT_DIR/segmenter/segmenter.keras`, and used
again. `--images` evaluates photographs in a folder, whatever made them.
"""

import pathlib

from absl import flags, logging

from hdgan.command_line import data_set_flags, program


def main():
    from hdgan.evaluation.comparison import check_baseline, compare_reports
    from hdgan.evaluation.evaluation import Measures, evaluate
    from hdgan.evaluation.paired_distances import PairedDistances
    from hdgan.evaluation.report import load_report, save_report
    from hdgan.evaluation.report_page import write_report_page

    values = flags.FLAGS
    output_dir = pathlib.Path(values.output_dir)
    if (values.model is None) == (values.images is None):
        raise ValueError(
            "Expected either --model, whose photographs are made, or --images, "
            "a folder of photographs."
        )
    baseline = load_report(values.baseline) if values.baseline else None
    photographs, labels, ignored = _open_photographs(values)
    # All that can fail comes before the segmenter, whose training takes long.
    if baseline is not None:
        check_baseline(
            baseline,
            photographs.scenes.names,
            labels and labels.get_config(),
        )
    features = _make_features(values)
    program.make_folder("output_dir", output_dir)
    segmenter = _open_segmenter(values, labels, ignored, photographs)
    report = evaluate(
        photographs,
        labels,
        Measures(segmenter, features, PairedDistances()),
        ignored,
        {
            "data": pathlib.Path(values.data_dir).resolve().name,
            "split": values.split,
        },
    )
    comparison = None
    if baseline is not None:
        comparison = report["comparison"] = compare_reports(report, baseline)
    save_report(output_dir / "report.json", report)
    _write_scalars(output_dir / "tensorboard", report)
    page = output_dir / "index.html"
    write_report_page(page, report, photographs, segmenter, comparison)
    _print_results(report)
    print(f"Report: {output_dir / 'report.json'}")
    print(f"Page: {page}")


def _open_photographs(values):
    """Returns the source of the photographs, the classes and ignored ids."""
    from hdgan.data.resize_policy import ResizePolicy
    from hdgan.evaluation.photograph_sources import (
        FolderPhotographs,
        ModelPhotographs,
    )
    from hdgan.models.model_file import find_model_file, load_model

    if values.load_size is not None and values.load_size < 0:
        raise ValueError(
            f"--load_size must be at least 0. Received: {values.load_size}"
        )
    if values.samples < 1:
        raise ValueError(
            f"--samples must be at least 1. Received: {values.samples}"
        )
    if values.images is not None:
        _check_no_model_flags(values)
        labels, ignored = data_set_flags.find_labels()
        has_instances = _has_folder(values, "inst")
        scenes = data_set_flags.find_scenes(labels, None, has_instances)
        return (
            FolderPhotographs(
                values.images, scenes, values.load_size, values.pair_cores
            ),
            labels,
            ignored,
        )
    model = load_model(values.model)
    for name in ("label_nc", "labels", "labels_file"):
        if values[name].value is not None:
            raise ValueError(
                f"--{name} was given with --model, which has its own classes. "
                "Leave it out."
            )
    labels, ignored = model.labels, ()
    if labels is not None:
        labels, ignored = data_set_flags.ignore(labels, values.ignore_labels)
    scenes = data_set_flags.find_scenes(
        model.labels,
        None,
        model.use_instances or _has_folder(values, "inst"),
        values.styles == "map",
    )
    width = values.load_size
    width = model.scene_width if width is None else width
    photographs = ModelPhotographs(
        model,
        scenes,
        ResizePolicy("scale_width", width) if width else None,
        values.samples,
        values.styles,
        values.seed,
        find_model_file(values.model),
    )
    return photographs, labels, ignored


def _check_no_model_flags(values):
    for name, default in (("samples", 1), ("styles", None), ("seed", 0)):
        if values[name].value != default:
            raise ValueError(
                f"--{name} was given with --images, whose photographs are "
                "made already. Leave it out."
            )


def _has_folder(values, kind):
    from hdgan.data.scene_files import has_split

    return has_split(values.data_dir, values.split, kind)


def _open_segmenter(values, labels, ignored, photographs):
    """Returns the `Segmenter`, which is trained first if there is none."""
    from hdgan.evaluation.segmenter import load_segmenter

    if values.segmenter == "none":
        return None
    if labels is None:
        print("No segmentation: the model's input is RGB, without classes.")
        return None
    ids = [int(text) for text in values.segmenter_ids] or None
    bounds = [float(text) for text in values.segmenter_range]
    if len(bounds) != 2:
        raise ValueError(
            "--segmenter_range must be two numbers, such as -1,1. Received: "
            f"{','.join(values.segmenter_range)}"
        )
    path = values.segmenter
    if path is None:
        path = _find_own_segmenter(values, labels, ignored, photographs)
    return load_segmenter(path, labels, ids, bounds)


def _find_own_segmenter(values, labels, ignored, photographs):
    """Returns the path of the report's own segmenter; trains it if needed."""
    from hdgan.data.scene_files import has_split
    from hdgan.evaluation.segmenter_training import (
        check_segmenter,
        train_segmenter,
    )

    split = values.segmenter_split
    if not has_split(values.data_dir, split, "img"):
        raise ValueError(
            f"{values.data_dir} has no {split}_img to train a segmenter on. "
            "Give one with --segmenter, or another --segmenter_split, or "
            "--segmenter=none to leave out the mean IoU."
        )
    if split == values.split:
        logging.warning(
            "The segmenter is trained on the photographs of the split that is "
            "evaluated: the row of the real photographs is too high."
        )
    width = photographs.describe()["width"]
    width = width if isinstance(width, int) else 0
    scenes = data_set_flags.find_scenes(labels, split)
    path = pathlib.Path(values.output_dir) / "segmenter" / "segmenter.keras"
    if path.is_file():
        check_segmenter(path, scenes, width, ignored)
    else:
        print(
            f"Training a segmenter on {split}_img: {path}. Another evaluation "
            "of this data set can use it with --segmenter."
        )
        train_segmenter(
            scenes,
            labels,
            path.parent,
            load_size=width,
            ignore_labels=ignored,
        )
    return path


def _make_features(values):
    from hdgan.evaluation.feature_networks import make_feature_network

    if values.feature_network == "none":
        return None
    network = make_feature_network(
        values.feature_network, values.feature_weights
    )
    print(f"Features of {network.name}.")
    return network


def _write_scalars(folder, report):
    import tensorflow as tf

    scalars = {}
    for row, scores in (report["segmentation"] or {}).items():
        for name in ("pixel_accuracy", "mean_iou"):
            scalars[f"{row}/{name}"] = scores[name]["value"]
    for name, entry in (report["distances"] or {}).items():
        scalars[f"generated/{name}_distance"] = entry["value"]
    for name, entry in (report["paired"] or {}).items():
        scalars[f"generated/{name}"] = entry and entry["value"]
    writer = tf.summary.create_file_writer(str(folder))
    with writer.as_default(step=0):
        for name, value in scalars.items():
            if value is not None:
                tf.summary.scalar(f"evaluation/{name}", value)
    writer.close()


def _print_results(report):
    from hdgan.evaluation.report_page import describe

    for row, scores in (report["segmentation"] or {}).items():
        print(
            f"{row.capitalize():10} pixel accuracy "
            f"{describe('pixel_accuracy', scores['pixel_accuracy'])}, mean IoU "
            f"{describe('mean_iou', scores['mean_iou'])}"
        )
    distances = report["distances"]
    if distances is not None:
        kernel, frechet = distances["kernel"], distances["frechet"]
        print(
            f"Kernel distance {describe('kernel', kernel)}, Fréchet "
            f"distance {describe('frechet', frechet)}"
        )
    for warning in report["warnings"]:
        print(warning)


if __name__ == "__main__":
    flags.DEFINE_string(
        "model",
        None,
        "Model to evaluate: a .keras file, or the folder of its run.",
    )
    flags.DEFINE_string(
        "images",
        None,
        "Folder of photographs to evaluate, in place of a model's; their names "
        "agree with those of the label maps.",
    )
    data_set_flags.define("test")
    flags.DEFINE_string(
        "output_dir", None, "Folder for the report.", required=True
    )
    flags.DEFINE_string(
        "baseline",
        None,
        "Report to compare with: a report.json, or its folder.",
    )
    flags.DEFINE_integer(
        "load_size",
        None,
        "Width in pixels that scenes are scaled to; 0 keeps their size. "
        "Default: the width that the model was trained at, or that of each "
        "photograph in --images.",
    )
    flags.DEFINE_integer(
        "samples",
        1,
        "Photographs of each label map. The first is measured; how much they "
        "differ is the diversity.",
    )
    flags.DEFINE_enum(
        "styles",
        None,
        ["drawn", "photo", "map"],
        "Styles: drawn at random, those of the real photograph, or those of "
        "the style maps in {split}_feat. Default: drawn if the model can.",
    )
    flags.DEFINE_integer("seed", 0, "Seed of the first sample.")
    flags.DEFINE_string(
        "segmenter",
        None,
        "Segmentation network: a .keras file or a SavedModel's folder, from "
        "RGB to logits or ids; keras_hub:PRESET, one of KerasHub; none leaves "
        "it out. Default: one is trained.",
    )
    flags.DEFINE_string(
        "segmenter_split",
        "train",
        "Split whose photographs a segmenter is trained on, if none is given.",
    )
    flags.DEFINE_list(
        "segmenter_ids",
        [],
        "Label id of each output of the segmenter, -1 for none. Default: its "
        "outputs are label ids.",
    )
    flags.DEFINE_list(
        "segmenter_range",
        ["0", "255"],
        "Values that the segmenter takes for 0 and 255, such as -1,1.",
    )
    flags.DEFINE_string(
        "feature_network",
        "auto",
        "Network of the Fréchet and kernel distances: inception_v3, "
        "efficientnet_lite0, a .keras file, none, or auto, InceptionV3 if its "
        "weights can be had.",
    )
    flags.DEFINE_string(
        "feature_weights",
        None,
        "File of Keras' weights of InceptionV3 without top (.h5).",
    )
    program.run(main)
