r"""pix2pixHD at 2048x1024: coarse to fine, in one run.

Wang et al., "High-Resolution Image Synthesis and Semantic Manipulation with
Conditional GANs", CVPR 2018, section 3.2: a global generator at half the
resolution, then a local enhancer around it, first alone, then both together.

Command, for Cityscapes in folders train_label, train_inst, train_img:

    hdgan train pix2pixhd_1024p --data_dir=cityscapes \
        --labels=cityscapes35 --workdir=runs/cityscapes_1024p

`--global_model=FILE` starts from a trained generator: one of `pix2pixhd_512p`,
or one that `convert_checkpoint` converted. After a stop, the same command with
`--resume` continues in the phase where it stopped.

Steps, for 2975 scenes and batch size 1: 595 000 of the global generator at
1024x512, then 29 750 of the enhancer alone and 267 750 of both at 2048x1024.

Hardware: one GPU with 24 GB or more; with 16 GB, crops: `--resize_mode=crop
--crop_size=1024 --fix_global_epochs=20 --epochs=100 --decay_epochs=100`. About
17 hours on an A100 with `--precision=bfloat16`: an estimate from the FLOPs at
half of its peak, not a measurement. On a processor, reduce the size:

    --load_size=512 --base_width=8 --discriminator_width=16 --global_epochs=10

Expected, as published, on the 500 validation scenes of Cityscapes: a
segmentation network classifies 83.78 % of the pixels of generated photographs
correctly, mean IoU 0.6389.

`hdgan evaluate --segmenter=FILE` measures both. The published figures are of
another segmenter: compare with the row of the real photographs.
"""

import dataclasses

from hdgan.command_line import program, training_flags
from hdgan.runs import Phase, TrainingOptions
from hdgan.runs.options import option

COARSE_PRESET = "pix2pixhd_512p"


@dataclasses.dataclass(frozen=True, kw_only=True)
class CoarseToFineOptions(TrainingOptions):
    """Options of the run, with those of its phases."""

    global_model: str | None = option(
        None,
        "Trained model to start from, instead of the first phase.",
        is_changeable=True,
        heading="Phases",
    )
    global_epochs: int = option(
        100,
        "Number of epochs of the global generator at the full learning rate.",
        at_least=0,
    )
    global_decay_epochs: int = option(
        100,
        "Number of epochs after `global_epochs`, in which the learning rate "
        "falls linearly to 0.",
        at_least=0,
    )
    fix_global_epochs: int = option(
        10,
        "Number of the first `epochs` that train the enhancer alone.",
        at_least=0,
    )


OPTIONS = CoarseToFineOptions(
    preset="pix2pixhd_1024p",
    networks={
        # The enhancer's; the global generator inside it is twice as wide.
        "base_width": 32,
        "num_downsamplings": 4,
        "num_blocks": 9,
        "num_local_blocks": 3,
        "dropout_rate": 0.0,
        "norm": "instance",
        "upsampling": "transposed",
        "discriminator_width": 64,
        "num_discriminator_layers": 3,
        # One more than at half the resolution.
        "num_scales": 3,
        "spectral_norm": False,
        "encoder_width": 16,
        "style_channels": 3,
    },
    resize_mode="scale_width",
    load_size=2048,
    crop_size=1024,
    adversarial_loss="least_squares",
    losses={
        "feature_matching": 10.0,
        "perceptual": 10.0,
        "l1": 0.0,
    },
    global_epochs=100,
    global_decay_epochs=100,
    fix_global_epochs=10,
    epochs=50,
    decay_epochs=50,
    batch_size=1,
    learning_rate=2e-4,
    beta_1=0.5,
    beta_2=0.999,
)


def make_phases(options):
    """Returns the phases of the run.

    Args:
        options: `CoarseToFineOptions`.

    Raises:
        ValueError: if the numbers of epochs or of scales do not fit one
            another.
    """
    alone = options.fix_global_epochs
    if alone > options.epochs:
        raise ValueError(
            f"fix_global_epochs={alone} is more than epochs={options.epochs}, "
            "of which it is a part. Reduce it."
        )
    phases = []
    if not options.global_model:
        phases.append(_make_global_phase(options))
    if alone:
        phases.append(
            Phase(
                name="2_enhancer",
                preset=options.preset,
                init_from="enlarged",
                epochs=alone,
                decay_epochs=0,
                weights_to_train="outermost_enhancer",
                # The next phase continues this learning rate.
                discriminator_epochs=(options.epochs, options.decay_epochs),
            )
        )
    phases.append(
        Phase(
            name="3_joint",
            preset=options.preset,
            init_from="continued" if alone else "enlarged",
            epochs=options.epochs - alone,
            decay_epochs=options.decay_epochs,
            discriminator_epochs=(options.epochs, options.decay_epochs),
        )
    )
    return phases


def _make_global_phase(options):
    given = {k: v for k, v in options.networks.items() if v is not None}
    networks = {**OPTIONS.networks, **given}
    if networks["num_scales"] < 2:
        raise ValueError(
            "`num_scales` must be at least 2: one more than at half the "
            f"resolution. Received: {networks['num_scales']}"
        )
    if options.global_epochs + options.global_decay_epochs < 1:
        raise ValueError(
            "`global_epochs` and `global_decay_epochs` are both 0. To leave "
            "that phase out, give a `global_model`."
        )
    return Phase(
        name="1_global",
        preset=COARSE_PRESET,
        epochs=options.global_epochs,
        decay_epochs=options.global_decay_epochs,
        shrink=2,
        networks={
            "base_width": 2 * networks["base_width"],
            "num_scales": networks["num_scales"] - 1,
        },
    )


def load_global_model(options):
    """Loads the trained model that the run starts from.

    Args:
        options: `CoarseToFineOptions`; `networks` may hold `num_local_blocks`
            only, as the model defines everything else.

    Raises:
        ValueError: if the model has no global generator, or was trained with
            other options.
    """
    from hdgan.networks.global_generator import GlobalGenerator
    from hdgan.runs.initial_model import open_initial_model

    model = open_initial_model("global_model", options)
    if not isinstance(model.generator, GlobalGenerator):
        raise ValueError(
            f"global_model={options.global_model} has a "
            f"{type(model.generator).__name__}. Expected a GlobalGenerator, as "
            "pix2pixhd_512p trains it."
        )
    given = sorted(set(options.networks) - {"num_local_blocks"})
    if given:
        raise ValueError(
            f"`{given[0]}` was given with `global_model`, which defines its "
            "own. Leave it out."
        )
    return model


def main():
    from hdgan.runs import train

    options = training_flags.resolve(OPTIONS)
    if not options.global_model:
        train(options, make_phases(options))
        return
    # The model defines its networks; the values above are not its own.
    networks = {
        name: value
        for name, value in options.networks.items()
        if name == "num_local_blocks" or training_flags.is_given(name)
    }
    options = dataclasses.replace(options, networks=networks)
    train(
        options,
        make_phases(options),
        load_initial_model=lambda: load_global_model(options),
    )


if __name__ == "__main__":
    training_flags.define(OPTIONS)
    program.run(main)
