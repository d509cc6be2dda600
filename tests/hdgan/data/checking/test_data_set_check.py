"""The check of a data set finds each planted fault, and nothing else."""

import json
import shutil

import numpy as np
import programs
import pytest
from PIL import Image

import hdgan
from hdgan.data.checking.data_set_check import check_data_set
from hdgan.data.image_files import write_png

LABELS = hdgan.LabelSet(["sky", "road", "car"], things=["car"])
HEIGHT, WIDTH = 48, 64


def _make_scene(number):
    """Returns label map, instance map and photo of a scene with two cars."""
    label_map = np.zeros((HEIGHT, WIDTH), "uint8")
    label_map[20:] = 1
    instance_map = label_map.astype("uint16")
    for k, left in enumerate((3 + number, 33 + number)):
        label_map[24:36, left : left + 16] = 2
        instance_map[24:36, left : left + 16] = 2000 + k
    photo = np.random.default_rng(number).integers(
        0, 256, (HEIGHT, WIDTH, 3), "uint8"
    )
    return {"label": label_map, "inst": instance_map, "img": photo}


@pytest.fixture(scope="module")
def clean(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clean") / "data"
    for split, numbers in (("train", range(8)), ("test", range(8, 13))):
        for number in numbers:
            for kind, array in _make_scene(number).items():
                path = folder / f"{split}_{kind}" / f"scene_{number}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                write_png(path, array)
    LABELS.save(folder / "labels.json")
    return folder


@pytest.fixture
def data(tmp_path, clean):
    """A copy of the clean data set, to plant a fault in."""
    return shutil.copytree(clean, tmp_path / "data")


def _find(folder, labels=LABELS, **options):
    """Returns the check and its findings but for notes."""
    check = check_data_set(folder, labels, **options)
    return check, [f for f in check.findings if f.severity != "note"]


def test_nothing_is_found_in_clean_data(clean):
    check, _ = _find(clean)
    assert check.findings == []
    assert check.is_ready
    counts = check.count_ids("train")
    assert counts[0] == (8 * 20 * WIDTH, 8)
    assert counts[2] == (8 * 2 * 12 * 16, 8)
    assert check.flags == [
        f"--data_dir={clean}",
        "--load_size=64",
        "--resize_mode=scale_width",
    ]


def test_without_names_the_classes_are_counted(clean):
    check, found = _find(clean, labels=None)
    assert not found
    assert "--label_nc=3" in check.flags


def _cut_short(data):
    path = data / "train_img" / "scene_3.png"
    path.write_bytes(path.read_bytes()[:-400])


def _empty(data):
    (data / "train_label" / "scene_3.png").write_bytes(b"")


def _no_image(data):
    (data / "train_inst" / "scene_3.png").write_text("<html>404</html>")


def _without_partner(data):
    (data / "train_img" / "scene_3.png").rename(
        data / "train_img" / "other.png"
    )


def _other_scenes(data):
    for kind, city in (
        ("label", "berlin"),
        ("inst", "berlin"),
        ("img", "bonn"),
    ):
        for path in sorted((data / f"train_{kind}").iterdir()):
            path.rename(path.with_name(f"{city}_{path.name}"))


def _other_size(data):
    photo = _make_scene(3)["img"][:, :32]
    write_png(data / "train_img" / "scene_3.png", photo)


def _large_id(data):
    label_map = _make_scene(3)["label"]
    label_map[:4] = 7
    write_png(data / "train_label" / "scene_3.png", label_map)


def _void_id(data):
    label_map = _make_scene(3)["label"]
    label_map[:4] = 255
    write_png(data / "train_label" / "scene_3.png", label_map)


def _negative_id(data):
    label_map = _make_scene(3)["label"].astype("int32")
    label_map[:4] = -1
    path = data / "train_label" / "scene_3.png"
    path.unlink()
    Image.fromarray(label_map).save(path.with_suffix(".tif"))


def _colored_labels(data):
    for path in (data / "train_label").iterdir():
        write_png(path, LABELS.colorize(np.array(Image.open(path))))


def _colored_instances(data):
    for path in (data / "train_inst").iterdir():
        ids = np.array(Image.open(path))
        write_png(path, LABELS.colorize(ids % 3))


def _no_instances(data):
    for path in (data / "train_label").iterdir():
        shutil.copy(path, data / "train_inst" / path.name)


def _narrow_instances(data):
    for path in (data / "train_inst").iterdir():
        ids = np.array(Image.open(path))
        write_png(path, np.minimum(ids, 255).astype("uint8"))


def _other_palette(data):
    for number, order in ((1, (0, 1, 2)), (2, (1, 0, 2))):
        image = Image.fromarray(_make_scene(number)["label"]).convert("P")
        image.putpalette(np.uint8(LABELS.colors)[list(order)].ravel().tolist())
        image.save(data / "train_label" / f"scene_{number}.png")


def _copied_photo(data):
    folder = data / "train_img"
    shutil.copy(folder / "scene_1.png", folder / "scene_2.png")


def _same_scene_in_two_splits(data):
    for kind in ("label", "inst", "img"):
        shutil.copy(
            data / f"train_{kind}" / "scene_1.png",
            data / f"test_{kind}" / "scene_99.png",
        )


def _blank_photo(data):
    photo = np.full((HEIGHT, WIDTH, 3), 9, "uint8")
    write_png(data / "train_img" / "scene_3.png", photo)


def _transparent_photo(data):
    photo = np.dstack([_make_scene(3)["img"], np.full((HEIGHT, WIDTH), 9)])
    path = data / "train_img" / "scene_3.png"
    Image.fromarray(photo.astype("uint8")).save(path)


def _deep_photo(data):
    gray = np.arange(HEIGHT * WIDTH, dtype="uint16").reshape(HEIGHT, WIDTH)
    write_png(data / "train_img" / "scene_3.png", gray)


def _rare_class(data):
    for number in range(1, 8):
        label_map = _make_scene(number)["label"] % 2
        write_png(data / "train_label" / f"scene_{number}.png", label_map)


def _sub_folder(data):
    (data / "train_img" / "more").mkdir()
    path = data / "train_img" / "scene_3.png"
    path.rename(data / "train_img" / "more" / path.name)


def _no_photos(data):
    shutil.rmtree(data / "train_img")


@pytest.mark.parametrize(
    ("plant", "severity", "message"),
    [
        (_cut_short, "error", "can't be read"),
        (_empty, "error", "can't be read"),
        (_no_image, "error", "can't be read"),
        (_without_partner, "error", "2 files have no partner"),
        (_other_scenes, "error", "may show different scenes"),
        (_other_size, "error", "differ in size"),
        (_large_id, "error", "label id 7 is no class"),
        (_void_id, "error", "label id 255 is no class"),
        (_negative_id, "error", "label id -1 is no class"),
        (_colored_labels, "error", "8 label maps show ids as colors"),
        (_colored_instances, "error", "8 instance maps show ids as colors"),
        (_no_instances, "warning", "All 8 instance maps equal the label maps"),
        (_narrow_instances, "warning", "8 instance maps of 8 bits reach"),
        (_other_palette, "error", "has two indices"),
        (_copied_photo, "warning", "1 photographs are copies"),
        (_same_scene_in_two_splits, "error", "1 scenes are in both"),
        (_blank_photo, "warning", "1 photographs are all one color"),
        (_transparent_photo, "warning", "1 photographs have transparent"),
        (_deep_photo, "warning", "1 photographs have 16 bits"),
        (_rare_class, "warning", "Rare classes: car (1 scenes)"),
        (_sub_folder, "error", "A folder can't be read"),
        (_no_photos, "error", "There is no folder train_img"),
    ],
)
def test_each_planted_fault_is_found_alone(data, plant, severity, message):
    plant(data)
    check, found = _find(data)
    assert [f.severity for f in found] == [severity], found
    assert message in found[0].title
    assert found[0].fix
    assert check.is_ready == (severity == "warning")


def test_void_ids_and_masks_lead_to_the_flag_to_pass(data):
    for path in (data / "train_label").iterdir():
        label_map = np.array(Image.open(path))
        label_map[:4] = 255
        write_png(path, label_map)
    check, (finding,) = _find(data, labels=None)
    assert "--ignore_ids=255" in finding.fix
    assert {"--label_nc=3", "--ignore_ids=255"} <= set(check.flags)
    labels = hdgan.LabelSet(LABELS.names).ignoring([255])
    assert _find(data, labels)[0].is_ready
    for path in (data / "train_label").iterdir():
        mask = (np.array(Image.open(path)) == 2) * np.uint8(255)
        write_png(path, mask)
    _, (finding,) = _find(data, labels=None)
    assert "masks of 0 and 255" in finding.title


def test_sizes_that_differ_lead_to_crops(data):
    for number in (1, 2):
        for kind, array in _make_scene(number).items():
            larger = array.repeat(4, 0).repeat(4, 1)[:150]
            write_png(data / f"train_{kind}" / f"scene_{number}.png", larger)
    for kind, array in _make_scene(3).items():
        for path in (data / f"train_{kind}").iterdir():
            if path.stem not in ("scene_1", "scene_2"):
                path.unlink()
        larger = array.repeat(4, 0).repeat(4, 1)
        for number in (4, 5, 6):
            scene = np.roll(larger, number, axis=1)
            write_png(data / f"train_{kind}" / f"scene_{number}.png", scene)
    check = check_data_set(data, LABELS)
    assert check.flags[1:] == [
        "--load_size=256",
        "--resize_mode=scale_width_and_crop",
        "--crop_size=128",
    ]


def test_cityscapes_is_checked_as_it_is_downloaded(tmp_path, clean):
    ends = {
        "label": ("gtFine", "gtFine_labelIds"),
        "inst": ("gtFine", "gtFine_instanceIds"),
        "img": ("leftImg8bit", "leftImg8bit"),
    }
    for kind, (folder, end) in ends.items():
        for number in range(8):
            city = tmp_path / folder / "train" / f"city{number % 2}"
            city.mkdir(parents=True, exist_ok=True)
            shutil.copy(
                clean / f"train_{kind}" / f"scene_{number}.png",
                city / f"city{number % 2}_{number:06d}_000000_{end}.png",
            )
    assert len(_find(tmp_path)[0].splits["train"]) == 8
    assert _find(tmp_path)[1] == []
    next((tmp_path / "leftImg8bit").rglob("*.png")).unlink()
    _, (finding,) = _find(tmp_path)
    assert "2 files belong to scenes without" in finding.title


def test_the_tool_writes_a_page_and_json(tmp_path, clean, data):
    result = programs.run_inside(
        "tools.check_dataset",
        f"--data_dir={clean}",
        f"--output_dir={tmp_path / 'report'}",
    )
    assert result.code == 0, result.err
    assert "Ready to train: no problems; 8 scenes in train" in result.out
    page = (tmp_path / "report" / "index.html").read_text()
    assert "Classes of test" in page
    assert len(list((tmp_path / "report" / "images").iterdir())) == 24
    _large_id(data)
    result = programs.run_inside(
        "tools.check_dataset", f"--data_dir={data}", "--json"
    )
    assert result.code == 1
    report = json.loads(result.out)
    assert not report["is_ready"]
    assert report["splits"]["train"]["label_ids"]["7"]["scenes"] == 1
    (finding,) = [f for f in report["findings"] if f["severity"] == "error"]
    assert finding["files"] == [str(data / "train_label" / "scene_3.png")]
    result = programs.run_inside(
        "tools.check_dataset", f"--data_dir={tmp_path}"
    )
    assert result.code == 1
    assert "no folder of label maps" in result.err


def test_the_suggested_command_trains(tmp_path, clean):
    result = programs.run_inside(
        "tools.check_dataset", f"--data_dir={clean}", "--json"
    )
    flags = json.loads(result.out)["flags"]
    result = programs.run_inside(
        "recipes.pix2pixhd_512p",
        *flags,
        f"--workdir={tmp_path / 'run'}",
        "--dry_run",
        *programs.NARROW,
    )
    assert result.code == 0, result.err
