"""Adversarial losses in pairs, for generator and discriminator."""

import keras
from keras import ops


def _mean(values):
    """Returns the mean of each example, in float32."""
    return ops.mean(values, axis=tuple(range(1, len(values.shape))))


def least_squares_generator_loss(fake_logits):
    """Mean of `(fake - 1)^2`.

    Mao et al., 2017, equation 9, without the factor 1/2.

    Args:
        fake_logits: `(batch, ...)`, the discriminator's output for fakes.

    Returns:
        Float32 tensor `(batch,)`.
    """
    return _mean(ops.square(ops.cast(fake_logits, "float32") - 1.0))


def least_squares_discriminator_loss(real_logits, fake_logits):
    """Means of `(real - 1)^2` and of `fake^2`.

    Mao et al., 2017, equation 9.

    Args:
        real_logits: `(batch, ...)`, the discriminator's output for photos.
        fake_logits: `(batch, ...)`, the discriminator's output for fakes.

    Returns:
        Two float32 tensors `(batch,)`, one for photos and one for fakes. The
        discriminator's loss is half their sum.
    """
    return (
        _mean(ops.square(ops.cast(real_logits, "float32") - 1.0)),
        _mean(ops.square(ops.cast(fake_logits, "float32"))),
    )


def hinge_generator_loss(fake_logits):
    """Mean of `-fake`. Lim and Ye, 2017.

    Args:
        fake_logits: `(batch, ...)`, the discriminator's output for fakes.

    Returns:
        Float32 tensor `(batch,)`.
    """
    return _mean(-ops.cast(fake_logits, "float32"))


def hinge_discriminator_loss(real_logits, fake_logits):
    """Means of `max(0, 1 - real)` and of `max(0, 1 + fake)`.

    Lim and Ye, 2017.

    Args:
        real_logits: `(batch, ...)`, the discriminator's output for photos.
        fake_logits: `(batch, ...)`, the discriminator's output for fakes.

    Returns:
        Two float32 tensors `(batch,)`, one for photos and one for fakes. The
        discriminator's loss is half their sum.
    """
    return (
        _mean(ops.relu(1.0 - ops.cast(real_logits, "float32"))),
        _mean(ops.relu(1.0 + ops.cast(fake_logits, "float32"))),
    )


def non_saturating_generator_loss(fake_logits):
    """Mean of `-log sigmoid(fake)`. Goodfellow et al., 2014, section 3.

    Args:
        fake_logits: `(batch, ...)`, the discriminator's output for fakes.

    Returns:
        Float32 tensor `(batch,)`.
    """
    return _mean(ops.softplus(-ops.cast(fake_logits, "float32")))


def non_saturating_discriminator_loss(real_logits, fake_logits):
    """Means of `-log sigmoid(real)` and of `-log(1 - sigmoid(fake))`.

    Goodfellow et al., 2014, equation 1.

    Args:
        real_logits: `(batch, ...)`, the discriminator's output for photos.
        fake_logits: `(batch, ...)`, the discriminator's output for fakes.

    Returns:
        Two float32 tensors `(batch,)`, one for photos and one for fakes. The
        discriminator's loss is half their sum.
    """
    return (
        _mean(ops.softplus(-ops.cast(real_logits, "float32"))),
        _mean(ops.softplus(ops.cast(fake_logits, "float32"))),
    )


_PAIRS = {
    "least_squares": (
        least_squares_generator_loss,
        least_squares_discriminator_loss,
    ),
    "hinge": (hinge_generator_loss, hinge_discriminator_loss),
    "non_saturating": (
        non_saturating_generator_loss,
        non_saturating_discriminator_loss,
    ),
}


@keras.saving.register_keras_serializable(package="hdgan")
class AdversarialLoss:
    """A pair of adversarial losses by name, summed over scales.

    Args:
        kind: `"least_squares"`, `"hinge"` or `"non_saturating"` (sigmoid
            cross-entropy on the logits). Defaults to `"least_squares"`.

    Raises:
        ValueError: if `kind` is another value.

    Example:
        >>> loss = hdgan.layers.AdversarialLoss("hinge")
        >>> real, fake = loss.discriminator(real_logits, fake_logits)
        >>> discriminator_loss = 0.5 * (real + fake)
        >>> generator_loss = loss.generator(fake_logits)
    """

    def __init__(self, kind="least_squares"):
        if kind not in _PAIRS:
            raise ValueError(
                f"`kind` must be one of {sorted(_PAIRS)}. Received: {kind!r}"
            )
        self.kind = kind
        self._generator_loss, self._discriminator_loss = _PAIRS[kind]

    def generator(self, fake_logits):
        """Returns the generator's loss.

        Args:
            fake_logits: list over scales of `(batch, ...)` tensors.

        Returns:
            Float32 tensor `(batch,)`.
        """
        return sum(self._generator_loss(fake) for fake in fake_logits)

    def discriminator(self, real_logits, fake_logits):
        """Returns the discriminator's losses on photos and on fakes.

        Args:
            real_logits: list over scales of `(batch, ...)` tensors.
            fake_logits: the same for the fakes.

        Returns:
            Two float32 tensors `(batch,)`; the discriminator's loss is half
            their sum.
        """
        pairs = [
            self._discriminator_loss(real, fake)
            for real, fake in zip(real_logits, fake_logits, strict=True)
        ]
        return sum(real for real, _ in pairs), sum(fake for _, fake in pairs)

    def discriminator_real(self, real_logits):
        """Returns the part of `discriminator` on photos, `(batch,)`."""
        return self.discriminator(real_logits, real_logits)[0]

    def discriminator_fake(self, fake_logits):
        """Returns the part of `discriminator` on fakes, `(batch,)`."""
        return self.discriminator(fake_logits, fake_logits)[1]

    def get_config(self):
        return {"kind": self.kind}

    @classmethod
    def from_config(cls, config):
        return cls(**config)
