r"""pix2pixHD at 1024x512: the global generator.

Wang et al., "High-Resolution Image Synthesis and Semantic Manipulation with
Conditional GANs", CVPR 2018.

Command, for Cityscapes in folders train_label, train_inst, train_img:

    hdgan train pix2pixhd_512p --data_dir=cityscapes \
        --labels=cityscapes35 --workdir=runs/cityscapes_512p

Steps: 200 epochs of 2975 scenes, 595 000 steps of batch size 1.

Hardware: one GPU with 16 GB or more. About 7 hours on an A100 with
`--precision=bfloat16`: an estimate from the FLOPs at half of its peak, not a
measurement. On a processor, reduce the size:

    --load_size=512 --base_width=16 --discriminator_width=16 --max_steps=500

Expected, as published for the whole method on the 500 validation scenes of
Cityscapes, with an enhancer at 2048x1024: a segmentation network classifies
83.78 % of the pixels of generated photographs correctly, mean IoU 0.6389.

`hdgan evaluate --segmenter=FILE` measures both. The published figures are of
another segmenter: compare with the row of the real photographs.
"""

from hdgan.command_line import program, training_flags
from hdgan.runs import TrainingOptions

OPTIONS = TrainingOptions(
    preset="pix2pixhd_512p",
    networks={
        "base_width": 64,
        "num_downsamplings": 4,
        "num_blocks": 9,
        "dropout_rate": 0.0,
        "norm": "instance",
        "upsampling": "transposed",
        "discriminator_width": 64,
        "num_discriminator_layers": 3,
        "num_scales": 2,
        "spectral_norm": False,
        "encoder_width": 16,
        "style_channels": 3,
    },
    # Scenes of 2048x1024 become 1024x512.
    resize_mode="scale_width",
    load_size=1024,
    crop_size=512,
    adversarial_loss="least_squares",
    losses={
        "feature_matching": 10.0,
        "perceptual": 10.0,
        "l1": 0.0,
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
