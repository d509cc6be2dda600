/** Stamps new objects. */

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
