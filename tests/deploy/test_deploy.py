"""The files for Docker and Kubernetes, against their schemas and an export.

No cluster is needed: the stand-in server answers the probes.
"""

import inspect
import json
import pathlib
import re
import shlex
import subprocess
import sys
import urllib.parse

import kubernetes_validate
import pytest
import requests
import standin_server
import yaml
from google.protobuf import text_format
from programs import run
from tensorflow_serving.config import model_server_config_pb2
from tiny_models import make_model

from hdgan.serving import Client

ROOT = pathlib.Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KUSTOMIZATION = yaml.safe_load(
    (DEPLOY / "kubernetes/kustomization.yaml").read_text()
)
# Each file holds one object.
MANIFESTS = {
    name: yaml.safe_load((DEPLOY / "kubernetes" / name).read_text())
    for name in KUSTOMIZATION["resources"]
}
SERVICE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"][
    "hdgan"
]
POD = MANIFESTS["deployment.yaml"]["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]


@pytest.fixture(scope="module")
def serving(tmp_path_factory):
    """The folder that the command in deploy/README.md exports to."""
    folder = tmp_path_factory.mktemp("export")
    make_model(num_downsamplings=1).save(folder / "model.keras")
    text = (DEPLOY / "README.md").read_text()
    command = re.search(r"    hdgan export_savedmodel (.*?)\n\n", text, re.S)
    arguments = shlex.split(command.group(1).replace("\\\n", " "))
    run(
        "tools.export_savedmodel",
        *[
            argument.replace("=serving", f"={folder / 'serving'}").replace(
                "=runs/first", f"={folder / 'model.keras'}"
            )
            for argument in arguments
        ],
    )
    return folder / "serving"


@pytest.fixture(scope="module")
def config(serving):
    """The server's configuration of its one model."""
    config = text_format.Parse(
        (serving / "config" / "models.config").read_text(),
        model_server_config_pb2.ModelServerConfig(),
    )
    return config.model_config_list.config[0]


@pytest.fixture(scope="module")
def server(serving, config):
    directory = serving / "hdgan" / "1"
    with standin_server.start(directory, config.name) as server:
        yield server


@pytest.mark.parametrize("name", MANIFESTS)
def test_manifests_fit_the_schema(name):
    # It raises an error if the manifest is not valid.
    version = kubernetes_validate.validate(MANIFESTS[name], "1.37", strict=True)
    assert version == "1.37"


def test_the_schema_rejects_unknown_fields():
    manifest = json.loads(json.dumps(MANIFESTS["deployment.yaml"]))
    manifest["spec"]["template"]["spec"]["container"] = []
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(manifest, "1.37", strict=True)


def test_every_manifest_is_applied():
    names = {path.name for path in (DEPLOY / "kubernetes").iterdir()}
    assert names == {"kustomization.yaml", *MANIFESTS}


def test_compose_fits_the_schema(tmp_path):
    def check(path):
        return subprocess.run(
            [
                sys.executable,
                "-m",
                "check_jsonschema",
                "--builtin-schema=vendor.compose-spec",
                path,
            ],
            capture_output=True,
        ).returncode

    assert check(DEPLOY / "compose.yaml") == 0
    wrong = tmp_path / "compose.yaml"
    wrong.write_text("services: {hdgan: {portss: [1]}}")
    assert check(wrong) != 0


def test_selectors_select_the_pods():
    labels = MANIFESTS["deployment.yaml"]["spec"]["template"]["metadata"][
        "labels"
    ]
    spec = {name: manifest["spec"] for name, manifest in MANIFESTS.items()}
    assert spec["deployment.yaml"]["selector"]["matchLabels"] == labels
    assert spec["service.yaml"]["selector"] == labels
    assert spec["disruption_budget.yaml"]["selector"]["matchLabels"] == labels
    assert spec["network_policy.yaml"]["podSelector"]["matchLabels"] == labels
    target = spec["autoscaler.yaml"]["scaleTargetRef"]
    assert target["name"] == MANIFESTS["deployment.yaml"]["metadata"]["name"]
    assert "replicas" not in spec["deployment.yaml"]
    ports = {port["name"] for port in CONTAINER["ports"]}
    for port in spec["service.yaml"]["ports"]:
        assert port["targetPort"] in ports
    (image,) = KUSTOMIZATION["images"]
    assert CONTAINER["image"] == image["name"]


def test_containers_run_unprivileged():
    assert POD["securityContext"]["runAsNonRoot"]
    assert POD["securityContext"]["runAsUser"] > 0
    assert not POD["automountServiceAccountToken"]
    own = CONTAINER["securityContext"]
    assert own["readOnlyRootFilesystem"]
    assert not own["allowPrivilegeEscalation"]
    assert own["capabilities"] == {"drop": ["ALL"]}
    assert SERVICE["read_only"]
    assert SERVICE["cap_drop"] == ["ALL"]
    assert not SERVICE["user"].startswith("0")
    assert all(port.startswith("127.0.0.1:") for port in SERVICE["ports"])


def test_the_grace_period_is_longer_than_the_pre_stop_hook():
    wait = CONTAINER["lifecycle"]["preStop"]["sleep"]["seconds"]
    assert POD["terminationGracePeriodSeconds"] > wait


def _flags(arguments):
    return dict(a.removeprefix("--").split("=", 1) for a in arguments)


@pytest.mark.parametrize(
    "arguments", [SERVICE["command"], CONTAINER["args"]], ids=["compose", "pod"]
)
def test_the_server_finds_the_export(arguments, serving, config):
    flags = _flags(arguments)
    for flag in ("model_config_file", "monitoring_config_file"):
        # Both mount the folder `serving` as /models.
        path = pathlib.Path(flags[flag]).relative_to("/models")
        assert (serving / path).is_file()
    versions = pathlib.Path(config.base_path).relative_to("/models")
    assert (serving / versions / "1" / "saved_model.pb").is_file()
    # The server runs as another user, so all users must be able to read.
    for path in serving.rglob("*"):
        needed = 0o555 if path.is_dir() else 0o444
        assert path.stat().st_mode & needed == needed, path


def test_threads_are_as_many_as_cores():
    flags = _flags(CONTAINER["args"])
    cores = CONTAINER["resources"]["requests"]["cpu"]
    assert flags["tensorflow_intra_op_parallelism"] == cores


def test_the_memory_limit_holds_for_simultaneous_requests():
    """Applies the rule of deploy/README.md to its table."""
    text = (DEPLOY / "README.md").read_text()
    row = re.search(r"pix2pixhd_512p`, float32 \|.*\n\| \| (1024.*)", text)
    *_, loaded, first, more = (
        float(cell) for cell in row.group(1).split("|")[1:-1]
    )
    by_rest = int(_flags(CONTAINER["args"])["rest_api_num_threads"])
    by_grpc = inspect.signature(Client.map).parameters["concurrency"].default
    needed = 1.25 * (loaded + first + more * (by_rest + by_grpc - 1))
    limit = CONTAINER["resources"]["limits"]["memory"]
    assert int(limit.removesuffix("Gi")) * 2**30 >= needed * 1e9
    compose = SERVICE["deploy"]["resources"]["limits"]["memory"]
    default = re.fullmatch(r"\${HDGAN_MEMORY:-(\d+)g}", compose).group(1)
    assert int(default) >= needed


def test_kubernetes_probes_are_answered(server):
    assert CONTAINER["livenessProbe"]["tcpSocket"] == {"port": "rest"}
    for kind in ("startupProbe", "readinessProbe"):
        get = CONTAINER[kind]["httpGet"]
        assert get["port"] == "rest"
        response = requests.get(server.rest_url + get["path"])
        assert response.status_code == 200
        assert "AVAILABLE" in response.text


def test_the_health_check_of_compose(server):
    kind, *command = SERVICE["healthcheck"]["test"]
    assert kind == "CMD"
    port = urllib.parse.urlsplit(server.rest_url).port
    script = command[-1]

    def check(script):
        return subprocess.run([*command[:-1], script], timeout=60).returncode

    assert check(script.replace("8501", str(port))) == 0
    other = script.replace("8501", str(port)).replace("hdgan", "another")
    assert check(other) != 0
    # Nothing listens on port 9.
    assert check(script.replace("8501", "9")) != 0
