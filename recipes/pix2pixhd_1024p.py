r"""pix2pixHD at 2048x1024: coarse to fine, in one run.

Wang et al., "High-Resolution Image Synthesis and Semantic Manipulation with
Conditional GANs", CVPR 2018, section 3.2: a global generator at half the
resolution, then a local enhancer around it, first alone, then both together.

Command, for Cityscapes in folders train_label, train_inst, train_img:

    python -m hdgan.recipes.pix2pixhd_1024p --data_dir=cityscapes \
        --label_nc=35 --workdir=runs/cityscapes_1024p

`--global_model=FILE` begins with a generator that is trained already: of
`pix2pixhd_512p`, or one that `convert_checkpoint` converted. Stopped, the same
command with `--resume` goes on in the phase that it was in.

Hardware: one GPU with 24 GB or more; with 16 GB, crops: `--resize_mode=crop
--crop_size=1024 --fix_global_epochs=20 --epochs=100 --decay_epochs=100`.
Cityscapes has 2975 scenes: 595 000 steps of the first phase, 297 500 of the
others. On a processor, reduce the size:

    --load_size=512 --base_width=8 --discriminator_width=16 --global_epochs=10

Expected, as published, on the 500 validation scenes of Cityscapes: a
segmentation network finds 83.78 % of the pixels of generated photographs in
their class, mean IoU 0.6389.
"""

from absl import flags

from hdgan.command_line import program, training_flags
from hdgan.models.model_file import load_model
from hdgan.models.presets import resolve_preset
from hdgan.networks.global_generator import GlobalGenerator
from hdgan.runs import training_run
from hdgan.runs.phase import Phase

PRESET = "pix2pixhd_1024p"
COARSE_PRESET = "pix2pixhd_512p"
# What a model that is trained already brings along.
_OF_THE_MODEL = (
    "base_width",
    "num_downsamplings",
    "num_blocks",
    "num_scales",
    "num_discriminator_layers",
    "discriminator_width",
    "encoder_width",
    "style_channels",
    "norm",
    "dropout_rate",
    "spectral_norm",
)


def make_phases(options):
    """Returns the phases of the run.

    Args:
        options: dict, from `training_flags.resolve`.

    Raises:
        ValueError: if the enhancer is to be trained alone for longer than the
            epochs at the full learning rate.
    """
    numbers = resolve_preset(
        PRESET,
        base_width=options["base_width"],
        num_scales=options["num_scales"],
    )["networks"]
    alone = options["fix_global_epochs"]
    if alone > options["epochs"]:
        raise ValueError(
            f"--fix_global_epochs={alone} is more than --epochs="
            f"{options['epochs']}, of which they are a part."
        )
    if numbers["num_scales"] < 2:
        raise ValueError(
            "--num_scales must be at least 2: one more than at half the "
            f"resolution. Received: {numbers['num_scales']}"
        )
    phases = []
    if not options["global_model"]:
        if options["global_epochs"] + options["global_decay_epochs"] < 1:
            raise ValueError(
                "--global_epochs and --global_decay_epochs are both 0. To "
                "leave that phase out, give a --global_model."
            )
        phases.append(
            Phase(
                name="1_global",
                preset=COARSE_PRESET,
                init_from="fresh",
                epochs=options["global_epochs"],
                decay_epochs=options["global_decay_epochs"],
                shrink=2,
                numbers={
                    "base_width": 2 * numbers["base_width"],
                    "num_scales": numbers["num_scales"] - 1,
                },
            )
        )
    if alone:
        phases.append(
            Phase(
                name="2_enhancer",
                preset=PRESET,
                init_from="enlarged",
                epochs=alone,
                decay_epochs=0,
                weights_to_train="outermost_enhancer",
                # Its learning rate goes on through the next phase.
                discriminator_epochs=(
                    options["epochs"],
                    options["decay_epochs"],
                ),
            )
        )
    phases.append(
        Phase(
            name="3_joint",
            preset=PRESET,
            init_from="continued" if alone else "enlarged",
            epochs=options["epochs"] - alone,
            decay_epochs=options["decay_epochs"],
        )
    )
    return phases


def load_global_model(options):
    """Loads the trained model of `--global_model`.

    Args:
        options: dict, from `training_flags.resolve`.

    Raises:
        ValueError: if it is no model of a global generator, or flags say
            otherwise of it.
    """
    path = options["global_model"]
    model = load_model(path)
    if not isinstance(model.generator, GlobalGenerator):
        raise ValueError(
            f"--global_model={path} has a {type(model.generator).__name__}. "
            "Expected a GlobalGenerator, as pix2pixhd_512p trains it."
        )
    given = [name for name in _OF_THE_MODEL if options[name] is not None]
    if given:
        raise ValueError(
            f"--{given[0]} was given with --global_model, which brings its own "
            "along. Leave it out."
        )
    num_classes = len(model.labels or ())
    if options["label_nc"] not in (None, num_classes):
        raise ValueError(
            f"--label_nc={options['label_nc']}, but --global_model={path} has "
            f"{num_classes} classes."
        )
    has_encoder = options["instance_feat"] or options["label_feat"]
    expected = {
        "use_instances": (options["use_instances"], model.use_instances),
        "load_style_maps": (
            options["load_style_maps"],
            bool(model.style_map_channels),
        ),
        "instance_feat or --label_feat": (
            has_encoder and not options["load_style_maps"],
            model.encoder is not None,
        ),
    }
    for name, (received, found) in expected.items():
        if received != found:
            raise ValueError(
                f"--global_model={path} was trained "
                f"{'with' if found else 'without'} --{name}. Train its "
                "enhancer likewise."
            )
    return model


def main():
    options = training_flags.resolve()
    load_coarse = None
    if options["global_model"]:

        def load_coarse():
            return load_global_model(options)

    training_run.run(PRESET, options, make_phases(options), load_coarse)


if __name__ == "__main__":
    training_flags.define(
        PRESET, load_size=2048, crop_size=1024, epochs=50, decay_epochs=50
    )
    training_flags.add(
        "string", "global_model", None, "Trained model to begin with."
    )
    training_flags.add(
        "integer",
        "global_epochs",
        100,
        "Epochs of the global generator at the full learning rate.",
    )
    training_flags.add(
        "integer", "global_decay_epochs", 100, "And of linear decay to 0."
    )
    training_flags.add(
        "integer",
        "fix_global_epochs",
        10,
        "Of --epochs, how many train the enhancer alone.",
    )
    flags.adopt_module_key_flags(training_flags)  # For --help.
    program.run(main)
