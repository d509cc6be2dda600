"""Street scenes drawn from a seed: label map, instance map and photograph.

An endless, deterministic data set that is free to distribute, for
demonstrations and tests. A scene is first sampled in meters, in an order that
does not depend on the size of the image, and then painted at that size: the
same scene at a higher resolution is only sharper.
"""

import math
from typing import NamedTuple

import numpy as np
from PIL import Image

from hdgan.checks import check_integers
from hdgan.data.street import (
    cars,
    materials,
    painting,
    things,
)

# "unlabelled" is never drawn. It is for users' own label maps.
CLASS_NAMES = (
    "unlabelled",
    "sky",
    "building",
    "tree",
    "road",
    "cobblestone",
    "pavement",
    "lawn",
    "pole",
    "car",
    "person",
)
# RGB colors to display label maps; those of Cityscapes where it has the class.
CLASS_COLORS = (
    (0, 0, 0),
    (70, 130, 180),
    (70, 70, 70),
    (107, 142, 35),
    (128, 64, 128),
    (190, 110, 90),
    (244, 35, 232),
    (152, 251, 152),
    (153, 153, 153),
    (0, 0, 142),
    (220, 20, 60),
)
# The classes whose instances have different ids.
THING_CLASSES = ("car", "person")

_SMALLEST_SIZE = 16


class StreetScene(NamedTuple):
    """A drawn scene.

    Attributes:
        label_map: uint8 `(height, width)`, indices into `CLASS_NAMES`.
        instance_map: int32 `(height, width)`, ids as in Cityscapes: `1000 *
            class + k` for the `k`-th instance of one of `THING_CLASSES`, and
            the class itself elsewhere.
        photo: uint8 RGB `(height, width, 3)`.
    """

    label_map: np.ndarray
    instance_map: np.ndarray
    photo: np.ndarray


class _Street(NamedTuple):
    """Distances from the middle of the road on both sides, in meters."""

    kerb: float
    pavement_edges: tuple[float, float]
    has_parking: bool


def draw_street_scene(seed, index, height, width):
    """Draws one street scene: a pure function of its arguments.

    Args:
        seed: int >= 0, chooses the data set.
        index: int >= 0, chooses the scene of that data set.
        height: int >= 16, pixels.
        width: int >= 16, pixels. Scenes look best twice as wide as high.

    Returns:
        `StreetScene`. The same `(seed, index)` at another size of the same
        aspect ratio gives the same scene at another resolution.

    Raises:
        ValueError: if an argument is not an integer, or out of range.

    Example:
        >>> scene = draw_street_scene(seed=0, index=7, height=128, width=256)
        >>> is_car = scene.label_map == CLASS_NAMES.index("car")
    """
    check_integers(minimum=0, seed=seed, index=index)
    check_integers(minimum=_SMALLEST_SIZE, height=height, width=width)
    # NumPy's small integers would overflow below.
    seed, index, height, width = map(int, (seed, index, height, width))
    scene = _sample_scene(np.random.default_rng([seed, index]))
    instance_map, photo = painting.paint(scene, height, width)
    label_map = np.where(
        instance_map >= 1000, instance_map // 1000, instance_map
    )
    # A generator of its own, so that the grain, which depends on the size, does
    # not change the layout.
    grain_rng = np.random.default_rng([seed, index, height, width])
    grain = grain_rng.integers(-3, 4, (height, width, 1), dtype=np.int16)
    photo = np.clip(photo + grain, 0, 255).astype(np.uint8)
    return StreetScene(label_map.astype(np.uint8), instance_map, photo)


def _identity(name, instance=None):
    """Returns the instance map's value for a class or one of its instances."""
    number = CLASS_NAMES.index(name)
    return number if instance is None else 1000 * number + instance


def _pick(rng, options):
    return options[rng.integers(len(options))]


