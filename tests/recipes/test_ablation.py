"""hdgan train ablation, with networks that train in a moment."""

import json

import numpy as np
import programs
import pytest
from color_segmenter import make_color_segmenter

from hdgan import LabelSet
from hdgan.data.street.data_set import draw_scenes
from hdgan.evaluation.ablation_page import summarize
from hdgan.evaluation.report import load_report
from hdgan.recipes.ablation import OPTIONS, VARIANTS, make_options


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("streets")
    draw_scenes(folder, "train", 2, 32, 64)
    draw_scenes(folder, "test", 3, 32, 64, start=10)
    return folder


def _run(data_dir, workdir, segmenter, *flags):
    return programs.run_inside(
        "recipes.ablation",
        f"--data_dir={data_dir}",
        f"--workdir={workdir}",
        f"--segmenter={segmenter}",
        *programs.NARROW,
        "--load_size=64",
        "--max_steps=2",
        *flags,
    )


@pytest.fixture(scope="module")
def ablation(data_dir, tmp_path_factory):
    """The folder of an ablation of two variants, and its segmenter."""
    folder = tmp_path_factory.mktemp("ablation")
    labels = LabelSet.load(data_dir / "labels.json")
    segmenter = folder / "colors.keras"
    make_color_segmenter(labels).save(segmenter)
    result = _run(
        data_dir,
        folder / "run",
        segmenter,
        "--variants=full,no_boundary_map",
        "--seeds=3",
    )
    assert result.code == 0, result.err
    return folder / "run", segmenter


def test_variants_are_trained_and_compared(ablation):
    folder, _ = ablation
    rows = json.loads((folder / "ablation.json").read_text())
    assert [row["variant"] for row in rows] == ["full", "no_boundary_map"]
    full, other = (row["mean_iou"] for row in rows)
    assert other["difference"] == pytest.approx(other["value"] - full["value"])
    low, high = other["interval"]
    assert low <= other["difference"] <= high
    report = load_report(folder / "no_boundary_map" / "seed-3")
    assert report["protocol"]["steps"] == 2
    assert report["protocol"]["options"]["use_instances"] is False
    # Instances are measured in photographs of a model that does not see them.
    assert report["instance_edges"] is not None
    page = (folder / "index.html").read_text()
    for text in ("No boundary map", "Real photographs", "Sample 1"):
        assert text in page


def test_what_has_a_report_is_not_trained_again(ablation, data_dir):
    folder, segmenter = ablation
    before = {p: p.stat().st_mtime_ns for p in folder.glob("*/*/model.keras")}
    assert len(before) == 2
    result = _run(data_dir, folder, segmenter, "--variants=full", "--seeds=3")
    assert result.code == 0, result.err
    after = {p: p.stat().st_mtime_ns for p in folder.glob("*/*/model.keras")}
    assert after == before
    # The page is of all reports, also of variants that were not asked for.
    rows = json.loads((folder / "ablation.json").read_text())
    assert len(rows) == 2


def test_each_variant_changes_what_it_says(tmp_path):
    made = {name: make_options(OPTIONS, name, 0, tmp_path) for name in VARIANTS}
    full = made["full"]
    assert full.losses == OPTIONS.losses
    assert made["one_scale"].networks["num_scales"] == 1
    assert made["no_feature_matching"].losses["feature_matching"] == 0
    assert made["no_boundary_map"].use_instances is False
    assert made["pix2pix"].preset == "pix2pix_256"
    assert made["pix2pix"].losses["l1"] == 100
    assert made["pix2pix"].networks["base_width"] == 16
    assert made["average"].ema_decay is not None
    assert made["resize"].networks["upsampling"] == "resize"
    assert made["diffaugment"].diffaugment
    assert made["no_perceptual"].losses["perceptual"] == 0
    assert made["best"].ema_decay is not None
    assert made["best"].networks["upsampling"] == "resize"
    for options in made.values():
        assert options.max_steps == full.max_steps
        assert options.learning_rate == full.learning_rate


def test_interval_covers_scenes_and_seeds(ablation):
    """Two seeds that differ much give a wider interval than one."""
    folder, _ = ablation
    full, other = (
        load_report(folder / name / "seed-3")
        for name in ("full", "no_boundary_map")
    )
    titles = {"full": "Full", "other": "Other"}
    alone = {("full", "a"): full, ("other", "a"): full}
    (_, row) = summarize(titles, alone)
    assert row["mean_iou"]["difference"] == 0
    assert row["mean_iou"]["interval"] == [0, 0]
    both = {**alone, ("other", "b"): other}
    (_, row) = summarize(titles, both)
    values = [
        r["segmentation"]["generated"]["mean_iou"]["value"]
        for r in (full, other)
    ]
    assert row["mean_iou"]["value"] == pytest.approx(np.mean(values))
    assert row["mean_iou"]["values"] == values
    low, high = row["mean_iou"]["interval"]
    assert high > low


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--variants=best,none"], ["no variant 'none'", "full, pix2pix"]),
        (["--test_split=val"], ["val_label"]),
        (["--label_nc=0"], ["label_nc"]),
    ],
)
def test_bad_flags_are_one_clear_error(flags, words, data_dir, tmp_path):
    result = _run(data_dir, tmp_path / "run", "no.keras", *flags)
    programs.assert_one_clear_error(result, *words)
    assert not (tmp_path / "run").exists()
