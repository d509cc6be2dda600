"""hdgan evaluate and hdgan train segmenter, as a user runs them."""

import json
import shutil

import programs
import pytest
from color_segmenter import make_color_segmenter
from tiny_models import make_model, sharpen

from hdgan import LabelSet
from hdgan.data.street.data_set import draw_scenes


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("streets")
    draw_scenes(folder, "train", 8, 32, 64)
    draw_scenes(folder, "test", 4, 32, 64, start=100)
    return folder


@pytest.fixture(scope="module")
def labels(data_dir):
    return LabelSet.load(data_dir / "labels.json")


@pytest.fixture(scope="module")
def model_file(labels, tmp_path_factory):
    model = sharpen(make_model(labels=labels, dropout_rate=0.5))
    path = tmp_path_factory.mktemp("model") / "model.keras"
    model.save(path)
    return path


@pytest.fixture(scope="module")
def segmenter_file(labels, tmp_path_factory):
    path = tmp_path_factory.mktemp("segmenter") / "colors.keras"
    make_color_segmenter(labels).save(path)
    return path


@pytest.fixture(scope="module")
def report_dir(data_dir, model_file, segmenter_file, tmp_path_factory):
    """A report with all parts."""
    folder = tmp_path_factory.mktemp("report")
    result = programs.run_inside(
        "tools.evaluate",
        f"--model={model_file}",
        f"--data_dir={data_dir}",
        f"--segmenter={segmenter_file}",
        "--feature_network=efficientnet_lite0",
        "--samples=2",
        f"--output_dir={folder}",
    )
    assert result.code == 0, result.err
    assert "Generated  pixel accuracy" in result.out
    return folder


def test_report_has_all_parts(report_dir):
    report = json.loads((report_dir / "report.json").read_text())
    assert report["protocol"]["model"]["file"] == "model.keras"
    assert report["protocol"]["split"] == "test"
    assert report["segmentation"].keys() == {"generated", "real"}
    assert report["distances"]["kernel"]["value"] is not None
    assert report["paired"]["ssim"]["num_scenes"] == 4
    assert report["paired"]["ms_ssim"] is None
    assert report["diversity"]["value"] > 0
    assert list(report_dir.glob("tensorboard/events*"))


def test_page_shows_tables_and_scenes(report_dir):
    page = (report_dir / "index.html").read_text()
    for text in (
        "Mean IoU",
        "Real photographs (ceiling)",
        "Confusion",
        "Fréchet distance",
        "Floor",
        "Diversity",
        "Best 1 by pixel accuracy",
        "Worst 1 by pixel accuracy",
        "Protocol",
        "cobblestone",
    ):
        assert text in page, text
    assert len(list(report_dir.glob("images/*.png"))) == 4 * 5


def test_images_in_a_folder_against_a_baseline(
    data_dir, report_dir, segmenter_file, tmp_path
):
    """The real photographs, which are better than an untrained model's."""
    result = programs.run_inside(
        "tools.evaluate",
        f"--images={data_dir / 'test_img'}",
        f"--data_dir={data_dir}",
        f"--segmenter={segmenter_file}",
        "--feature_network=none",
        f"--baseline={report_dir}",
        f"--output_dir={tmp_path}",
    )
    assert result.code == 0, result.err
    report = json.loads((tmp_path / "report.json").read_text())
    rows = report["segmentation"]
    assert rows["generated"] == rows["real"]
    assert report["comparison"]["perceptual"]["verdict"] == "better"
    page = (tmp_path / "index.html").read_text()
    assert "Comparison with the baseline" in page


def test_segmenter_is_trained_and_kept(data_dir, tmp_path):
    """From the data set's own photographs, with the real backbone."""
    result = programs.run_inside(
        "recipes.segmenter",
        f"--data_dir={data_dir}",
        f"--workdir={tmp_path}",
        "--val_split=test",
        "--epochs=1",
        "--batch_size=2",
        "--ignore_labels=unlabelled",
    )
    assert result.code == 0, result.err
    record = json.loads((tmp_path / "segmenter.json").read_text())
    assert record["num_held_out"] == 4
    assert record["ignore_labels"] == [0]
    assert record["crop_size"] == 32
    assert 0 < record["held_out_mean_iou"] < 1
    shown = f"held back: {record['held_out_mean_iou']:.3f}"
    assert shown in result.out
    # The tool finds it where it would have trained one.
    report = tmp_path / "report"
    (report / "segmenter").mkdir(parents=True)
    for name in ("segmenter.keras", "segmenter.json"):
        shutil.copy(tmp_path / name, report / "segmenter" / name)
    result = programs.run_inside(
        "tools.evaluate",
        f"--images={data_dir / 'test_img'}",
        f"--data_dir={data_dir}",
        "--ignore_labels=unlabelled",
        "--feature_network=none",
        f"--output_dir={report}",
    )
    assert result.code == 0, result.err
    written = json.loads((report / "report.json").read_text())
    # The same scenes at the same size.
    mean_iou = written["segmentation"]["real"]["mean_iou"]["value"]
    assert mean_iou == pytest.approx(record["held_out_mean_iou"], abs=1e-4)
    # Not for another protocol.
    result = programs.run_inside(
        "tools.evaluate",
        f"--images={data_dir / 'test_img'}",
        f"--data_dir={data_dir}",
        "--load_size=32",
        "--feature_network=none",
        f"--output_dir={report}",
    )
    programs.assert_one_clear_error(
        result, "segmenter.keras", "load_size, ignore_labels"
    )


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--output_dir=x"], ["either --model", "or --images"]),
        (["--images=none"], ["none"]),
        (["--images=IMAGES", "--samples=2"], ["--samples", "--images"]),
        (["--images=IMAGES", "--baseline=no.json"], ["no.json", "no report"]),
        (["--images=IMAGES", "--feature_network=vgg"], ["network 'vgg'"]),
        (["--images=IMAGES", "--segmenter=no.keras"], ["no.keras"]),
        (["--images=IMAGES", "--segmenter_range=1"], ["two numbers"]),
        (["--images=IMAGES", "--ignore_labels=sea"], ["no class 'sea'"]),
        (["--images=IMAGES", "--split=val"], ["val_label"]),
        (["--images=IMAGES", "--load_size=-1"], ["--load_size", "-1"]),
        (
            ["--images=IMAGES", "--segmenter_split=val"],
            ["no val_img", "--segmenter=none"],
        ),
        (
            ["--images=IMAGES", "--segmenter=none", "--feature_network=vgg"],
            ["no feature network 'vgg'"],
        ),
        (["--model=MODEL", "--label_nc=3"], ["--label_nc", "--model"]),
        (["--model=MODEL", "--styles=drawn"], ["--styles", "no styles"]),
    ],
)
def test_bad_flags_are_one_clear_error(
    flags, words, data_dir, model_file, tmp_path
):
    flags = [
        flag.replace("IMAGES", str(data_dir / "test_img")).replace(
            "MODEL", str(model_file)
        )
        for flag in flags
    ]
    if not any(flag.startswith("--output_dir") for flag in flags):
        flags.append(f"--output_dir={tmp_path / 'report'}")
    result = programs.run_inside(
        "tools.evaluate", f"--data_dir={data_dir}", *flags
    )
    programs.assert_one_clear_error(result, *words)
    assert not (tmp_path / "report" / "report.json").exists()
