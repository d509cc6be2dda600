"""The editor's page in a real browser, against the library's own edits."""

import io
import pathlib
import shutil

import numpy as np
import pytest
from editor_server import CAR, LABELS, EditorServer, make_studio
from PIL import Image
from tiny_models import make_model, sharpen

from hdgan.editing import (
    WHOLE_IMAGE,
    EditableScene,
    add_object,
    choose_cluster,
    connected_mask,
    enclosed_mask,
    mirror_object,
    move_object,
    paint_region,
    polygon_mask,
    remove_object,
    replace_class,
    scale_object,
    stroke_mask,
)
from hdgan.editing.edit_script import place_shape
from hdgan.editing.scene_file import parse_scene
from hdgan.editor import LocalBackend, Studio

_CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
if _CHROMIUM is None:
    pytest.skip("there is no chromium", allow_module_level=True)
playwright = pytest.importorskip("playwright.sync_api")

# Milliseconds. Other processes may use all cores.
_TIMEOUT = 20_000


@pytest.fixture(scope="module")
def studio():
    return make_studio()


@pytest.fixture(scope="module")
def server(studio):
    server = EditorServer(studio)
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as tools:
        # Without the sandbox, which the root user can't have.
        browser = tools.chromium.launch(
            executable_path=_CHROMIUM, args=["--no-sandbox"]
        )
        yield browser
        browser.close()


@pytest.fixture
def editor(browser, server):
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(_TIMEOUT)
    editor = Editor(context.new_page(), server.url)
    editor.open()
    yield editor
    context.close()
    assert not editor.problems


class Editor:
    """The page, as a person uses it."""

    def __init__(self, page, url):
        self.page = page
        self._url = url
        self.problems = []
        page.on("pageerror", lambda error: self.problems.append(str(error)))

    def open(self):
        self.page.goto(self._url)
        self.wait()

    def wait(self):
        self.page.wait_for_selector("body[data-ready]")
        self.page.wait_for_selector("#progress", state="hidden")
        self.page.wait_for_selector("#photo", state="visible")

    def place(self, x, y):
        """Returns where a point of the scene is in the window."""
        box = self.page.locator("#map").bounding_box()
        scale = box["width"] / self.page.evaluate(
            "document.querySelector('#map').width"
        )
        return box["x"] + x * scale, box["y"] + y * scale

    def click(self, x, y, **options):
        # Not on a border between pixels, where rounding decides.
        self.page.mouse.click(*self.place(x + 0.25, y + 0.25), **options)

    def drag(self, points):
        mouse = self.page.mouse
        for number, (x, y) in enumerate(points):
            mouse.move(*self.place(x + 0.25, y + 0.25))
            if number == 0:
                mouse.down()
        mouse.up()

    def choose(self, tool, name=None):
        self.page.click(f"#toolbar [data-tool={tool}]")
        if name is not None:
            label = LABELS.index(name)
            self.page.click(f"#palette [data-label='{label}']")

    def swap(self, old, new):
        self.page.click("#tab-scene")
        self.page.select_option("#swap-from", label=old)
        self.page.select_option("#swap-to", label=new)
        self.page.click("#swap")

    def download(self, command):
        """Returns the contents of a downloaded file."""
        with self.page.expect_download() as download:
            self.page.click("#download-menu summary")
            self.page.click(f"#download-menu [data-command={command}]")
        return pathlib.Path(download.value.path()).read_bytes()

    def scene(self):
        return parse_scene(self.download("download-scene"))

    def undo(self):
        self.page.keyboard.press("Control+z")


def assert_same(scene, expected):
    """Asserts that ids, styles and seed are equal, pixel by pixel."""
    np.testing.assert_array_equal(scene.label_map, expected.label_map)
    np.testing.assert_array_equal(scene.instance_map, expected.instance_map)
    assert scene == expected


# === The rasteriser ===


def draw_in_page(page, call, size, *arguments):
    """Returns the mask that a function of the page's modules emits."""
    mask = np.zeros(size, bool)
    runs = page.evaluate(
        """async ([call, size, parts]) => {
          const raster = await import("/static/js/raster.js");
          const fill = await import("/static/js/fill.js");
          const runs = [];
          const emit = (...run) => runs.push(run);
          const box = { height: size[0], width: size[1] };
          const isDone = ({ ...raster, ...fill })[call](box, ...parts, emit);
          return isDone === false ? null : runs;
        }""",
        [call, size, list(arguments)],
    )
    if runs is None:
        return None
    for y, start, end in runs:
        assert not mask[y, start:end].any(), "A run is emitted twice."
        mask[y, start:end] = True
    return mask


