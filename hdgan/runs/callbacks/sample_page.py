"""Photographs that the model generates of the same scenes during training."""

import pathlib

import keras
import numpy as np
import tensorflow as tf

from hdgan.data.image_files import write_png
from hdgan.reports.page import PictureHistory, write_page
from hdgan.reports.scene_pictures import scene_pictures
from hdgan.runs.callbacks.best_effort import best_effort

# Pictures of each scene that are kept, spread over the steps so far.
_MAX_HISTORY = 60


class SamplePage(keras.callbacks.Callback):
    """Writes a page and TensorBoard images of some scenes every few steps.

    The page is `directory/samples/index.html`, with a slider over the steps. A
    page that can't be drawn or written is a warning.

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
        with best_effort("Writing the sample page"):
            self._write_page()
        self._written_step = self.model.step

    def _write_page(self):
        step = self.model.step
        sections = []
        for number, (name, scene) in enumerate(self.scenes.items()):
            pictures = scene_pictures(self.model, **scene)
            with self._writer.as_default():
                strip = np.concatenate(list(pictures.values()), axis=1)
                tf.summary.image(name, strip[None], step=step)
            pictures["Generated"] = self._add_to_history(
                f"scene-{number}", step, pictures["Generated"]
            )
            sections.append((name, f"scene-{number}", pictures))
        write_page(
            self.path,
            f"Samples after {step} steps",
            "Always the same scenes; reload the page while training runs.",
            sections,
            self.model.labels,
        )

    def _add_to_history(self, name, step, picture):
        """Writes a picture, and returns the paths of all by their steps."""
        folder = self.path.parent
        (folder / "images").mkdir(parents=True, exist_ok=True)
        write_png(folder / "images" / f"{name}-step-{step:08d}.png", picture)
        paths = sorted(folder.glob(f"images/{name}-step-*.png"))
        if len(paths) > _MAX_HISTORY:
            # Every second one goes, but the newest stays.
            for path in paths[-2::-2]:
                path.unlink()
            paths = paths[-1::-2][::-1]
        return PictureHistory(
            picture.shape,
            {
                int(path.stem[-8:]): path.relative_to(folder).as_posix()
                for path in paths
            },
        )
