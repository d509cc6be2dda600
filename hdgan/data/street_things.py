"""The things that stand in a drawn street: trees, poles, cars and people.

Each is a small description with three members that the painter uses: `z`
(metres from the camera, the order of drawing), `shadow()` (its outline on the
ground) and `paint(canvas)`, which draws polygons of world points. The shapes
are in metres; `identity` is the value in the instance map.
"""

import dataclasses
import math
from typing import Protocol

# Towards the sun, which stands to the left, high, and behind the camera.
SUN = (-0.6, 0.7, -0.38)
TYRE = (30, 30, 34)


class Thing(Protocol):
    """What the painter asks of everything that stands in the street."""

    z: float

    def shadow(self):
        """Outline on the ground, a list of (x, z)."""

    def paint(self, canvas):
        """Draws the thing's polygons onto `canvas`."""


@dataclasses.dataclass(frozen=True)
class Tree:
    """A trunk under a crown.

    `leaves` are the clumps of the crown, back to front, each (x, y, radius,
    light): metres from the trunk's foot, and light in [0, 1].
    """

    identity: int
    x: float
    z: float
    trunk: float
    girth: float
    tint: tuple[int, int, int]
    leaves: tuple[tuple[float, float, float, float], ...]

    def shadow(self):
        """The crown's shadow, thrown to the right."""
        reach = max(abs(x) for x, _, _, _ in self.leaves)
        return _ellipse(self.x + 0.9 * reach, self.z, 1.3 * reach, reach)

    def paint(self, canvas):
        """Draws the trunk, then the leaves."""
        half, fork = self.girth / 2, self.trunk + 1.2
        bark = [(-half * 1.4, 0), (half * 1.4, 0), (half * 0.7, fork)]
        bark += [(-half * 0.7, fork)]
        lit = [(-half * 1.4, 0), (0, 0), (0, fork), (-half * 0.7, fork)]
        for outline, color in ((bark, (80, 62, 48)), (lit, (116, 93, 72))):
            self._polygon(canvas, outline, color)
        for number, (x, y, radius, light) in enumerate(self.leaves):
            gain = 0.38 + 0.85 * light
            # Sunlit leaves are yellower.
            red, green, blue = (c * gain for c in self.tint)
            color = (red + 22 * light, green + 8 * light, blue)
            clump = _clump(x, y, radius, number)
            self._polygon(canvas, clump, color)

    def _polygon(self, canvas, outline, color):
        points = [(self.x + x, y, self.z) for x, y in outline]
        canvas.polygon(points, color, self.identity)


@dataclasses.dataclass(frozen=True)
class Pole:
    """A street lamp (`arm` metres towards the road) or a traffic sign.

    With `arm` 0 it is a sign: a disc of the colour `sign`.
    """

    identity: int
    x: float
    z: float
    height: float
    arm: float
    sign: tuple[int, int, int]

    def shadow(self):
        """A thin shadow, thrown to the right."""
        return _ellipse(self.x + 0.7, self.z, 0.9, 0.12)

    def paint(self, canvas):
        """Draws the post and what it carries."""
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
        disc = [(x, top + y) for x, y in _ellipse(0, 0, 0.42, 0.42)]
        self._polygon(canvas, disc, (238, 238, 236))
        disc = [(x, top + y) for x, y in _ellipse(0, 0, 0.34, 0.34)]
        self._polygon(canvas, disc, self.sign)
        bar = _rectangle(-0.22, top - 0.07, 0.22, top + 0.07)
        self._polygon(canvas, bar, (244, 244, 242))

    def _polygon(self, canvas, outline, color):
        points = [(self.x + x, y, self.z) for x, y in outline]
        canvas.polygon(points, color, self.identity)


