"""Materials of the surfaces of a drawn street, evaluated sample by sample.

Positions are float32 arrays in meters, one number per sample. Colors are
float32 arrays `(3, samples)` in 0..255. Edges are blurred over a pixel, so that
finer lines fade out instead of flickering, which no network could learn.
"""

import numpy as np

FACADE_TINTS = (
    (226, 196, 142),
    (204, 128, 100),
    (232, 222, 202),
    (172, 190, 200),
    (214, 160, 116),
    (190, 202, 168),
)
ROOF_TINTS = ((150, 84, 66), (96, 100, 112), (122, 82, 70))
AWNING_TINTS = ((178, 44, 40), (34, 96, 84), (40, 70, 130), (196, 142, 46))


def _asphalt(strip, tile, x, z, steps):
    """A gray road with a dashed middle line and a line along each edge."""
    patches = _smooth_noise(tile, x * 0.8, z * 0.3)
    color = rgb(94, 97, 104) * (0.9 + 0.2 * patches)
    dash = _box(np.mod(z, 6.0) / 6.0, 0.0, 0.55, steps[1] / 6.0)
    middle = _box(x, -0.1, 0.1, steps[0]) * dash
    edge = strip.right - 0.35
    edges = _box(np.abs(x), edge - 0.09, edge + 0.09, steps[0])
    # Worn paint is never fully opaque.
    line = np.maximum(middle, edges) * (0.7 + 0.3 * patches)
    return blend(color, rgb(232, 230, 220), line)


def _cobbles(strip, tile, x, z, steps):
    """Rows of rounded stones in different shades."""
    row = z / 0.85
    column = x / 0.55 + 0.5 * np.mod(np.floor(row), 2)
    across, along = np.mod(column, 1), np.mod(row, 1)
    shade = _cell_noise(tile, row, column)
    stone = rgb(166, 141, 116) * (0.74 + 0.42 * shade)
    # The top of each stone reflects the sky.
    crown = 0.88 + 0.24 * along
    blur_across, blur_along = steps[0] / 0.55, steps[1] / 0.85
    top = _box(across, 0.09, 0.91, blur_across)
    top = top * _box(along, 0.1, 0.9, blur_along)
    joint = rgb(84, 70, 58)
    return blend(joint, stone * crown, 0.25 + 0.75 * top)


def _slabs(strip, tile, x, z, steps):
    """Paving slabs, with a kerb towards the road."""
    across = np.mod(x - strip.kerb, 1.0)
    along = np.mod(z / 1.3, 1.0)
    shade = _cell_noise(tile, x - strip.kerb, z / 1.3)
    color = rgb(190, 180, 168) * (0.9 + 0.13 * shade)
    blur = steps[1] / 1.3
    joint = 1 - _box(across, 0.05, 0.95, steps[0]) * _box(
        along, 0.06, 0.94, blur
    )
    color = blend(color, rgb(128, 118, 110), 0.8 * joint)
    inset = np.abs(x - strip.kerb)
    color = blend(color, rgb(216, 213, 206), below(inset, 0.5, steps[0]))
    color = blend(color, rgb(122, 120, 120), below(inset, 0.17, steps[0]))
    # Near a wall, less light of the sky arrives.
    width = strip.right - strip.left
    return color * (1.04 - 0.2 * np.clip(inset / width, 0, 1) ** 3)


def _grass(strip, tile, x, z, steps):
    """Tufts of grass in lighter and darker patches."""
    tufts = _smooth_noise(tile, x * 1.6, z * 0.9)
    patches = _smooth_noise(tile, x * 0.25, z * 0.12)
    shade = 0.74 + 0.34 * tufts + 0.16 * patches
    return rgb(122, 156, 76) * shade


# Arguments: the strip of ground, the scene's random numbers, the samples' `x`
# and `z`, and the meters that a sample covers in `x` and in `z`.
MATERIALS = {
    "asphalt": _asphalt,
    "cobbles": _cobbles,
    "slabs": _slabs,
    "grass": _grass,
}


