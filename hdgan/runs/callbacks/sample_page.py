"""Photographs that the model generates of the same scenes during training."""

import pathlib

import keras
import numpy as np
import tensorflow as tf

from hdgan.reports.page import write_page
from hdgan.reports.scene_pictures import scene_pictures


class SamplePage(keras.callbacks.Callback):
    """Writes a page and TensorBoard images of some scenes every few steps.

    The page is `directory/samples/index.html`.

    Args:
        directory: path of the run.
        scenes: dict from a scene's name to a dict of numpy arrays: `label_map`
            and, where they exist, `instance_map`, `photo` and `style_map`.
        every_steps: int >= 1, steps between pages. One more page follows the
            last step.
    """

    def __init__(self, directory, scenes, every_steps):
        super().__init__()
        self.directory = pathlib.Path(directory)
        self.scenes = scenes
        self.every_steps = every_steps
        self._written_step = None

    @property
    def path(self):
        """File of the page."""
        return self.directory / "samples" / "index.html"

    def on_train_begin(self, logs=None):
        # With gradient accumulation the first batches do not end a step.
        self._written_step = self.model.step
        self._writer = tf.summary.create_file_writer(
            str(self.directory / "tensorboard")
        )

    def on_train_batch_end(self, batch, logs=None):
        step = self.model.step
        if step % self.every_steps == 0 and step != self._written_step:
            self._write()

    def on_train_end(self, logs=None):
        if self.model.step != self._written_step:
            self._write()
        self._writer.close()

    def _write(self):
        step = self.model.step
        sections = [
            (name, f"scene-{number}", scene_pictures(self.model, **scene))
            for number, (name, scene) in enumerate(self.scenes.items())
        ]
        write_page(
            self.path,
            f"Samples after {step} steps",
            "Always the same scenes; reload the page while training runs.",
            sections,
            self.model.labels,
        )
        with self._writer.as_default():
            for name, _, pictures in sections:
                strip = np.concatenate(list(pictures.values()), axis=1)
                tf.summary.image(name, strip[None], step=step)
        self._written_step = step
