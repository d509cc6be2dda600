"""Masks: every pixel whose center lies in a shape, and no other."""

import numpy as np
import pytest
from small_scene import CAR, ROAD, SKY, TREE, make_scene

from hdgan.editing import (
    connected_mask,
    enclosed_mask,
    paint_region,
    polygon_mask,
    rectangle_mask,
    stroke_mask,
)

SIZE = (9, 12)


def _picture(mask):
    return ["".join(".#"[int(pixel)] for pixel in row) for row in mask]


def test_a_rectangle_takes_the_pixels_whose_centers_it_holds():
    mask = rectangle_mask((4, 6), 0.6, 1, 3.6, 3.4)
    assert _picture(mask) == ["......", ".###..", ".###..", "......"]


def test_a_triangle():
    mask = polygon_mask((4, 6), [(0, 0), (4, 0), (0, 4)])
    assert _picture(mask) == ["###...", "##....", "#.....", "......"]


def test_a_polygon_that_crosses_itself_has_a_hole():
    twice = [(0, 0), (6, 0), (6, 5), (1, 5), (1, 1), (5, 1), (5, 4), (0, 4)]
    assert _picture(polygon_mask((5, 6), twice)) == [
        "######",
        "#....#",
        "#....#",
        "#....#",
        ".#####",
    ]


def test_polygons_that_share_edges_share_no_pixel_and_leave_none_out():
    rng = np.random.default_rng(0)
    for _ in range(50):
        upper, lower = sorted(
            rng.uniform(-3, 15, (2, 2)), key=lambda point: point[1]
        )
        parts = (
            [(-99, -99), upper, lower, (-99, 99)],
            [(99, 99), lower, upper, (99, -99)],
            [(-99, -99), (99, -99), upper],
            [(-99, 99), lower, (99, 99)],
        )
        total = sum(polygon_mask(SIZE, part).astype(int) for part in parts)
        assert (total == 1).all()


def test_small_round_and_square_brushes():
    assert _picture(stroke_mask((3, 5), [(2.5, 1.5)], 1)) == [
        ".....",
        "..#..",
        ".....",
    ]
    assert _picture(stroke_mask((3, 5), [(2.5, 1.5)], 2)) == [
        "..#..",
        ".###.",
        "..#..",
    ]
    assert _picture(stroke_mask((3, 5), [(2.5, 1.5)], 2, "square")) == [
        ".###.",
        ".###.",
        ".###.",
    ]


def test_a_stroke_is_what_the_brush_covers_on_its_way():
    rng = np.random.default_rng(1)
    for brush in ("round", "square"):
        for _ in range(20):
            start, end = rng.uniform(-2, 14, (2, 2))
            stroke = stroke_mask(SIZE, [start, end], 3.0, brush)
            stamps = np.zeros(SIZE, bool)
            for share in np.linspace(0, 1, 400):
                point = (1 - share) * start + share * end
                stamps |= stroke_mask(SIZE, [point], 3.0, brush)
            # Stamps at steps can only miss a pixel, here none or one.
            assert not (stamps & ~stroke).any()
            assert (stroke & ~stamps).sum() <= 1


def test_strokes_may_leave_the_scene():
    mask = stroke_mask(SIZE, [(-50, 4.5), (50, 4.5)], 1)
    assert mask[4].all()
    assert mask.sum() == SIZE[1]
    assert not stroke_mask(SIZE, [(-50, -50)], 3).any()


def test_a_connected_area_ends_at_other_regions():
    scene = make_scene()
    np.testing.assert_array_equal(
        connected_mask(scene, 22, 19), scene.region(4000)
    )
    road = connected_mask(scene, 0, 39)
    np.testing.assert_array_equal(road, scene.label_map == ROAD)
    with pytest.raises(ValueError, match=r"`x` must be an integer in 0\.\.59"):
        connected_mask(scene, 60, 0)


def test_a_class_encloses_an_area_with_whatever_is_in_it():
    scene = make_scene()
    ring = rectangle_mask(scene.size, 16, 14, 45, 38)
    ring &= ~rectangle_mask(scene.size, 18, 16, 43, 36)
    scene = paint_region(scene, ring, "tree")
    area = enclosed_mask(scene, 25, 30, "tree")
    np.testing.assert_array_equal(
        area, rectangle_mask(scene.size, 18, 16, 43, 36)
    )
    assert {CAR, SKY, ROAD} == set(scene.label_map[area])
    with pytest.raises(ValueError, match="reaches the scene's edge"):
        enclosed_mask(scene, 55, 5, "tree")
    assert scene.label_map[14, 20] == TREE
    with pytest.raises(ValueError, match="inside the outline"):
        enclosed_mask(scene, 20, 14, "tree")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: polygon_mask(SIZE, [(0, 0), (1, 1)]), "3 or more pairs"),
        (lambda: polygon_mask(SIZE, [(0, 0), (1, 1), (2,)]), "pairs"),
        (lambda: stroke_mask(SIZE, [], 1), "1 or more pairs"),
        (lambda: stroke_mask(SIZE, [(0, float("nan"))], 1), "finite"),
        (lambda: stroke_mask(SIZE, [(0, 0)], 0), "`diameter`"),
        (lambda: stroke_mask(SIZE, [(0, 0)], 1, "oval"), "`brush`"),
    ],
)
def test_wrong_shapes_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
