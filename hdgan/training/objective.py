"""What generator and discriminator are trained for."""

import keras
import tensorflow as tf

from hdgan.layers import AdversarialLoss, feature_matching_loss


class Objective:
    """The weighted losses of both networks, by name.

    Args:
        adversarial_loss: name of an `AdversarialLoss`.
        feature_matching_weight: float >= 0.
        perceptual_loss: `PerceptualLoss` or None.
        perceptual_weight: float >= 0.
        l1_weight: float >= 0, of the mean absolute difference in [-1, 1].

    Raises:
        ValueError: if a weight is negative or the adversarial loss unknown.
    """

    def __init__(
        self,
        adversarial_loss,
        feature_matching_weight,
        perceptual_loss,
        perceptual_weight,
        l1_weight,
    ):
        for name, weight in (
            ("feature_matching_weight", feature_matching_weight),
            ("perceptual_weight", perceptual_weight),
            ("l1_weight", l1_weight),
        ):
            if weight < 0:
                raise ValueError(
                    f"`{name}` must be at least 0. Received: {weight}"
                )
        self.adversarial_loss = AdversarialLoss(adversarial_loss)
        self.feature_matching_weight = feature_matching_weight
        self.perceptual_loss = perceptual_loss
        self.perceptual_weight = perceptual_weight
        self.l1_weight = l1_weight

    @property
    def names(self):
        """Names of the losses, in the order in which they are shown."""
        names = ["generator_loss", "generator_adversarial"]
        if self.feature_matching_weight:
            names.append("feature_matching")
        if self._is_perceptual():
            names.append("perceptual")
        if self.l1_weight:
            names.append("l1")
        return [
            *names,
            "discriminator_loss",
            "discriminator_real",
            "discriminator_fake",
        ]

    def build(self):
        """Loads the network of the perceptual loss, if there is one."""
        if self._is_perceptual():
            self.perceptual_loss.build()

    def __call__(
        self, photo, fake, real_features, fake_features, pooled_features=None
    ):
        """Computes every loss.

        Args:
            photo: float32 `(batch, height, width, 3)` in [-1, 1].
            fake: the same, the generator's.
            real_features: list over scales of lists over layers of tensors,
                the discriminator's on the photo, logits last.
            fake_features: the same on the fake.
            pooled_features: the same on what the discriminator is to tell from
                photos, where that is not the fake.

        Returns:
            Dict from each of `names` to a float32 scalar, the mean over the
            examples. `discriminator_real` and `discriminator_fake` are before
            the half that `discriminator_loss` takes of their sum; the others
            include their weights.
        """
        fake_logits = [scale[-1] for scale in fake_features]
        real, fake_side = self.adversarial_loss.discriminator(
            [scale[-1] for scale in real_features],
            [scale[-1] for scale in pooled_features or fake_features],
        )
        parts = {
            "generator_adversarial": self.adversarial_loss.generator(
                fake_logits
            )
        }
        if self.feature_matching_weight:
            parts["feature_matching"] = (
                self.feature_matching_weight
                * feature_matching_loss(real_features, fake_features)
            )
        if self._is_perceptual():
            parts["perceptual"] = (
                self.perceptual_weight * self.perceptual_loss.call(photo, fake)
            )
        if self.l1_weight:
            parts["l1"] = self.l1_weight * tf.reduce_mean(
                tf.abs(photo - fake), axis=(1, 2, 3)
            )
        losses = {
            "generator_loss": sum(parts.values()),
            **parts,
            "discriminator_loss": 0.5 * (real + fake_side),
            "discriminator_real": real,
            "discriminator_fake": fake_side,
        }
        # A replica may be left without examples at the end of an epoch.
        num_examples = tf.cast(tf.shape(fake)[0], tf.float32)
        return {
            name: tf.math.divide_no_nan(tf.reduce_sum(loss), num_examples)
            for name, loss in losses.items()
        }

    def get_config(self):
        return {
            "adversarial_loss": self.adversarial_loss.kind,
            "feature_matching_weight": self.feature_matching_weight,
            "perceptual_loss": keras.saving.serialize_keras_object(
                self.perceptual_loss
            ),
            "perceptual_weight": self.perceptual_weight,
            "l1_weight": self.l1_weight,
        }

    def _is_perceptual(self):
        return self.perceptual_loss is not None and self.perceptual_weight > 0
