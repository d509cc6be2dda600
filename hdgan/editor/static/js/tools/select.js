/** Selects the object under the pointer; dragging moves or scales it. */

import { outlineOf } from "../outline.js";
import { strokeVisibly } from "../pane.js";

// CSS pixels: the side of the handle, and how near the pointer has to be.
const HANDLE = 9;
const REACH = 12;
const MIN_FACTOR = 0.05;
// Smaller changes of the size are taken for a click.
const MIN_CHANGE = 0.01;

export class Select {
  constructor({ document, state, objects, viewport, photographs }) {
    Object.assign(this, { document, state, objects, viewport, photographs });
    this.hasPreview = false;
    this.from = null;
    this.isScaling = false;
  }

  down(point) {
    this.to = point;
    if (this.#isOnHandle(point)) {
      this.from = point;
      this.isScaling = true;
      return;
    }
    const [x, y] = point.map(Math.floor);
    const isInside = this.document.isInside(x, y);
    const instance = isInside ? this.document.instanceAt(x, y) : null;
    this.state.set({ selected: instance });
    const isObject = isInside && this.document.isObject(instance);
    this.from = isObject ? point : null;
  }

  move(points) {
    this.to = points.at(-1);
    const edit = this.#edit();
    if (!edit) return;
    this.hasPreview = true;
    this.objects.preview(edit);
  }

  up() {
    const edit = this.#edit();
    if (edit) this.hasPreview = false;
    this.cancel();
    if (edit?.action === "move") this.objects.move(edit.dx, edit.dy);
    if (edit?.action === "scale") this.objects.scale(edit.factor);
  }

  hover() {}

  leave() {}

  cancel() {
    this.from = null;
    this.isScaling = false;
    // The scene is as it was before the drag.
    if (this.hasPreview) this.photographs.full();
    this.hasPreview = false;
  }

  draw(context, scale, pane) {
    const outline = this.#outline();
    if (!outline) return;
    const { box, picture, path } = outline;
    const [dx, dy] = this.#shift();
    const factor = this.#factor();
    const [x, y] = anchorOf(box);
    context.save();
    context.translate(x + dx, y + dy);
    context.scale(factor, factor);
    context.translate(-x, -y);
    // Over the photograph, the object would hide its own preview.
    if (this.from && pane.showsMap) {
      context.imageSmoothingEnabled = false;
      context.drawImage(picture, box.left, box.top);
    }
    strokeVisibly(context, path, scale * factor);
    if (this.document.isObject(this.state.selected)) {
      drawHandle(context, box, scale * factor);
    }
    context.restore();
  }

  #outline() {
    const { selected } = this.state;
    return selected === null ? null : outlineOf(this.document, selected);
  }

  #isOnHandle([x, y]) {
    const outline = this.#outline();
    if (!outline || !this.document.isObject(this.state.selected)) return false;
    const { right, top } = outline.box;
    return Math.hypot(x - right, y - top) <= REACH / this.viewport.scale;
  }

  /** Returns the edit that the drag stands for, or null. */
  #edit() {
    const [dx, dy] = this.#shift();
    if (dx || dy) return { action: "move", dx, dy };
    const factor = this.#factor();
    if (Math.abs(factor - 1) <= MIN_CHANGE) return null;
    return { action: "scale", factor };
  }

  #shift() {
    if (!this.from || this.isScaling) return [0, 0];
    return [0, 1].map((k) => Math.round(this.to[k] - this.from[k]));
  }

  /** Returns the factor by which the pointer has moved from the base. */
  #factor() {
    const outline = this.isScaling ? this.#outline() : null;
    if (!outline) return 1;
    const [x, y] = anchorOf(outline.box);
    const distance = (point) => Math.hypot(point[0] - x, point[1] - y);
    return Math.max(distance(this.to) / distance(this.from), MIN_FACTOR);
  }
}

/** Returns the middle of an object's base, which stays when it is scaled. */
function anchorOf({ left, right, bottom }) {
  return [(left + right) / 2, bottom];
}

function drawHandle(context, { right, top }, scale) {
  const side = HANDLE / scale;
  const path = new Path2D();
  path.rect(right - side / 2, top - side / 2, side, side);
  context.fillStyle = "#3557d6";
  context.fill(path);
  strokeVisibly(context, path, scale);
}
