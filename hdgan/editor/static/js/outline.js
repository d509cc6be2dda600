/** Outlines of regions: a path around them, and a picture of their pixels. */

const kept = { document: null, revision: -1, instance: null, outline: null };

/**
 * Returns {path, box, picture} of a region, or null if it has no pixel: a
 * Path2D along its pixels, the rectangle around it, and a canvas of that size.
 */
export function outlineOf(document, instance) {
  const isKept =
    kept.document === document &&
    kept.revision === document.revision &&
    kept.instance === instance;
  if (!isKept) {
    Object.assign(kept, { document, revision: document.revision, instance });
    kept.outline = document.counts.has(instance)
      ? trace(document, instance)
      : null;
  }
  return kept.outline;
}

function trace({ instances, width, height, classes, labels }, instance) {
  const path = new Path2D();
  const box = { left: width, top: height, right: 0, bottom: 0 };
  const isInside = (x, y) =>
    x >= 0 &&
    y >= 0 &&
    x < width &&
    y < height &&
    instances[y * width + x] === instance;
  let label = 0;
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      if (instances[y * width + x] !== instance) continue;
      label = labels[y * width + x];
      box.left = Math.min(box.left, x);
      box.right = Math.max(box.right, x + 1);
      box.top = Math.min(box.top, y);
      box.bottom = y + 1;
      if (!isInside(x, y - 1)) addEdge(path, x, y, x + 1, y);
      if (!isInside(x, y + 1)) addEdge(path, x, y + 1, x + 1, y + 1);
      if (!isInside(x - 1, y)) addEdge(path, x, y, x, y + 1);
      if (!isInside(x + 1, y)) addEdge(path, x + 1, y, x + 1, y + 1);
    }
  }
  return { path, box, picture: draw(box, isInside, classes[label].color) };
}

function addEdge(path, x0, y0, x1, y1) {
  path.moveTo(x0, y0);
  path.lineTo(x1, y1);
}

function draw({ left, top, right, bottom }, isInside, color) {
  const canvas = new OffscreenCanvas(right - left, bottom - top);
  const image = new ImageData(canvas.width, canvas.height);
  let place = 0;
  for (let y = top; y < bottom; y += 1) {
    for (let x = left; x < right; x += 1) {
      if (isInside(x, y)) image.data.set([...color, 200], place);
      place += 4;
    }
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}
