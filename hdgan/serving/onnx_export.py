"""Exports of models as ONNX files, which other engines run."""

import importlib.metadata
import importlib.util
import json

import numpy as np
import tensorflow as tf

from hdgan.data.files import write_file
from hdgan.layers import plain_kernels
from hdgan.layers.kernels.backend import tracing_for_inference
from hdgan.models.precision import with_precision
from hdgan.serving.options import ServingOptions
from hdgan.serving.signatures import make_signatures

# The first version of ONNX whose ScatterElements adds up.
_OPSET = 16
# Protocol buffers hold no more.
_MAX_BYTES = 2**31 - 1
# How much a channel of a photograph may differ from `synthesize`, of 255.
_TOLERANCE = 2
_AXES = ("batch", "height", "width")
# Height and width of the scenes that are compared.
_SIZES = ((17, 33), (40, 24))


def export_onnx(model, path):
    """Writes an ONNX file of the inference generator with its preprocessing.

    The file computes in float32. Batch, height and width are free; a model
    whose `image_size` is fixed has free batches only. Photographs have the size
    of the label map. The inputs are:

    - `label_map`, int32 `(batch, height, width)`; for a model without labels an
      RGB image, uint8 `(batch, height, width, 3)`.
    - `instance_map`, int32 `(batch, height, width)`, zeros if there is none;
      for a model that uses instances.
    - `style_photo`, uint8 `(batch, height, width, 3)`, whose styles are used;
      for a model with an encoder.
    - `style_map`, uint8 `(batch, height, width, style_map_channels)`; for a
      generator that takes style maps.

    The output is `photo`, uint8 `(batch, height, width, 3)`. ONNX cannot refuse
    an input: label ids must be below the number of classes, and all inputs of
    the same size.

    The metadata of the file are `labels`, JSON with names and colors, or
    `null`; `preset`; and `version`, that of hdgan.

    Before the file is written, ONNX Runtime computes photographs of two sizes,
    which may differ from `LabelToPhotoModel.synthesize` (in float32) by 2 of
    255 levels.

    Args:
        model: `LabelToPhotoModel`.
        path: path of the file; replaces a file of that name.

    Raises:
        ValueError: if tf2onnx or onnxruntime is not installed, a part of the
            model has no equivalent in ONNX, the weights take 2 GiB or more, or
            the photographs differ.
        OSError: if the file cannot be written.

    Example:
        >>> hdgan.serving.export_onnx(model, "model.onnx")
    """
    check_libraries()
    if model.preprocessing.compute_dtype != "float32":
        # ONNX Runtime convolves on processors in float32 only.
        model = with_precision(model, "float32")
    function, specs = _make_function(model)
    proto = _convert(model, function, specs)
    contents = proto.SerializeToString()
    _compare(model, contents, specs)
    write_file(path, contents)


def check_libraries():
    """Raises `ValueError` if a library that the export needs is missing."""
    for name in ("tf2onnx", "onnxruntime"):
        if importlib.util.find_spec(name) is None:
            raise ValueError(
                f"The ONNX export needs {name}, which is not installed: "
                "pip install 'tf2onnx~=1.17.0' onnxruntime."
            )


def _convert(model, function, specs):
    """Returns the `onnx.ModelProto` of a model."""
    import tf2onnx

    size = sum(
        weight.size * 4
        for network in (model.inference_generator, model.encoder)
        if network is not None
        for weight in network.get_weights()
    )
    if size > _MAX_BYTES:
        raise ValueError(
            f"An ONNX file holds less than 2 GiB. The weights of this model "
            f"take {size / 2**30:.1f} GiB. Export it as a SavedModel."
        )
    with plain_kernels(), tracing_for_inference("cpu"):
        proto, _ = tf2onnx.convert.from_function(
            tf.function(function, autograph=False),
            specs,
            opset=_OPSET,
            custom_op_handlers={
                "UnsortedSegmentSum": (_convert_segment_sum, []),
                "Conv2DBackpropInput": (_convert_transposed_convolution, []),
            },
        )
    _check_operators(proto)
    _describe(proto, model)
    return proto


def _make_function(model):
    """Returns the function to convert, and the `tf.TensorSpec`s it takes.

    It is `serving_default`, whose checks the conversion drops, without inputs
    that make no difference, and with ids in the dtype of instance maps. Inputs
    and outputs of an ONNX graph need different names.
    """
    synthesize, specs = make_signatures(model, ServingOptions())[
        "serving_default"
    ]
    uses_instances = model.use_instances or model.encoder is not None
    size = model.image_size or (None, None)
    names = {"photo": "style_photo"}
    kept = []
    for spec in specs:
        dtype = spec.dtype
        if spec.name == "label_map" and model.labels is not None:
            dtype = tf.int32
        if spec.name != "instance_map" or uses_instances:
            shape = (None, *size, *spec.shape[3:])
            name = names.get(spec.name, spec.name)
            kept.append(tf.TensorSpec(shape, dtype, name))

    def function(*maps):
        if not uses_instances:
            label_map, *others = maps
            zeros = tf.zeros(tf.shape(label_map)[:3], tf.int32)
            maps = label_map, zeros, *others
        return synthesize(*maps)

    return function, kept


