"""What the model makes of the same few scenes, as it learns."""

import pathlib

import keras
import numpy as np
import tensorflow as tf

from hdgan.reports.page import write_page
from hdgan.reports.scene_pictures import scene_pictures


class SamplePage(keras.callbacks.Callback):
    """Writes a page and a TensorBoard image of some scenes every few steps.

    The page is `directory/samples/index.html`.

    Args:
        directory: path of the run.
        scenes: dict from a scene's name to a dict of numpy arrays: `label_map`,
            and `instance_map`, `photo` and `style_map` where there are any.
        every_steps: int >= 1; once more after the last step.
    """

    def __init__(self, directory, scenes, every_steps):
        super().__init__()
        self.directory = pathlib.Path(directory)
        self.scenes = scenes
        self.every_steps = every_steps
        self._written_step = None

    @property
    def path(self):
        """The page's file."""
        return self.directory / "samples" / "index.html"

    def on_train_begin(self, logs=None):
        # A step of several batches: the first ones end none.
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
            "The same scenes at every visit; reload the page while training "
            "runs.",
            sections,
            self.model.labels,
        )
        with self._writer.as_default():
            for name, _, pictures in sections:
                strip = np.concatenate(list(pictures.values()), axis=1)
                tf.summary.image(name, strip[None], step=step)
        self._written_step = step
