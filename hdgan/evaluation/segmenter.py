"""A segmentation network that reads photographs, whatever made it."""

import json
import pathlib

import tensorflow as tf

from hdgan.data.files import hash_file
from hdgan.data.printable import printable
from hdgan.evaluation.keras_file import load_keras_network
from hdgan.preprocessing.label_set import as_label_set

# Beside the file of a segmenter that hdgan trained: its classes and scores.
RECORD = "segmenter.json"
KERAS_HUB = "keras_hub:"


class Segmenter:
    """Predicts the label id of each pixel of photographs.

    Args:
        model: Keras model, or a function, from one batch of RGB images
            `(1, height, width, 3)` to logits or probabilities `(1, h, w,
            outputs)`, or to integer ids `(1, h, w)`. Another size than the
            photograph's is scaled to it: logits bilinearly, ids by nearest
            neighbor.
        labels: the classes of the label maps: `LabelSet`, list of names or
            name of a label set.
        label_ids: sequence of int, the label id that each output stands for,
            -1 for none of them. Defaults to None: outputs are label ids.
        input_range: `(low, high)`, what 0 and 255 of a photograph become.
            Defaults to `(0, 255)`.
        record: dict, what a report says of the segmenter. Defaults to none.

    Call arguments:
        photo: uint8 `(height, width, 3)`.

    Returns:
        NumPy int32 `(height, width)`, label ids.

    Raises:
        ValueError: if the outputs are neither logits nor ids of these classes.

    Example:
        >>> segmenter = hdgan.evaluation.load_segmenter("seg.keras", labels)
        >>> label_map = segmenter(photo)
    """

    def __init__(
        self, model, labels, label_ids=None, input_range=(0, 255), record=None
    ):
        self.labels = as_label_set(labels)
        self.record = dict(record or {})
        self.input_range = tuple(input_range)
        self._model = model
        self._label_ids = label_ids and tuple(label_ids)
        shape = getattr(model, "input_shape", None)
        # A model may take images of one size only.
        fixed = isinstance(shape, tuple) and len(shape) == 4
        self.input_size = (
            shape[1:3] if fixed and None not in shape[1:3] else None
        )
        self._predict = tf.function(
            self._run,
            input_signature=[tf.TensorSpec((None, None, 3), tf.uint8)],
        )

    def __call__(self, photo):
        return self._predict(photo).numpy()

    def describe(self):
        """Returns what a report says of the segmenter, as a dict."""
        low, high = self.input_range
        return {
            **self.record,
            "input_range": [low, high],
            "input_size": self.input_size and list(self.input_size),
            "label_ids": self._label_ids and list(self._label_ids),
        }

    def _run(self, photo):
        size = tf.shape(photo)[:2]
        low, high = self.input_range
        image = tf.cast(photo, tf.float32)[None] / 255 * (high - low) + low
        if self.input_size is not None:
            image = tf.image.resize(image, self.input_size, antialias=True)
        outputs = tf.nest.flatten(self._model(image))
        if len(outputs) != 1:
            raise ValueError(
                f"The segmenter has {len(outputs)} outputs. Expected one, of "
                "logits or ids."
            )
        ids = self._find_ids(outputs[0], size)
        if self._label_ids is not None:
            ids = tf.gather(tf.constant(self._label_ids, tf.int32), ids)
        return ids

    def _find_ids(self, output, size):
        shape = output.shape
        if output.dtype.is_integer and len(shape) == 3:
            output = output[..., None]
        if len(output.shape) != 4:
            raise ValueError(
                f"The segmenter gives {output.dtype.name} of the shape "
                f"{tuple(shape)}. Expected logits, (batch, height, width, "
                "classes), or integer ids, (batch, height, width)."
            )
        if output.dtype.is_integer:
            output = tf.image.resize(output, size, method="nearest")
            return tf.cast(output[0, ..., 0], tf.int32)
        self._check_count(output.shape[-1])
        output = tf.image.resize(tf.cast(output, tf.float32), size)
        return tf.argmax(output[0], axis=-1, output_type=tf.int32)

    def _check_count(self, count):
        names = self.labels.names
        if self._label_ids is not None:
            if count != len(self._label_ids):
                raise ValueError(
                    f"The segmenter gives logits of {count} classes, but "
                    f"{len(self._label_ids)} label ids were given for them. "
                    "Expected one for each."
                )
        # The class that stands for ignored ids is last, and may be missing.
        elif count not in (
            len(names),
            len(names) - len(self.labels.ignore_ids[:1]),
        ):
            raise ValueError(
                f"The segmenter gives logits of {count} classes, but the label "
                f"maps have {len(names)}. Give the label id of each of its "
                "classes (--segmenter_ids), or train a segmenter for these: "
                "hdgan train segmenter."
            )