@dataclasses.dataclass(frozen=True)
class Person:
    """A walker. `facing` is 1 towards the camera, -1 away from it.

    `stride` in [-1, 1] spreads the legs; `has_coat` covers the thighs.
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

    def shadow(self):
        """A shadow thrown to the right."""
        return _ellipse(self.x + 0.3, self.z, 0.75, 0.3)

    def paint(self, canvas):
        """Draws shoes, legs, torso, arms and head, for a height of 1.75 m."""
        step = 0.1 * self.stride
        for side in (1, -1):
            foot = side * (0.1 + step) if side > 0 else -0.1 - step
            shoe = _rectangle(foot - 0.09, 0, foot + 0.09, 0.1)
            self._polygon(canvas, shoe, (44, 38, 36))
            leg = [(foot - 0.075, 0.08), (foot + 0.075, 0.08)]
            leg += [(side * 0.09 + 0.1, 0.88), (side * 0.09 - 0.1, 0.88)]
            self._polygon(canvas, leg, _gain(self.trousers, 1 - 0.12 * side))
        hem = 0.55 if self.has_coat else 0.8
        for side in (1, -1):
            swing = 0.07 * self.stride * side
            hand = _ellipse(side * 0.33 + swing, 0.78, 0.06, 0.07)
            self._polygon(canvas, hand, self.skin)
            arm = [(side * 0.2, 1.44), (side * 0.29, 1.38)]
            arm += [(side * 0.39 + swing, 0.82), (side * 0.27 + swing, 0.8)]
            self._polygon(canvas, arm, _gain(self.jacket, 0.86 - 0.1 * side))
        torso = [(-0.22, hem), (0.22, hem), (0.25, 1.38), (0.1, 1.5)]
        torso += [(-0.1, 1.5), (-0.25, 1.38)]
        self._polygon(canvas, torso, self.jacket)
        dark = [(0.06, hem), (0.22, hem), (0.25, 1.38), (0.1, 1.48)]
        self._polygon(canvas, dark, _gain(self.jacket, 0.78))
        neck = _rectangle(-0.06, 1.44, 0.06, 1.55)
        self._polygon(canvas, neck, _gain(self.skin, 0.85))
        self._polygon(canvas, _ellipse(0, 1.64, 0.125, 0.145), self.hair)
        if self.facing > 0:
            face = _ellipse(0, 1.605, 0.1, 0.11)
            self._polygon(canvas, face, self.skin)
            shirt = [(-0.07, 1.5), (0.07, 1.5), (0, 1.28)]
            self._polygon(canvas, shirt, (232, 230, 226))

    def _polygon(self, canvas, outline, color):
        scale = self.height / 1.75
        points = [(self.x + x * scale, y * scale, self.z) for x, y in outline]
        canvas.polygon(points, color, self.identity)


# The middle line of a car's skin, from the rear bumper over the roof to the
# front bumper: (metres from the rear as a fraction of the length, metres up,
# half the width as a fraction, what the strip up to the next point is).
CAR_PROFILES = {
    "saloon": (
        (0.00, 0.28, 0.90, "bumper"),
        (0.00, 0.58, 1.00, "tail"),
        (0.03, 0.96, 0.97, "paint"),
        (0.17, 1.03, 0.93, "glass"),
        (0.31, 1.42, 0.74, "paint"),
        (0.56, 1.44, 0.74, "glass"),
        (0.74, 1.00, 0.93, "paint"),
        (0.96, 0.84, 0.93, "nose"),
        (1.00, 0.52, 1.00, "bumper"),
        (1.00, 0.28, 0.90, "end"),
    ),
    "hatchback": (
        (0.00, 0.28, 0.90, "bumper"),
        (0.00, 0.58, 1.00, "tail"),
        (0.02, 1.00, 0.96, "glass"),
        (0.10, 1.46, 0.78, "paint"),
        (0.14, 1.52, 0.74, "paint"),
        (0.54, 1.52, 0.74, "glass"),
        (0.76, 1.02, 0.93, "paint"),
        (0.96, 0.86, 0.93, "nose"),
        (1.00, 0.52, 1.00, "bumper"),
        (1.00, 0.28, 0.90, "end"),
    ),
    "van": (
        (0.00, 0.30, 0.92, "bumper"),
        (0.00, 0.62, 1.00, "tail"),
        (0.01, 1.15, 0.98, "glass"),
        (0.03, 1.85, 0.88, "paint"),
        (0.06, 2.00, 0.82, "paint"),
        (0.70, 2.00, 0.82, "glass"),
        (0.87, 1.18, 0.93, "paint"),
        (0.98, 0.96, 0.95, "nose"),
        (1.00, 0.56, 1.00, "bumper"),
        (1.00, 0.30, 0.92, "end"),
    ),
}
# Side windows: (fraction of the length, metres up).
CAR_WINDOWS = {
    "saloon": (
        ((0.24, 1.02), (0.34, 1.35), (0.44, 1.36), (0.44, 1.02)),
        ((0.47, 1.02), (0.47, 1.36), (0.56, 1.36), (0.68, 1.02)),
    ),
    "hatchback": (
        ((0.10, 1.05), (0.15, 1.43), (0.38, 1.44), (0.38, 1.05)),
        ((0.41, 1.05), (0.41, 1.44), (0.54, 1.43), (0.69, 1.05)),
    ),
    "van": (
        ((0.08, 1.22), (0.09, 1.84), (0.43, 1.84), (0.43, 1.22)),
        ((0.49, 1.22), (0.49, 1.84), (0.69, 1.84), (0.81, 1.22)),
    ),
}
# Details of a strip: (left, low, right, high as fractions, colour).
CAR_DETAILS = {
    "paint": (),
    "bumper": (
        (0.0, 0.0, 1.0, 0.6, (58, 58, 62)),
        (0.36, 0.5, 0.64, 1.0, (236, 236, 228)),
    ),
    "tail": (
        (0.02, 0.3, 0.22, 0.9, (206, 26, 24)),
        (0.78, 0.3, 0.98, 0.9, (206, 26, 24)),
        (0.05, 0.45, 0.13, 0.75, (255, 110, 90)),
        (0.87, 0.45, 0.95, 0.75, (255, 110, 90)),
    ),
    "glass": (
        (0.06, 0.06, 0.94, 0.94, (46, 58, 72)),
        (0.06, 0.55, 0.94, 0.94, (86, 106, 126)),
    ),
    # The nose runs downwards, so that its details do, too.
    "nose": (
        (0.3, 0.3, 0.7, 0.9, (40, 42, 46)),
        (0.02, 0.15, 0.26, 0.7, (252, 248, 226)),
        (0.74, 0.15, 0.98, 0.7, (252, 248, 226)),
    ),
}
CAR_SIZES = {
    "saloon": (4.5, 1.8),
    "hatchback": (4.0, 1.76),
    "van": (4.9, 1.95),
}


@dataclasses.dataclass(frozen=True)
class Car:
    """A car around (`x`, `z`); `yaw` is 0 driving away, pi towards us."""

    identity: int
    x: float
    z: float
    yaw: float
    style: str
    color: tuple[int, int, int]

    def shadow(self):
        """The car's outline, a little wider and shifted to the right."""
        length, width = CAR_SIZES[self.style]
        long, wide = length / 2 + 0.15, width / 2 + 0.2
        corners = ((long, wide), (long, -wide), (-long, -wide), (-long, wide))
        points = [self._place(*corner, 0) for corner in corners]
        return [(x + 0.3, z) for x, _, z in points]

    def paint(self, canvas):
        """Draws the wheels, then the panels that face the camera."""
        length, width = CAR_SIZES[self.style]
        for forward in (0.19 - 0.5, 0.81 - 0.5):
            for across in (-0.96, -0.7, 0.7, 0.96):
                wheel = self._wheel(forward * length, across * width / 2, 0.33)
                canvas.polygon(wheel, TYRE, self.identity)
        panels = [
            *self._strips(length, width / 2),
            *self._sides(length, width / 2),
        ]
        eye = canvas.eye
        panels.sort(key=lambda panel: -math.dist(_center(panel[0]), eye))
        middle = (self.x, 0.8, self.z)
        for outline, color, details in panels:
            normal = _outward_normal(outline, middle)
            center = _center(outline)
            ray = [e - c for e, c in zip(eye, center, strict=True)]
            if _dot(normal, ray) <= 0:
                continue
            light = 0.66 + 0.34 * max(0.0, _dot(normal, SUN))
            light += 0.16 * max(0.0, normal[1])
            canvas.polygon(outline, _gain(color, light), self.identity)
            for points, detail_color in details:
                shade = _gain(detail_color, 0.55 + 0.5 * light)
                canvas.polygon(points, shade, self.identity)

    def _strips(self, length, half):
        """The panels across the car: (outline, colour, details)."""
        profile = CAR_PROFILES[self.style]
        for first, second in zip(profile, profile[1:], strict=False):
            quad = []
            for (along, up, wide, _), sign in (
                (first, -1),
                (first, 1),
                (second, 1),
                (second, -1),
            ):
                forward, across = (along - 0.5) * length, sign * wide * half
                quad.append(self._place(forward, across, up))
            details = []
            for left, low, right, high, color in CAR_DETAILS[first[3]]:
                # The front bumper runs downwards; its details do not.
                if first[3] == "bumper" and first[0] > 0.5:
                    low, high = 1 - high, 1 - low
                if first[3] == "glass" and first[0] > 0.5:
                    low, high = 1 - high, 1 - low
                uv = ((left, low), (right, low), (right, high), (left, high))
                details.append(([_inside(quad, *at) for at in uv], color))
            yield quad, self.color, details

    def _sides(self, length, half):
        """The panels along the car, with windows and wheels."""
        profile = CAR_PROFILES[self.style]
        roof = max(profile, key=lambda point: point[1])

        def at(along, up, sign):
            lean = max(0.0, (up - 1.0) / (roof[1] - 1.0))
            wide = half * (1.0 - (1.0 - roof[2]) * lean)
            return self._place((along - 0.5) * length, sign * wide, up)

        for sign in (-1, 1):
            outline = [
                self._place((along - 0.5) * length, sign * wide * half, up)
                for along, up, wide, _ in profile
            ]
            sill = ((0.0, 0.28), (0.0, 0.42), (1.0, 0.42), (1.0, 0.28))
            crease = ((0.02, 0.74), (0.02, 0.8), (0.98, 0.76), (0.98, 0.7))
            details = [
                ([at(*point, sign) for point in sill], (62, 62, 66)),
                (
                    [at(*point, sign) for point in crease],
                    _gain(self.color, 1.2),
                ),
            ]
            for window in CAR_WINDOWS[self.style]:
                points = [at(*point, sign) for point in window]
                details.append((points, (56, 70, 86)))
                high = window[1][1]
                upper = [at(a, (u + high) / 2, sign) for a, u in window]
                details.append((upper, (92, 112, 132)))
            for forward in (0.19 - 0.5, 0.81 - 0.5):
                for radius, color in ((0.36, TYRE), (0.2, (176, 178, 182))):
                    place = (forward * length, sign * half * 1.01)
                    details.append((self._wheel(*place, radius), color))
            yield outline, self.color, details

    def _wheel(self, forward, across, radius):
        circle = _ellipse(forward, 0.34, radius, radius)
        return [self._place(f, across, max(up, 0.0)) for f, up in circle]

    def _place(self, forward, across, up):
        """World point of (metres forward, to the car's right, up)."""
        sine, cosine = math.sin(self.yaw), math.cos(self.yaw)
        x = self.x + forward * sine + across * cosine
        return x, up, self.z + forward * cosine - across * sine


