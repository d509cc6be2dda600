"""Shape libraries: outlines of objects, cut from a data set."""

import io
import json
import pathlib

import numpy as np

from hdgan.checks import check_integers
from hdgan.data.bounded_zip import open_bounded_zip
from hdgan.data.files import write_file
from hdgan.editing.objects import Shape, cut_shape
from hdgan.editing.scene import EditableScene

_INDEX = "shapes"


class ShapeLibrary:
    """Shapes to add to scenes.

    Args:
        shapes: sequence of `Shape`.

    Example:
        >>> library = ShapeLibrary.cut(find_scenes("data"), model.labels)
        >>> car = library.of_class("car")[0]
        >>> scene = add_object(scene, car, left=40, top=car.top)
    """

    def __init__(self, shapes):
        self.shapes = tuple(shapes)

    @classmethod
    def cut(cls, scenes, labels, per_class=50, min_pixels=64, styles=None):
        """Cuts the objects of a data set that are whole.

        An object counts if it is one of things, does not touch the scene's
        edge, and is not too small. Of the largest of each class, at most
        `per_class` are kept.

        Args:
            scenes: `SceneSource` with instance maps.
            labels: `LabelSet`.
            per_class: int >= 1. Defaults to 50.
            min_pixels: int >= 1, area in pixels. Defaults to 64.
            styles: function from a scene's index to a dict from an id to a
                style, kept with the shapes. Defaults to None.

        Raises:
            ValueError: naming the file that is damaged.
        """
        check_integers(per_class=per_class, min_pixels=min_pixels)
        found = {}
        for index in range(len(scenes)):
            arrays = scenes.read(index)
            scene = EditableScene(
                arrays["label_map"],
                arrays.get("instance_map"),
                labels,
                styles(index) if styles else {},
            )
            for instance, name in scene.objects().items():
                shape = cut_shape(scene, instance, scenes.stem(index))
                if shape.mask.sum() < min_pixels or _touches_edge(shape):
                    continue
                kept = found.setdefault(name, [])
                kept.append(shape)
                kept.sort(key=lambda shape: -int(shape.mask.sum()))
                del kept[per_class:]
        return cls([shape for shapes in found.values() for shape in shapes])

    def __len__(self):
        return len(self.shapes)

    @property
    def names(self):
        """tuple of str, the classes of which there are shapes."""
        return tuple(dict.fromkeys(shape.name for shape in self.shapes))

    def of_class(self, name):
        """Returns the shapes of a class.

        Args:
            name: str, the class.

        Returns:
            Tuple of `Shape`, the largest first.

        Raises:
            ValueError: if there is none.
        """
        shapes = tuple(shape for shape in self.shapes if shape.name == name)
        if not shapes:
            raise ValueError(
                f"The library has no shape of the class {name!r}. It has: "
                f"{', '.join(self.names) or 'none'}."
            )
        return shapes

    def save(self, path):
        """Writes the library to a `.npz` file, atomically.

        Args:
            path: path of the file.

        Raises:
            OSError: if the file can't be written.
        """
        entries, arrays = [], {}
        for number, shape in enumerate(self.shapes):
            arrays[f"mask_{number}"] = np.packbits(shape.mask)
            entries.append(
                {
                    "size": list(shape.mask.shape),
                    "name": shape.name,
                    "left": shape.left,
                    "top": shape.top,
                    "scene_size": list(shape.scene_size),
                    "ground": shape.ground,
                    "style": None if shape.style is None else list(shape.style),
                    "source": shape.source,
                }
            )
        arrays[_INDEX] = np.array(json.dumps(entries))
        file = io.BytesIO()
        np.savez_compressed(file, **arrays)
        write_file(path, file.getvalue())

    @classmethod
    def load(cls, path):
        """Reads a library from a file that `save` wrote.

        Args:
            path: path of the `.npz` file.

        Raises:
            ValueError: naming the file, if it is missing, damaged or holds
                something else.
        """
        path = pathlib.Path(path)
        try:
            with path.open("rb") as file:
                open_bounded_zip(file)
                file.seek(0)
                with np.load(file, allow_pickle=False) as arrays:
                    entries = json.loads(str(arrays[_INDEX]))
                    return cls(
                        _make_shape(arrays[f"mask_{number}"], **entry)
                        for number, entry in enumerate(entries)
                    )
        except Exception as error:  # Damaged contents can raise any.
            raise ValueError(
                f"{path} is no shape library, or is damaged: {error}. Expected "
                "a file that ShapeLibrary.save wrote."
            ) from error


def _make_shape(packed, size, style, scene_size, **others):
    height, width = size
    mask = np.unpackbits(packed, count=height * width).astype(bool)
    return Shape(
        mask.reshape(height, width),
        scene_size=tuple(scene_size),
        style=None if style is None else tuple(style),
        **others,
    )


def _touches_edge(shape):
    height, width = shape.mask.shape
    return (
        shape.left == 0
        or shape.top == 0
        or shape.left + width == shape.scene_size[1]
        or shape.top + height == shape.scene_size[0]
    )
