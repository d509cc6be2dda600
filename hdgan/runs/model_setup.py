"""The model of a phase: its networks, optimizers and losses."""

from absl import logging

from hdgan.layers import PerceptualLoss
from hdgan.models.pix2pixhd.coarse_to_fine import enlarge
from hdgan.models.pix2pixhd.model import Pix2PixHD
from hdgan.models.pix2pixhd.presets import PRESETS, resolve_preset
from hdgan.models.precision_names import PRECISIONS
from hdgan.training.linear_decay import LinearDecay
from hdgan.training.torch_adam import TorchAdam

_LOSSES = (
    "adversarial_loss",
    "feature_matching_weight",
    "perceptual_weight",
    "l1_weight",
)
# Wang et al., 2018, appendix.
_OPTIMIZER = {"learning_rate": 2e-4, "beta_1": 0.5, "beta_2": 0.999}


def check_preset(options):
    """Checks that the preset exists and has the networks' values.

    Args:
        options: `TrainingOptions`.

    Raises:
        ValueError: if it does not.
    """
    resolve_preset(options.preset, **options.networks)


def make_model(phase, options, labels, previous, steps_per_epoch):
    """Makes and compiles the model that a phase starts with.

    Args:
        phase: `Phase`.
        options: `TrainingOptions`.
        labels: `LabelSet`, or None for RGB input.
        previous: model of the phase before, or None in the first phase.
        steps_per_epoch: int, for the learning rate's decay.

    Returns:
        A compiled `Pix2PixHD`.
    """
    discriminator_optimizer = None
    if phase.init_from == "fresh":
        model = Pix2PixHD.from_preset(
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
    losses = _resolve_losses(phase.preset, options)
    model.compile(
        _make_optimizer(
            options,
            options.generator_learning_rate,
            generator_epochs,
            steps_per_epoch,
        ),
        discriminator_optimizer
        or _make_optimizer(
            options,
            options.discriminator_learning_rate,
            discriminator_epochs,
            steps_per_epoch,
        ),
        **losses,
        perceptual_loss=_make_perceptual_loss(
            losses["perceptual_weight"], options
        ),
        weights_to_train=phase.weights_to_train,
        pool_size=options.pool_size,
        remat=options.remat,
        jit_compile=options.jit,
        gradient_accumulation_steps=options.gradient_accumulation_steps,
    )
    return model


def _networks(phase, options):
    """Returns the values that replace those of a phase's preset."""
    shared = {
        name: value
        for name, value in options.networks.items()
        # A coarse phase has no enhancer.
        if name in PRESETS[phase.preset]
    }
    return {**shared, **phase.networks}


def _resolve_losses(preset, options):
    given = {name: getattr(options, name) for name in _LOSSES}
    return {
        **PRESETS[preset]["losses"],
        **{name: value for name, value in given.items() if value is not None},
    }


def _make_optimizer(options, learning_rate, epochs, steps_per_epoch):
    """Makes the optimizer of one network.

    Args:
        options: `TrainingOptions`.
        learning_rate: float of this network, or None.
        epochs: `(epochs, decay_epochs)`.
        steps_per_epoch: int.
    """
    shared = {
        "learning_rate": options.learning_rate,
        "beta_1": options.beta_1,
        "beta_2": options.beta_2,
    }
    config = {
        **_OPTIMIZER,
        **{name: value for name, value in shared.items() if value is not None},
    }
    schedule = config.pop("learning_rate")
    if learning_rate is not None:
        schedule = learning_rate
    flat_epochs, decay_epochs = epochs
    if decay_epochs:
        schedule = LinearDecay(
            schedule, flat_epochs, decay_epochs, steps_per_epoch
        )
    return TorchAdam(schedule, **config)


def _make_perceptual_loss(weight, options):
    """Returns the perceptual loss, or None if it is off.

    It is off, with a warning, if the default weights can't be downloaded.
    """
    if not weight:
        return None
    loss = PerceptualLoss(options.vgg_weights, options.vgg_inputs)
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
