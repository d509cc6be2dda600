"""Matching the files of a data set and checking them before training."""

import numpy as np
import pytest
from PIL import Image

from hdgan.data.scene_checks import check_scenes
from hdgan.data.scene_files import find_scenes, pair_files

SIZE = (6, 9)
RULES = {
    "equal_stems": ("{}.png", "{}.png", "{}.jpg"),
    "cityscapes": (
        "{}_gtFine_labelIds.png",
        "{}_gtFine_instanceIds.png",
        "{}_leftImg8bit.png",
    ),
    "prefixes": ("label_{}.png", "instance_{}.png", "photo-{}.png"),
    "one_suffix": ("{}.png", "{}_inst.png", "{}.png"),
}
# All end in the same number, as the frames of Cityscapes do.
CITIES = ("aachen_000001_000019", "bochum_000001_000019", "ulm_000007_000019")


@pytest.fixture
def folders(tmp_path):
    """Folders of label maps, instance maps and photos, still empty."""
    folders = [tmp_path / f"train_{kind}" for kind in ("label", "inst", "img")]
    for folder in folders:
        folder.mkdir()
    return folders


def save(path, values, dtype="uint8"):
    """Writes an image of one value, or of an array."""
    array = np.broadcast_to(np.asarray(values, dtype), SIZE)
    if path.parent.name.endswith(("img", "_A", "_B")):
        array = np.stack([array] * 3, axis=-1)
    Image.fromarray(np.ascontiguousarray(array)).save(path)


def fill(folders, names=CITIES, rules=RULES["cityscapes"]):
    for folder, rule in zip(folders, rules, strict=True):
        for name in names:
            save(folder / rule.format(name), 1)


def find_and_check(data_dir, num_classes=35, **options):
    scenes = find_scenes(data_dir, **options)
    return scenes, check_scenes(scenes, num_classes)


def assert_error(error, *parts):
    for part in parts:
        assert str(part) in str(error.value)


@pytest.mark.parametrize("names", [CITIES, CITIES[:1]], ids=["three", "one"])
@pytest.mark.parametrize("rule", RULES)
def test_files_whose_names_agree_are_pairs(folders, rule, names):
    fill(folders, names, RULES[rule])
    scenes, sizes = find_and_check(folders[0].parent)
    assert len(scenes) == len(names)
    assert sizes == [SIZE] * len(names)
    columns = (scenes.inputs, scenes.instance_maps, scenes.photos)
    for column, folder, part in zip(columns, folders, RULES[rule], strict=True):
        assert list(column) == [folder / part.format(n) for n in names]


def test_pairing_goes_by_name_not_by_place_in_the_list(folders):
    label, _, img = folders
    for name in ("a", "a1"):
        save(label / f"{name}_labels.png", 1)
        save(img / f"{name}.png", 1)
    scenes = pair_files(label, photos=img)
    # "1" comes before "_", but after ".".
    assert [path.stem for path in scenes.inputs] == ["a1_labels", "a_labels"]
    assert [path.stem for path in scenes.photos] == ["a1", "a"]


@pytest.mark.parametrize(
    ("labels", "photos"),
    [
        (["berlin_0", "berlin_1"], ["munich_0", "munich_1"]),
        (["2023-05-01_0", "2023-05-01_1"], ["2024-11-01_0", "2024-11-01_1"]),
        (["cam0_1", "cam0_2"], ["cam1_1", "cam1_2"]),
        (["0_berlin", "1_berlin"], ["0_munich", "1_munich"]),
        (["0", "1"], ["munich_0", "munich_1"]),
        (["scene"], ["holiday"]),
    ],
)
def test_names_of_other_scenes_are_no_pairs(folders, labels, photos):
    label, _, img = folders
    for name, other in zip(labels, photos, strict=True):
        save(label / f"{name}.png", 1)
        save(img / f"{other}.png", 1)
    with pytest.raises(ValueError, match="may show different") as error:
        pair_files(label, photos=img)
    assert_error(error, label / labels[0], img / photos[0], "--pair_cores")
    scenes = pair_files(label, photos=img, pair_cores=True)
    assert [path.stem for path in scenes.photos] == photos


def test_a_missing_folder_is_named_with_those_found(folders):
    data_dir = folders[0].parent
    fill(folders)
    with pytest.raises(ValueError, match="missing: val_label") as error:
        find_scenes(data_dir, split="val")
    assert_error(error, data_dir, "train_label", "val_img")
    with pytest.raises(ValueError, match="no such folder") as error:
        find_scenes(data_dir / "nowhere")
    assert_error(error, data_dir / "nowhere", "Expected train_label")


