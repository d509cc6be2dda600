"""Things in a drawn street: trees, poles and people.

Each class describes a thing in meters and implements `Thing`. `identity` is its
value in the instance map. Shapes are polygons of world points: `x` to the
right, `y` up, `z` away from the camera.
"""

import dataclasses
import math
from typing import Protocol

import numpy as np

LEAF_TINTS = ((92, 138, 52), (74, 128, 58), (112, 142, 50))
JACKETS = (
    (196, 48, 44),
    (48, 84, 150),
    (226, 222, 212),
    (52, 52, 58),
    (222, 168, 52),
    (70, 128, 94),
    (150, 92, 150),
)
TROUSERS = ((48, 60, 92), (40, 40, 44), (138, 118, 92), (92, 96, 104))
SKINS = ((232, 188, 158), (204, 152, 116), (142, 96, 68), (96, 64, 48))
HAIRS = ((42, 30, 24), (92, 62, 38), (186, 148, 88), (110, 108, 106))
SIGN_TINTS = ((198, 28, 34), (30, 84, 168))
# The ragged outline of a leaf clump: fractions of its radius, and angles.
CLUMP_RADII = (1.1, 0.8, 1.05, 0.75, 1.15, 0.85, 1.0, 0.7, 1.1, 0.8)
CLUMP_ANGLES = np.arange(10) * (math.pi / 5)
# The corners of a round outline.
CIRCLE = tuple(
    (math.cos(k * math.pi / 7), math.sin(k * math.pi / 7)) for k in range(14)
)


class Thing(Protocol):
    """The interface of the things in the street to the painter."""

    x: float
    z: float

    def nearest(self):
        """Returns the smallest `z`; things are drawn from far to near."""

    def shadow(self):
        """Returns the shadow's outline on the ground, a list of (x, z)."""

    def paint(self, canvas):
        """Draws the thing's polygons onto `canvas`."""


@dataclasses.dataclass(frozen=True)
class Tree:
    """A trunk under a crown.

    `leaves` are the clumps of the crown, from back to front: a float array
    `(clumps, 4)` of x and y from the trunk's foot and radius, in meters, and
    light in [0, 1].
    """

    identity: int
    x: float
    z: float
    trunk: float
    girth: float
    tint: tuple[int, int, int]
    leaves: np.ndarray

    def nearest(self):
        """Returns the distance, which flat things have only one of."""
        return self.z

    def shadow(self):
        """Returns the crown's shadow, cast to the right."""
        reach = float(np.abs(self.leaves[:, 0]).max())
        return ellipse(self.x + 0.9 * reach, self.z, 1.3 * reach, reach)

    def paint(self, canvas):
        """Draws the trunk, then the leaves."""
        half, fork = self.girth / 2, self.trunk + 1.2
        bark = [(-half * 1.4, 0), (half * 1.4, 0), (half * 0.7, fork)]
        bark += [(-half * 0.7, fork)]
        lit = [(-half * 1.4, 0), (0, 0), (0, fork), (-half * 0.7, fork)]
        for outline, color in ((bark, (80, 62, 48)), (lit, (116, 93, 72))):
            self._polygon(canvas, outline, color)
        x, y, radius, light = self.leaves.T
        colors = np.outer(0.38 + 0.85 * light, self.tint)
        # Sunlit leaves are yellower.
        colors += np.outer(light, (22, 8, 0))
        # Each clump is turned differently.
        turn = np.arange(len(x))[:, None] * 0.37
        angles = turn + CLUMP_ANGLES
        sizes = radius[:, None] * CLUMP_RADII
        outlines = np.stack(
            [
                self.x + x[:, None] + sizes * np.cos(angles),
                y[:, None] + sizes * np.sin(angles),
            ],
            axis=-1,
        )
        canvas.leaves(outlines, self.z, colors, self.identity)

    def _polygon(self, canvas, outline, color):
        points = [(self.x + x, y, self.z) for x, y in outline]
        canvas.polygon(points, color, self.identity)