def _convert_segment_sum(context, node, name, args):
    """Converts `tf.math.unsorted_segment_sum` of rows of float32.

    tf2onnx itself makes a grid of all segments by the rows of the largest, too
    large for one segment per pixel.
    """
    from onnx import TensorProto, helper
    from tf2onnx.utils import make_name

    def make(operator, inputs, **attributes):
        return context.make_node(operator, inputs, attr=attributes).output[0]

    def constant(number):
        array = np.array([number], "int64")
        return context.make_const(make_name(name), array).output[0]

    values, segments, num_segments = node.input
    segments = make("Cast", [segments], to=TensorProto.INT64)
    num_segments = make("Cast", [num_segments], to=TensorProto.INT64)
    rows = make("Unsqueeze", [num_segments, constant(0)])
    columns = make("Slice", [make("Shape", [values]), constant(1), constant(2)])
    zeros = make(
        "ConstantOfShape",
        [make("Concat", [rows, columns], axis=0)],
        value=helper.make_tensor("value", TensorProto.FLOAT, [1], [0.0]),
    )
    # Not ScatterND: ONNX Runtime adds in several threads there, without locks,
    # and loses values of a segment.
    node.type = "ScatterElements"
    node.set_attr("axis", 0)
    node.set_attr("reduction", "add")
    segments = make("Unsqueeze", [segments, constant(-1)])
    index = make("Expand", [segments, make("Shape", [values])])
    context.replace_inputs(node, [zeros, index, values])


def _convert_transposed_convolution(context, node, name, args):
    """Converts a transposed convolution of `keras.ops`.

    tf2onnx itself reads unknown sizes as 0 if the kernel has 4 pixels.
    """
    # The bias, if any, is joined to it by now.
    _, kernel, x, *bias = node.input
    stride = node.get_attr("strides").ints[1]
    side, _, channels, _ = context.get_shape(kernel)
    # TensorFlow crops the output to `stride` times the input.
    is_same = node.get_attr_value("padding") == b"SAME"
    excess = side - stride if is_same else 0
    before, after = excess // 2, excess - excess // 2

    def transpose(tensor, perm):
        attributes = {"perm": perm}
        return context.make_node("Transpose", [tensor], attributes).output[0]

    node.type = "ConvTranspose"
    context.replace_inputs(
        node,
        [
            transpose(x, [0, 3, 1, 2]),
            transpose(kernel, [3, 2, 0, 1]),
            *bias,
        ],
    )
    node.set_attr("strides", [stride, stride])
    node.set_attr("dilations", [1, 1])
    node.set_attr("pads", [before, before, after, after])
    output = node.output[0]
    back = context.insert_new_node_on_output(
        "Transpose", output, perm=[0, 2, 3, 1]
    )
    context.copy_shape(output, back.output[0])
    context.set_shape(output, [-1, channels, -1, -1])


def _check_operators(proto):
    """Raises `ValueError` if tf2onnx left an operation of TensorFlow."""
    import onnx

    unknown = set()
    graphs = [proto.graph]
    while graphs:
        for node in graphs.pop().node:
            if not onnx.defs.has(node.op_type, node.domain):
                unknown.add(node.op_type)
            graphs.extend(
                attribute.g
                for attribute in node.attribute
                if attribute.type == onnx.AttributeProto.GRAPH
            )
    if unknown:
        raise ValueError(
            "ONNX has no equivalent of these TensorFlow operations of the "
            f"model: {', '.join(sorted(unknown))}. Replace the layers that use "
            "them, or export a SavedModel."
        )


def _describe(proto, model):
    """Adds metadata and the names of axes."""
    import onnx

    version = importlib.metadata.version("hdgan")
    labels = None if model.labels is None else model.labels.get_config()
    onnx.helper.set_model_props(
        proto,
        {
            "labels": json.dumps(labels),
            "preset": model.preset or "",
            "version": version,
        },
    )
    for value in (*proto.graph.input, *proto.graph.output):
        axes = value.type.tensor_type.shape.dim
        for name, axis in zip(_AXES, axes, strict=False):
            if not axis.dim_value:
                axis.dim_param = name


def _compare(model, contents, specs):
    """Raises `ValueError` if the file's photographs are not the model's."""
    import onnxruntime

    session = onnxruntime.InferenceSession(
        contents, providers=["CPUExecutionProvider"]
    )
    for size in [model.image_size] if model.image_size else _SIZES:
        inputs = _draw_inputs(model, specs, size)
        (photos,) = session.run(["photo"], inputs)
        expected = model.synthesize(
            inputs["label_map"],
            inputs.get("instance_map"),
            inputs.get("style_photo"),
            inputs.get("style_map"),
        )
        difference = np.abs(photos.astype(int) - expected).max()
        if difference > _TOLERANCE:
            raise ValueError(
                f"In ONNX Runtime the photographs of {size[1]}x{size[0]} "
                f"pixels differ by up to {difference} of 255 levels from those "
                f"of the model. At most {_TOLERANCE} are expected, so the file "
                "was not written. Export a SavedModel, or try other versions "
                "of tf2onnx and onnxruntime."
            )


def _draw_inputs(model, specs, size):
    """Draws two scenes of blocks, the first without instances."""
    draw = np.random.default_rng(0)
    num_values = {
        "label_map": 256 if model.labels is None else len(model.labels),
        "instance_map": 40_000,
    }
    inputs = {}
    for spec in specs:
        shape = (2, *(side // 4 + 1 for side in size), *spec.shape[3:])
        blocks = draw.integers(num_values.get(spec.name, 256), size=shape)
        image = blocks.repeat(4, axis=1).repeat(4, axis=2)
        image = image[:, : size[0], : size[1]]
        inputs[spec.name] = image.astype(spec.dtype.as_numpy_dtype)
    if "instance_map" in inputs:
        inputs["instance_map"][0] = 0
    return inputs
