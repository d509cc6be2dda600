"""SavedModels, which serve without Keras and without this package."""

import pathlib
import resource
import subprocess
import sys
import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from tiny_models import (
    inputs_for,
    make_model,
    make_scenes,
    optimizer_state,
    sharpen,
    synthesize,
)

from hdgan.serving import ServingOptions, savedmodel

SIZES = ((1, 1), (17, 33), (64, 96))
MODELS = {
    "labels": {"ema_decay": 0.9, "num_downsamplings": 1},
    "local": {"preset": "pix2pixhd_1024p", "num_downsamplings": 1},
    "encoder": {"styles": "instances", "num_downsamplings": 1},
    "loaded": {
        "styles": "loaded",
        "style_channels": 2,
        "num_downsamplings": 1,
    },
    "rgb": {"labels": None, "use_instances": False, "num_downsamplings": 1},
    "bfloat16": {"dtype": "mixed_bfloat16", "num_downsamplings": 1},
}
# The operations that an export may use. Every TensorFlow server has them; none
# calls back into Python or belongs to training.
STOCK_OPERATIONS = """
    Abs AddV2 All Any AsString Assert AssignVariableOp AvgPool BiasAdd
    BroadcastTo Cast ClipByValue ConcatV2 Const Conv2D Conv2DBackpropInput
    DecodeJpeg DecodePng DecodeRaw DisableCopyOnRead EncodePng EnsureShape Equal
    ExpandDims ExtractJpegShape Fill FloorDiv FloorMod FusedBatchNormV3 GatherNd
    GatherV2 Greater GreaterEqual Identity IdentityN If Less LessEqual
    LogicalAnd LogicalNot LogicalOr LowerBound MatMul Max Maximum Mean
    MergeV2Checkpoints Minimum MirrorPad Mul Neg NoOp NotEqual OneHot Pack Pad
    PadV2 PartitionedCall Placeholder Pow Prod RaggedTensorFromVariant
    RaggedTensorToVariant Range Rank ReadVariableOp RealDiv Relu Reshape
    RestoreV2 ReverseV2 Round Rsqrt SaveV2 Select SelectV2 Shape ShardedFilename
    Size Square Squeeze StatefulPartitionedCall StatelessIf StatelessWhile
    StaticRegexFullMatch StopGradient StridedSlice StringJoin StringLength
    StringToHashBucketStrong Sub Substr Sum Tanh TensorListFromTensor
    TensorListGetItem TensorListReserve TensorListSetItem TensorListStack Tile
    TopKV2 Transpose Unique Unpack UnsortedSegmentMin UnsortedSegmentSum
    VarHandleOp Where While
"""


