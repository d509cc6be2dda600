"""The files beside a served graph, read with the server's own protos."""

import sys

import pytest
import tensorflow as tf
from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    text_format,
    wrappers_pb2,
)
from shared_exports import OPTIONS
from tensorflow_serving.apis import prediction_log_pb2
from tensorflow_serving.config import model_server_config_pb2
from tiny_models import make_model

from hdgan.serving import ServingOptions, write_server_files


def _read_warmup(directory):
    path = directory / "assets.extra" / "tf_serving_warmup_requests"
    for record in tf.data.TFRecordDataset(str(path)):
        log = prediction_log_pb2.PredictionLog.FromString(record.numpy())
        request = log.predict_log.request
        yield (
            request.model_spec.signature_name,
            {k: tf.make_ndarray(v) for k, v in request.inputs.items()},
        )


@pytest.mark.parametrize("name", ["labels", "encoder", "loaded", "rgb"])
def test_every_warmup_request_is_answered(exports, name):
    signatures = exports[name].signatures
    counts = dict.fromkeys(signatures, 0)
    for signature, inputs in _read_warmup(exports[name].directory):
        counts[signature] += 1
        outputs = signatures[signature](
            **{key: tf.constant(value) for key, value in inputs.items()}
        )
        if signature == "serving_default":
            height, width = outputs["photo"].shape[1:3]
            assert (width, height) in OPTIONS.warmup_sizes
    for signature, count in counts.items():
        # One request per size, for signatures whose size is free.
        is_one = signature in ("describe", "synthesize_32x16")
        assert count == (1 if is_one else 2), signature


def test_without_sizes_there_is_no_warmup(tmp_path):
    make_model(num_downsamplings=1).export(tmp_path / "1")
    assert [path.name for path in (tmp_path / "1/assets.extra").iterdir()] == [
        "describe.json"
    ]


def test_missing_protos_are_reported(monkeypatch):
    monkeypatch.setitem(
        sys.modules, "tensorflow_serving.apis.prediction_log_pb2", None
    )
    with pytest.raises(ValueError, match="'tensorflow-serving-api~="):
        ServingOptions(warmup_sizes=((8, 8),))
    ServingOptions()


def test_more_requests_than_a_server_accepts(tmp_path):
    sizes = tuple((width, 8) for width in range(8, 700))
    model = make_model(num_downsamplings=1)
    with pytest.raises(ValueError, match="accepts 1000 warm-up requests"):
        model.export(tmp_path / "1", ServingOptions(warmup_sizes=sizes))
    assert not list(tmp_path.iterdir())


def _make_message(name, fields):
    """Makes a message whose proto tensorflow-serving-api does not include.

    The fields are from tensorflow_serving/config/monitoring_config.proto and
    tensorflow_serving/servables/tensorflow/session_bundle_config.proto.
    """
    pool = descriptor_pool.DescriptorPool()
    wrappers_pb2.DESCRIPTOR.CopyToProto(
        wrappers := descriptor_pb2.FileDescriptorProto()
    )
    pool.Add(wrappers)
    file = descriptor_pb2.FileDescriptorProto(
        name="server.proto",
        package="tensorflow.serving",
        syntax="proto3",
        dependency=[wrappers.name],
    )
    for message, members in fields.items():
        made = file.message_type.add(name=message)
        for number, (key, kind) in enumerate(members.items(), 1):
            field = made.field.add(name=key, number=number)
            field.label = field.LABEL_OPTIONAL
            if kind.startswith("."):
                field.type, field.type_name = field.TYPE_MESSAGE, kind
            else:
                field.type = getattr(field, f"TYPE_{kind}")
    pool.Add(file)
    descriptor = pool.FindMessageTypeByName(f"tensorflow.serving.{name}")
    return message_factory.GetMessageClass(descriptor)()


def test_the_server_reads_the_files(tmp_path):
    write_server_files(tmp_path / "config", "streets", "/models/streets", 8)
    files = {
        path.name: path.read_text() for path in (tmp_path / "config").iterdir()
    }
    assert set(files) == {
        "models.config",
        "batching.config",
        "monitoring.config",
    }
    config = text_format.Parse(
        files["models.config"], model_server_config_pb2.ModelServerConfig()
    )
    (model,) = config.model_config_list.config
    assert (model.name, model.base_path) == ("streets", "/models/streets")
    assert model.model_platform == "tensorflow"
    assert model.model_version_policy.latest.num_versions == 1
    number = ".google.protobuf.Int64Value"
    batching = _make_message(
        "BatchingParameters",
        {
            "BatchingParameters": {
                "max_batch_size": number,
                "batch_timeout_micros": number,
                "max_enqueued_batches": number,
                "num_batch_threads": number,
            }
        },
    )
    text_format.Parse(files["batching.config"], batching)
    assert batching.max_batch_size.value == 8
    assert batching.num_batch_threads.value == 1
    monitoring = _make_message(
        "MonitoringConfig",
        {
            "PrometheusConfig": {"enable": "BOOL", "path": "STRING"},
            "MonitoringConfig": {
                "prometheus_config": ".tensorflow.serving.PrometheusConfig"
            },
        },
    )
    text_format.Parse(files["monitoring.config"], monitoring)
    assert monitoring.prometheus_config.enable
    assert monitoring.prometheus_config.path == "/monitoring/prometheus/metrics"


def test_the_server_reads_folders_of_any_name(tmp_path):
    path = 'C:\\models\\"größte" {1}\n'
    write_server_files(tmp_path, "streets-1.0", path)
    config = text_format.Parse(
        (tmp_path / "models.config").read_text(),
        model_server_config_pb2.ModelServerConfig(),
    )
    assert config.model_config_list.config[0].base_path == path


@pytest.mark.parametrize("name", ["", "a b", "a/b", "a:predict", "größe"])
def test_names_that_no_url_can_have_are_refused(tmp_path, name):
    with pytest.raises(ValueError, match=r"letters, digits.*--model_name"):
        write_server_files(tmp_path, name, "/models/streets")
    assert not list(tmp_path.iterdir())


def test_an_empty_batch_is_refused(tmp_path):
    with pytest.raises(ValueError, match="at least 1"):
        write_server_files(tmp_path, "streets", "/models/streets", 0)
    assert not list(tmp_path.iterdir())
