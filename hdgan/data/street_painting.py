"""Paints a described street: one photograph and one instance map.

The world is in metres: `x` to the right of the road's middle, `y` up from the
ground, `z` forward from the camera. A pinhole camera at `EYE` metres looks
along `z`. Walls and ground are shaded pixel by pixel, through the inverse of
the projection; what stands in front of them is drawn as polygons.

Nothing here knows the classes: each description carries its `identity`, the
value its visible pixels get in the instance map.
"""

import dataclasses
import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from hdgan.data import street_things

FOCAL = 1.1
EYE = 2.3
# The nearest ground that is drawn, in metres: near enough to pass below the
# lower edge of the narrowest portrait image.
NEAR = 0.25
HAZE_DISTANCE = 170.0
GLASS = np.float32([52, 66, 84])


@dataclasses.dataclass(frozen=True)
class Camera:
    """Where the camera stands (`x`, metres) and looks.

    `heading` shifts the vanishing point sideways, in units of the image;
    `horizon` is its height as a fraction of the image, from the top.
    """

    x: float
    heading: float
    horizon: float


@dataclasses.dataclass(frozen=True)
class Light:
    """Time of day: `warmth` in [0, 1], `brightness` around 1."""

    warmth: float
    brightness: float


@dataclasses.dataclass(frozen=True)
class GroundStrip:
    """A strip of ground along the street, `left` to `right` in metres.

    `material` is a key of `MATERIALS`; `kerb` is the `x` of the edge that
    meets the road.
    """

    identity: int
    material: str
    left: float
    right: float
    kerb: float


@dataclasses.dataclass(frozen=True)
class Wall:
    """A facade, along the street or across it.

    `plane` is its `x` if `along_street`, else its `z`; it reaches from `start`
    to `end` on the other axis, in metres. `salt` varies its windows.
    """

    identity: int
    along_street: bool
    plane: float
    start: float
    end: float
    eaves: float
    roof: float
    bay: float
    floor: float
    tint: tuple[int, int, int]
    roof_tint: tuple[int, int, int]
    awning: tuple[int, int, int]
    has_shops: bool
    salt: int


@dataclasses.dataclass(frozen=True)
class Scene:
    """A street; `walls` and `things` are ordered back to front.

    `clouds` and `tile` are float32 arrays in [0, 1]: the cloud cover, and the
    random numbers that vary windows, stones and grass.
    """

    sky_identity: int
    camera: Camera
    light: Light
    ground: tuple[GroundStrip, ...]
    walls: tuple[Wall, ...]
    things: tuple[street_things.Thing, ...]
    clouds: np.ndarray
    tile: np.ndarray


class View:
    """The projection of one scene onto a canvas of `samples` per pixel.

    The unit of the image is the geometric mean of its height and half its
    width, so that cars keep their shape at every aspect ratio.
    """

    def __init__(self, camera, light, height, width, samples):
        self.height, self.width = height * samples, width * samples
        self.samples = samples
        self.unit = samples * math.sqrt(height * width / 2)
        self.camera_x = camera.x
        self.center_x = self.width / 2 + camera.heading * self.unit
        self.horizon = camera.horizon * self.height
        self.haze = _mix((206, 217, 230), (236, 216, 190), light.warmth)

    def project(self, points):
        """Pixels (column, row) of world `points` (x, y, z), z > 0."""
        scale = FOCAL * self.unit
        # Pillow puts the integers at the middles of the pixels.
        left, top = self.center_x - 0.5, self.horizon - 0.5
        return [
            (
                left + scale * (x - self.camera_x) / z,
                top + scale * (EYE - y) / z,
            )
            for x, y, z in points
        ]

    def rays(self, rows, columns):
        """Image units right of and below the vanishing point (float32)."""
        right = (columns + np.float32(0.5 - self.center_x)) / self.unit
        below = (rows + np.float32(0.5 - self.horizon)) / self.unit
        return right.astype(np.float32), below.astype(np.float32)

    def through_haze(self, color, distance):
        """The (r, g, b) that `color` has at `distance` metres."""
        haze = 1 - math.exp(-distance / HAZE_DISTANCE)
        return tuple(
            round(min(255, max(0, c + (h - c) * haze)))
            for c, h in zip(color, self.haze, strict=True)
        )