def load_segmenter(path, labels, label_ids=None, input_range=(0, 255)):
    """Loads a segmenter: a Keras model, a SavedModel or one of KerasHub.

    Args:
        path: path of a `.keras` file, or of a SavedModel's folder, whose
            signature `serving_default` has one input and one output; or
            `keras_hub:PRESET`, a preset of `keras_hub.models.ImageSegmenter`,
            which is fed images of the preset's size.
        labels, label_ids, input_range: as in `Segmenter`.

    Returns:
        `Segmenter`.

    Raises:
        ValueError: naming the file, if it is missing, is none of them, or was
            trained by hdgan for other classes.
    """
    labels = as_label_set(labels)
    if str(path).startswith(KERAS_HUB):
        model = _KerasHubModel(str(path).removeprefix(KERAS_HUB))
        record = {"file": str(path)}
        return Segmenter(model, labels, label_ids, input_range, record)
    path = pathlib.Path(path)
    if not path.exists():
        raise ValueError(
            f"There is no segmenter {str(path)!r}. Expected a .keras file or "
            "the folder of a SavedModel."
        )
    record = {"file": path.name, "sha256": hash_file(path)}
    if path.is_dir():
        model = _load_savedmodel(path)
    else:
        record |= _read_record(path, record["sha256"], labels)
        model = load_keras_network(path)
    return Segmenter(model, labels, label_ids, input_range, record)


def _read_record(path, sha256, labels):
    """Returns what hdgan wrote of a segmenter that it trained, or nothing."""
    file = path.with_name(RECORD)
    if not file.is_file():
        return {}
    record = json.loads(file.read_text())
    if record.get("sha256") != sha256:
        return {}
    names = list(labels.get_config()["names"])
    if record["classes"] != names:
        raise ValueError(
            f"{path} was trained for the classes "
            f"{', '.join(record['classes'])}. The label maps have "
            f"{', '.join(names)}. Train a segmenter for these: hdgan train "
            "segmenter."
        )
    return {name: record[name] for name in record if name != "sha256"}


def _load_savedmodel(path):
    try:
        loaded = tf.saved_model.load(str(path))
        signature = loaded.signatures["serving_default"]
        inputs = list(signature.structured_input_signature[1].items())
    except Exception as error:  # A damaged folder can raise any.
        raise ValueError(
            f"{path} is no SavedModel with a signature serving_default: "
            f"{printable(error)}"
        ) from error
    if len(inputs) != 1:
        raise ValueError(
            f"The signature serving_default of {path} has {len(inputs)} "
            "inputs. Expected one, of images."
        )
    return _SavedModel(loaded, signature, *inputs[0])


class _SavedModel:
    """The signature of a SavedModel as a function of one image batch.

    It holds what was loaded: a signature alone doesn't keep its variables.
    """

    def __init__(self, loaded, signature, name, spec):
        self._loaded = loaded
        self._signature = signature
        self._name, self._dtype = name, spec.dtype
        self.input_shape = tuple(spec.shape or ())

    def __call__(self, image):
        if self._dtype.is_integer:
            image = tf.round(image)
        return self._signature(**{self._name: tf.cast(image, self._dtype)})


class _KerasHubModel:
    """An `ImageSegmenter` of KerasHub as a function of one image batch.

    Its own preprocessing would crop images to the proportions of its training.

    Args:
        preset: str, name or path of the preset.
    """

    def __init__(self, preset):
        try:
            import keras_hub
        except ImportError as error:
            raise ValueError(
                f"The segmenter {KERAS_HUB}{preset} needs KerasHub. Install "
                "it: pip install keras-hub"
            ) from error
        try:
            self._model = keras_hub.models.ImageSegmenter.from_preset(preset)
            converter = self._model.preprocessor.image_converter
        except Exception as error:  # Its downloads raise many types.
            raise ValueError(
                f"KerasHub can't load the segmenter {preset!r}: "
                f"{printable(error)}"
            ) from error
        self.input_shape = (None, *converter.image_size, 3)
        self._scale = 1.0 if converter.scale is None else converter.scale
        self._offset = 0.0 if converter.offset is None else converter.offset

    def __call__(self, image):
        return self._model(image * self._scale + self._offset, training=False)
