"""The published configuration of pix2pix: plain data, without TensorFlow."""

MODEL = "Pix2Pix"

PRESETS = {
    # Isola et al., 2017: U-Net, 70x70 PatchGAN and L1, 256x256.
    "pix2pix_256": {
        "networks": {
            "base_width": 64,
            "num_downsamplings": 8,
            "dropout_rate": 0.5,
            "norm": "instance",
            "discriminator_width": 64,
            "num_discriminator_layers": 3,
            "num_scales": 1,
            "spectral_norm": False,
            "encoder_width": 16,
            "encoder_downsamplings": 4,
            "style_channels": 3,
        },
        "losses": {
            "generator_adversarial": {"kind": "non_saturating"},
            "feature_matching": {"weight": 0.0},
            "perceptual": {"weight": 0.0},
            "l1": {"weight": 100.0},
            "discriminator_real": {"kind": "non_saturating", "weight": 0.5},
            "discriminator_fake": {"kind": "non_saturating", "weight": 0.5},
        },
        # Isola et al., 2017, section 3.3.
        "generator_optimizer": {
            "learning_rate": 2e-4,
            "beta_1": 0.5,
            "beta_2": 0.999,
        },
        "discriminator_optimizer": {
            "learning_rate": 2e-4,
            "beta_1": 0.5,
            "beta_2": 0.999,
        },
        "update_order": "simultaneous",
    },
}
