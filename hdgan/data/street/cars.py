"""Cars of a drawn street: flat panels around a profile."""

import dataclasses
import functools
import itertools
import math
from typing import NamedTuple

import numpy as np

from hdgan.data.street import things

# The direction to the sun, which is high on the left, behind the camera.
SUN = (-0.6, 0.7, -0.38)
TYRE = (30, 30, 34)
CAR_COLORS = (
    (196, 34, 32),
    (240, 240, 238),
    (44, 46, 52),
    (38, 84, 164),
    (172, 176, 182),
    (234, 184, 42),
    (38, 110, 76),
)
# The middle line of a car's surface, from the rear bumper over the roof to the
# front bumper: (distance from the rear as a fraction of the length, height in
# meters, width as a fraction, kind of the strip up to the next point).
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
# Side windows: (fraction of the length, height in meters).
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
# Details of a strip: (left, low, right, high as fractions, color).
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
    # The nose slopes downward, and its details with it.
    "nose": (
        (0.3, 0.3, 0.7, 0.9, (40, 42, 46)),
        (0.02, 0.15, 0.26, 0.7, (252, 248, 226)),
        (0.74, 0.15, 0.98, 0.7, (252, 248, 226)),
    ),
}
# Length and width in meters.
CAR_SIZES = {
    "saloon": (4.5, 1.8),
    "hatchback": (4.0, 1.76),
    "van": (4.9, 1.95),
}
# Positions of the axles from the middle, as fractions of the length.
WHEELS = (-0.31, 0.31)


@dataclasses.dataclass(frozen=True)
class Car:
    """A car around (`x`, `z`).

    `yaw` is 0 for a car that drives away, pi for one that approaches.
    """

    identity: int
    x: float
    z: float
    yaw: float
    style: str
    color: tuple[int, int, int]

    def nearest(self):
        """Returns the near end, which covers things beside the car."""
        length, width = CAR_SIZES[self.style]
        reach = length * abs(math.cos(self.yaw))
        return self.z - (reach + width * abs(math.sin(self.yaw))) / 2

    def shadow(self):
        """Returns the car's outline, slightly wider and moved to the right."""
        length, width = CAR_SIZES[self.style]
        long, wide = length / 2 + 0.15, width / 2 + 0.2
        corners = ((long, wide), (long, -wide), (-long, -wide), (-long, wide))
        points = [self._place(wide, long) for long, wide in corners]
        return [(x + 0.3, z) for x, z in points]

    def paint(self, canvas):
        """Draws the wheels, then the panels that face the camera."""
        sine, cosine = math.sin(self.yaw), math.cos(self.yaw)
        axes = np.array([[cosine, 0, -sine], [0, 1, 0], [sine, 0, cosine]])
        foot = np.array([self.x, 0.0, self.z])
        eye = axes @ (np.array(canvas.eye) - foot)
        sun = axes @ SUN
        shape = _car_shape(self.style)
        # One projection of all corners is much faster than one per polygon.
        pixels = canvas.view.project_all(shape.corners @ axes + foot)

        def draw(part, color):
            canvas.fill(pixels[part], color, self.z, self.identity)

        for wheel in shape.wheels:
            draw(wheel, TYRE)
        rays = [eye - panel.center for panel in shape.panels]
        distances = [float(ray @ ray) for ray in rays]
        for number in np.argsort(distances)[::-1]:
            panel = shape.panels[number]
            if panel.normal @ rays[number] <= 0:
                continue
            light = 0.66 + 0.34 * max(0.0, float(panel.normal @ sun))
            light += 0.16 * max(0.0, float(panel.normal[1]))
            draw(panel.outline, things.gain(self.color, light))
            for part, color in panel.details:
                if color is None:
                    draw(part, things.gain(self.color, 1.2 * light))
                else:
                    draw(part, things.gain(color, 0.55 + 0.5 * light))

    def _place(self, across, forward):
        """Returns the world (x, z) of (meters to the car's right, forward)."""
        sine, cosine = math.sin(self.yaw), math.cos(self.yaw)
        x = self.x + forward * sine + across * cosine
        return x, self.z + forward * cosine - across * sine


class _Panel(NamedTuple):
    """A panel of a car's surface, whose `normal` points outward.

    `outline`, and the part in each (part, color) of `details`, are slices of
    the car's corners. A color of None is the car's own.
    """

    outline: slice
    center: np.ndarray
    normal: np.ndarray
    details: list


