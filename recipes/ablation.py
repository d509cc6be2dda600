r"""Ablation: the gain of each part of the method, on any data set.

Trains the same budget with one thing changed at a time, over several seeds,
evaluates each model on the same scenes with the same segmenter, and writes a
page with the differences from the full method. After Wang et al., CVPR 2018,
section 4, and with options that are not in the paper.

Command, for drawn street scenes:

    hdgan draw_scenes --output_dir=scenes --count=400 --height=64 --width=128
    hdgan draw_scenes --output_dir=scenes --split=test --count=100 \
        --height=64 --width=128 --start=10000
    hdgan train ablation --data_dir=scenes --workdir=runs/ablation --noflip

Results: `index.html` and `ablation.json` in the folder of the run, beside a
folder for each variant and seed with its model and report.

A variant that has a report is not trained again, and one that was stopped is
resumed. To use several processes or machines, start the command in the same
folder with other `--variants` or `--seeds`; each makes the page of all reports
that are there.

Hardware: two processor cores train the widths and sizes below; hours depend on
the budget (`--epochs`, `--decay_epochs`). Published configurations need a GPU.
"""

import dataclasses

from absl import flags

from hdgan.command_line import program, training_flags
from hdgan.runs import TrainingOptions

# Small, so that a processor can train all variants. The weights of VGG19 need a
# download, those of EfficientNet-Lite0 do not.
OPTIONS = TrainingOptions(
    preset="pix2pixhd_512p",
    networks={
        "base_width": 16,
        # Fewer than at 1024x512, so that the smallest map is not much smaller.
        "num_downsamplings": 2,
        "num_blocks": 6,
        "dropout_rate": 0.0,
        "norm": "instance",
        "upsampling": "transposed",
        "discriminator_width": 16,
        "num_discriminator_layers": 3,
        "num_scales": 2,
        "spectral_norm": False,
    },
    resize_mode="scale_width",
    load_size=128,
    adversarial_loss="least_squares",
    losses={
        "feature_matching": 10.0,
        "perceptual": 10.0,
        "l1": 0.0,
    },
    perceptual_network="efficientnet_lite0",
    # As published: constant in one half, and falling to 0 in the other.
    epochs=5,
    decay_epochs=5,
    batch_size=1,
    # The published 2e-4 learns too little in so few steps.
    learning_rate=8e-4,
    beta_1=0.5,
    beta_2=0.999,
    sample_steps=1000,
    num_sample_scenes=2,
)
_NO_PERCEPTUAL = {
    "perceptual_network": "none",
    "losses": {"perceptual": 0.0},
}
_AVERAGE = {"ema_decay": 0.998}
_RESIZE = {"networks": {"upsampling": "resize"}}
# Title and changes of each variant; dicts are merged into those of the options.
VARIANTS = {
    "full": ("pix2pixHD", {}),
    "pix2pix": (
        "pix2pix: U-Net, one scale, L1, no boundary map",
        {
            "preset": "pix2pix_256",
            "use_instances": False,
            "replaced_networks": {
                "num_downsamplings": 6,
                "norm": "instance",
                "num_discriminator_layers": 3,
            },
            "adversarial_loss": None,
            "perceptual_network": "none",
            "losses": {
                "feature_matching": 0.0,
                "perceptual": 0.0,
                "l1": 100.0,
            },
        },
    ),
    "no_perceptual": ("No perceptual loss", _NO_PERCEPTUAL),
    "no_feature_matching": (
        "No feature matching",
        {"losses": {"feature_matching": 0.0}},
    ),
    "one_scale": ("One discriminator scale", {"networks": {"num_scales": 1}}),
    "no_boundary_map": ("No boundary map", {"use_instances": False}),
    "best": (
        "+ moving average and upsampling by resizing",
        {**_AVERAGE, **_RESIZE},
    ),
    "average": ("+ moving average", _AVERAGE),
    "resize": ("+ upsampling by resizing", _RESIZE),
    "diffaugment": (
        "+ DiffAugment",
        {"diffaugment": ("color", "translation", "cutout")},
    ),
}


def main():
    import pathlib

    from hdgan.evaluation.ablation_page import write_ablation_page
    from hdgan.evaluation.report import load_report

    values = flags.FLAGS
    base = training_flags.resolve(OPTIONS, resume=False, segmenter=None, seed=0)
    workdir = pathlib.Path(values.workdir)
    _check_names(values.variants)
    seeds = [int(seed) for seed in values.seeds]
    labels, test_scenes = _find_test_scenes(base, values.test_split)
    program.make_folder("workdir", workdir)
    segmenter = _open_segmenter(base, labels, values.segmenter, workdir)
    for seed in seeds:
        for variant in values.variants:
            folder = workdir / variant / f"seed-{seed}"
            if not (folder / "report.json").is_file():
                print(f"\n=== {VARIANTS[variant][0]}, seed {seed}: {folder}")
                options = make_options(base, variant, seed, folder)
                _run(options, labels, test_scenes, segmenter)
    reports = {
        (variant, path.parent.name): load_report(path)
        for variant in VARIANTS
        for path in sorted((workdir / variant).glob("seed-*/report.json"))
    }
    write_ablation_page(
        workdir,
        {name: title for name, (title, _) in VARIANTS.items()},
        reports,
    )
    print(f"Page: {workdir / 'index.html'}")