def _sample_scene(rng):
    """Samples the contents of one scene, independently of its size."""
    camera = painting.Camera(
        x=rng.uniform(-1.5, 2.2),
        heading=rng.uniform(-0.16, 0.16),
        horizon=rng.uniform(0.43, 0.5),
    )
    light = painting.Light(
        warmth=rng.uniform(0, 1), brightness=rng.uniform(1.0, 1.09)
    )
    street, ground = _sample_ground(rng)
    end = rng.uniform(75, 110)
    walls, trees, openings = [], [], []
    for side in (-1, 1):
        side_walls, side_trees, opening = _sample_side(rng, street, side, end)
        walls += side_walls
        trees += side_trees
        openings.append(side * opening)
    end_walls, end_trees = _sample_end(rng, end, *openings)
    walls += end_walls
    trees += end_trees
    drawn_cars = _sample_cars(rng, street)
    people = _sample_people(rng, street, drawn_cars)
    drawn_things = trees + drawn_cars + people + _sample_furniture(rng, street)
    # From far to near, so that near things cover far ones.
    return painting.Scene(
        sky_identity=_identity("sky"),
        camera=camera,
        light=light,
        ground=ground,
        walls=tuple(sorted(walls, key=_distance_of_wall, reverse=True)),
        things=tuple(sorted(drawn_things, key=lambda t: -t.nearest())),
        clouds=_sample_clouds(rng),
        tile=rng.random((64, 64), dtype=np.float32),
    )


def _distance_of_wall(wall):
    # A front covers the side wall of the same house, which starts there.
    return wall.start + 0.01 if wall.along_street else wall.plane


def _sample_ground(rng):
    """Samples the street's widths and strips of ground; the road is last."""
    has_parking = rng.random() < 0.7
    kerb = rng.uniform(4.9, 5.6) if has_parking else rng.uniform(3.6, 4.2)
    edges = tuple(kerb + rng.uniform(2.6, 3.8, 2))
    is_cobbled = rng.random() < 0.34
    surface = ("cobblestone", "cobbles") if is_cobbled else ("road", "asphalt")
    strips = (
        ("lawn", "grass", -math.inf, math.inf, 0),
        ("pavement", "slabs", -edges[0], -kerb, -kerb),
        ("pavement", "slabs", kerb, edges[1], kerb),
        (*surface, -kerb, kerb, kerb),
    )
    ground = tuple(
        painting.GroundStrip(_identity(name), *rest) for name, *rest in strips
    )
    return _Street(kerb, edges, has_parking), ground


def _sample_wall_style(rng):
    """Samples the common properties of the walls of one house."""
    floor = rng.uniform(3.0, 3.5)
    return {
        "identity": _identity("building"),
        "eaves": floor * int(rng.integers(2, 6)) + 0.5,
        "roof": rng.uniform(1.0, 2.6),
        "bay": rng.uniform(2.4, 3.2),
        "floor": floor,
        "tint": _pick(rng, materials.FACADE_TINTS),
        "roof_tint": _pick(rng, materials.ROOF_TINTS),
        "awning": _pick(rng, materials.AWNING_TINTS),
        "has_shops": bool(rng.random() < 0.5),
        "salt": int(rng.integers(1000)),
    }


def _sample_end(rng, end, left, right):
    """Samples the end of the street: a row of houses, or of trees.

    The trees are between `left` and `right`, where no wall covers them.
    """
    walls, trees = [], []
    has_houses = rng.random() < 0.5
    x = -130.0
    while x < 130:
        width = rng.uniform(12, 22) if has_houses else rng.uniform(5, 9)
        if has_houses:
            walls.append(
                painting.Wall(
                    along_street=False,
                    plane=end + rng.uniform(0, 2),
                    start=x,
                    end=x + width,
                    **_sample_wall_style(rng),
                )
            )
        elif left <= x <= right:
            trees.append(_sample_tree(rng, x, end + 4, 2.2))
        x += width
    return walls, trees