def facade(of, tile, along, up):
    """Returns the unlit colors of facade samples.

    Args:
        of: function from the name of a `Wall` property to an array with the
            property of each sample's wall.
        tile: array of the scene's random numbers.
        along: pair of arrays in meters, the distance from the wall's start and
            the extent of a sample.
        up: pair of arrays in meters, the height above the ground and the extent
            of a sample.

    Returns:
        float32 `(3, samples)`.
    """
    (along, step_along), (y, step) = along, up
    column, story = along / of("bay"), y / of("floor")
    across, rise = column - np.floor(column), story - np.floor(story)
    blur_across, blur_rise = step_along / of("bay"), step / of("floor")
    salt, eaves = of("salt"), of("eaves")
    chance = _cell_noise(tile, column + salt, story + 7 * salt)
    on_ground = story < 1

    tint = of("tint")
    stain = _smooth_noise(tile, along * 0.6 + salt, y * 0.6)
    color = tint * (0.93 + 0.12 * stain)

    def pane(left, low, right, high):
        box = _box(across, left, right, blur_across)
        return box * _box(rise, low, high, blur_rise)

    dark = rgb(52, 66, 84)
    # Upper floors: a pale frame, a sill, and glass that reflects the sky.
    upper = ~on_ground * (y < eaves)
    pale = tint * 0.35 + rgb(242, 238, 230) * 0.65
    color = blend(color, pale, pane(0.19, 0.14, 0.81, 0.86) * upper)
    sky = np.clip(rise * 1.5 - 0.35, 0, 1) * (0.3 + 0.5 * chance)
    glass = blend(dark, rgb(150, 178, 204), sky)
    glass = blend(glass, rgb(255, 214, 140), 0.85 * (chance > 0.88))
    window = pane(0.27, 0.22, 0.73, 0.8) * upper
    bar = 1 - 0.7 * _box(across, 0.475, 0.525, blur_across)
    color = blend(color, glass, window * bar)

    # Ground floor: shop windows under an awning, or doors and windows.
    shop = of("has_shops") > 0
    front = pane(0.1, 0.12, 0.9, 0.7) * (on_ground & shop)
    inside = np.clip(0.8 - rise, 0, 1) * (0.4 + 0.6 * chance)
    goods = blend(dark, rgb(250, 205, 140), inside)
    color = blend(color, goods, front)
    awning = of("awning") * (1.25 - 0.35 * (rise < 0.78))
    canopy = pane(0.04, 0.7, 0.96, 0.9) * (on_ground & shop)
    color = blend(color, awning, canopy)
    is_door = np.mod(np.floor(column), 3) == 1
    door = pane(0.28, 0.0, 0.72, 0.76) * (on_ground & ~shop & is_door)
    color = blend(color, of("awning") * np.float32(0.6), door)
    plain = on_ground & ~shop & ~is_door
    color = blend(color, pale, pane(0.2, 0.24, 0.8, 0.84) * plain)
    low_window = pane(0.27, 0.3, 0.73, 0.78) * plain * bar
    color = blend(color, glass * np.float32(0.9), low_window)

    # Bands: a plinth, a ledge above the ground floor, the cornice.
    color = color * (1 - 0.3 * below(y, 0.4, step))
    course = np.abs(y - of("floor") * 1.03)
    color = blend(color, pale, 0.8 * below(course, 0.12, step))
    color = blend(color, pale, below(np.abs(y - eaves), 0.28, step))
    above = np.clip((y - eaves - 0.2) / step + 0.5, 0, 1)
    tiles = 0.85 + 0.3 * _cell_noise(tile, along / 1.2, y / 0.6)
    return blend(color, of("roof_tint") * tiles, above)


def _box(value, low, high, blur):
    """Returns 1 where low < value < high, with edges of width `blur`."""
    blur = np.maximum(blur, 1e-3)
    rise = np.clip((value - low) / blur + 0.5, 0, 1)
    return rise * np.clip((high - value) / blur + 0.5, 0, 1)


def below(value, high, blur):
    """Returns 1 where value < high, with an edge of width `blur`."""
    return np.clip((high - value) / np.maximum(blur, 1e-3) + 0.5, 0, 1)


def blend(under, over, amount):
    """Blends `over` onto `under` by `amount`, one per sample in [0, 1]."""
    return under + (over - under) * np.asarray(amount, np.float32)


def rgb(red, green, blue):
    """Returns a float32 color that broadcasts against `(3, samples)`."""
    return np.float32([[red], [green], [blue]])


def _cell_noise(tile, row, column):
    """Returns a random number in [0, 1] for each unit cell."""
    size = len(tile)
    row = np.floor(row).astype(np.int32) % size
    return tile[row, np.floor(column).astype(np.int32) % size]


def _smooth_noise(tile, row, column):
    """Returns noise in [0, 1] that varies smoothly over about one unit."""
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