class Canvas:
    """Draws polygons onto the photograph and the instance map alike."""

    def __init__(self, view, photo, identities):
        self.view = view
        self.eye = (view.camera_x, EYE, 0.0)
        self.photo = Image.fromarray(photo)
        self.identities = Image.fromarray(identities)
        self._photo_pen = ImageDraw.Draw(self.photo)
        self._identity_pen = ImageDraw.Draw(self.identities)

    def polygon(self, points, color, identity):
        """Fills the polygon of world `points` with `color` and `identity`."""
        pixels = self.view.project(points)
        color = self.view.through_haze(color, points[0][2])
        self._photo_pen.polygon(pixels, fill=color)
        self._identity_pen.polygon(pixels, fill=identity)


def paint(scene, height, width):
    """Paints `scene`.

    Args:
        scene: a `Scene`.
        height: rows of the result, in pixels.
        width: columns of the result, in pixels.

    Returns:
        The instance map, int32 `(height, width)`, and the photograph, uint8
        `(height, width, 3)`, without the grain of a sensor.
    """
    # More samples smooth the edges; a large image can do without, and would
    # take seconds with them.
    samples = 4 if height * width <= 64 * 128 else 2
    samples = 1 if height * width > 512 * 1024 else samples
    view = View(scene.camera, scene.light, height, width, samples)
    surfaces = _surface_map(scene, view)
    photo = np.empty((view.height, view.width, 3), np.uint8)
    _shade_sky(scene, view, surfaces, photo)
    _shade_ground(scene, view, surfaces, photo)
    _shade_walls(scene, view, surfaces, photo)
    sources = (*scene.ground, *scene.walls)
    table = np.int32([scene.sky_identity] + [s.identity for s in sources])
    canvas = Canvas(view, photo, table[surfaces])
    for thing in scene.things:
        thing.paint(canvas)
    photo = canvas.photo.filter(ImageFilter.GaussianBlur(0.35 * samples))
    photo = photo.reduce(samples).point(_grading(scene.light))
    identities = np.asarray(canvas.identities)
    middle = samples // 2
    identities = identities[middle::samples, middle::samples].copy()
    return identities, np.array(photo)


def _surface_map(scene, view):
    """Which surface each sample sees: 0 sky, then the ground, then walls."""
    image = Image.new("L", (view.width, view.height), 0)
    pen = ImageDraw.Draw(image)
    far = 5000.0
    for number, strip in enumerate(scene.ground, start=1):
        corners = [(strip.left, 0, far), (strip.left, 0, NEAR)]
        corners += [(strip.right, 0, NEAR), (strip.right, 0, far)]
        pen.polygon(view.project(corners), fill=number)
    for number, wall in enumerate(scene.walls, start=1 + len(scene.ground)):
        top = wall.eaves + wall.roof
        ends = (wall.start, wall.end)
        if wall.along_street:
            feet = [(wall.plane, max(z, NEAR)) for z in ends]
        else:
            feet = [(x, wall.plane) for x in ends]
        corners = [(x, 0, z) for x, z in feet]
        corners += [(x, top, z) for x, z in reversed(feet)]
        pen.polygon(view.project(corners), fill=number)
    return np.asarray(image)


def _shade_sky(scene, view, surfaces, photo):
    """Colours the samples of `photo` that see the sky."""
    rows = min(view.height, math.ceil(view.horizon) + 1)
    warmth = scene.light.warmth
    zenith = _mix((86, 142, 208), (112, 138, 186), warmth)
    clouds = Image.fromarray(scene.clouds)
    clouds = clouds.resize((view.width, rows), Image.Resampling.BICUBIC)
    cover = np.asarray(clouds)
    height = np.linspace(1, 0, rows, dtype=np.float32)[:, None]
    # Clouds thin out towards the horizon, where the haze is.
    cover = np.clip((cover - 0.47) * 4, 0, 1) * np.clip(height * 2.2, 0, 0.9)
    bright = _mix((247, 248, 250), (255, 240, 222), warmth)
    mask = surfaces[:rows] == 0
    for channel in range(3):
        clear = view.haze[channel]
        clear = clear + (zenith[channel] - clear) * height**0.8
        color = clear + (bright[channel] - clear) * cover
        np.copyto(photo[:rows, :, channel], color.astype(np.uint8), where=mask)


