"""Pages of pictures, and the pictures of a scene."""

import html.parser
import json

import numpy as np
import pytest
from tiny_models import LABELS, make_model, make_scenes, sharpen

import hdgan
from hdgan.data.image_files import read_photo
from hdgan.reports.page import PictureHistory, write_page
from hdgan.reports.scene_pictures import scene_pictures

_VOID = ("meta", "img", "link", "br", "hr", "input")
_NASTY = '<b>&"quoted"</b>'


class PageReader(html.parser.HTMLParser):
    """Collects images, links and text; checks that elements nest."""

    def __init__(self, text):
        super().__init__()
        self.open, self.images, self.links, self.texts = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        if tag not in _VOID:
            self.open.append(tag)
        if tag == "img":
            self.images.append(dict(attrs))
        if tag == "a":
            self.links.append(dict(attrs)["href"])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if data.strip():
            self.texts.append(data.strip())


def picture(value, height=4, width=6):
    return np.full((height, width, 3), value, "uint8")


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "new" / "samples" / "index.html"
    sections = [
        (
            f"Scene {_NASTY}",
            "scene-0",
            {"Input": picture(1), _NASTY: picture(2)},
        ),
        ("Empty", "empty", {}),
        ("Last", "scene-1", {"Generated": picture(3, 5, 7)}),
    ]
    labels = hdgan.LabelSet(["sky", _NASTY], [(1, 2, 3), (0, 0, 142)])
    write_page(path, f"Title {_NASTY}", f"Intro {_NASTY}", sections, labels)
    return path


def test_the_page_shows_every_picture_at_its_size(page):
    reader = PageReader(page.read_text())
    assert [
        (image["alt"], image["width"], image["height"])
        for image in reader.images
    ] == [("Input", "6", "4"), (_NASTY, "6", "4"), ("Generated", "7", "5")]
    assert [image["src"] for image in reader.images] == reader.links
    for value, image in enumerate(reader.images, 1):
        stored = read_photo(page.parent / image["src"])
        assert (stored == value).all()
        assert stored.shape[:2] == (int(image["height"]), int(image["width"]))


def test_text_is_escaped(page):
    assert "<b>" not in page.read_text()
    texts = PageReader(page.read_text()).texts
    for text in (f"Title {_NASTY}", f"Intro {_NASTY}", f"Scene {_NASTY}"):
        assert text in texts
    # As a caption and as a class.
    assert texts.count(_NASTY) == 2


def test_the_page_explains_the_colours(page):
    text = page.read_text()
    assert "background: rgb(1, 2, 3)" in text
    assert "background: rgb(0, 0, 142)" in text


def test_a_page_can_be_without_labels_and_is_replaced(page):
    write_page(page, "Second", "", [("One", "scene-0", {"A": picture(9)})])
    text = page.read_text()
    assert "legend" not in text.split("</style>")[1]
    (image,) = PageReader(text).images
    assert (read_photo(page.parent / image["src"]) == 9).all()
    assert [p.name for p in page.parent.iterdir() if p.is_file()] == [
        "index.html"
    ]


def test_a_slider_chooses_the_step_of_a_history(tmp_path):
    history = PictureHistory(
        (4, 6, 3), {step: f"images/{step}.png" for step in (10, 20, 5)}
    )
    pictures = {"Label map": picture(1), "Generated": history}
    write_page(tmp_path / "index.html", "", "", [("One", "one", pictures)])
    text = (tmp_path / "index.html").read_text()
    fixed, changing = PageReader(text).images
    assert "data-steps" not in fixed
    assert changing["src"] == "images/20.png"
    assert json.loads(changing["data-steps"])["5"] == "images/5.png"
    assert "const steps = [5, 10, 20];" in text


def _scene(**options):
    return {name: a[0] for name, a in make_scenes(1, 17, 26, **options).items()}


def test_the_pictures_of_a_scene():
    model = make_model(num_downsamplings=1)
    scene = _scene()
    pictures = scene_pictures(model, **scene)
    assert list(pictures) == [
        "Label map",
        "Boundary map",
        "Generated",
        "Photo",
    ]
    for shown in pictures.values():
        assert shown.shape == (17, 26, 3)
        assert shown.dtype == np.uint8
    label_map = scene["label_map"]
    np.testing.assert_array_equal(
        pictures["Label map"], np.asarray(LABELS.colors)[label_map]
    )
    # Dark on both sides of a border, white inside.
    ids = scene["instance_map"]
    boundary = pictures["Boundary map"][..., 0]
    is_border = ids[:, 1:] != ids[:, :-1]
    assert is_border.any()
    assert (boundary[:, 1:][is_border] == 0).all()
    assert (boundary[:, :-1][is_border] == 0).all()
    assert set(np.unique(boundary)) == {0, 255}
    np.testing.assert_array_equal(pictures["Photo"], scene["photo"])


def test_a_style_map_is_shown_and_used():
    model = sharpen(make_model(num_downsamplings=1, styles="loaded"))
    scene = _scene(style_channels=3)
    pictures = scene_pictures(model, **scene)
    assert list(pictures) == [
        "Label map",
        "Boundary map",
        "Style map",
        "Generated",
        "Photo",
    ]
    np.testing.assert_array_equal(pictures["Style map"], scene["style_map"])
    scene["style_map"] = 255 - scene["style_map"]
    other = scene_pictures(model, **scene)["Generated"]
    assert (other != pictures["Generated"]).any()
    # Only style maps of three channels are shown.
    model = make_model(num_downsamplings=1, styles="loaded", style_channels=2)
    pictures = scene_pictures(model, **_scene(style_channels=2))
    assert "Style map" not in pictures
    assert pictures["Generated"].shape == (17, 26, 3)


def test_without_instances_or_labels_there_is_no_boundary():
    model = make_model(num_downsamplings=1, labels=None, use_instances=False)
    scene = _scene(is_rgb=True)
    pictures = scene_pictures(model, **scene)
    assert list(pictures) == ["Input", "Generated", "Photo"]
    np.testing.assert_array_equal(pictures["Input"], scene["label_map"])
    del scene["photo"]
    assert list(scene_pictures(model, **scene)) == ["Input", "Generated"]