def make_options(base, variant, seed, folder):
    """Returns the options of a variant.

    Args:
        base: `TrainingOptions` of the full method.
        variant: str, key of `VARIANTS`.
        seed: int.
        folder: path of the run.
    """
    changes = dict(VARIANTS[variant][1])
    # Another family has other networks.
    networks = changes.pop("replaced_networks", None)
    if networks is None:
        networks = {**base.networks, **changes.pop("networks", {})}
    else:
        networks = {
            **networks,
            "base_width": base.networks["base_width"],
            "discriminator_width": base.networks["discriminator_width"],
        }
    losses = {**base.losses, **changes.pop("losses", {})}
    return dataclasses.replace(
        base,
        **changes,
        networks=networks,
        losses=losses,
        seed=seed,
        workdir=str(folder),
        resume=(folder / "options.json").is_file(),
    )


def _check_names(variants):
    unknown = [name for name in variants if name not in VARIANTS]
    if unknown:
        raise ValueError(
            f"There is no variant {unknown[0]!r}. Expected some of "
            f"{', '.join(VARIANTS)}."
        )


def _find_test_scenes(options, split):
    from hdgan.data.scene_checks import check_scenes
    from hdgan.data.scene_files import find_scenes
    from hdgan.runs.training_data import find_labels

    labels = find_labels(options)
    if labels is None:
        raise ValueError(
            "`label_nc` is 0, for RGB input, which has no classes that a "
            "segmenter could find. Expected label maps."
        )
    scenes = find_scenes(
        options.data_dir,
        split,
        use_instances=options.use_instances,
        pair_cores=options.pair_cores,
        labels=labels,
    )
    check_scenes(scenes, len(labels), labels.ignore_ids)
    return labels, scenes


def _open_segmenter(options, labels, path, workdir):
    """Returns the segmenter, which is trained first if there is none."""
    from hdgan.evaluation.segmenter import load_segmenter
    from hdgan.evaluation.segmenter_training import train_segmenter
    from hdgan.runs.training_data import find_training_scenes

    if path is None:
        path = workdir / "segmenter" / "segmenter.keras"
        if not path.is_file():
            print(f"Training the segmenter: {path}")
            train_segmenter(
                find_training_scenes(options, labels),
                labels,
                path.parent,
                load_size=options.load_size,
                ignore_labels=flags.FLAGS.ignore_labels,
            )
    return load_segmenter(path, labels)


def _run(options, labels, test_scenes, segmenter):
    """Trains a variant, evaluates it and writes its report."""
    import pathlib

    import keras

    from hdgan.data.resize_policy import ResizePolicy
    from hdgan.evaluation.evaluation import Measures, evaluate
    from hdgan.evaluation.feature_networks import make_feature_network
    from hdgan.evaluation.ignored_labels import find_ignored
    from hdgan.evaluation.paired_distances import PairedDistances
    from hdgan.evaluation.photograph_sources import ModelPhotographs
    from hdgan.evaluation.report import save_report
    from hdgan.runs import train

    # Graphs of the variant before.
    keras.backend.clear_session()
    model = train(options)
    folder = pathlib.Path(options.workdir)
    photographs = ModelPhotographs(
        model,
        test_scenes,
        ResizePolicy("scale_width", options.load_size),
        file=folder / "model.keras",
    )
    report = evaluate(
        photographs,
        labels,
        Measures(
            segmenter,
            make_feature_network("efficientnet_lite0"),
            PairedDistances(),
        ),
        find_ignored(labels, flags.FLAGS.ignore_labels),
        {"steps": model.step, "options": options.to_dict()},
    )
    save_report(folder / "report.json", report)


if __name__ == "__main__":
    flags.DEFINE_list(
        "variants", list(VARIANTS), f"Some of {', '.join(VARIANTS)}."
    )
    flags.DEFINE_list("seeds", ["0", "1"], "Seeds of the trainings.")
    flags.DEFINE_string("test_split", "test", "Split that is evaluated.")
    flags.DEFINE_list(
        "ignore_labels",
        [],
        "Label ids, or names of classes, whose pixels are left out of the "
        "evaluation.",
    )
    training_flags.define(OPTIONS, fixed=("resume", "seed"))
    program.run(main)
