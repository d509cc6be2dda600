"""Paints the description of a street as a photograph and an instance map.

World coordinates are in meters: `x` to the right of the road's middle, `y` up
from the ground, `z` forward from the camera. A pinhole camera at a height of
`EYE` meters looks along `z`. Walls and ground are shaded pixel by pixel through
the inverse projection. Things in front of them are drawn as polygons.

This module knows no classes: each description has an `identity`, the value of
its visible pixels in the instance map.
"""

import dataclasses
import math

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from hdgan.data.street import materials, things

FOCAL = 1.1
EYE = 2.3
# Distance in meters of the nearest ground that is drawn. It lies below the
# lower edge even of the narrowest portrait image.
NEAR = 0.25
# Stands for samples that copy their color from another one; no surface has
# this number.
ALREADY_SHADED = np.uint8(255)
HAZE_DISTANCE = 170.0


@dataclasses.dataclass(frozen=True)
class Camera:
    """Position and direction of the camera.

    `x` is its position in meters. `heading` shifts the vanishing point
    sideways, in units of the image. `horizon` is the horizon's row as a
    fraction of the height, from the top.
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
    """A strip of ground along the street, from `left` to `right` in meters.

    `material` is a key of `materials.MATERIALS`. `kerb` is the `x` of the edge
    at the road.
    """

    identity: int
    material: str
    left: float
    right: float
    kerb: float


@dataclasses.dataclass(frozen=True)
class Wall:
    """A facade, along the street or across it.

    `plane` is its `x` if `along_street`, else its `z`. It extends from `start`
    to `end` on the other axis, in meters. `salt` varies its windows.
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
    """A street, with `walls` and `things` ordered from back to front.

    The first strip of `ground` extends to the horizon beside all others. The
    last one is the road. All things are in front of the walls.

    `clouds` and `tile` are float32 arrays in [0, 1]: the cloud cover, and
    random numbers that vary windows, stones and grass.
    """

    sky_identity: int
    camera: Camera
    light: Light
    ground: tuple[GroundStrip, ...]
    walls: tuple[Wall, ...]
    things: tuple[things.Thing, ...]
    clouds: np.ndarray
    tile: np.ndarray


