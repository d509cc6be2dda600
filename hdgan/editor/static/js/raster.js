/**
 * Shapes as runs of pixels, by the rules of hdgan.editing.regions.
 *
 * A pixel in column x and row y has its center at (x + 0.5, y + 0.5) and
 * belongs to a shape if its center does. The order of the floating point
 * operations is that of the library, so both find the same pixels.
 *
 * A size is {width, height}, a point [x, y]. Every function calls
 * emit(y, start, end) for each run of columns start..end-1.
 */

/** Emits the pixels inside a polygon, by the even-odd rule. */
export function fillPolygon(size, points, emit) {
  const ys = points.map((point) => point[1]);
  const first = Math.max(Math.floor(Math.min(...ys)) - 1, 0);
  const last = Math.min(Math.ceil(Math.max(...ys)) + 1, size.height);
  for (let y = first; y < last; y += 1) {
    const crossings = findCrossings(points, y + 0.5);
    for (let k = 0; k + 1 < crossings.length; k += 2) {
      const start = Math.max(firstCenter(crossings[k]), 0);
      const end = Math.min(firstCenter(crossings[k + 1]), size.width);
      if (start < end) emit(y, start, end);
    }
  }
}

/** Emits the pixels of a rectangle between two opposite corners. */
export function fillRectangle(size, [x0, y0], [x1, y1], emit) {
  fillPolygon(
    size,
    [
      [x0, y0],
      [x1, y0],
      [x1, y1],
      [x0, y1],
    ],
    emit,
  );
}

/**
 * Emits the pixels that a brush covers on a straight line. The brush is
 * {diameter, shape}, a number of pixels, and "round" or "square".
 */
export function strokeLine(size, start, end, { diameter, shape }, emit) {
  const radius = diameter / 2;
  const covers =
    shape === "round"
      ? coversRound(start, end, radius)
      : coversSquare(start, end, radius);
  const left = clip(
    Math.floor(Math.min(start[0], end[0]) - radius - 1),
    size.width,
  );
  const right = clip(
    Math.ceil(Math.max(start[0], end[0]) + radius + 1),
    size.width,
  );
  const top = clip(
    Math.floor(Math.min(start[1], end[1]) - radius - 1),
    size.height,
  );
  const bottom = clip(
    Math.ceil(Math.max(start[1], end[1]) + radius + 1),
    size.height,
  );
  for (let y = top; y < bottom; y += 1) {
    emitRuns(y, left, right, covers, emit);
  }
}

function emitRuns(y, left, right, covers, emit) {
  let begin = -1;
  for (let x = left; x < right; x += 1) {
    if (covers(x + 0.5, y + 0.5)) {
      if (begin < 0) begin = x;
    } else if (begin >= 0) {
      emit(y, begin, x);
      begin = -1;
    }
  }
  if (begin >= 0) emit(y, begin, right);
}

/** Returns where a row's centers cross the polygon, from left to right. */
function findCrossings(points, center) {
  const crossings = [];
  for (let k = 0; k < points.length; k += 1) {
    const [x0, y0] = points[k];
    const [x1, y1] = points[(k + 1) % points.length];
    if (y0 <= center !== y1 <= center) {
      crossings.push(x0 + ((center - y0) * (x1 - x0)) / (y1 - y0));
    }
  }
  return crossings.sort((one, other) => one - other);
}

/** Returns the first column whose center is not left of a crossing. */
function firstCenter(crossing) {
  let x = Math.ceil(crossing - 0.5);
  // The subtraction rounds; the comparison decides, as in the library.
  while (x - 0.5 >= crossing) x -= 1;
  while (x + 0.5 < crossing) x += 1;
  return x;
}

function coversRound(start, end, radius) {
  const [x0, y0] = start;
  const dx = end[0] - x0;
  const dy = end[1] - y0;
  const length = dx * dx + dy * dy;
  return (x, y) => {
    let along = 0;
    if (length > 0) {
      along = ((x - x0) * dx + (y - y0) * dy) / length;
      along = Math.min(Math.max(along, 0), 1);
    }
    const distanceX = x - (x0 + along * dx);
    const distanceY = y - (y0 + along * dy);
    return distanceX * distanceX + distanceY * distanceY <= radius * radius;
  };
}

function coversSquare(start, end, radius) {
  return (x, y) => {
    const [firstX, lastX] = interval(x, start[0], end[0], radius);
    const [firstY, lastY] = interval(y, start[1], end[1], radius);
    return Math.max(firstX, firstY, 0) <= Math.min(lastX, lastY, 1);
  };
}

/** Returns from where to where on its way an interval holds a point. */
function interval(center, start, end, radius) {
  if (start === end) {
    return Math.abs(center - start) <= radius ? [0, 1] : [2, -1];
  }
  const one = (center - radius - start) / (end - start);
  const other = (center + radius - start) / (end - start);
  return one < other ? [one, other] : [other, one];
}

function clip(value, limit) {
  return Math.min(Math.max(value, 0), limit);
}
