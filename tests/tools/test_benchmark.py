"""Measuring speed and memory; no test requires a speed."""

import json
import subprocess
import types

import numpy as np
import pytest
import tensorflow as tf
from programs import assert_one_clear_error, run, run_inside

from hdgan import LabelSet, Pix2PixHD
from hdgan.data.resize_policy import ResizePolicy
from hdgan.data.scene_dataset import read_scene
from hdgan.data.scene_files import find_scenes
from hdgan.data.street.data_set import draw_scenes
from hdgan.profiling import data_measurements, measurements
from hdgan.profiling.flops import count_synthesis_flops, count_train_step_flops
from hdgan.profiling.growth import measure_growth
from hdgan.profiling.text_report import print_report
from hdgan.tools import benchmark

NUMBERS = {
    "base_width": 4,
    "num_downsamplings": 2,
    "num_blocks": 1,
    "num_scales": 1,
    "discriminator_width": 4,
}
SMALL = (
    "--preset=tiny",
    "--height=30",
    "--width=64",
    "--label_nc=5",
    "--steps=2",
    "--matrix_sizes=16,32",
    *(f"--{name}={value}" for name, value in NUMBERS.items()),
)
KEYS = {
    "padded_height",
    "padded_width",
    "steps",
    "seconds",
    "images_per_second",
    "flops",
    "flops_per_second",
    "matrix_peaks",
    "utilisation",
    "peak_memory_bytes",
    "first_step_seconds",
    "tracing_seconds",
}


def measure(tmp_path, *arguments):
    """Runs the tool on a small model in this process; returns its results."""
    path = tmp_path / "speed.json"
    result = run_inside("tools.benchmark", *SMALL, f"--json={path}", *arguments)
    assert result.code == 0, result.err
    assert [file.name for file in tmp_path.iterdir()] == ["speed.json"]
    return json.loads(path.read_text()), result.out


def check_record(record):
    """Checks the properties of a record that don't depend on the machine."""
    seconds = record["seconds"]
    assert len(seconds["all"]) == record["steps"]
    assert 0 < seconds["minimum"] <= seconds["median"] <= seconds["maximum"]
    flops = record["flops"]
    assert flops["total"] == sum(
        flops[name]
        for name in ("forward", "kernel_gradients", "input_gradients")
    )
    assert record["flops_per_second"] == pytest.approx(
        flops["total"] / seconds["median"]
    )
    assert len(record["matrix_peaks"]) == 3
    assert record["utilisation"] == pytest.approx(
        record["flops_per_second"] / np.median(record["matrix_peaks"])
    )
    # TensorFlow alone takes a hundred megabytes.
    assert record["peak_memory_bytes"] > 1e8
    assert 0 < record["tracing_seconds"] < record["first_step_seconds"]


def test_a_train_step(tmp_path):
    result, out = measure(tmp_path, "--what=train", "--batch=2")
    record = result["train"]
    assert set(record) == {*KEYS, "estimated_memory_bytes"}
    check_record(record)
    model = Pix2PixHD.from_preset("tiny", LabelSet.numbered(5), **NUMBERS)
    model.compile()
    count = count_train_step_flops(model, 2, 30, 64)
    assert record["flops"]["total"] == count.total
    assert record["images_per_second"] == pytest.approx(
        2 / record["seconds"]["median"]
    )
    assert (record["padded_height"], record["padded_width"]) == (32, 64)
    assert "padded to 64x32" in out
    assert result["settings"]["base_width"] == 4
    assert set(result["machine"]) == {"cores", "tensorflow", "keras"}


@pytest.mark.parametrize(
    ("flags", "arguments"),
    [
        ((), {}),
        (("--styles=instances",), {"styles": "instances"}),
        (("--styles=loaded",), {"styles": "loaded"}),
        (("--label_nc=0",), {"labels": None}),
        (("--precision=bfloat16",), {"dtype": "mixed_bfloat16"}),
    ],
)
def test_a_synthesis(tmp_path, flags, arguments):
    result, _ = measure(tmp_path, "--what=synthesis", *flags)
    record = result["synthesis"]
    assert set(record) == {*KEYS, "end_to_end_seconds"}
    check_record(record)
    arguments = {"labels": LabelSet.numbered(5), **arguments, **NUMBERS}
    model = Pix2PixHD.from_preset("tiny", **arguments)
    count = count_synthesis_flops(model, 1, 30, 64)
    assert record["flops"]["forward"] == count.forward