def test_only_instance_maps_missing_the_flag_is_advised(folders):
    fill(folders)
    folders[1].rename(folders[1].with_name("elsewhere"))
    with pytest.raises(ValueError, match="--nouse_instances"):
        find_scenes(folders[0].parent)
    scenes = find_scenes(folders[0].parent, use_instances=False)
    assert scenes.instance_maps is None
    assert check_scenes(scenes, 2) == [SIZE] * 3


@pytest.fixture
def style_folder(folders):
    """A complete data set's folder of style maps."""
    fill(folders)
    folder = folders[0].with_name("train_feat")
    folder.mkdir()
    for name in CITIES:
        image = Image.fromarray(np.ones((*SIZE, 3), "uint8"))
        image.save(folder / f"{name}_gtFine_labelIds.png")
    return folder


def test_style_maps_pair_like_the_others(style_folder):
    data_dir = style_folder.parent
    scenes, sizes = find_and_check(data_dir, use_style_maps=True)
    assert sizes == [SIZE] * 3
    assert [p.name for p in scenes.style_maps] == [
        p.name for p in scenes.inputs
    ]
    assert [p.parent for p in scenes.style_maps] == [style_folder] * 3
    assert len(scenes.take(2).style_maps) == 2
    assert find_scenes(data_dir).style_maps is None
    lost = style_folder / f"{CITIES[1]}_gtFine_labelIds.png"
    blended = lost.with_suffix(".jpg")
    lost.rename(blended)
    with pytest.raises(ValueError, match="JPEG does not keep"):
        find_scenes(data_dir, use_style_maps=True)
    blended.unlink()
    with pytest.raises(ValueError, match="no matching file") as error:
        find_scenes(data_dir, use_style_maps=True)
    assert_error(error, data_dir / "train_label" / lost.name, "1 of them")


def test_a_style_map_of_another_size_is_shown(style_folder):
    path = sorted(style_folder.iterdir())[1]
    Image.open(path).resize((8, 5)).save(path)
    with pytest.raises(ValueError, match="the same size") as error:
        find_and_check(style_folder.parent, use_style_maps=True)
    assert_error(error, path, "8x5", "9x6", "resize one")


def test_missing_style_maps_advise_the_tool(folders):
    fill(folders)
    data_dir = folders[0].parent
    with pytest.raises(ValueError, match="missing: train_feat") as error:
        find_scenes(data_dir, use_style_maps=True)
    assert_error(
        error,
        "python -m hdgan.tools.encode_styles",
        f"--data_dir={data_dir} --split=train",
        "--instance_feat",
    )
    with pytest.raises(ValueError, match="val_label, val_inst") as error:
        find_scenes(data_dir, "val", use_style_maps=True)
    assert "encode_styles" not in str(error.value)


def test_an_empty_folder_is_named(folders):
    fill(folders)
    for path in folders[2].iterdir():
        path.unlink()
    (folders[2] / "readme.txt").touch()
    with pytest.raises(ValueError, match="no images") as error:
        find_scenes(folders[0].parent)
    assert_error(error, folders[2], ".png")


def test_files_without_a_match_are_named(folders):
    fill(folders)
    lost = folders[2] / f"{CITIES[1]}_leftImg8bit.png"
    lost.unlink()
    with pytest.raises(ValueError, match="holds 3 files") as error:
        find_scenes(folders[0].parent)
    label = folders[0] / f"{CITIES[1]}_gtFine_labelIds.png"
    assert_error(error, label, "1 of them", "Add the missing files")
    assert CITIES[0] not in str(error.value)


def test_many_files_without_a_match_are_not_all_listed(folders):
    fill(folders, [f"left_{k}" for k in range(9)])
    for number, path in enumerate(sorted(folders[1].iterdir())):
        path.rename(folders[1] / f"right_{number + 5}_gtFine_instanceIds.png")
    with pytest.raises(ValueError, match=r"\.\.\.\. Add") as error:
        find_scenes(folders[0].parent)
    assert str(error.value).count(".png") == 3


@pytest.mark.parametrize("folder", [0, 2], ids=["label", "photo"])
def test_two_files_of_one_name_are_not_paired_silently(folders, folder):
    fill(folders, ("a", "b"), RULES["equal_stems"])
    save(folders[folder] / "a.bmp", 1)
    with pytest.raises(
        ValueError, match=r"no matching file|ending alone"
    ) as error:
        find_scenes(folders[0].parent)
    assert_error(error, folders[folder] / "a.bmp", "remove")