def _rectangle(left, low, right, high):
    return [(left, low), (right, low), (right, high), (left, high)]


def _ellipse(x, y, half_width, half_height, corners=12):
    angles = [2 * math.pi * k / corners for k in range(corners)]
    return [
        (x + half_width * math.cos(a), y + half_height * math.sin(a))
        for a in angles
    ]


def _clump(x, y, radius, number):
    """A jagged leaf clump, turned by its `number` so that no two agree."""
    points = []
    for corner in range(8):
        angle = (corner + 0.37 * number) * math.pi / 4
        size = radius * (1.15 if corner % 2 else 0.8)
        points.append((x + size * math.cos(angle), y + size * math.sin(angle)))
    return points


def _inside(quad, across, along):
    """Bilinear position in a quad of corners in drawing order."""
    weights = (
        (1 - across) * (1 - along),
        across * (1 - along),
        across * along,
        (1 - across) * along,
    )
    return tuple(
        sum(w * corner[axis] for w, corner in zip(weights, quad, strict=True))
        for axis in range(3)
    )


def _center(points):
    return [sum(axis) / len(points) for axis in zip(*points, strict=True)]


def _dot(first, second):
    return sum(a * b for a, b in zip(first, second, strict=True))


def _outward_normal(points, middle):
    """Unit normal of a flat outline, on the side away from `middle`."""
    # Points a third of the way round span the plane well.
    count = len(points)
    origin = points[0]
    spans = [
        [p - o for p, o in zip(points[index], origin, strict=True)]
        for index in (count // 3, 2 * count // 3 + (count == 4))
    ]
    (a, b, c), (d, e, f) = spans
    normal = (b * f - c * e, c * d - a * f, a * e - b * d)
    size = math.hypot(*normal) or 1.0
    center = _center(points)
    outward = [p - m for p, m in zip(center, middle, strict=True)]
    sign = 1 if _dot(normal, outward) > 0 else -1
    return [sign * n / size for n in normal]


def _gain(color, amount):
    return tuple(c * amount for c in color)
