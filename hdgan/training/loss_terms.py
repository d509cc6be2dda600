"""Loss terms: the loss of each network is a weighted sum of them.

A new loss is one class here and one line in a preset.
"""

import numbers
import typing

import keras
import tensorflow as tf

from hdgan.layers import AdversarialLoss, feature_matching_loss

SIDES = ("generator", "discriminator")


class StepTensors(typing.NamedTuple):
    """Everything that a loss term may read of a train step.

    Args:
        scene: `Scene` with its photo.
        fake: float32 `(batch, height, width, 3)` in [-1, 1], the generator's.
        latents: dict of tensors, `Generated.latents`.
        real_outputs: the discriminator's outputs for the photo, in whatever
            structure the family's discriminator has. None if no active term
            reads them.
        fake_outputs: the same for the fake.
        pooled_outputs: the same for fakes out of the image pool; None without
            one.
    """

    scene: typing.Any
    fake: tf.Tensor
    latents: dict
    real_outputs: typing.Any
    fake_outputs: typing.Any
    pooled_outputs: typing.Any = None


class LossTerm:
    """A weighted term of one network's loss.

    A subclass sets `name` and `side`, and defines `call`. Subclasses are found
    by their name, which presets, `compile(losses=...)` and logs use; a subclass
    that inherits its name is only used as an object. A term of weight 0 is
    neither computed nor logged.

    Args:
        weight: float >= 0. Defaults to 1.

    Raises:
        ValueError: if `weight` is not a number >= 0.

    Example:
        >>> @keras.saving.register_keras_serializable(package="mine")
        ... class Brightness(LossTerm):
        ...     name = "brightness"
        ...     side = "generator"
        ...
        ...     def call(self, step):
        ...         difference = step.fake - step.scene.photo
        ...         return tf.abs(tf.reduce_mean(difference, (1, 2, 3)))
        >>> model.compile(losses={"brightness": 5.0})
    """

    name = None
    side = None
    # Whether `call` reads the discriminator's outputs for the photo.
    needs_real_outputs = False

    _classes: typing.ClassVar[dict] = {}

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        # A common base of several terms has no name, and a variant of a term
        # that presets name leaves that one in its place.
        if cls.__dict__.get("name") is None:
            return
        if cls.side not in SIDES:
            raise TypeError(
                f"{cls.__name__}.side must be one of {SIDES}. "
                f"Received: {cls.side!r}"
            )
        LossTerm._classes[cls.name] = cls

    def __init__(self, weight=1.0):
        # NaN fails every comparison, so it is rejected too.
        if not isinstance(weight, numbers.Real) or not weight >= 0:
            raise ValueError(
                f"The weight of the loss term {self.name!r} must be a number "
                f">= 0. Received: {weight!r}"
            )
        self.weight = float(weight)

    @property
    def is_active(self):
        """Whether the term is computed."""
        return self.weight > 0

    def build(self):
        """Loads networks or files; called once before the first step."""

    def call(self, step):
        """Computes the term without its weight.

        Args:
            step: `StepTensors`.

        Returns:
            Float32 `(batch,)`.
        """
        raise TypeError(f"{type(self).__name__} does not define `call`.")

    def get_config(self):
        return {"weight": self.weight}

    @classmethod
    def from_config(cls, config):
        return cls(**config)


def _logits(outputs):
    return [scale[-1] for scale in outputs]


class _AdversarialTerm(LossTerm):
    """Base of the adversarial terms.

    They read outputs as `Multiscale` gives them: a list over scales of lists
    of activations, the logits last.

    Args:
        kind: `"least_squares"`, `"hinge"` or `"non_saturating"`. Defaults to
            `"least_squares"`.
        scales: `"sum"` or `"mean"`, how the scales are combined. Defaults to
            `"sum"`.
        weight: float >= 0. Defaults to 1.

    Raises:
        ValueError: if an argument is out of range.
    """

    def __init__(self, kind="least_squares", scales="sum", weight=1.0):
        super().__init__(weight)
        if scales not in ("sum", "mean"):
            raise ValueError(
                f'`scales` must be "sum" or "mean". Received: {scales!r}'
            )
        self.kind = kind
        self.scales = scales
        self._loss = AdversarialLoss(kind)

    def _combine(self, loss, outputs):
        return loss / len(outputs) if self.scales == "mean" else loss

    def get_config(self):
        return {
            "kind": self.kind,
            "scales": self.scales,
            **super().get_config(),
        }


