/** Shows the maps: the classes' colors, and darker lines around objects. */

import { unite } from "./rectangle.js";

const OUTLINE = 0.62;

/** Draws the changed rectangles of a document on a canvas, once a frame. */
export class MapLayer {
  constructor(canvas, document) {
    this.document = document;
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
    this.colors = makePalette(document.classes, 1);
    this.outlines = makePalette(document.classes, OUTLINE);
    this.pending = null;
    document.addEventListener("open", () => this.#resize());
    document.addEventListener("change", ({ detail }) => {
      this.#draw(detail.rectangle);
    });
  }

  #resize() {
    this.canvas.width = this.document.width;
    this.canvas.height = this.document.height;
    this.#draw(this.document.wholeRectangle);
  }

  #draw(rectangle) {
    if (!rectangle) return;
    if (!this.pending) requestAnimationFrame(() => this.#paint());
    this.pending = unite(this.pending, rectangle);
  }

  #paint() {
    const { width, labels, instances } = this.document;
    // The neighbours above and to the left may get an outline or lose it.
    const left = Math.max(this.pending.left - 1, 0);
    const top = Math.max(this.pending.top - 1, 0);
    const { right, bottom } = this.pending;
    this.pending = null;
    const image = new ImageData(right - left, bottom - top);
    const pixels = new Uint32Array(image.data.buffer);
    const end = instances.length;
    let place = 0;
    for (let y = top; y < bottom; y += 1) {
      for (let x = left; x < right; x += 1) {
        const k = y * width + x;
        const id = instances[k];
        const isEdge =
          (x + 1 < width && instances[k + 1] !== id) ||
          (k + width < end && instances[k + width] !== id);
        pixels[place] = (isEdge ? this.outlines : this.colors)[labels[k]];
        place += 1;
      }
    }
    this.context.putImageData(image, left, top);
  }
}

/** Returns the classes' colors as the pixels of ImageData. */
function makePalette(classes, brightness) {
  return Uint32Array.from(classes, ({ color }) => {
    const bytes = Uint8Array.of(...color.map((c) => c * brightness), 255);
    return new Uint32Array(bytes.buffer)[0];
  });
}
