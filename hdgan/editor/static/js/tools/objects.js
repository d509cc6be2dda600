/** Tools for objects: select and move them, and stamp new ones. */

import { outlineOf } from "../outline.js";
import { strokeVisibly } from "../pane.js";

/** Selects the object under the pointer; dragging moves it. */
export class Select {
  constructor({ document, state, objects }) {
    Object.assign(this, { document, state, objects });
    this.from = null;
  }

  down(point) {
    const [x, y] = point.map(Math.floor);
    if (!this.document.isInside(x, y)) {
      this.state.set({ selected: null });
      return;
    }
    const instance = this.document.instanceAt(x, y);
    this.state.set({ selected: instance });
    this.from = this.document.isObject(instance) ? point : null;
    this.to = point;
  }

  move(points) {
    this.to = points.at(-1);
  }

  up() {
    const [dx, dy] = this.#shift();
    this.from = null;
    if (dx || dy) this.objects.move(dx, dy);
  }

  hover() {}

  leave() {}

  cancel() {
    this.from = null;
  }

  draw(context, scale) {
    const { selected } = this.state;
    const outline =
      selected === null ? null : outlineOf(this.document, selected);
    if (!outline) return;
    const [dx, dy] = this.#shift();
    context.translate(dx, dy);
    if (dx || dy) {
      context.imageSmoothingEnabled = false;
      context.drawImage(outline.picture, outline.box.left, outline.box.top);
    }
    strokeVisibly(context, outline.path, scale);
    context.translate(-dx, -dy);
  }

  #shift() {
    if (!this.from) return [0, 0];
    return [0, 1].map((k) => Math.round(this.to[k] - this.from[k]));
  }
}

/** Puts a shape of the library where the pointer is; its base follows it. */
export class Stamp {
  constructor({ document, state, objects, shapes }) {
    Object.assign(this, { document, state, objects, shapes });
    this.cursor = null;
  }

  down(point) {
    this.cursor = point;
    if (this.#shape()) this.objects.stamp(point);
  }

  move(points) {
    this.cursor = points.at(-1);
  }

  up() {}

  hover(point) {
    this.cursor = point;
  }

  leave() {
    this.cursor = null;
  }

  cancel() {}

  draw(context) {
    const shape = this.#shape();
    if (!shape || !this.cursor) return;
    const { stampScale, isMirrored } = this.state;
    const factor = (stampScale * this.document.height) / shape.scene_height;
    const width = Math.max(Math.round(shape.width * factor), 1);
    const height = Math.max(Math.round(shape.height * factor), 1);
    const [x, y] = this.cursor;
    context.save();
    context.globalAlpha = 0.8;
    context.imageSmoothingEnabled = false;
    context.translate(Math.round(x - width / 2), Math.round(y) - height);
    if (isMirrored) {
      context.translate(width, 0);
      context.scale(-1, 1);
    }
    context.drawImage(shape.picture, 0, 0, width, height);
    context.restore();
  }

  #shape() {
    return this.shapes.list[this.state.stamp];
  }
}