def test_time_ends_the_steps_after_the_fifth(tmp_path):
    result, _ = measure(
        tmp_path, "--what=synthesis", "--steps=50", "--seconds=1e-9"
    )
    assert result["synthesis"]["steps"] == 5


def test_each_graph_is_made_once(monkeypatch):
    traced = []

    class Model(measurements.TracedModel):
        def train_step(self, data):
            traced.append("train")
            return super().train_step(data)

        def call(self, inputs, training=False):
            traced.append("synthesis")
            return super().call(inputs, training)

    monkeypatch.setattr(measurements, "TracedModel", Model)
    options = {
        "preset": "tiny",
        "height": 30,
        "width": 64,
        "batch": 1,
        "label_nc": 5,
        "precision": "float32",
        "remat": True,
        "jit": False,
        "profile_dir": None,
        "steps": 4,
        "seconds": 9.0,
        "matrix_sizes": [16],
        "overrides": NUMBERS,
    }
    measurements.measure_train(options)
    measurements.measure_synthesis(options)
    assert traced == ["train", "synthesis"]


def test_matrix_products_alone(tmp_path):
    result, out = measure(tmp_path, "--what=peak", "--precision=bfloat16")
    assert len(result["peak"]["matrix_peaks"]) == 3
    assert min(result["peak"]["matrix_peaks"]) > 0
    assert "matrix products" in out


@pytest.mark.journey
def test_an_export(tmp_path):
    result, out = measure(
        tmp_path,
        "--what=serving",
        "--serving_sizes=64x30",
        "--styles=instances",
    )
    (size,) = result["serving"]["sizes"]
    assert (size["width"], size["height"]) == (64, 30)
    assert min(size["ratio"], *size["seconds"].values()) > 0
    assert set(size["seconds"]) == {"generator", "serving_default"}
    assert [p["concurrency"] for p in size["processes"]] == [1, 2, 4]
    for process in size["processes"]:
        assert 0 < process["load_seconds"] < process["first_answer_seconds"]
        assert process["loaded_memory_bytes"] > 1e8
        assert process["loaded_memory_bytes"] <= process["peak_memory_bytes"]
        assert process["images_per_second"] > 0
    assert "for each further concurrent request" in out


def test_several_parts_are_measured_in_processes_of_their_own(tmp_path):
    path = tmp_path / "speed.json"
    out = run("tools.benchmark", *SMALL, f"--json={path}", "--nospectral_norm")
    result = json.loads(path.read_text())
    for part in ("train", "synthesis"):
        check_record(result[part])
        assert part in out
    assert "not counted" in out


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    data_dir = tmp_path_factory.mktemp("scenes")
    draw_scenes(data_dir, "train", 3, 32, 64)
    return data_dir


def test_reading_scenes(tmp_path, data_dir):
    result, out = measure(
        tmp_path,
        f"--data_dir={data_dir}",
        "--what=data",
        "--load_size=32",
        "--seconds=0.8",
    )
    record = result["data"]
    assert record["num_scenes"] == 3
    rates = {
        name: record[name]["scenes_per_second_per_core"]
        for name in (
            "make_dataset",
            "make_dataset_cached",
            "make_dataset_records",
            "pillow",
            "pillow_threads",
        )
    }
    assert min(rates.values()) > 0
    assert record["ratio_per_core"] == pytest.approx(
        rates["make_dataset"] / rates["pillow"]
    )
    assert record["ratio_per_core_cached"] == pytest.approx(
        rates["make_dataset_cached"] / rates["pillow"]
    )
    assert record["ratio_per_core_records"] == pytest.approx(
        rates["make_dataset_records"] / rates["pillow"]
    )
    assert "make_dataset to Pillow" in out
    assert "from records" in out