def _sample_side(rng, street, side, end):
    """Samples one side of the street: houses or a park, and trees.

    Returns:
        The walls, the trees, and the distance to the side, in meters from the
        middle of the road, up to which the end of the street is visible.
    """
    edge = street.pavement_edges[0 if side < 0 else 1]
    if rng.random() < 0.15:
        trees = [
            _sample_tree(
                rng, side * (edge + rng.uniform(1.5, 14)), float(z), 1.2
            )
            for z in np.arange(rng.uniform(7, 12), end, rng.uniform(4, 7))
        ]
        return [], trees, 130.0
    walls, trees = [], []
    garden = rng.uniform(2.5, 5.0) if rng.random() < 0.4 else 0.0
    z = rng.uniform(-12, 2)
    while z < end - 8:
        depth = rng.uniform(9, 18)
        plane = edge + garden + rng.choice([0.0, 0.0, 0.8])
        if z + depth > 1:
            style = _sample_wall_style(rng)
            walls += _house(style, side * plane, side, z, min(z + depth, end))
        z += depth
        if rng.random() < 0.35:
            gap = rng.uniform(4, 9)
            # Not behind the next house, as things are drawn over all walls.
            x = side * (edge + garden + rng.uniform(0.2, 0.8))
            if z > 4:
                trees.append(_sample_tree(rng, x, z + gap / 2, 1.1))
            z += gap
    # Evenly spaced trees on the pavement, or in the front gardens.
    if rng.random() < 0.6:
        x = edge + garden / 2 if garden else street.kerb + 0.8
        spacing = rng.uniform(9, 14)
        for z in np.arange(rng.uniform(9, 16), end - 20, spacing):
            trees.append(_sample_tree(rng, side * x, float(z), 0.95))
    return walls, trees, edge + garden - 2


def _house(style, plane, side, near, far):
    """Returns the visible walls of one house: its front and its side."""
    walls = [
        painting.Wall(
            along_street=True, plane=plane, start=near, end=far, **style
        )
    ]
    if near > 1:
        start, end = sorted((plane, plane + side * 14.0))
        walls.append(
            painting.Wall(
                along_street=False,
                plane=near,
                start=start,
                end=end,
                **{**style, "has_shops": False},
            )
        )
    return walls


def _sample_tree(rng, x, z, size):
    """Samples a tree: a crown of leaf clumps in lobes, lit from the left."""
    trunk = 1.5 + size * rng.uniform(0.7, 1.2)
    lobes = rng.uniform(-1, 1, (5, 2)) * (1.2 * size, 0.9 * size)
    lobes[0] = 0, -0.3 * size
    # Far trees are small in every image: fewer, larger clumps are enough.
    count, grow = (21, 0.9) if z < 16 else (10, 1.2) if z < 32 else (5, 1.6)
    lobes = lobes[np.argsort(-lobes[:, 1]), :, None]
    angles = rng.uniform(0, 2 * math.pi, (len(lobes), count))
    reaches = 1.2 * np.sqrt(rng.random((len(lobes), count)))
    # A dark center, so that the sky does not show between the leaves.
    reaches[:, 0] = 0
    right, up = reaches * np.cos(angles), reaches * np.sin(angles)
    light = 0.46 - 0.22 * right + 0.3 * up + 0.1 * lobes[:, 1]
    light += rng.uniform(-0.18, 0.18, light.shape)
    light[:, 0] = 0.16
    radii = np.full(light.shape, grow * (0.2 + 0.16 * size))
    radii[:, 0] = 1.2 * size
    left = lobes[:, 0] + right * size
    height = lobes[:, 1] + up * size + trunk + 1.9 * size
    leaves = np.stack([left, height, radii, np.clip(light, 0, 1)], axis=-1)
    return things.Tree(
        identity=_identity("tree"),
        x=x,
        z=z,
        trunk=trunk,
        girth=0.22 + 0.16 * size,
        tint=_pick(rng, things.LEAF_TINTS),
        leaves=leaves.reshape(-1, 4),
    )