@keras.saving.register_keras_serializable(package="hdgan")
class GeneratorAdversarial(_AdversarialTerm):
    """The generator's adversarial loss; arguments of `_AdversarialTerm`.

    Wang et al., 2018, equation 2, with the losses of `AdversarialLoss`.
    """

    name = "generator_adversarial"
    side = "generator"

    def call(self, step):
        loss = self._loss.generator(_logits(step.fake_outputs))
        return self._combine(loss, step.fake_outputs)


@keras.saving.register_keras_serializable(package="hdgan")
class DiscriminatorReal(_AdversarialTerm):
    """The discriminator's loss on photos; arguments of `_AdversarialTerm`."""

    name = "discriminator_real"
    side = "discriminator"
    needs_real_outputs = True

    def call(self, step):
        loss = self._loss.discriminator_real(_logits(step.real_outputs))
        return self._combine(loss, step.real_outputs)


@keras.saving.register_keras_serializable(package="hdgan")
class DiscriminatorFake(_AdversarialTerm):
    """The discriminator's loss on fakes; arguments of `_AdversarialTerm`."""

    name = "discriminator_fake"
    side = "discriminator"

    def call(self, step):
        outputs = step.pooled_outputs or step.fake_outputs
        loss = self._loss.discriminator_fake(_logits(outputs))
        return self._combine(loss, outputs)


@keras.saving.register_keras_serializable(package="hdgan")
class FeatureMatching(LossTerm):
    """Distance of the discriminator's activations: `feature_matching_loss`.

    Wang et al., 2018, equation 4.

    Args:
        weight: float >= 0. Defaults to 10.
    """

    name = "feature_matching"
    side = "generator"
    needs_real_outputs = True

    def __init__(self, weight=10.0):
        super().__init__(weight)

    def call(self, step):
        return feature_matching_loss(step.real_outputs, step.fake_outputs)


@keras.saving.register_keras_serializable(package="hdgan")
class Perceptual(LossTerm):
    """Distance of a pretrained network's activations: `PerceptualLoss`.

    This package does not contain the network's weights: without a `loss` the
    term stays inactive, whatever its weight.

    Args:
        weight: float >= 0. Defaults to 10.
        loss: `hdgan.layers.PerceptualLoss`, or None. Defaults to None.
    """

    name = "perceptual"
    side = "generator"

    def __init__(self, weight=10.0, loss=None):
        super().__init__(weight)
        self.loss = loss

    @property
    def is_active(self):
        return self.weight > 0 and self.loss is not None

    def build(self):
        self.loss.build()

    def call(self, step):
        return self.loss.call(step.scene.photo, step.fake)

    def get_config(self):
        return {
            **super().get_config(),
            "loss": keras.saving.serialize_keras_object(self.loss),
        }

    @classmethod
    def from_config(cls, config):
        loss = keras.saving.deserialize_keras_object(config["loss"])
        return cls(**{**config, "loss": loss})


@keras.saving.register_keras_serializable(package="hdgan")
class L1(LossTerm):
    """Mean absolute difference between photo and fake, both in [-1, 1].

    Isola et al., 2017, equation 3.

    Args:
        weight: float >= 0. Defaults to 100.
    """

    name = "l1"
    side = "generator"

    def __init__(self, weight=100.0):
        super().__init__(weight)

    def call(self, step):
        difference = tf.abs(step.scene.photo - step.fake)
        return tf.reduce_mean(difference, axis=(1, 2, 3))


@keras.saving.register_keras_serializable(package="hdgan")
class KLDivergence(LossTerm):
    """Divergence of a style's distribution from N(0, 1), summed over a batch.

    `-1/2 sum(1 + log s^2 - m^2 - s^2)` of the latents `style_mean` and
    `style_log_variance`: Park et al., 2019, appendix A, with the sum over the
    batch that the original PyTorch code takes. Over replicas it is the mean of
    their sums: it weighs more, the more examples a replica has. The paper has
    2 on each GPU.

    Args:
        weight: float >= 0. Defaults to 0.05.
    """

    name = "kl_divergence"
    side = "generator"

    def __init__(self, weight=0.05):
        super().__init__(weight)

    def call(self, step):
        mean = tf.cast(step.latents["style_mean"], tf.float32)
        log_variance = tf.cast(step.latents["style_log_variance"], tf.float32)
        terms = 1.0 + log_variance - mean**2 - tf.exp(log_variance)
        # Times the examples, because the step takes the mean over them.
        num_examples = tf.cast(tf.shape(mean)[0], tf.float32)
        return -0.5 * num_examples * tf.reduce_sum(terms, axis=-1)


