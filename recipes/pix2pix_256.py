r"""pix2pix at 256x256: U-Net, 70x70 PatchGAN and L1, the baseline.

Isola et al., "Image-to-Image Translation with Conditional Adversarial
Networks", CVPR 2017: the method that pix2pixHD is compared with.

Command:

    hdgan train pix2pix_256 --data_dir=cityscapes --label_nc=35 \
        --workdir=runs/pix2pix_256

Steps: 200 epochs of 2975 scenes, 595 000 steps of batch size 1.

Hardware: one GPU with 4 GB or more. About 15 hours at the speed that the paper
reports for its facades, 80 000 steps in two hours on a Titan X (Pascal). The
U-Net halves its input eight times: sides are multiples of 256, other sizes are
padded.

Expected, as published by Wang et al., 2018, on the 500 validation scenes of
Cityscapes: a segmentation network classifies 78.34 % of the pixels of generated
photographs correctly, mean IoU 0.3948.

`hdgan evaluate --segmenter=FILE` measures both. The published figures are of
another segmenter: compare with the row of the real photographs.
"""

from hdgan.command_line import program, training_flags
from hdgan.runs import TrainingOptions

OPTIONS = TrainingOptions(
    preset="pix2pix_256",
    networks={
        "base_width": 64,
        "num_downsamplings": 8,
        "dropout_rate": 0.5,
        "norm": "instance",
        "discriminator_width": 64,
        "num_discriminator_layers": 3,
        "num_scales": 1,
        "spectral_norm": False,
        "encoder_width": 16,
        "style_channels": 3,
    },
    use_instances=False,
    resize_mode="resize_and_crop",
    load_size=286,
    crop_size=256,
    adversarial_loss="non_saturating",
    losses={
        "feature_matching": 0.0,
        "perceptual": 0.0,
        "l1": 100.0,
    },
    epochs=100,
    decay_epochs=100,
    batch_size=1,
    learning_rate=2e-4,
    beta_1=0.5,
    beta_2=0.999,
)


def main():
    from hdgan.runs import train

    train(training_flags.resolve(OPTIONS))


if __name__ == "__main__":
    training_flags.define(OPTIONS)
    program.run(main)