class View:
    """The projection of one scene onto a canvas.

    Each pixel has `samples` x `samples` samples. The unit of the image is the
    geometric mean of its height and half its width, so that cars keep their
    shape at every aspect ratio.
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
        """Returns the (column, row) of world `points` (x, y, z), z > 0."""
        scale = FOCAL * self.unit
        # Pillow places integer coordinates at the centers of pixels.
        left, top = self.center_x - 0.5, self.horizon - 0.5
        return [
            (
                left + scale * (x - self.camera_x) / z,
                top + scale * (EYE - y) / z,
            )
            for x, y, z in points
        ]

    def project_all(self, points):
        """Does the same for an array `(points, 3)`, faster for many points."""
        scale = FOCAL * self.unit / points[:, 2]
        columns = self.center_x - 0.5 + scale * (points[:, 0] - self.camera_x)
        rows = self.horizon - 0.5 + scale * (EYE - points[:, 1])
        return list(zip(columns.tolist(), rows.tolist(), strict=True))

    def sees(self, x, z):
        """Returns whether a thing within 5 meters of `x` may be visible."""
        (left, _), (right, _) = self.project([(x - 5, 0, z), (x + 5, 0, z)])
        return right > 0 and left < self.width

    def on_ground(self, samples):
        """Intersects the rays of samples, given by flat index, with the ground.

        Returns:
            `x`, `z`, and the meters that a pixel covers in either direction.
        """
        right, below = self._rays(samples)
        # On the horizon the ground is at infinity.
        z = FOCAL * EYE / np.maximum(below, np.float32(1e-4))
        x = right * z / FOCAL + np.float32(self.camera_x)
        step = z * np.float32(self.samples / (FOCAL * self.unit))
        return x, z, (step, step * z / EYE)

    def on_wall(self, samples, is_side, plane):
        """Intersects rays with walls; returns `x`, `y`, `z` and pixel sizes."""
        right, below = self._rays(samples)
        reach = plane - np.float32(self.camera_x)
        right = np.where(np.abs(right) < 1e-5, np.float32(1e-5), right)
        z = np.where(is_side, FOCAL * reach / right, plane)
        x = right * z / FOCAL + np.float32(self.camera_x)
        y = EYE - below * z / FOCAL
        return x, y, z, z * np.float32(self.samples / (FOCAL * self.unit))

    def _rays(self, samples):
        """Returns the offsets from the vanishing point in image units."""
        right = np.arange(self.width) + 0.5 - self.center_x
        below = np.arange(self.height) + 0.5 - self.horizon
        right, below = np.float32(right / self.unit), below / self.unit
        rows = samples // self.width
        return right[samples - rows * self.width], np.float32(below)[rows]


class Canvas:
    """Draws polygons over the surfaces, in photograph and instance map at once.

    Each polygon is filled with its own number, which stands for its color and
    its identity, so that it is drawn once instead of once per image.

    Args:
        view: `View`.
        surfaces: integers `(rows, columns)`, the number of the surface that
            each sample shows.
        identities: list of int, the surfaces' values in the instance map.
    """

    def __init__(self, view, surfaces, identities):
        self.view = view
        self.eye = (view.camera_x, EYE, 0.0)
        self._image = Image.fromarray(surfaces.astype(np.int32))
        self._pen = ImageDraw.Draw(self._image)
        self._identities = list(identities)
        self._first = len(self._identities)
        self._colors = []
        self._distances = []

    def polygon(self, points, color, identity):
        """Fills the polygon of world `points` with `color` and `identity`."""
        pixels = self.view.project(points)
        self.fill(pixels, color, points[0][2], identity)

    def fill(self, pixels, color, distance, identity):
        """Fills a polygon of (column, row) with a color at a `distance`."""
        self._pen.polygon(pixels, fill=len(self._identities))
        self._identities.append(identity)
        self._colors.append(color)
        self._distances.append(distance)

    def leaves(self, outlines, distance, colors, identity):
        """Fills many polygons at the same distance; faster than one by one.

        Args:
            outlines: float array `(polygons, corners, 2)`, world (x, y).
            distance: float, their `z` in meters.
            colors: float array `(polygons, 3)`, 0..255.
            identity: int, their value in the instance map.
        """
        depth = np.full((*outlines.shape[:2], 1), distance)
        points = np.concatenate([outlines, depth], axis=-1).reshape(-1, 3)
        pixels = self.view.project_all(points)
        corners = outlines.shape[1]
        for number, color in enumerate(colors.tolist()):
            outline = pixels[number * corners : (number + 1) * corners]
            self.fill(outline, color, distance, identity)

    def finish(self, photo):
        """Draws the polygons onto `photo`; returns the instance map."""
        numbers = np.asarray(self._image)
        covered = np.flatnonzero(numbers >= self._first)
        if len(covered):
            colors = np.array(self._colors, np.float32).T
            distances = np.array(self._distances, np.float32)
            colors = _through_haze(colors, distances, self.view)
            numbers_covered = numbers.ravel()[covered] - self._first
            photo.reshape(-1, 3)[covered] = colors[numbers_covered]
        # The sample in the middle decides, because ids can't be averaged.
        step = self.view.samples
        numbers = numbers[step // 2 :: step, step // 2 :: step]
        return np.array(self._identities, np.int32)[numbers]


def paint(scene, height, width):
    """Paints a scene.

    Args:
        scene: `Scene`.
        height: int, pixels.
        width: int, pixels.

    Returns:
        The instance map, int32 `(height, width)`, and the photograph, uint8
        `(height, width, 3)`, without sensor grain.
    """
    # More samples smooth the edges. Large images don't need them, and would
    # take seconds.
    samples = 4 if height * width <= 64 * 128 else 2
    samples = 1 if height * width > 512 * 1024 else samples
    view = View(scene.camera, scene.light, height, width, samples)
    surfaces = _surface_map(scene, view)
    photo = np.empty((view.height, view.width, 3), np.uint8)
    _shade_sky(scene, view, surfaces, photo)
    # Materials are smooth within a pixel, so one sample is enough, except where
    # two surfaces meet.
    is_edge = surfaces != _enlarge(surfaces[::samples, ::samples], samples)
    to_shade = is_edge.copy()
    to_shade[::samples, ::samples] = True
    to_shade = np.where(to_shade, surfaces, ALREADY_SHADED)
    _shade_ground(scene, view, to_shade, photo)
    _shade_walls(scene, view, to_shade, photo)
    if samples > 1:
        edges = np.flatnonzero(is_edge)
        colors = photo.reshape(-1, 3)[edges]
        photo = _enlarge(photo[::samples, ::samples], samples)
        photo.reshape(-1, 3)[edges] = colors
    identities = [scene.sky_identity]
    identities += [s.identity for s in (*scene.ground, *scene.walls)]
    canvas = Canvas(view, surfaces, identities)
    for thing in scene.things:
        if view.sees(thing.x, thing.z):
            thing.paint(canvas)
    instance_map = canvas.finish(photo)
    image = Image.fromarray(photo).reduce(samples)
    if samples == 1:
        # Hides the jagged edges; no lens is sharp to the pixel, either.
        image = image.filter(ImageFilter.BoxBlur(0.4))
    return instance_map, np.array(image.point(_grading(scene.light)))


def _enlarge(array, factor):
    return array.repeat(factor, axis=0).repeat(factor, axis=1)


def _samples_of(mask):
    """Returns the flat indices of a mask in parts that fit into a cache."""
    samples = np.flatnonzero(mask)
    return np.array_split(samples, len(samples) // 32768 + 1)


def _surface_map(scene, view):
    """Returns each sample's surface: 0 is sky, then ground, then walls."""
    image = Image.new("L", (view.width, view.height), 0)
    pen = ImageDraw.Draw(image)
    # The first strip reaches the horizon, where a polygon's corners would be at
    # infinity.
    pen.rectangle(
        (0, math.ceil(view.horizon - 0.5), view.width, view.height), fill=1
    )
    far = 5000.0
    for number, strip in enumerate(scene.ground[1:], start=2):
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
    """Colors the samples of `photo` that show the sky."""
    rows = min(view.height, math.ceil(view.horizon) + 1)
    warmth = scene.light.warmth
    zenith = _mix((86, 142, 208), (112, 138, 186), warmth)
    clouds = Image.fromarray(scene.clouds)
    clouds = clouds.resize((view.width, rows), Image.Resampling.BICUBIC)
    cover = np.asarray(clouds)
    height = np.linspace(1, 0, rows, dtype=np.float32)[:, None]
    # Clouds fade towards the horizon, where the haze is.
    cover = np.clip((cover - 0.47) * 4, 0, 1) * np.clip(height * 2.2, 0, 0.9)
    bright = _mix((247, 248, 250), (255, 240, 222), warmth)
    mask = surfaces[:rows] == 0
    for channel in range(3):
        clear = view.haze[channel]
        clear = clear + (zenith[channel] - clear) * height**0.8
        color = clear + (bright[channel] - clear) * cover
        np.copyto(photo[:rows, :, channel], color.astype(np.uint8), where=mask)