def make_losses(config):
    """Makes loss terms from a preset's plain data.

    Args:
        config: dict from a term's name to a dict of its arguments.

    Returns:
        List of `LossTerm`.

    Raises:
        ValueError: if there is no such term, or an argument is wrong.
    """
    return [_make_term(name, arguments) for name, arguments in config.items()]


def change_losses(terms, changes):
    """Returns loss terms, some of them changed by name.

    Args:
        terms: list of `LossTerm`.
        changes: dict from a term's name to its new weight, to a dict of
            arguments that replace the term's, or to a `LossTerm`. A name that
            is not among the terms adds one.

    Raises:
        ValueError: if there is no such term, or an argument is wrong.
    """
    changed = {term.name: term for term in terms}
    for name, change in changes.items():
        if isinstance(change, LossTerm):
            if change.name != name:
                raise ValueError(
                    f"`losses` holds the term {change.name!r} under the name "
                    f"{name!r}. Expected the same name."
                )
            changed[name] = change
            continue
        if not isinstance(change, dict):
            change = {"weight": change}
        old = changed.get(name)
        before = {} if old is None else _arguments(old)
        changed[name] = _make_term(name, {**before, **change})
    return list(changed.values())


def resolve_losses(losses, defaults):
    """Returns the list of terms that `compile(losses=...)` stands for.

    Args:
        losses: None for the defaults; a list of `LossTerm`; or a dict, the
            changes of `change_losses`.
        defaults: list of `LossTerm`.

    Raises:
        ValueError: if `losses` is something else, or two terms share a name.
    """
    if losses is None:
        return list(defaults)
    if isinstance(losses, dict):
        return change_losses(defaults, losses)
    terms = list(losses) if isinstance(losses, (list, tuple)) else [losses]
    wrong = [term for term in terms if not isinstance(term, LossTerm)]
    if wrong:
        raise ValueError(
            "`losses` must be None, a list of loss terms, or a dict from a "
            f"term's name to its weight. Received: {wrong[0]!r}"
        )
    names = [term.name for term in terms]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(
            f"`losses` holds {', '.join(twice)} more than once. Expected each "
            "term once."
        )
    return terms


def compute_losses(terms, step, sides=SIDES):
    """Computes the active terms and the sum of each side.

    Args:
        terms: list of `LossTerm`.
        step: `StepTensors`.
        sides: which of `SIDES`.

    Returns:
        Dict of float32 scalars, means over the examples: each term's name to
        its weighted value, and `generator_loss` and `discriminator_loss` to
        their sums.
    """
    losses = {}
    for side in sides:
        parts = {
            term.name: term.weight * term.call(step)
            for term in terms
            if term.side == side and term.is_active
        }
        losses |= {f"{side}_loss": sum(parts.values()), **parts}
    # A replica may be left without examples at the end of an epoch.
    num_examples = tf.cast(tf.shape(step.fake)[0], tf.float32)
    return {
        name: tf.math.divide_no_nan(tf.reduce_sum(loss), num_examples)
        for name, loss in losses.items()
    }


def list_loss_names(terms):
    """Returns the keys of `compute_losses`, in order."""
    names = []
    for side in SIDES:
        names.append(f"{side}_loss")
        names += [t.name for t in terms if t.side == side and t.is_active]
    return names


def _arguments(term):
    """Returns a term's arguments by name, as objects."""
    arguments = term.get_config()
    # Objects are serialized in a configuration.
    return {
        name: getattr(term, name) if isinstance(value, dict) else value
        for name, value in arguments.items()
    }


def _make_term(name, arguments):
    known = LossTerm._classes
    if name not in known:
        raise ValueError(
            f"There is no loss term {name!r}. The terms are: "
            f"{', '.join(sorted(known))}"
        )
    try:
        return known[name](**arguments)
    except TypeError as error:
        raise ValueError(
            f"The loss term {name!r} does not take these arguments: {error}"
        ) from error