def test_a_label_id_out_of_range_is_named(folders):
    fill(folders)
    path = folders[0] / f"{CITIES[2]}_gtFine_labelIds.png"
    save(path, [0, 1, 2, 3, 33, 34, 33, 2, 1])
    scenes, _ = find_and_check(folders[0].parent, num_classes=35)
    with pytest.raises(
        ValueError, match=r"label ids \d+\.\.34\. Expected 0\.\.33"
    ) as error:
        check_scenes(scenes, num_classes=34)
    assert_error(error, path, "35 classes", "--label_nc")


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        ([0, 1, -1] * 3, ("label ids -1..1", "--ignore_ids=-1")),
        ([0, 1, 255] * 3, ("label ids 0..255", "--ignore_ids=255")),
        ([0, 255, 0] * 3, ("mask of 0 and 255",)),
    ],
)
def test_ids_that_may_mean_no_class_lead_to_the_flag(folders, ids, words):
    fill(folders)
    old = folders[0] / f"{CITIES[1]}_gtFine_labelIds.png"
    old.unlink()
    path = old.with_suffix(".tif")
    Image.fromarray(np.broadcast_to(np.int32(ids), SIZE)).save(path)
    with pytest.raises(ValueError, match="Expected 0") as error:
        find_and_check(folders[0].parent, num_classes=2)
    assert_error(error, path, *words)


def test_negative_instance_ids_are_refused(folders):
    fill(folders)
    old = folders[1] / f"{CITIES[1]}_gtFine_instanceIds.png"
    old.unlink()
    path = old.with_suffix(".tif")
    Image.fromarray(np.full(SIZE, -1, "int32")).save(path)
    with pytest.raises(ValueError, match="instance ids") as error:
        find_and_check(folders[0].parent)
    assert_error(error, path, "the id 0")


def test_a_map_that_fits_the_unturned_photo_is_explained(folders):
    label, _, img = folders
    for name in "ab":
        save(label / f"{name}.png", 1)
        exif = Image.Exif()
        exif[0x112] = 6
        photo = Image.new("RGB", SIZE[::-1])
        photo.save(img / f"{name}.jpg", exif=exif)
    with pytest.raises(ValueError, match="EXIF orientation 6") as error:
        check_scenes(pair_files(label, photos=img), 2)
    assert_error(error, img / "a.jpg", label / "a.png", "Turn the map")
    assert "resize" not in str(error.value)


def test_the_first_bad_file_in_the_order_is_named(folders):
    fill(folders, [f"{k:02}" for k in range(20)], RULES["equal_stems"])
    for number in (17, 11, 13):
        save(folders[0] / f"{number}.png", 9)
    scenes = find_scenes(folders[0].parent)
    with pytest.raises(ValueError, match=r"11\.png"):
        check_scenes(scenes, num_classes=9)


def save_palette(path, ids, colors):
    image = Image.new("P", SIZE[::-1])
    image.putdata(np.broadcast_to(ids, SIZE).ravel().tolist())
    image.putpalette([value for color in colors for value in color])
    image.save(path)


def test_a_color_has_one_id_in_all_palettes(folders):
    """Some programs sort each palette by how often a color occurs."""
    fill(folders, "abc", RULES["equal_stems"])
    road, sky = (128, 64, 128), (70, 130, 180)
    ids = np.arange(SIZE[1]) % 2
    save_palette(folders[0] / "a.png", ids, [road, sky])
    # Colors that the file does not use, and gray images, say nothing.
    save_palette(folders[0] / "b.png", 0 * ids, [road, road, sky])
    find_and_check(folders[0].parent)
    save_palette(folders[0] / "c.png", 1 - ids, [sky, road])
    with pytest.raises(ValueError, match="with one palette") as error:
        find_and_check(folders[0].parent)
    assert_error(error, folders[0] / "c.png", folders[0] / "a.png", sky)


@pytest.mark.parametrize("index", [1, 2], ids=["instance_map", "photo"])
def test_sizes_that_differ_inside_a_pair_are_shown(folders, index):
    fill(folders)
    path = sorted(folders[index].iterdir())[1]
    Image.open(path).resize((8, 5)).save(path)
    with pytest.raises(ValueError, match="the same size") as error:
        find_and_check(folders[0].parent)
    assert_error(error, path, "8x5", "9x6", "resize one", CITIES[1])


def test_scenes_may_differ_in_size(folders):
    fill(folders)
    for folder in folders:
        path = sorted(folder.iterdir())[1]
        Image.open(path).resize((8, 5)).save(path)
    _, sizes = find_and_check(folders[0].parent)
    assert sizes == [SIZE, (5, 8), SIZE]


def test_a_broken_photo_is_found_before_training(folders):
    fill(folders)
    path = sorted(folders[2].iterdir())[2]
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ValueError, match="cut short") as error:
        find_and_check(folders[0].parent)
    assert_error(error, path, "remove its scene")


@pytest.mark.parametrize(
    ("highest", "warns"), [(254, False), (255, True), (26001, False)]
)
def test_instance_maps_cut_to_8_bits_are_warned_of(
    folders, caplog, highest, warns
):
    fill(folders)
    path = sorted(folders[1].iterdir())[0]
    save(path, highest, "uint16" if highest > 255 else "uint8")
    find_and_check(folders[0].parent)
    messages = [record.getMessage() for record in caplog.records]
    assert bool(messages) == warns
    if warns:
        (message,) = messages
        assert str(folders[1]) in message
        assert "16-bit" in message


