"""One phase of a training run."""

import dataclasses

INITIAL_STATES = ("fresh", "enlarged", "continued")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Phase:
    """A part of a run: its model, its epochs and its initial weights.

    Args:
        preset: str, key of `hdgan.PRESETS`.
        epochs: int >= 0, epochs at the full learning rate.
        decay_epochs: int >= 0, epochs of linear decay to 0 after them.
        name: str, folder of the phase inside the run's. Defaults to "", the
            run's own folder.
        init_from: `"fresh"`: new weights; `"enlarged"`: the model of the phase
            before, with a local enhancer around its generator (`enlarge`);
            `"continued"`: that model and the state of its discriminator's
            optimizer. Defaults to `"fresh"`.
        networks: dict of values that replace the preset's. Defaults to those of
            the run's options that the preset has.
        shrink: int >= 1, factor by which scenes are smaller than the options
            say. Defaults to 1.
        weights_to_train: as in the model's `compile`. Defaults to `"all"`.
        discriminator_epochs: `(epochs, decay_epochs)` of the discriminator's
            learning rate, which counts on through the phases that continue
            this one. Defaults to `epochs` and `decay_epochs`.

    Raises:
        ValueError: if `init_from` is unknown.

    Example:
        >>> Phase(preset="pix2pixhd_512p", epochs=100, decay_epochs=100)
    """

    preset: str
    epochs: int
    decay_epochs: int
    name: str = ""
    init_from: str = "fresh"
    networks: dict = dataclasses.field(default_factory=dict)
    shrink: int = 1
    weights_to_train: str = "all"
    discriminator_epochs: tuple | None = None

    def __post_init__(self):
        if self.init_from not in INITIAL_STATES:
            raise ValueError(
                f"`init_from` must be one of {INITIAL_STATES}. "
                f"Received: {self.init_from!r}"
            )

    @property
    def num_epochs(self):
        """Epochs of the whole phase."""
        return self.epochs + self.decay_epochs

    def __str__(self):
        part = {
            "all": "all of the generator",
            "outermost_enhancer": "the outermost enhancer",
        }.get(self.weights_to_train, self.weights_to_train)
        size = f" at 1/{self.shrink} of the size" if self.shrink > 1 else ""
        return (
            f"{self.name}, which trains {part}{size} "
            f"for {self.epochs} + {self.decay_epochs} epochs"
        )