def _shade_ground(scene, view, surfaces, photo):
    """Colours the samples of `photo` that see the ground."""
    shadows = _shadow_map(scene, view)
    for number, strip in enumerate(scene.ground, start=1):
        rows, columns = np.nonzero(surfaces == number)
        right, below = view.rays(rows, columns)
        # The row of the horizon itself sees the ground at infinity.
        z = FOCAL * EYE / np.maximum(below, 1e-4)
        x = right * z / FOCAL + np.float32(view.camera_x)
        step = z / (FOCAL * view.unit)
        color = MATERIALS[strip.material](strip, scene, x, z, step)
        # The houses on the left shade their foot and part of the road.
        edge = scene.ground[-1].left * 0.55
        shade = 0.3 * np.clip((edge - x) / 0.8 + 0.5, 0, 1)
        shade = np.maximum(shade, shadows[rows, columns])
        color *= (1 - shade)[:, None] * np.float32([1, 1.01, 1.05])
        photo[rows, columns] = _through_haze(color, z, view)


def _shadow_map(scene, view):
    """Soft shadows of the things on the ground, float32 in [0, 0.6]."""
    # Half the samples are plenty for something blurred.
    size = (view.width // 2, view.height // 2)
    image = Image.new("L", size, 0)
    pen = ImageDraw.Draw(image)
    for thing in scene.things:
        outline = [(x, 0, z) for x, z in thing.shadow()]
        pixels = [(u / 2, v / 2) for u, v in view.project(outline)]
        pen.polygon(pixels, fill=145)
    image = image.filter(ImageFilter.GaussianBlur(0.006 * view.unit))
    image = image.resize((view.width, view.height), Image.Resampling.BILINEAR)
    return np.asarray(image) * np.float32(1 / 255)


def _asphalt(strip, scene, x, z, step):
    """A grey road with a dashed middle line and a line along each edge."""
    patches = _smooth_noise(scene.tile, x * 0.8, z * 0.3)
    color = np.float32([94, 97, 104]) * (0.9 + 0.2 * patches)[:, None]
    dash = _box(np.mod(z, 6.0) / 6.0, 0.0, 0.55, _length_step(z, step) / 6.0)
    middle = _box(x, -0.1, 0.1, step) * dash
    edge = strip.right - 0.35
    edges = _box(np.abs(x), edge - 0.09, edge + 0.09, step)
    # Paint wears off: it is never quite opaque.
    line = np.maximum(middle, edges) * (0.7 + 0.3 * patches)
    return _blend(color, np.float32([232, 230, 220]), line)


def _cobbles(strip, scene, x, z, step):
    """Rows of rounded stones, each of its own shade."""
    row = z / 0.85
    column = x / 0.55 + 0.5 * np.mod(np.floor(row), 2)
    across, along = np.mod(column, 1), np.mod(row, 1)
    shade = _cell_noise(scene.tile, row, column)
    stone = np.float32([166, 141, 116]) * (0.74 + 0.42 * shade)[:, None]
    # The crown of each stone catches the light of the sky.
    crown = 0.88 + 0.24 * along
    blur_across, blur_along = step / 0.55, _length_step(z, step) / 0.85
    top = _box(across, 0.09, 0.91, blur_across)
    top = top * _box(along, 0.1, 0.9, blur_along)
    joint = np.float32([84, 70, 58])
    return _blend(joint, stone * crown[:, None], 0.25 + 0.75 * top)


def _slabs(strip, scene, x, z, step):
    """Paving slabs, with a kerb towards the road."""
    across = np.mod(x - strip.kerb, 1.0)
    along = np.mod(z / 1.3, 1.0)
    shade = _cell_noise(scene.tile, x - strip.kerb, z / 1.3)
    color = np.float32([190, 180, 168]) * (0.9 + 0.13 * shade)[:, None]
    blur = _length_step(z, step) / 1.3
    joint = 1 - _box(across, 0.05, 0.95, step) * _box(along, 0.06, 0.94, blur)
    color = _blend(color, np.float32([128, 118, 110]), 0.8 * joint)
    inset = np.abs(x - strip.kerb)
    color = _blend(color, np.float32([216, 213, 206]), _low(inset, 0.5, step))
    color = _blend(color, np.float32([122, 120, 120]), _low(inset, 0.17, step))
    # Less of the sky is seen from the foot of a wall.
    width = strip.right - strip.left
    return color * (1.04 - 0.2 * np.clip(inset / width, 0, 1) ** 3)[:, None]


def _grass(strip, scene, x, z, step):
    """Tufts of grass in lighter and darker patches."""
    tufts = _smooth_noise(scene.tile, x * 1.6, z * 0.9)
    patches = _smooth_noise(scene.tile, x * 0.25, z * 0.12)
    shade = 0.74 + 0.34 * tufts + 0.16 * patches
    return np.float32([122, 156, 76]) * shade[:, None]


MATERIALS = {
    "asphalt": _asphalt,
    "cobbles": _cobbles,
    "slabs": _slabs,
    "grass": _grass,
}


def _shade_walls(scene, view, surfaces, photo):
    """Colours the samples of `photo` that see a wall."""
    first = 1 + len(scene.ground)
    rows, columns = np.nonzero(surfaces >= first)
    which = surfaces[rows, columns] - first
    right, below = view.rays(rows, columns)

    def of(name):
        values = [getattr(wall, name) for wall in scene.walls]
        return np.array(values, np.float32)[which]

    side = np.array([wall.along_street for wall in scene.walls])[which]
    plane = of("plane")
    reach = np.where(side, plane - np.float32(view.camera_x), 1)
    right = np.where(np.abs(right) < 1e-5, np.float32(1e-5), right)
    z = np.where(side, FOCAL * reach / right, plane)
    x = right * z / FOCAL + np.float32(view.camera_x)
    y = EYE - below * z / FOCAL
    step = z / (FOCAL * view.unit)
    step_along = np.where(side, step * z / np.abs(reach), step)
    color = _facade(
        of,
        scene.tile,
        (np.where(side, z, x) - of("start"), step_along),
        (y, step),
    )
    # The sun stands on the left: it lights the facades that face left.
    lit = np.where(side, np.where(reach > 0, 1.1, 0.76), 0.93)
    lit = lit * (0.84 + 0.16 * np.clip(y / 4, 0, 1))
    color *= lit.astype(np.float32)[:, None]
    photo[rows, columns] = _through_haze(color, z, view)


def _facade(of, tile, along, up):
    """Colours of facade samples, float32 `(samples, 3)`, before the light.

    Args:
        of: gives a property of each sample's wall by its name.
        tile: the scene's random numbers.
        along: metres from the wall's start, and the metres a sample covers.
        up: metres above the ground, and the metres a sample covers.
    """
    (along, step_along), (y, step) = along, up
    column, story = along / of("bay"), y / of("floor")
    across, rise = np.mod(column, 1), np.mod(story, 1)
    blur_across, blur_rise = step_along / of("bay"), step / of("floor")
    salt, eaves = of("salt"), of("eaves")
    chance = _cell_noise(tile, column + salt, story + 7 * salt)
    on_ground = story < 1

    tint = of("tint")
    stain = _smooth_noise(tile, along * 0.6 + salt, y * 0.6)
    color = tint * (0.93 + 0.12 * stain)[:, None]

    def pane(left, low, right, high):
        box = _box(across, left, right, blur_across)
        return box * _box(rise, low, high, blur_rise)

    # Upper storeys: a pale surround, a sill, and glass that mirrors the sky.
    upper = ~on_ground * (y < eaves)
    pale = tint * 0.35 + np.float32([242, 238, 230]) * 0.65
    color = _blend(color, pale, pane(0.19, 0.14, 0.81, 0.86) * upper)
    sky = np.clip(rise * 1.5 - 0.35, 0, 1) * (0.3 + 0.5 * chance)
    glass = _blend(GLASS, np.float32([150, 178, 204]), sky)
    glass = _blend(glass, np.float32([255, 214, 140]), 0.85 * (chance > 0.88))
    window = pane(0.27, 0.22, 0.73, 0.8) * upper
    bar = 1 - 0.7 * _box(across, 0.475, 0.525, blur_across)
    color = _blend(color, glass, window * bar)

    # Ground floor: shop windows under an awning, or doors and windows.
    shop = of("has_shops") > 0
    front = pane(0.1, 0.12, 0.9, 0.7) * (on_ground & shop)
    inside = np.clip(0.8 - rise, 0, 1) * (0.4 + 0.6 * chance)
    goods = _blend(GLASS, np.float32([250, 205, 140]), inside)
    color = _blend(color, goods, front)
    awning = of("awning") * (1.25 - 0.35 * (rise < 0.78))[:, None]
    canopy = pane(0.04, 0.7, 0.96, 0.9) * (on_ground & shop)
    color = _blend(color, awning, canopy)
    is_door = np.mod(np.floor(column), 3) == 1
    door = pane(0.28, 0.0, 0.72, 0.76) * (on_ground & ~shop & is_door)
    color = _blend(color, of("awning") * np.float32(0.6), door)
    low = pane(0.25, 0.3, 0.75, 0.78) * (on_ground & ~shop & ~is_door)
    color = _blend(color, glass * np.float32(0.9), low)

    # Bands: a plinth, a course above the ground floor, the cornice.
    color = color * (1 - 0.3 * _low(y, 0.4, step))[:, None]
    course = np.abs(y - of("floor") * 1.03)
    color = _blend(color, pale, 0.8 * _low(course, 0.12, step))
    color = _blend(color, pale, _low(np.abs(y - eaves), 0.28, step))
    above = np.clip((y - eaves - 0.2) / step + 0.5, 0, 1)
    tiles = 0.85 + 0.3 * _cell_noise(tile, along / 1.2, y / 0.6)
    return _blend(color, of("roof_tint") * tiles[:, None], above)


def _box(value, low, high, blur):
    """1 where low < value < high, with edges `blur` wide, as the lens does."""
    blur = np.maximum(blur, 1e-3)
    rise = np.clip((value - low) / blur + 0.5, 0, 1)
    return rise * np.clip((high - value) / blur + 0.5, 0, 1)


def _low(value, high, blur):
    """1 where value < high, with an edge `blur` wide."""
    return np.clip((high - value) / np.maximum(blur, 1e-3) + 0.5, 0, 1)


def _blend(under, over, amount):
    """`over` covers `under` by `amount` (one per sample, [0, 1])."""
    amount = np.asarray(amount, np.float32)[:, None]
    return under + (over - under) * amount


def _mix(first, second, amount):
    """The colour `amount` of the way from `first` to `second`."""
    return tuple(a + (b - a) * amount for a, b in zip(first, second, strict=1))


def _length_step(z, step):
    """Metres along the ground that a sample `step` metres high covers."""
    return step * z / EYE


def _cell_noise(tile, row, column):
    """A random number in [0, 1] for each unit cell."""
    size = len(tile)
    row = np.floor(row).astype(np.int32) % size
    return tile[row, np.floor(column).astype(np.int32) % size]


def _smooth_noise(tile, row, column):
    """A number in [0, 1] that varies smoothly over about one unit."""
    low_row, low_column = np.floor(row), np.floor(column)
    down, right = row - low_row, column - low_column
    down, right = down * down * (3 - 2 * down), right * right * (3 - 2 * right)
    size = len(tile)
    top = low_row.astype(np.int32) % size
    left = low_column.astype(np.int32) % size
    bottom, far = (top + 1) % size, (left + 1) % size
    upper = tile[top, left] * (1 - right) + tile[top, far] * right
    lower = tile[bottom, left] * (1 - right) + tile[bottom, far] * right
    return upper * (1 - down) + lower * down


def _through_haze(color, distance, view):
    """The uint8 colours that `color` (samples, 3) has at `distance`."""
    haze = 1 - np.exp(distance * np.float32(-1 / HAZE_DISTANCE))
    color = _blend(color, np.float32(view.haze), haze)
    return np.clip(color, 0, 255).astype(np.uint8)


def _grading(light):
    """Pillow's look-up table from painted to photographed colours."""
    gains = _mix((0.97, 1.0, 1.05), (1.09, 1.0, 0.88), light.warmth)
    value = np.arange(256) / 255
    # A gentle S-curve: the contrast of film.
    curve = value + 0.25 * (value**2 * (3 - 2 * value) - value)
    curves = [255 * light.brightness * gain * curve for gain in gains]
    return np.clip(np.concatenate(curves), 0, 255).round().astype(int).tolist()
