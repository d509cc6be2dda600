"""The published configurations of pix2pixHD: plain data, without TensorFlow.

`networks` are arguments that `from_preset` can replace by name. `base_width` is
the width at the output's resolution: a global generator inside n enhancers has
`base_width * 2 ** n`. `losses` are the terms of `hdgan.training.loss_terms`; a
term of weight 0 is off, and there for a flag to turn on.
"""

MODEL = "Pix2PixHD"

# Wang et al., 2018, section 3.3, with the weights of the original PyTorch code.
_LOSSES = {
    "generator_adversarial": {"kind": "least_squares"},
    "feature_matching": {"weight": 10.0},
    "perceptual": {"weight": 10.0},
    "l1": {"weight": 0.0},
    "discriminator_real": {"kind": "least_squares", "weight": 0.5},
    "discriminator_fake": {"kind": "least_squares", "weight": 0.5},
}
# Wang et al., 2018, appendix.
_ADAM = {"learning_rate": 2e-4, "beta_1": 0.5, "beta_2": 0.999}

PRESETS = {
    # Wang et al., 2018: the global generator, 1024x512.
    "pix2pixhd_512p": {
        "networks": {
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
            "encoder_downsamplings": 4,
            "style_channels": 3,
        },
        "losses": _LOSSES,
        "generator_optimizer": _ADAM,
        "discriminator_optimizer": _ADAM,
        "update_order": "simultaneous",
    },
    # Wang et al., 2018: one local enhancer around it, 2048x1024.
    "pix2pixhd_1024p": {
        "networks": {
            "num_enhancers": 1,
            "base_width": 32,
            "num_downsamplings": 4,
            "num_blocks": 9,
            "num_local_blocks": 3,
            "dropout_rate": 0.0,
            "norm": "instance",
            "upsampling": "transposed",
            "discriminator_width": 64,
            "num_discriminator_layers": 3,
            "num_scales": 3,
            "spectral_norm": False,
            "encoder_width": 16,
            "encoder_downsamplings": 4,
            "style_channels": 3,
        },
        "losses": _LOSSES,
        "generator_optimizer": _ADAM,
        "discriminator_optimizer": _ADAM,
        "update_order": "simultaneous",
    },
    # For tests, demonstrations and first tries on a processor.
    "tiny": {
        "networks": {
            "base_width": 16,
            "num_downsamplings": 3,
            "num_blocks": 4,
            "dropout_rate": 0.0,
            "norm": "instance",
            "upsampling": "transposed",
            "discriminator_width": 16,
            "num_discriminator_layers": 3,
            "num_scales": 2,
            "spectral_norm": False,
            "encoder_width": 8,
            "encoder_downsamplings": 3,
            "style_channels": 3,
        },
        "losses": _LOSSES,
        "generator_optimizer": _ADAM,
        "discriminator_optimizer": _ADAM,
        "update_order": "simultaneous",
    },
}
