/** Connected areas, by the rules of hdgan.editing.regions. */

/**
 * Emits the area of equal ids that is connected with a pixel by edges.
 *
 * @param {{width, height}} size of the map
 * @param {TypedArray} ids row by row
 */
export function fillConnected(size, ids, x, y, emit) {
  const id = ids[y * size.width + x];
  emitMask(
    size,
    connect(size, x, y, (index) => ids[index] === id),
    emit,
  );
}

/**
 * Emits the area around a pixel that an outline of one id encloses, whatever
 * is in it.
 *
 * @returns {boolean} false, and nothing is emitted, if the area reaches the
 *   edge of the map
 */
export function fillEnclosed(size, ids, x, y, outline, emit) {
  const { width, height } = size;
  const area = connect(size, x, y, (index) => ids[index] !== outline);
  for (let column = 0; column < width; column += 1) {
    if (area[column] || area[(height - 1) * width + column]) return false;
  }
  for (let row = 0; row < height; row += 1) {
    if (area[row * width] || area[row * width + width - 1]) return false;
  }
  emitMask(size, area, emit);
  return true;
}

/** Emits the runs of a mask of the map's size. */
export function emitMask({ width, height }, mask, emit) {
  for (let y = 0; y < height; y += 1) {
    const row = y * width;
    for (let x = 0; x < width; x += 1) {
      if (mask[row + x]) {
        const start = x;
        while (x < width && mask[row + x]) x += 1;
        emit(y, start, x);
      }
    }
  }
}

/** Returns a mask of the pixels that are connected with one by edges. */
function connect({ width, height }, x, y, isInside) {
  const mask = new Uint8Array(width * height);
  const waiting = [y * width + x];
  while (waiting.length) {
    const index = waiting.pop();
    if (mask[index]) continue;
    const row = index - (index % width);
    let start = index;
    while (start > row && !mask[start - 1] && isInside(start - 1)) start -= 1;
    let end = index + 1;
    while (end < row + width && !mask[end] && isInside(end)) end += 1;
    mask.fill(1, start, end);
    for (const step of [-width, width]) {
      if (row + step < 0 || row + step >= width * height) continue;
      let isRun = false;
      for (let k = start + step; k < end + step; k += 1) {
        const isOpen = !mask[k] && isInside(k);
        // One entry for each run is enough.
        if (isOpen && !isRun) waiting.push(k);
        isRun = isOpen;
      }
    }
  }
  return mask;
}
