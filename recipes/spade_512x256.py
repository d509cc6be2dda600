r"""SPADE at 512x256: semantics that modulate every layer of the generator.

Park et al., "Semantic Image Synthesis with Spatially-Adaptive Normalization",
CVPR 2019.

Command, for Cityscapes in folders train_label, train_inst, train_img:

    hdgan train spade_512x256 --data_dir=cityscapes \
        --label_nc=35 --workdir=runs/spade

`--use_vae` trains an encoder that finds one style per photo;
`hdgan synthesize` then draws a style by `--seed`, or takes it from
`--photo_dir`.

Steps: 200 epochs of 2975 scenes, 37 200 steps of batch size 16.

Hardware: eight GPUs with 16 GB, as in the paper; fewer with
`--batch_size` and `--gradient_accumulation_steps`. About 70 hours on one A100
with `--precision=bfloat16`: an estimate from the FLOPs at half of its peak, not
a measurement. On a processor, reduce the widths:

    --base_width=16 --hidden_channels=32 --discriminator_width=16 \
        --batch_size=2 --max_steps=500

Expected, as published, on the 500 validation scenes of Cityscapes: mean IoU
62.3 and pixel accuracy 81.9 % of a segmentation network, FID 71.8.
"""

import dataclasses

from hdgan.command_line import program, training_flags
from hdgan.runs.options import TrainingOptions, option


@dataclasses.dataclass(frozen=True, kw_only=True)
class SpadeOptions(TrainingOptions):
    """Options of a SPADE run: an encoder finds one style per photo, or none."""

    use_vae: bool = option(
        False,
        "Train an encoder that finds one style per photo.",
        heading="Styles and weights",
    )

    @property
    def styles(self):
        return "image" if self.use_vae else None

    def validate(self):
        for name in ("instance_feat", "label_feat", "load_style_maps"):
            if getattr(self, name):
                raise ValueError(
                    f"`{name}` gives pix2pixHD its styles, and SPADE has no "
                    "style maps. Leave it out, or pass `use_vae` for one style "
                    "per photo."
                )
        super().validate()


OPTIONS = SpadeOptions(
    preset="spade_512x256",
    networks={
        "base_width": 64,
        "num_upsamplings": 6,
        "hidden_channels": 128,
        "norm": "batch",
        "discriminator_width": 64,
        "num_discriminator_layers": 3,
        "num_scales": 2,
        "encoder_width": 64,
        "style_channels": 256,
    },
    # Scenes of 2048x1024 become 512x256.
    resize_mode="scale_width",
    load_size=512,
    crop_size=256,
    adversarial_loss="hinge",
    losses={
        "feature_matching": 10.0,
        "perceptual": 10.0,
        "l1": 0.0,
        "kl_divergence": 0.05,
    },
    epochs=100,
    decay_epochs=100,
    batch_size=16,
    generator_learning_rate=1e-4,
    discriminator_learning_rate=4e-4,
    beta_1=0.0,
    beta_2=0.9,
)


def main():
    from hdgan.runs import train

    train(training_flags.resolve(OPTIONS))


if __name__ == "__main__":
    training_flags.define(OPTIONS)
    program.run(main)
