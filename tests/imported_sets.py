"""Small copies of public data sets' layouts, and what an import made of them.

All images have two rows and four columns.
"""

import json

import numpy as np
from PIL import Image

from hdgan.data.image_files import read_id_map
from hdgan.data.importing import ImportOptions, import_data_set
from hdgan.preprocessing.label_set import LabelSet

HEIGHT, WIDTH = 2, 4


def save(path, pixels, dtype="uint8", **options):
    """Writes an image of ids `(2, 4)`, or of colors `(2, 4, 3)`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels, dtype)).save(path, **options)


def save_palette(path, ids):
    """Writes a palette image, as VOC and CMP Facades have."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.asarray(ids, "uint8"))
    image.putpalette([(7 * k) % 256 for k in range(768)])
    assert image.mode == "P"
    image.save(path)


def save_photo(path, height=HEIGHT, width=WIDTH):
    save(path, np.arange(height * width * 3).reshape(height, width, 3) % 256)


def save_json(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def run_import(folder, format, **options):
    """Imports `folder/source` to `folder/out`; returns the result."""
    return import_data_set(
        ImportOptions(format, folder / "source", folder / "out", **options)
    )


def assert_written(folder, name, label_map, instance_map, split="train"):
    """Asserts the exact maps of a scene in `folder/out`."""
    out = folder / "out"
    labels = read_id_map(out / f"{split}_label" / f"{name}.png")
    np.testing.assert_array_equal(labels, label_map)
    (path,) = (out / f"{split}_inst").glob(f"{name}.*")
    np.testing.assert_array_equal(read_id_map(path), instance_map)
    assert len(list((out / f"{split}_img").glob(f"{name}.*"))) == 1


def read_labels(folder):
    """Returns the `LabelSet` in `folder/out`."""
    return LabelSet.load(folder / "out" / "labels.json")
