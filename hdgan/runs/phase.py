"""One phase of a training run."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Phase:
    """What is trained, on what, for how long, and what it begins with.

    Args:
        preset: key of `hdgan.PRESETS`.
        epochs: int, epochs at the full learning rate.
        decay_epochs: int, epochs of linear decay to 0 after them.
        name: str, of the phase's folder inside the run's; "" for the run's own.
        init_from: `"fresh"`, with new weights; `"enlarged"`, with the last
            phase's model and an enhancer around its generator, `enlarge`;
            `"continued"`, with the last phase's model and the state of its
            discriminator's optimizer.
        numbers: dict of what replaces the preset's numbers.
        shrink: int, how many times smaller the images are.
        weights_to_train: as of `Pix2PixHD.compile`.
        discriminator_epochs: `(epochs, decay_epochs)` of the discriminator's
            learning rate, counted on through the phases that continue this one;
            None is the generator's.
    """

    preset: str
    epochs: int
    decay_epochs: int
    name: str = ""
    init_from: str = "fresh"
    numbers: dict = dataclasses.field(default_factory=dict)
    shrink: int = 1
    weights_to_train: str = "all"
    discriminator_epochs: tuple | None = None

    def __str__(self):
        parts = {
            "all": "all of the generator",
            "outermost_enhancer": "the outermost enhancer",
        }
        size = f" at 1/{self.shrink} of the size" if self.shrink > 1 else ""
        return (
            f"{self.name}, which trains {parts[self.weights_to_train]}{size} "
            f"for {self.epochs} + {self.decay_epochs} epochs"
        )
