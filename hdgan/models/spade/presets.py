"""The published configurations of SPADE: plain data, without TensorFlow.

`networks` are arguments that `from_preset` can replace by name. `image_size`,
(height, width), is the only size of a model with a style; without a style, any
size works.
"""

MODEL = "Spade"

# Park et al., 2019, section 3.2 and appendix A, with the weights of the
# original PyTorch code: hinge losses and feature matching are means over the
# scales. The KL divergence is off in a model without a style.
_LOSSES = {
    "generator_adversarial": {"kind": "hinge", "scales": "mean"},
    "feature_matching": {"weight": 10.0},
    "perceptual": {"weight": 10.0},
    "l1": {"weight": 0.0},
    "kl_divergence": {"weight": 0.05},
    "discriminator_real": {"kind": "hinge", "scales": "mean"},
    "discriminator_fake": {"kind": "hinge", "scales": "mean"},
}
# Park et al., 2019, appendix A. The paper says beta_2 = 0.999; the original
# PyTorch code, from which the published weights come, has 0.9.
_GENERATOR_ADAM = {"learning_rate": 1e-4, "beta_1": 0.0, "beta_2": 0.9}
_DISCRIMINATOR_ADAM = {"learning_rate": 4e-4, "beta_1": 0.0, "beta_2": 0.9}

PRESETS = {
    # ADE20K and COCO-Stuff.
    "spade_256": {
        "networks": {
            "base_width": 64,
            "num_upsamplings": 5,
            "hidden_channels": 128,
            "norm": "batch",
            "discriminator_width": 64,
            "num_discriminator_layers": 3,
            "num_scales": 2,
            "encoder_width": 64,
            "style_channels": 256,
            "image_size": (256, 256),
        },
        "losses": _LOSSES,
        "generator_optimizer": _GENERATOR_ADAM,
        "discriminator_optimizer": _DISCRIMINATOR_ADAM,
        "update_order": "alternating",
    },
    # Cityscapes.
    "spade_512x256": {
        "networks": {
            "base_width": 64,
            "num_upsamplings": 6,
            "hidden_channels": 128,
            "norm": "batch",
            "discriminator_width": 64,
            "num_discriminator_layers": 3,
            "num_scales": 2,
            "encoder_width": 64,
            "style_channels": 256,
            "image_size": (256, 512),
        },
        "losses": _LOSSES,
        "generator_optimizer": _GENERATOR_ADAM,
        "discriminator_optimizer": _DISCRIMINATOR_ADAM,
        "update_order": "alternating",
    },
}
