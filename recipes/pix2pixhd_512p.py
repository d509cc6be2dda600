r"""pix2pixHD at 1024x512: the global generator.

Wang et al., "High-Resolution Image Synthesis and Semantic Manipulation with
Conditional GANs", CVPR 2018.

Command, for Cityscapes in folders train_label, train_inst, train_img:

    python -m hdgan.recipes.pix2pixhd_512p --data_dir=cityscapes \
        --label_nc=35 --workdir=runs/cityscapes_512p

Hardware: one GPU with 16 GB or more. 200 epochs of 2975 scenes are 595 000
steps. On a processor, reduce the size:

    --load_size=512 --base_width=16 --discriminator_width=16 --max_steps=500

Expected, as published for the whole method on the 500 validation scenes of
Cityscapes, with an enhancer at 2048x1024: a segmentation network finds 83.78 %
of the pixels of generated photographs in their class, mean IoU 0.6389.
"""

from absl import flags

from hdgan.command_line import program, training_flags
from hdgan.runs import training_run

PRESET = "pix2pixhd_512p"


def main():
    training_run.run(PRESET, training_flags.resolve())


if __name__ == "__main__":
    training_flags.define(PRESET)
    flags.adopt_module_key_flags(training_flags)  # For --help.
    program.run(main)
