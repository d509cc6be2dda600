"""The model of a phase: its networks, optimizers and losses."""

from absl import logging

from hdgan.layers import PerceptualLoss
from hdgan.models.label_to_photo import LabelToPhotoModel
from hdgan.models.pix2pixhd.coarse_to_fine import enlarge
from hdgan.models.precision_names import PRECISIONS
from hdgan.models.presets import find_model_class, resolve_preset
from hdgan.networks.vgg19 import VGG19Features
from hdgan.training.linear_decay import LinearDecay
from hdgan.training.loss_terms import change_losses, make_losses
from hdgan.training.torch_adam import TorchAdam


def check_preset(options):
    """Checks that the preset exists and has the values that are replaced.

    Args:
        options: `TrainingOptions`.

    Raises:
        ValueError: if it does not.
    """
    config = resolve_preset(options.preset, **options.networks)
    change_losses(make_losses(config["losses"]), options.losses)


def check_phases(phases, options, has_initial_model):
    """Checks all phases, before the first of them is trained.

    Args:
        phases: list of `Phase`.
        options: `TrainingOptions`.
        has_initial_model: bool, whether a model is there to start from.

    Raises:
        ValueError: if there is no phase, a preset or a value of its networks
            does not exist, or a phase starts from a model that is not there or
            trains weights that the family does not have.
    """
    if not phases:
        raise ValueError("`phases` is empty. Expected at least one `Phase`.")
    if phases[0].init_from != "fresh" and not has_initial_model:
        raise ValueError(
            f"The first phase has init_from={phases[0].init_from!r}, but there "
            'is no model before it. Expected "fresh", or `load_initial_model`.'
        )
    for phase in phases:
        resolve_preset(phase.preset, **_networks(phase, options))
        choices = find_model_class(phase.preset).WEIGHTS_TO_TRAIN
        if phase.weights_to_train not in choices:
            raise ValueError(
                f"`weights_to_train` of {phase.preset} must be one of "
                f"{choices}. Received: {phase.weights_to_train!r}"
            )


def make_model(phase, options, labels, previous, steps_per_epoch):
    """Makes and compiles the model that a phase starts with.

    Args:
        phase: `Phase`.
        options: `TrainingOptions`.
        labels: `LabelSet`, or None for RGB input.
        previous: model of the phase before, or None in the first phase.
        steps_per_epoch: int, for the learning rate's decay.

    Returns:
        A compiled `LabelToPhotoModel`.
    """
    discriminator_optimizer = None
    if phase.init_from == "fresh":
        model = LabelToPhotoModel.from_preset(
            phase.preset,
            labels=labels,
            use_instances=options.use_instances,
            styles=options.styles,
            ema_decay=options.ema_decay,
            dtype=PRECISIONS[options.precision],
            **_networks(phase, options),
        )
    elif phase.init_from == "enlarged":
        config = resolve_preset(phase.preset, **_networks(phase, options))
        config = config["networks"]
        model = enlarge(
            previous,
            config["num_local_blocks"],
            options.ema_decay,
            PRECISIONS[options.precision],
        )
    else:
        model = previous
        discriminator_optimizer = previous.discriminator_optimizer
    generator_epochs = phase.epochs, phase.decay_epochs
    discriminator_epochs = phase.discriminator_epochs or generator_epochs
    model.compile(
        _make_optimizer(
            "generator", phase, options, generator_epochs, steps_per_epoch
        ),
        discriminator_optimizer
        or _make_optimizer(
            "discriminator",
            phase,
            options,
            discriminator_epochs,
            steps_per_epoch,
        ),
        losses=_make_losses(model, options),
        weights_to_train=phase.weights_to_train,
        pool_size=options.pool_size,
        remat=options.remat,
        jit_compile=options.jit,
        gradient_accumulation_steps=options.gradient_accumulation_steps,
    )
    return model


def _networks(phase, options):
    """Returns the values that replace those of a phase's preset."""
    preset = resolve_preset(phase.preset)["networks"]
    shared = {
        name: value
        for name, value in options.networks.items()
        # A coarse phase has no enhancer.
        if name in preset
    }
    return {**shared, **phase.networks}


def _make_losses(model, options):
    """Returns the model's loss terms, changed as the options say."""
    terms = model.default_losses()
    # A preset's term may need a style that this model does not have.
    removed = resolve_preset(options.preset)["losses"].keys() - {
        term.name for term in terms
    }
    weights = {k: w for k, w in options.losses.items() if k not in removed}
    terms = change_losses(terms, weights)
    changes = {}
    for term in terms:
        if hasattr(term, "kind") and options.adversarial_loss is not None:
            changes[term.name] = {"kind": options.adversarial_loss}
        if term.name == "perceptual":
            loss = _make_perceptual_loss(term.weight, options)
            changes[term.name] = {"loss": loss}
    return change_losses(terms, changes)


def _make_optimizer(side, phase, options, epochs, steps_per_epoch):
    """Makes the optimizer of one network.

    Args:
        side: `"generator"` or `"discriminator"`.
        phase: `Phase`.
        options: `TrainingOptions`.
        epochs: `(epochs, decay_epochs)`.
        steps_per_epoch: int.
    """
    config = dict(resolve_preset(phase.preset)[f"{side}_optimizer"])
    for name in ("learning_rate", "beta_1", "beta_2"):
        if getattr(options, name) is not None:
            config[name] = getattr(options, name)
    own_rate = getattr(options, f"{side}_learning_rate")
    if own_rate is not None:
        config["learning_rate"] = own_rate
    flat_epochs, decay_epochs = epochs
    if decay_epochs:
        config["learning_rate"] = LinearDecay(
            config["learning_rate"], flat_epochs, decay_epochs, steps_per_epoch
        )
    return TorchAdam(**config)


def _make_perceptual_loss(weight, options):
    """Returns the perceptual loss, or None if it is off.

    It is off, with a warning, if the default weights can't be downloaded.
    """
    if not weight:
        return None
    network = VGG19Features(options.vgg_weights, options.vgg_inputs)
    loss = PerceptualLoss(network)
    if options.vgg_weights != "imagenet":
        loss.build()
        return loss
    try:
        loss.build()
    except Exception as error:  # Keras raises a bare one for a failed download.
        if "fetch failure" not in str(error):
            raise
        logging.warning(
            "The perceptual loss is OFF: the ImageNet weights of VGG19 could "
            "not be downloaded (%s). Training continues without it. To use it, "
            "set `vgg_weights` to a file; to silence this warning, set "
            "`perceptual_weight` to 0.",
            error,
        )
        return None
    return loss