def test_strokes_are_those_of_the_library(editor):
    draw = np.random.default_rng(1)
    for number in range(120):
        size = [int(side) for side in draw.integers(1, 90, 2)]
        points = draw.uniform(-20, 100, (2, 2))
        if number % 2:
            points = np.round(2 * points) / 2
        if number % 10 == 3:
            points[1, number % 4 // 2] = points[0, number % 4 // 2]
        diameter = float(draw.choice([1, 2, 3, 7.5, 24, 61]))
        for shape in ("round", "square"):
            brush = {"diameter": diameter, "shape": shape}
            ends = points.tolist()
            found = draw_in_page(editor.page, "strokeLine", size, *ends, brush)
            expected = stroke_mask(size, points, diameter, shape)
            np.testing.assert_array_equal(found, expected)


def test_polygons_are_those_of_the_library(editor):
    draw = np.random.default_rng(2)
    for number in range(150):
        size = [int(side) for side in draw.integers(1, 90, 2)]
        count = int(draw.integers(3, 12))
        points = draw.uniform(-20, 110, (count, 2))
        if number % 2:
            # Corners on centers and on borders of pixels.
            points = np.round(2 * points) / 2
        found = draw_in_page(editor.page, "fillPolygon", size, points.tolist())
        np.testing.assert_array_equal(found, polygon_mask(size, points))


def test_filled_areas_are_those_of_the_library(editor):
    draw = np.random.default_rng(3)
    for _ in range(40):
        size = [int(side) for side in draw.integers(1, 40, 2)]
        label_map = draw.choice([1, 2, 4], size, p=[0.2, 0.2, 0.6])
        scene = EditableScene(label_map, None, LABELS)
        y, x = (int(draw.integers(side)) for side in size)
        ids = label_map.ravel().tolist()
        found = draw_in_page(editor.page, "fillConnected", size, ids, x, y)
        np.testing.assert_array_equal(found, connected_mask(scene, x, y))
        outline = 2 if label_map[y, x] != 2 else 4
        found = draw_in_page(
            editor.page, "fillEnclosed", size, ids, x, y, outline
        )
        try:
            name = LABELS.names[outline]
            expected = enclosed_mask(scene, x, y, name)
        except ValueError:
            assert found is None
        else:
            np.testing.assert_array_equal(found, expected)


# === Tools ===


def test_painting_is_exact(editor, studio):
    expected = studio.first_scene()
    editor.page.fill("[aria-label='Size of the brush in pixels']", "9")
    editor.choose("brush", "lawn")
    stroke = [(10, 40), (30, 45), (31, 60), (70, 20)]
    editor.drag(stroke)
    centers = np.add(stroke, 0.5)
    mask = stroke_mask(expected.size, centers, 9)
    expected = paint_region(expected, mask, "lawn")
    # Each stroke of a thing is a new object.
    editor.choose("line", "person")
    editor.drag([(100, 10), (110, 40)])
    mask = stroke_mask(expected.size, [(100.5, 10.5), (110.5, 40.5)], 9)
    expected = paint_region(expected, mask, "person")
    editor.choose("rectangle", "car")
    editor.drag([(60, 50), (40, 30)])
    corners = [(40, 30), (60, 30), (60, 50), (40, 50)]
    mask = polygon_mask(expected.size, corners)
    expected = paint_region(expected, mask, "car")
    editor.choose("polygon", "building")
    corners = [(5, 5), (50, 9), (20, 30)]
    for corner in corners:
        editor.click(*corner)
    editor.page.keyboard.press("Enter")
    mask = polygon_mask(expected.size, corners)
    expected = paint_region(expected, mask, "building")
    assert_same(editor.scene(), expected)
    for kind, array in (
        ("label", expected.label_map),
        ("instance", expected.instance_map),
    ):
        file = io.BytesIO(editor.download(f"download-{kind}"))
        with Image.open(file) as image:
            np.testing.assert_array_equal(np.asarray(image), array)


def test_picked_objects_grow(editor, studio):
    expected = studio.first_scene()
    instance = next(iter(expected.objects("car")))
    y, x = map(int, np.argwhere(expected.instance_map == instance)[40])
    editor.page.keyboard.down("Alt")
    editor.click(x, y)
    editor.page.keyboard.up("Alt")
    editor.choose("rectangle")
    assert f"car {instance}" in editor.page.inner_text("#target")
    editor.drag([(2, 2), (12, 8)])
    mask = polygon_mask(expected.size, [(2, 2), (12, 2), (12, 8), (2, 8)])
    assert_same(editor.scene(), paint_region(expected, mask, "car", instance))


def test_the_journey_of_a_new_user(editor, studio):
    model, first = studio.backend._model, studio.first_scene()
    editor.swap("tree", "building")
    editor.swap("road", "cobblestone")
    expected = replace_class(first, "tree", "building")
    expected = replace_class(expected, "road", "cobblestone")
    # The color of one car.
    instance = next(iter(expected.objects("car")))
    y, x = map(int, np.argwhere(expected.instance_map == instance)[40])
    editor.choose("select")
    editor.click(x, y)
    assert f"car {instance}" in editor.page.inner_text("#panel-object")
    editor.page.locator(".cluster").nth(1).click()
    expected = choose_cluster(model, expected, instance, 1)
    assert_same(editor.scene(), expected)
    # Another car.
    editor.choose("stamp")
    editor.page.locator(".shape").nth(1).click()
    before_stamp = expected
    editor.click(64, 62)
    editor.page.wait_for_selector(
        "#panel-object:has-text('car 9')", state="attached"
    )
    px, py = scene_point(editor, 64.25, 62.25)
    shape = studio.shapes.of_class("car")[1]
    placed = place_shape(shape, first.size, px / 128, py / 64)
    expected = add_object(expected, *placed)
    editor.wait()
    assert_same(editor.scene(), expected)
    # Back, and forth.
    editor.undo()
    assert_same(editor.scene(), before_stamp)
    for _ in range(3):
        editor.undo()
    assert_same(editor.scene(), first)
    for _ in range(4):
        editor.page.keyboard.press("Control+Shift+z")
    assert_same(editor.scene(), expected)


def scene_point(editor, x, y):
    """Returns what the page makes of a place in the window."""
    left, top = editor.place(x, y)
    return editor.page.evaluate(
        """([left, top]) => {
          const box = document.querySelector("#map").getBoundingClientRect();
          const { width } = document.querySelector("#map");
          const scale = box.width / width;
          return [(left - box.left) / scale, (top - box.top) / scale];
        }""",
        [left, top],
    )


def test_objects_move_and_go(editor, studio):
    scene = studio.first_scene()
    instance = next(iter(scene.objects("car")))
    y, x = map(int, np.argwhere(scene.instance_map == instance)[60])
    editor.choose("select")
    editor.page.select_option("#options select", "front")
    editor.drag([(x, y), (x + 4, y + 2), (x - 10, y + 3)])
    editor.page.wait_for_selector("[data-command=undo]:not([disabled])")
    expected = move_object(scene, instance, -10, 3, "front")
    assert_same(editor.scene(), expected)
    editor.page.keyboard.press("Delete")
    editor.page.wait_for_selector("#panel-object:has-text('Nothing')")
    expected = remove_object(expected, instance)
    assert_same(editor.scene(), expected)
    # A larger one, by keys.
    other = next(iter(expected.objects("car")))
    y, x = map(int, np.argwhere(expected.instance_map == other)[3])
    editor.click(x, y)
    editor.page.keyboard.press(".")
    editor.page.keyboard.press("m")
    expected = scale_object(expected, other, 1.1, "front")
    assert_same(editor.scene(), mirror_object(expected, other))


def test_a_hundred_gestures_are_undone(editor, studio):
    first = studio.first_scene()
    editor.page.fill("[aria-label='Size of the brush in pixels']", "5")
    editor.choose("brush", "lawn")
    for number in range(110):
        editor.click(4 + number, 10 + number % 40)
    assert not np.array_equal(editor.scene().label_map, first.label_map)
    for _ in range(110):
        editor.undo()
    assert_same(editor.scene(), first)
    assert editor.page.is_disabled("[data-command=undo]")


def test_everything_works_by_keyboard(editor, studio):
    page, expected = editor.page, studio.first_scene()
    page.keyboard.press("b")
    page.keyboard.press("/")
    page.keyboard.type("law")
    page.keyboard.press("Enter")
    page.fill("[aria-label='Size of the brush in pixels']", "5")
    page.focus("#map-pane")
    for key in ("Enter", "Shift+ArrowRight", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    way = [(64.5, 32.5), (74, 32), (74, 33)]
    way = [(64.5, 32.5), (74.5, 32.5), (74.5, 33.5)]
    mask = stroke_mask(expected.size, way, 5)
    assert_same(editor.scene(), paint_region(expected, mask, "lawn"))


def test_controls_have_names(editor):
    unnamed = editor.page.evaluate(
        """() => [...document.querySelectorAll("button, input, select")]
          .filter((e) => !e.closest("[hidden]") && e.type !== "file")
          .filter((e) => !(e.getAttribute("aria-label") || e.title
            || e.textContent.trim() || e.labels?.length))
          .map((e) => e.outerHTML)"""
    )
    assert unnamed == []


# === Nothing is lost ===


def test_a_failed_server_loses_nothing(editor, server, studio):
    page, expected = editor.page, studio.first_scene()
    server.stop()
    try:
        editor.choose("rectangle", "lawn")
        editor.drag([(2, 2), (12, 8)])
        page.wait_for_selector(".message.error:has-text('does not answer')")
        # Painting goes on.
        editor.drag([(22, 2), (32, 8)])
    finally:
        server.start()
    page.click(".message.error >> text=Retry")
    page.wait_for_selector(".message.error", state="detached")
    editor.wait()
    for left in (2, 22):
        corners = [(left, 2), (left + 10, 2), (left + 10, 8), (left, 8)]
        mask = polygon_mask(expected.size, corners)
        expected = paint_region(expected, mask, "lawn")
    assert_same(editor.scene(), expected)


def test_a_reload_restores_the_scene(editor):
    questions = []

    def accept(dialog):
        questions.append(dialog.type)
        dialog.accept()

    editor.page.on("dialog", accept)
    editor.swap("tree", "building")
    editor.wait()
    editor.page.reload()
    editor.wait()
    # A scene that was not downloaded is asked for.
    assert questions == ["beforeunload"]
    scene = editor.scene()
    assert LABELS.index("tree") not in scene.label_map
    editor.page.reload()
    editor.wait()
    assert questions == ["beforeunload"]
    assert editor.scene() == scene


def test_opened_files_are_shown(editor, tmp_path):
    label_map = np.full((40, 90), LABELS.index("road"), "uint8")
    label_map[10:20, 30:60] = CAR
    Image.fromarray(label_map).save(tmp_path / "yard.png")
    page = editor.page
    page.keyboard.press("Control+o")
    inputs = page.locator("#open input[type=file]")
    inputs.nth(1).set_input_files(tmp_path / "yard.png")
    page.click("#open .primary")
    page.wait_for_selector("#size:has-text('90')")
    editor.wait()
    np.testing.assert_array_equal(editor.scene().label_map, label_map)
    photo = io.BytesIO(editor.download("download-photograph"))
    with Image.open(photo) as image:
        assert image.size == (90, 40)


# === Styles, samples, touch ===


def select_car(editor, scene):
    """Selects the largest car, and returns its id."""
    instance = next(iter(scene.objects("car")))
    y, x = map(int, np.argwhere(scene.instance_map == instance)[60])
    editor.choose("select")
    editor.click(x, y)
    editor.page.wait_for_selector(f"#panel-object:has-text('{instance}')")
    return instance


def test_styles_are_copied_between_objects(editor, studio):
    scene = studio.first_scene()
    one = select_car(editor, scene)
    drawn = studio.backend.list_styles(scene)[one]
    editor.page.click("#panel-object [data-command=copy-style]")
    editor.page.wait_for_selector("[data-command=paste-style]:enabled")
    other = list(scene.objects("car"))[1]
    y, x = map(int, np.argwhere(scene.instance_map == other)[3])
    editor.click(x, y)
    editor.page.click("#panel-object [data-command=paste-style]")
    assert dict(editor.scene().styles) == {other: drawn}
    editor.page.click("#panel-object [data-command=reset-style]")
    assert not editor.scene().styles
    editor.page.keyboard.press("d")
    centers = studio.backend.clusters.of_class(CAR).tolist()
    assert list(editor.scene().styles[other]) in centers


def test_styles_are_taken_from_a_photograph(editor, studio, tmp_path):
    scene = studio.first_scene()
    draw = np.random.default_rng(5)
    photo = draw.integers(0, 256, (*scene.size, 3), "uint8")
    Image.fromarray(photo).save(tmp_path / "photo.png")
    car = select_car(editor, scene)
    with editor.page.expect_file_chooser() as chooser:
        editor.page.click("text=From a photo")
    chooser.value.set_files(tmp_path / "photo.png")
    editor.page.wait_for_selector("[data-command=reset-style]:enabled")
    expected = studio.backend.encode_styles(scene, photo)[car]
    found = editor.scene().styles
    assert found.keys() == {car}
    np.testing.assert_allclose(found[car], expected, atol=1e-5)


def test_samples_choose_a_seed(editor):
    page = editor.page
    page.keyboard.press("n")
    page.wait_for_selector("#samples img >> nth=3")
    page.click("[aria-label='Use the seed 2']")
    editor.wait()
    assert editor.scene().seed == 2


def test_before_and_after_are_compared(editor):
    page = editor.page

    def read(canvas):
        return page.evaluate(
            "(id) => document.getElementById(id).toDataURL()", canvas
        )

    first = read("photo")
    editor.swap("tree", "building")
    editor.wait()
    page.keyboard.press("c")
    assert read("before") == first != read("photo")
    cuts = set()
    for value in (0, 50, 100):
        page.fill("#compare input", str(value))
        cuts.add(
            page.evaluate("document.getElementById('before').style.clipPath")
        )
    assert len(cuts) == 3
    editor.undo()
    editor.wait()
    assert read("photo") == first


def test_one_finger_paints_and_two_zoom(browser, server, studio):
    context = browser.new_context(
        viewport={"width": 390, "height": 800}, has_touch=True
    )
    context.set_default_timeout(_TIMEOUT)
    editor = Editor(context.new_page(), server.url)
    editor.open()
    page, expected = editor.page, studio.first_scene()
    editor.choose("rectangle", "lawn")
    touch = context.new_cdp_session(page)

    def send(kind, *points):
        places = [editor.place(x + 0.25, y + 0.25) for x, y in points]
        touch.send(
            "Input.dispatchTouchEvent",
            {
                "type": kind,
                "touchPoints": [
                    {"x": x, "y": y, "id": k} for k, (x, y) in enumerate(places)
                ],
            },
        )

    send("touchStart", (10, 10))
    send("touchMove", (30, 20))
    send("touchEnd")
    page.wait_for_selector("[data-command=undo]:enabled")
    mask = polygon_mask(expected.size, [(10, 10), (30, 10), (30, 20), (10, 20)])
    expected = paint_region(expected, mask, "lawn")
    assert_same(editor.scene(), expected)
    before = page.inner_text("#zoom")
    send("touchStart", (60, 30))
    send("touchStart", (60, 30), (70, 30))
    for x in (80, 100):
        send("touchMove", (60, 30), (x, 30))
    send("touchEnd")
    assert page.text_content("#zoom") != before
    assert_same(editor.scene(), expected)
    context.close()
    assert not editor.problems


def test_wrong_uploads_are_explained(editor, tmp_path):
    Image.new("RGB", (8, 8)).save(tmp_path / "colors.png")
    page = editor.page
    page.keyboard.press("Control+o")
    page.click("#open .primary")
    page.wait_for_selector("#open .problem:has-text('Choose a scene file')")
    inputs = page.locator("#open input[type=file]")
    inputs.nth(1).set_input_files(tmp_path / "colors.png")
    page.click("#open .primary")
    page.wait_for_selector("#open .problem:has-text('3 channels')")


# === Other models ===


def open_other(browser, studio):
    """Opens an editor of another model; returns it and what ends it."""
    server = EditorServer(studio)
    server.start()
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(_TIMEOUT)
    editor = Editor(context.new_page(), server.url)

    def close():
        context.close()
        server.stop()

    editor.open()
    return editor, close


def test_a_style_of_the_whole_image(browser):
    model = sharpen(make_model("spade_256", LABELS, styles="image"))
    studio = Studio(LocalBackend(model, "spade"))
    assert studio.first_scene().size == model.image_size
    editor, close = open_other(browser, studio)
    try:
        panel = editor.page.locator("#panel-object")
        assert "Style of the image" in panel.inner_text()
        editor.page.keyboard.press("d")
        styles = editor.scene().styles
        assert styles.keys() == {WHOLE_IMAGE}
        assert len(styles[WHOLE_IMAGE]) == model.style_channels
        editor.swap("tree", "building")
        editor.wait()
        assert editor.scene().styles == styles
    finally:
        close()
    assert not editor.problems


def test_a_model_without_styles_starts_with_an_empty_scene(browser):
    model = make_model(labels=["sky", "road", "car"])
    model.scene_width = 64
    editor, close = open_other(browser, Studio(LocalBackend(model, "plain")))
    try:
        assert "Style" not in editor.page.inner_text("#panel-object")
        editor.choose("rectangle")
        editor.page.click("#palette [data-label='2']")
        editor.drag([(10, 10), (30, 20)])
        scene = editor.scene()
        assert scene.size == (32, 64)
        assert (scene.label_map[10:20, 10:30] == 2).all()
        assert scene.label_map.sum() == 2 * 200
        editor.page.click("#tab-stamps")
        assert "no shapes" in editor.page.inner_text("#panel-stamps")
        editor.page.keyboard.press("n")
        assert "one photograph" in editor.page.inner_text("#samples")
    finally:
        close()
    assert not editor.problems