def _sample_cars(rng, street):
    """Samples traffic in both lanes, parked cars and a crossing car."""
    spots = []
    lane = 1.6 if street.has_parking else street.kerb / 2
    crossing = rng.uniform(12, 24) if rng.random() < 0.35 else None
    if crossing is not None:
        turn = math.pi / 2 * _pick(rng, (-1, 1)) + rng.uniform(-0.2, 0.2)
        room = street.kerb - 2.4
        spots.append((rng.uniform(-room, room), crossing, turn))
    for side, yaw in ((1, 0.0), (-1, math.pi)):
        z = rng.uniform(8.5, 26)
        while z < 75:
            if crossing is None or abs(z - crossing) > 5.5:
                x = side * lane + rng.uniform(-0.15, 0.15)
                spots.append((x, z, yaw + rng.uniform(-0.05, 0.05)))
            z += rng.uniform(6.5, 26)
    for side, yaw in ((1, 0.0), (-1, math.pi)):
        z = rng.uniform(7.5, 16)
        while street.has_parking and z < 60:
            x = side * (street.kerb - 1.0)
            if rng.random() < 0.65 and (
                crossing is None or abs(z - crossing) > 4.5
            ):
                spots.append((x, z, yaw + rng.uniform(-0.03, 0.03)))
            z += rng.uniform(5.4, 6.2)
    return [
        cars.Car(
            identity=_identity("car", number),
            x=x,
            z=z,
            yaw=yaw,
            style=_pick(rng, ("saloon", "hatchback", "hatchback", "van")),
            color=_pick(rng, cars.CAR_COLORS),
        )
        for number, (x, z, yaw) in enumerate(spots)
    ]


def _sample_people(rng, street, drawn_cars):
    """Samples groups of people on the pavements, sometimes on the road."""
    places = []
    for side in (-1, 1):
        edge = street.pavement_edges[0 if side < 0 else 1]
        for _ in range(rng.integers(2, 6)):
            x = side * rng.uniform(street.kerb + 0.6, edge - 0.6)
            z = 6.5 + 34 * rng.random() ** 1.6
            places += _sample_group(rng, x, z)
    if rng.random() < 0.35:
        x, z = rng.uniform(-3, 3), rng.uniform(9, 22)
        if all(math.hypot(car.x - x, car.z - z) > 3.8 for car in drawn_cars):
            places += _sample_group(rng, x, z)
    return [
        things.Person(
            identity=_identity("person", number),
            x=x,
            z=z,
            height=rng.uniform(1.58, 1.9),
            facing=_pick(rng, (-1, 1)),
            stride=rng.uniform(-1, 1),
            has_coat=bool(rng.random() < 0.35),
            skin=_pick(rng, things.SKINS),
            hair=_pick(rng, things.HAIRS),
            jacket=_pick(rng, things.JACKETS),
            trousers=_pick(rng, things.TROUSERS),
        )
        for number, (x, z) in enumerate(places)
    ]


def _sample_group(rng, x, z):
    """Samples the places (x, z) of one to three people walking together."""
    shifts = rng.uniform(-0.25, 0.25, (rng.integers(1, 4), 2))
    return [
        (float(x + 0.5 * k + dx), float(z + 0.4 * k + dz))
        for k, (dx, dz) in enumerate(shifts)
    ]


def _sample_furniture(rng, street):
    """Samples evenly spaced street lamps on one side, and two signs."""
    side = _pick(rng, (-1, 1))
    place = street.kerb + 0.35
    spacing = rng.uniform(13, 20)
    height = rng.uniform(5.0, 6.5)
    poles = [
        (side * place, float(z), height, -side * 1.6, (0, 0, 0))
        for z in np.arange(rng.uniform(7, 14), 70, spacing)
    ]
    for side in (-1, 1):
        x, z = side * place, rng.uniform(8, 26)
        poles.append((x, z, 2.6, 0.0, _pick(rng, things.SIGN_TINTS)))
    return [things.Pole(_identity("pole"), *pole) for pole in poles]


def _sample_clouds(rng):
    """Samples the cloud cover, smooth noise of three scales.

    Returns:
        float32 `(64, 128)` in [0, 1].
    """
    cover = np.zeros((64, 128), np.float32)
    for rows, columns, weight in ((3, 4, 0.45), (7, 8, 0.35), (16, 16, 0.2)):
        grid = Image.fromarray(rng.random((rows, columns), dtype=np.float32))
        grid = grid.resize((128, 64), Image.Resampling.BICUBIC)
        cover += weight * np.asarray(grid)
    return cover
