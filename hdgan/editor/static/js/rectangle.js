/** Rectangles of whole pixels: {left, top, right, bottom}, ends excluded. */

/** Returns the smallest rectangle around two, each of which may be null. */
export function unite(one, other) {
  if (!one || !other) return one ?? other;
  return {
    left: Math.min(one.left, other.left),
    top: Math.min(one.top, other.top),
    right: Math.max(one.right, other.right),
    bottom: Math.max(one.bottom, other.bottom),
  };
}

/** Returns the part of a map inside a rectangle, row by row. */
export function cut(map, width, { left, top, right, bottom }) {
  const part = new map.constructor((right - left) * (bottom - top));
  for (let y = top; y < bottom; y += 1) {
    part.set(
      map.subarray(y * width + left, y * width + right),
      (y - top) * (right - left),
    );
  }
  return part;
}

/** Writes a part back to where it was cut. */
export function paste(map, width, { left, top, right, bottom }, part) {
  const columns = right - left;
  for (let y = top; y < bottom; y += 1) {
    const start = (y - top) * columns;
    map.set(part.subarray(start, start + columns), y * width + left);
  }
}