def test_pillow_does_the_work_of_make_dataset(data_dir):
    scenes = find_scenes(data_dir)
    for load_size in (64, 32):
        read = data_measurements._read_with_pillow(scenes, load_size, 2)
        for index in range(3):
            expected = read_scene(
                scenes, index, ResizePolicy(load_size=load_size)
            )
            photo, instances, labels = next(read)
            ours = {
                "photo": photo,
                "instance_map": instances,
                "label_map": labels,
            }
            for name, array in ours.items():
                assert array.dtype == expected[name].dtype
                assert array.shape == expected[name].shape
                if load_size == 64:
                    turned = array[:, ::-1] if index % 2 else array
                    np.testing.assert_array_equal(turned, expected[name])


def _record(seconds):
    return {
        "seconds": {"median": seconds},
        "flops": {"total": 5 * seconds},
        "peak_memory_bytes": 7e6,
        "utilisation": 0.5,
    }


def _growth_options(**options):
    return {
        "preset": "pix2pixhd_1024p",
        "height": 32,
        "width": 64,
        "what": ["train", "peak"],
        "max_pixels": 2**21,
        **options,
    }


@pytest.mark.parametrize("factor", [1.1, 2.0])
def test_a_noisy_machine_is_reported(tmp_path, capsys, factor):
    result, _ = measure(tmp_path, "--what=synthesis")
    result["synthesis"]["matrix_peaks"] = [1e9, 1e9, factor * 1e9]
    capsys.readouterr()
    print_report(result)
    out = capsys.readouterr().out
    assert ("differ by a factor of 2.0" in out) == (factor == 2.0)


def test_growth_fits_powers(capsys):
    measured = []

    def run_apart(part, options):
        measured.append(options)
        pixels = options["height"] * options["width"]
        if pixels == 2**21:
            raise ValueError("The memory is full.")
        return _record(pixels**1.5 * options.get("base_width", 1) ** 2)

    options = _growth_options()
    growth = measure_growth(options, run_apart)
    sizes = [(row["width"], row["height"]) for row in growth["sizes"]]
    assert sizes == [(256, 128), (512, 256), (1024, 512), (2048, 1024)]
    exponents = growth["train_exponents"]
    assert exponents["pixels"]["seconds"] == pytest.approx(1.5)
    assert exponents["pixels"]["flops"] == pytest.approx(1.5)
    assert exponents["pixels"]["peak_memory_bytes"] == pytest.approx(0)
    assert exponents["width"]["seconds"] == pytest.approx(2)
    # The discriminator's width keeps its ratio, twice the generator's.
    assert [o["discriminator_width"] for o in measured[4:]] == [32, 64, 128]
    assert [o["base_width"] for o in measured[4:]] == [16, 32, 64]
    print_report(
        {
            "settings": {**options, "batch": 1, "precision": "float32"},
            "machine": {"cores": 2, "tensorflow": "2"},
            "growth": growth,
        }
    )
    out = capsys.readouterr().out
    assert "2048x1024" in out
    assert "The memory is full." in out
    assert "1.50" in out


def test_one_size_has_no_exponents():
    growth = measure_growth(
        _growth_options(max_pixels=2**15), lambda part, options: _record(1.0)
    )
    assert len(growth["sizes"]) == 1
    assert growth["train_exponents"]["pixels"] is None