class _CarShape(NamedTuple):
    """`corners`, (right, up, forward) in meters, and their use."""

    corners: np.ndarray
    wheels: list
    panels: list


@functools.cache
def _car_shape(style):
    """Returns the wheels and panels of a car around its middle."""
    length, width = CAR_SIZES[style]
    corners = []

    def keep(outline):
        corners.extend(outline)
        return slice(len(corners) - len(outline), len(corners))

    wheels = [
        keep(_wheel(forward * length, across * width / 2, 0.33))
        for forward in WHEELS
        for across in (-0.96, -0.7, 0.7, 0.96)
    ]
    panels = []
    for outline, details in (
        *_car_strips(style, length, width / 2),
        *_car_sides(style, length, width / 2),
    ):
        center, normal = _orientation(outline)
        parts = [(keep(detail), color) for detail, color in details]
        panels.append(_Panel(keep(outline), center, normal, parts))
    return _CarShape(np.array(corners), wheels, panels)


def _orientation(outline):
    """Returns the middle and the outward normal of a panel."""
    center = outline.mean(axis=0)
    # Corners a third of the outline apart span the plane well.
    count = len(outline)
    first = outline[count // 3] - outline[0]
    second = outline[2 * count // 3 + (count == 4)] - outline[0]
    normal = np.cross(first, second)
    normal /= np.linalg.norm(normal)
    is_outward = normal @ (center - (0, 0.8, 0)) > 0
    return center, normal if is_outward else -normal


def _car_strips(style, length, half):
    """Yields the panels across a car: (outline, details)."""
    for first, second in itertools.pairwise(CAR_PROFILES[style]):
        quad = np.array(
            [
                (sign * wide * half, up, (along - 0.5) * length)
                for (along, up, wide, _), sign in (
                    (first, -1),
                    (first, 1),
                    (second, 1),
                    (second, -1),
                )
            ]
        )
        details = []
        for left, low, right, high, color in CAR_DETAILS[first[3]]:
            # These strips of the front slope downward; their details are
            # given upward.
            if first[0] > 0.5 and first[3] in ("bumper", "glass"):
                low, high = 1 - high, 1 - low
            corners = ((left, low), (right, low), (right, high), (left, high))
            weights = [
                ((1 - u) * (1 - v), u * (1 - v), u * v, (1 - u) * v)
                for u, v in corners
            ]
            details.append((np.array(weights) @ quad, color))
        yield quad, details


def _car_sides(style, length, half):
    """Yields the panels along a car, with windows and wheels."""
    profile = CAR_PROFILES[style]
    _, roof_height, roof_width, _ = max(profile, key=lambda point: point[1])

    def points(outline, sign):
        # The windows lean inward from the belt line to the roof.
        lean = [max(0.0, (up - 1) / (roof_height - 1)) for _, up in outline]
        return np.array(
            [
                (
                    sign * half * (1 - (1 - roof_width) * amount),
                    up,
                    (along - 0.5) * length,
                )
                for amount, (along, up) in zip(lean, outline, strict=True)
            ]
        )

    sill = ((0.0, 0.28), (0.0, 0.42), (1.0, 0.42), (1.0, 0.28))
    crease = ((0.02, 0.74), (0.02, 0.8), (0.98, 0.76), (0.98, 0.7))
    for sign in (-1, 1):
        outline = [
            (sign * wide * half, up, (along - 0.5) * length)
            for along, up, wide, _ in profile
        ]
        details = [(points(sill, sign), (62, 62, 66))]
        details.append((points(crease, sign), None))
        for window in CAR_WINDOWS[style]:
            details.append((points(window, sign), (56, 70, 86)))
            top = window[1][1]
            upper = [(along, (up + top) / 2) for along, up in window]
            details.append((points(upper, sign), (92, 112, 132)))
        for forward in WHEELS:
            place = (forward * length, sign * half * 1.01)
            details.append((_wheel(*place, 0.36), TYRE))
            details.append((_wheel(*place, 0.2), (176, 178, 182)))
        yield np.array(outline), details


def _wheel(forward, across, radius):
    circle = things.ellipse(forward, 0.34, radius, radius)
    return np.array([(across, max(up, 0.0), along) for along, up in circle])
