r"""pix2pix at 256x256: U-Net, 70x70 PatchGAN and L1, the baseline.

Isola et al., "Image-to-Image Translation with Conditional Adversarial
Networks", CVPR 2017: the method that pix2pixHD is compared with.

Command:

    python -m hdgan.recipes.pix2pix_256 --data_dir=cityscapes --label_nc=35 \
        --workdir=runs/pix2pix_256

Hardware: one GPU with 4 GB or more. 200 epochs of 2975 scenes are 595 000
steps. The U-Net halves its input eight times: sides are multiples of 256, other
sizes are padded.

Expected, as published by Wang et al., 2018, on the 500 validation scenes of
Cityscapes: a segmentation network finds 78.34 % of the pixels of generated
photographs in their class, mean IoU 0.3948.
"""

from absl import flags

from hdgan.command_line import program, training_flags
from hdgan.runs import training_run

PRESET = "pix2pix_256"


def main():
    training_run.run(PRESET, training_flags.resolve())


if __name__ == "__main__":
    training_flags.define(
        PRESET,
        use_instances=False,
        resize_mode="resize_and_crop",
        load_size=286,
        crop_size=256,
    )
    flags.adopt_module_key_flags(training_flags)  # For --help.
    program.run(main)