@pytest.mark.journey
def test_growth_by_the_command(tmp_path):
    path = tmp_path / "growth.json"
    result = run_inside(
        "tools.benchmark",
        *SMALL,
        "--grow",
        "--what=synthesis",
        "--max_pixels=32768",
        f"--json={path}",
    )
    assert result.code == 0, result.err
    growth = json.loads(path.read_text())["growth"]
    assert [row["base_width"] for row in growth["widths"]] == [16, 32, 64]
    for row in growth["sizes"] + growth["widths"]:
        check_record(row["synthesis"])
    # Most FLOPs are in convolutions whose inputs and outputs both widen.
    exponents = growth["synthesis_exponents"]["width"]
    assert 1.5 < exponents["flops"] < 2
    assert "exponent of width" in result.out


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--preset=huge",), ("huge", "pix2pixhd_512p")),
        (("--height=0",), ("--height", "at least 1", "0")),
        (("--seconds=0",), ("--seconds", "above 0")),
        (("--label_nc=-1",), ("--label_nc", "-1")),
        (("--precision=int8",), ("precision", "bfloat16")),
        (("--what=train,speed",), ("--what", "'speed'", "synthesis")),
        (("--what=",), ("--what", "empty")),
        (("--what=data",), ("--data_dir",)),
        (("--what=peak", "--grow"), ("--grow", "train or synthesis")),
        (("--matrix_sizes=64,many",), ("--matrix_sizes", "64,many")),
        (("--serving_sizes=512",), ("--serving_sizes", "512x256", "'512'")),
        (("--json=/nowhere/speed.json",), ("--json", "/nowhere")),
        (("--data_dir=/nowhere", "--what=data"), ("/nowhere", "train_label")),
        (("--num_enhancers=1", "--what=train"), ("tiny", "num_enhancers")),
        (("--num_scales=0", "--what=train"), ("num_scales", "0")),
        # Reported by a process of its own.
        (("--num_enhancers=1",), ("tiny", "num_enhancers")),
    ],
)
def test_bad_flags(flags, words):
    result = run_inside("tools.benchmark", *SMALL, *flags)
    assert_one_clear_error(result, *words)


@pytest.mark.parametrize(
    "error",
    [MemoryError(), tf.errors.ResourceExhaustedError(None, None, "OOM")],
)
def test_full_memory_is_reported(monkeypatch, error):
    def measure(options):
        raise error

    monkeypatch.setattr(measurements, "measure_synthesis", measure)
    with pytest.raises(ValueError, match=r"memory is full.*--height"):
        benchmark.run_part("synthesis", {})


def test_the_end_of_a_process_is_reported(monkeypatch):
    def end(returncode, stderr):
        monkeypatch.setattr(
            subprocess,
            "run",
            lambda *_, **__: types.SimpleNamespace(
                returncode=returncode, stderr=stderr
            ),
        )

    end(-9, "")
    with pytest.raises(ValueError, match=r"signal 9.*memory is full"):
        benchmark.run_apart("train", {})
    end(1, "noise\nerror: no such thing\n")
    with pytest.raises(ValueError, match=r"^no such thing$"):
        benchmark.run_apart("train", {})
    end(1, "Traceback: a bug")
    with pytest.raises(RuntimeError, match="a bug"):
        benchmark.run_apart("train", {})


def test_a_profile_for_tensorboard(tmp_path):
    folder = tmp_path / "profile"
    result = run_inside(
        "tools.benchmark", *SMALL, "--what=train", f"--profile_dir={folder}"
    )
    assert result.code == 0, result.err
    (profile,) = folder.rglob("*.xplane.pb")
    # The names of the layers are in it.
    assert b"generator" in profile.read_bytes()


@pytest.mark.journey
@pytest.mark.parametrize(
    "flags",
    [
        ("--height=128", "--width=256", "--base_width=16", "--num_blocks=3"),
        (
            "--height=256",
            "--width=512",
            "--precision=bfloat16",
            "--remat",
            "--num_blocks=3",
        ),
        (
            "--preset=pix2pixhd_1024p",
            "--base_width=16",
            "--num_blocks=3",
            "--discriminator_width=32",
            "--height=512",
            "--width=1024",
        ),
    ],
    ids=["small", "wide in half precision", "enhancer of large images"],
)
def test_the_memory_estimate_is_near_what_is_measured(flags, tmp_path):
    path = tmp_path / "memory.json"
    run(
        "tools.benchmark",
        "--what=train",
        "--steps=1",
        "--seconds=1",
        "--matrix_sizes=64",
        f"--json={path}",
        *flags,
    )
    record = json.loads(path.read_text())["train"]
    estimate, peak = (
        record[f"{kind}_memory_bytes"] for kind in ("estimated", "peak")
    )
    assert 0.75 < estimate / peak < 1.25, (estimate, peak)