@pytest.mark.parametrize(("alpha", "warns"), [(255, False), (200, True)])
def test_transparent_photos_are_warned_of(folders, caplog, alpha, warns):
    fill(folders)
    path = min(folders[2].iterdir())
    Image.new("RGBA", SIZE[::-1], (1, 2, 3, alpha)).save(path)
    find_and_check(folders[0].parent)
    assert (f"{path} has transparent pixels" in caplog.text) == warns


@pytest.mark.parametrize(("value", "warns"), [(3, True), (200, False)])
def test_ids_among_rgb_inputs_are_warned_of(tmp_path, caplog, value, warns):
    for kind in "AB":
        (tmp_path / f"train_{kind}").mkdir()
        save(tmp_path / f"train_{kind}" / "a.png", value)
    find_and_check(tmp_path, 0, is_rgb=True, use_instances=False)
    assert ("as a map of class ids looks" in caplog.text) == warns


def test_rgb_inputs_pair_folders_a_and_b(tmp_path):
    folders = [tmp_path / "train_A", tmp_path / "train_B"]
    for folder in folders:
        folder.mkdir()
    # In a label map 200 would be out of range.
    for folder, rule in zip(folders, ("{}.png", "{}.jpg"), strict=True):
        for name in CITIES:
            save(folder / rule.format(name), 200)
    scenes, sizes = find_and_check(
        tmp_path, 0, is_rgb=True, use_instances=False
    )
    assert scenes.is_rgb
    assert scenes.instance_maps is None
    assert sizes == [SIZE] * 3
    assert [path.parent for path in scenes.inputs] == [folders[0]] * 3
    assert [path.parent for path in scenes.photos] == [folders[1]] * 3
    with pytest.raises(ValueError, match="--nouse_instances"):
        find_scenes(tmp_path, is_rgb=True)


def test_take_keeps_the_first_scenes_together(folders):
    fill(folders)
    scenes = find_scenes(folders[0].parent).take(2)
    assert len(scenes) == 2
    for column in (scenes.inputs, scenes.instance_maps, scenes.photos):
        assert [path.name[:4] for path in column] == ["aach", "boch"]
    only_inputs = pair_files(folders[0]).take(1)
    assert len(only_inputs) == 1
    assert only_inputs.photos is None


def test_files_that_differ_in_their_ending_alone_are_refused(tmp_path):
    for name in ("a.png", "a.bmp", "b.png"):
        (tmp_path / name).touch()
    with pytest.raises(ValueError, match=r"ending alone: .*a\.bmp, .*a\.png\."):
        pair_files(tmp_path)


def test_a_scene_is_read_at_full_size(folders):
    fill(folders)
    style_dir = folders[0].with_name("train_feat")
    style_dir.mkdir()
    for city in CITIES:
        path = style_dir / f"{city}.png"
        Image.fromarray(np.full((*SIZE, 3), 7, "uint8")).save(path)
    save(folders[1] / f"{CITIES[1]}_gtFine_instanceIds.png", 26_001, "uint16")
    scenes = find_scenes(folders[0].parent, use_style_maps=True)
    assert scenes.names[1] == f"{CITIES[1]}_gtFine_labelIds.png"
    scene = scenes.read(1)
    assert {key: (a.shape, a.dtype.name) for key, a in scene.items()} == {
        "label_map": (SIZE, "int32"),
        "instance_map": (SIZE, "int32"),
        "photo": ((*SIZE, 3), "uint8"),
        "style_map": ((*SIZE, 3), "uint8"),
    }
    assert np.unique(scene["instance_map"]).tolist() == [26_001]
    assert np.unique(scene["style_map"]).tolist() == [7]


def test_an_rgb_scene_is_read_as_an_image(tmp_path):
    folders = [tmp_path / "train_A", tmp_path / "train_B"]
    for folder in folders:
        folder.mkdir()
        save(folder / "a.png", 5)
    scenes = find_scenes(tmp_path, is_rgb=True, use_instances=False)
    scene = scenes.read(0)
    assert scene.keys() == {"label_map", "photo"}
    assert scene["label_map"].shape == (*SIZE, 3)
    assert scene["label_map"].dtype == np.uint8


def test_the_fingerprint_is_of_all_files(folders):
    fill(folders)
    scenes = find_scenes(folders[0].parent)
    before = scenes.fingerprint()
    assert find_scenes(folders[0].parent).fingerprint() == before
    assert scenes.take(2).fingerprint() != before
    save(folders[2] / f"{CITIES[2]}_leftImg8bit.png", 200)
    assert scenes.fingerprint() != before
