"""Upgrades configs of files that were saved before loss terms existed."""

_LOSS_ARGUMENTS = (
    "adversarial_loss",
    "feature_matching_weight",
    "perceptual_weight",
    "l1_weight",
)


def upgrade_losses(losses, perceptual_loss=None):
    """Returns the plain data of loss terms, as presets have it.

    Args:
        losses: dict of `adversarial_loss`, `feature_matching_weight`,
            `perceptual_weight` and `l1_weight`.
        perceptual_loss: `PerceptualLoss`, or None.
    """
    kind = losses["adversarial_loss"]
    perceptual = {"weight": losses["perceptual_weight"]}
    if perceptual_loss is not None:
        perceptual["loss"] = perceptual_loss
    return {
        "generator_adversarial": {"kind": kind},
        "feature_matching": {"weight": losses["feature_matching_weight"]},
        "perceptual": perceptual,
        "l1": {"weight": losses["l1_weight"]},
        "discriminator_real": {"kind": kind, "weight": 0.5},
        "discriminator_fake": {"kind": kind, "weight": 0.5},
    }


def upgrade_compile_config(config):
    """Returns the configuration of `compile` in its current form.

    Args:
        config: dict, from a file of any version.
    """
    if "adversarial_loss" not in config:
        return config
    config = dict(config)
    config["weights_to_train"] = config.pop("trained_part")
    config["gradient_accumulation_steps"] = config.pop("accumulate_steps")
    losses = {name: config.pop(name) for name in _LOSS_ARGUMENTS}
    config["losses"] = upgrade_losses(losses, config.pop("perceptual_loss"))
    return config