@dataclasses.dataclass(frozen=True)
class Pole:
    """A street lamp or a traffic sign.

    The arm of a lamp extends `arm` meters in `x`. With an `arm` of 0 it is a
    sign, a disc of the color `sign`.
    """

    identity: int
    x: float
    z: float
    height: float
    arm: float
    sign: tuple[int, int, int]

    def nearest(self):
        """Returns the distance, which flat things have only one of."""
        return self.z

    def shadow(self):
        """Returns a thin shadow, cast to the right."""
        return ellipse(self.x + 0.7, self.z, 0.9, 0.12)

    def paint(self, canvas):
        """Draws the post, and the lamp or the sign."""
        top = self.height
        self._polygon(canvas, _rectangle(-0.1, 0, 0.1, top), (70, 76, 80))
        self._polygon(canvas, _rectangle(-0.1, 0, -0.02, top), (126, 132, 134))
        self._polygon(canvas, _rectangle(-0.16, 0, 0.16, 0.7), (60, 66, 70))
        if self.arm:
            low, high = sorted((0.0, self.arm))
            beam = _rectangle(low, top - 0.14, high, top)
            self._polygon(canvas, beam, (84, 90, 94))
            tip = self.arm
            lamp = _rectangle(tip - 0.4, top - 0.3, tip + 0.4, top - 0.02)
            self._polygon(canvas, lamp, (70, 76, 80))
            glow = _rectangle(tip - 0.3, top - 0.36, tip + 0.3, top - 0.2)
            self._polygon(canvas, glow, (255, 238, 190))
            return
        disc = [(x, top + y) for x, y in ellipse(0, 0, 0.42, 0.42)]
        self._polygon(canvas, disc, (238, 238, 236))
        disc = [(x, top + y) for x, y in ellipse(0, 0, 0.34, 0.34)]
        self._polygon(canvas, disc, self.sign)
        bar = _rectangle(-0.22, top - 0.07, 0.22, top + 0.07)
        self._polygon(canvas, bar, (244, 244, 242))

    def _polygon(self, canvas, outline, color):
        points = [(self.x + x, y, self.z) for x, y in outline]
        canvas.polygon(points, color, self.identity)


@dataclasses.dataclass(frozen=True)
class Person:
    """A walking person.

    `facing` is 1 towards the camera and -1 away from it. `stride` in [-1, 1]
    spreads the legs. A coat covers the thighs.
    """

    identity: int
    x: float
    z: float
    height: float
    facing: int
    stride: float
    has_coat: bool
    skin: tuple[int, int, int]
    hair: tuple[int, int, int]
    jacket: tuple[int, int, int]
    trousers: tuple[int, int, int]

    def nearest(self):
        """Returns the distance, which flat things have only one of."""
        return self.z

    def shadow(self):
        """Returns a shadow cast to the right."""
        return ellipse(self.x + 0.3, self.z, 0.75, 0.3)

    def paint(self, canvas):
        """Draws shoes, legs, torso, arms and head, for a height of 1.75 m."""
        step = 0.1 * self.stride
        for side in (1, -1):
            foot = side * (0.1 + step)
            shoe = _rectangle(foot - 0.09, 0, foot + 0.09, 0.1)
            self._polygon(canvas, shoe, (44, 38, 36))
            leg = [(foot - 0.075, 0.08), (foot + 0.075, 0.08)]
            leg += [(side * 0.09 + 0.1, 0.88), (side * 0.09 - 0.1, 0.88)]
            self._polygon(canvas, leg, gain(self.trousers, 1 - 0.12 * side))
        hem = 0.55 if self.has_coat else 0.8
        for side in (1, -1):
            swing = 0.07 * self.stride * side
            hand = ellipse(side * 0.33 + swing, 0.78, 0.06, 0.07)
            self._polygon(canvas, hand, self.skin)
            arm = [(side * 0.2, 1.44), (side * 0.29, 1.38)]
            arm += [(side * 0.39 + swing, 0.82), (side * 0.27 + swing, 0.8)]
            self._polygon(canvas, arm, gain(self.jacket, 0.86 - 0.1 * side))
        torso = [(-0.22, hem), (0.22, hem), (0.25, 1.38), (0.1, 1.5)]
        torso += [(-0.1, 1.5), (-0.25, 1.38)]
        self._polygon(canvas, torso, self.jacket)
        dark = [(0.06, hem), (0.22, hem), (0.25, 1.38), (0.1, 1.48)]
        self._polygon(canvas, dark, gain(self.jacket, 0.78))
        neck = _rectangle(-0.06, 1.44, 0.06, 1.55)
        self._polygon(canvas, neck, gain(self.skin, 0.85))
        # The ears separate dark hair from a dark background.
        self._polygon(canvas, ellipse(0, 1.6, 0.135, 0.1), self.skin)
        self._polygon(canvas, ellipse(0, 1.65, 0.12, 0.14), self.hair)
        if self.facing > 0:
            face = ellipse(0, 1.605, 0.1, 0.11)
            self._polygon(canvas, face, self.skin)
            shirt = [(-0.07, 1.5), (0.07, 1.5), (0, 1.28)]
            self._polygon(canvas, shirt, (232, 230, 226))

    def _polygon(self, canvas, outline, color):
        scale = self.height / 1.75
        points = [(self.x + x * scale, y * scale, self.z) for x, y in outline]
        canvas.polygon(points, color, self.identity)


def _rectangle(left, low, right, high):
    return [(left, low), (right, low), (right, high), (left, high)]


def ellipse(x, y, half_width, half_height):
    """Returns the corners of an ellipse around (`x`, `y`)."""
    return [(x + half_width * u, y + half_height * v) for u, v in CIRCLE]


def gain(color, amount):
    """Returns a color `amount` times as bright."""
    return tuple(c * amount for c in color)