def _shade_ground(scene, view, surfaces, photo):
    """Colors the samples of `photo` that show the ground."""
    shadows = _shadow_map(scene, view).ravel()
    for number, strip in enumerate(scene.ground, start=1):
        for samples in _samples_of(surfaces == number):
            x, z, steps = view.on_ground(samples)
            paint_material = materials.MATERIALS[strip.material]
            color = paint_material(strip, scene.tile, x, z, steps)
            # The houses on the left cast a shadow on part of the road.
            edge = scene.ground[-1].left * 0.55
            shade = 0.3 * materials.below(x, edge, np.float32(0.8))
            shade = np.maximum(shade, shadows[samples])
            color *= (1 - shade) * materials.rgb(1, 1.01, 1.05)
            photo.reshape(-1, 3)[samples] = _through_haze(color, z, view)


def _shadow_map(scene, view):
    """Returns the soft shadows on the ground, float32 in [0, 0.6]."""
    # Half the resolution is enough, because shadows are blurred.
    size = (view.width // 2, view.height // 2)
    image = Image.new("L", size, 0)
    pen = ImageDraw.Draw(image)
    for thing in scene.things:
        outline = [(x, 0, z) for x, z in thing.shadow()]
        pixels = [(u / 2, v / 2) for u, v in view.project(outline)]
        pen.polygon(pixels, fill=145)
    image = image.filter(ImageFilter.BoxBlur(0.01 * view.unit))
    image = image.resize((view.width, view.height), Image.Resampling.BILINEAR)
    return np.asarray(image) * np.float32(1 / 255)


def _shade_walls(scene, view, surfaces, photo):
    """Colors the samples of `photo` that show a wall."""
    first = 1 + len(scene.ground)
    seen = (surfaces >= first) & (surfaces != ALREADY_SHADED)
    for samples in _samples_of(seen) if scene.walls else ():
        which = surfaces.ravel()[samples] - first

        def of(name, which=which):
            values = [getattr(wall, name) for wall in scene.walls]
            return np.array(values, np.float32).T[..., which]

        side, plane = of("along_street") > 0, of("plane")
        x, y, z, step = view.on_wall(samples, side, plane)
        reach = np.where(side, plane - np.float32(view.camera_x), 1)
        step_along = np.where(side, step * z / np.abs(reach), step)
        color = materials.facade(
            of,
            scene.tile,
            (np.where(side, z, x) - of("start"), step_along),
            (y, step),
        )
        # The sun is on the left and lights the facades that face left.
        lit = np.where(side, np.where(reach > 0, 1.1, 0.76), 0.93)
        lit = lit * (0.84 + 0.16 * np.clip(y / 4, 0, 1))
        color *= lit.astype(np.float32)
        photo.reshape(-1, 3)[samples] = _through_haze(color, z, view)


def _through_haze(color, distance, view):
    """Returns `color` (3, samples) in haze, as uint8 `(samples, 3)`."""
    haze = 1 - np.exp(distance * np.float32(-1 / HAZE_DISTANCE))
    color = materials.blend(color, materials.rgb(*view.haze), haze)
    return np.clip(color, 0, 255).T.astype(np.uint8)


def _grading(light):
    """Returns Pillow's lookup table from painted to photographed colors."""
    gains = _mix((0.97, 1.0, 1.05), (1.09, 1.0, 0.88), light.warmth)
    value = np.arange(256) / 255
    # A slight S-curve, like the contrast of film.
    curve = value + 0.25 * (value**2 * (3 - 2 * value) - value)
    curves = [255 * light.brightness * gain * curve for gain in gains]
    return np.clip(np.concatenate(curves), 0, 255).round().astype(int).tolist()


def _mix(first, second, amount):
    """Interpolates from the color `first` to `second` by `amount`."""
    return tuple(a + (b - a) * amount for a, b in zip(first, second, strict=1))