def _scenes(model, size, count):
    scenes = inputs_for(model, count, *size)
    scenes.setdefault("instance_map", np.zeros((count, *size), "int32"))
    return scenes


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Models, and the answers of their exports in a process without Keras."""
    folder = tmp_path_factory.mktemp("served")
    models = {}
    requests = {}
    for name, options in MODELS.items():
        model = models[name] = sharpen(make_model(**options))
        if model.average_generator is not None:
            # Gives the optimizers a state, which must not be exported.
            model.compile()
            model.fit(make_scenes(1, 16, 32), verbose=0)
            assert optimizer_state(model)
            # Makes the two generators differ, so that the photographs show
            # which one was exported.
            model.average_generator.set_weights(
                [3 * weight for weight in model.generator.get_weights()]
            )
        model.export(folder / name)
        for height, width in SIZES:
            for count in (1, 2):
                inputs = _scenes(model, (height, width), count)
                for key, array in inputs.items():
                    requests[f"{name}/{height}x{width}x{count}/{key}"] = array
    wrong = _scenes(models["labels"], (4, 4), 1)
    wrong["label_map"][0, 2, 2] = 5
    for key, array in wrong.items():
        requests[f"labels/wrong/{key}"] = array
    np.savez(folder / "requests.npz", **requests)
    script = pathlib.Path(__file__).parent / "serve_exports.py"
    subprocess.run([sys.executable, script, folder], check=True, cwd=folder)
    with np.load(folder / "answers.npz") as file:
        return types.SimpleNamespace(
            folder=folder, models=models, answers=dict(file)
        )


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", MODELS)
def test_serving_gives_the_photographs_of_synthesize(served, name, size, count):
    model = served.models[name]
    answer = served.answers[f"{name}/{size[0]}x{size[1]}x{count}"]
    assert answer.dtype == np.uint8
    assert answer.shape == (count, *size, 3)
    inputs = _scenes(model, size, count)
    photos = synthesize(model, inputs)
    difference = np.abs(answer.astype(int) - photos)
    if name == "bfloat16":  # Kernels may round its eight bits differently.
        assert difference.mean() < 1
    else:
        assert difference.max() <= 1
    if size != (1, 1):
        assert photos.std() > 5


def test_a_label_id_without_a_class_is_refused(served):
    message = str(served.answers["labels/wrong"])
    assert message.startswith("InvalidArgumentError")
    assert "outside 0..4: this model has 5 classes" in message


def test_only_the_networks_of_inference_are_exported(served):
    for name, model in served.models.items():
        expected = sorted(
            str(tuple(weight.shape))
            for network in (model.inference_generator, model.encoder)
            if network is not None
            for weight in network.weights
        )
        assert list(served.answers[f"{name}/variables"]) == expected
        # The file holds each weight once.
        assert list(served.answers[f"{name}/file"]) == expected


def test_signature_has_names_and_free_sizes(served):
    assert list(served.answers["labels/signature"]) == [
        "instance_map: int32 (None, None, None)",
        "label_map: uint8 (None, None, None)",
        "photo -> uint8 (None, None, None, 3)",
    ]
    assert list(served.answers["encoder/signature"]) == [
        "instance_map: int32 (None, None, None)",
        "label_map: uint8 (None, None, None)",
        "photo -> uint8 (None, None, None, 3)",
        "photo: uint8 (None, None, None, 3)",
    ]
    assert list(served.answers["loaded/signature"]) == [
        "instance_map: int32 (None, None, None)",
        "label_map: uint8 (None, None, None)",
        "photo -> uint8 (None, None, None, 3)",
        "style_map: uint8 (None, None, None, 2)",
    ]
    assert (
        "label_map: uint8 (None, None, None, 3)"
        in served.answers["rgb/signature"]
    )


@pytest.mark.parametrize("name", MODELS)
def test_graph_holds_stock_operations_only(served, name):
    operations = set(served.answers[f"{name}/operations"])
    # Those of the networks and of the signatures that take files.
    assert operations >= {"Conv2D", "Tanh", "DecodePng"}
    assert operations <= set(STOCK_OPERATIONS.split())


@pytest.mark.parametrize("name", MODELS)
def test_graph_holds_no_gradients(served, name):
    # Gradients would double the size of the graph, and Python would warn of
    # each when it loads the graph.
    assert not list(served.answers[f"{name}/gradients"])


def test_process_that_serves_imports_neither_keras_nor_this_package(served):
    assert not list(served.answers["imported"])


def test_an_existing_directory_is_left_alone(served, tmp_path):
    (tmp_path / "1").mkdir()
    with pytest.raises(ValueError, match="exists already"):
        served.models["labels"].export(tmp_path / "1")
    assert not list((tmp_path / "1").iterdir())


def test_a_simultaneous_export_is_left_alone(served, tmp_path, monkeypatch):
    write = savedmodel.write_description

    def write_late(*arguments):
        write(*arguments)
        (tmp_path / "1" / "variables").mkdir(parents=True)

    monkeypatch.setattr(savedmodel, "write_description", write_late)
    with pytest.raises(ValueError, match="exists already"):
        served.models["labels"].export(tmp_path / "1")
    # The other export is unchanged, and this one left nothing behind.
    assert [path.name for path in tmp_path.iterdir()] == ["1"]
    assert [path.name for path in (tmp_path / "1").iterdir()] == ["variables"]


def test_training_goes_on_after_an_export(tmp_path):
    weights = []
    for is_exported in (False, True):
        keras.utils.set_random_seed(0)
        model = make_model(num_downsamplings=1)
        model.compile()
        if is_exported:
            model.export(tmp_path / "1")
        before = model.generator.get_weights()
        model.fit(make_scenes(1, 16, 32), verbose=0)
        after = model.generator.get_weights()
        assert any(np.any(a != b) for a, b in zip(before, after, strict=True))
        weights.append(after)
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_parents_are_made(served, tmp_path):
    served.models["labels"].export(str(tmp_path / "models" / "1"))
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["1"]
    assert (tmp_path / "models" / "1" / "saved_model.pb").is_file()


def test_a_file_in_the_way_is_left_alone(served, tmp_path):
    (tmp_path / "models").write_text("not a directory")
    with pytest.raises(OSError, match="models"):
        served.models["labels"].export(tmp_path / "models" / "1")
    assert (tmp_path / "models").read_text() == "not a directory"


def test_a_write_that_fails_leaves_nothing_behind(served, tmp_path):
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    # Limits the size of files, as a full disk does.
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limit[1]))
    try:
        with pytest.raises((OSError, tf.errors.OpError)):
            served.models["labels"].export(tmp_path / "1")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert not list(tmp_path.iterdir())


def test_each_device_has_the_graph_that_is_fast_there(tmp_path):
    # Wide enough that the last convolution is split on CPUs: a second
    # convolution adds up its rows.
    model = sharpen(make_model(num_downsamplings=1, base_width=32))
    scenes = _scenes(model, SIZES[1], 1)
    scenes["label_map"] = scenes["label_map"].astype("uint8")
    convolutions, photos = {}, {}
    for device in ("cpu", "gpu"):
        model.export(tmp_path / device, ServingOptions(device=device))
        loaded = tf.saved_model.load(tmp_path / device)
        serve = loaded.signatures["serving_default"]
        library = serve.graph.as_graph_def().library
        convolutions[device] = sum(
            node.op == "Conv2D" for f in library.function for node in f.node_def
        )
        tensors = {k: tf.constant(v) for k, v in scenes.items()}
        photos[device] = serve(**tensors)["photo"].numpy().astype(int)
    assert convolutions["cpu"] == convolutions["gpu"] + 1
    assert np.abs(photos["cpu"] - photos["gpu"]).max() <= 1
    # Graphs that are traced afterwards are for this machine again.
    expected = synthesize(model, scenes)
    assert np.abs(photos["gpu"] - expected).max() <= 1
    with pytest.raises(ValueError, match=r"`device`.*'tpu'"):
        ServingOptions(device="tpu")
