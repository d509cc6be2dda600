/** Tools that paint a class: brush, line, rectangle, polygon. */

import { strokeVisibly } from "../pane.js";
import { fillPolygon, fillRectangle, strokeLine } from "../raster.js";

// CSS pixels around a polygon's first corner in which a click closes it.
const CLOSING_DISTANCE = 8;

/** Returns a point at the center of a pixel or, of even brushes, at a corner. */
function snapBrush([x, y], diameter) {
  return diameter % 2
    ? [Math.floor(x) + 0.5, Math.floor(y) + 0.5]
    : [Math.round(x), Math.round(y)];
}

function snapCorner([x, y]) {
  return [Math.round(x), Math.round(y)];
}

/** What painting tools share: the document, the choices, and a gesture. */
class PaintTool {
  constructor({ document, state }) {
    Object.assign(this, { document, state });
    this.cursor = null;
  }

  start() {
    const { document, state } = this;
    const { label, target } = state;
    const goesOn = target !== null && document.counts.has(target);
    this.label = label;
    this.instance = goesOn ? target : document.idForPainting(label);
    document.begin(this.constructor.title);
    this.emit = (y, start, end) => {
      document.paintRun(y, start, end, label, this.instance);
    };
  }

  hover(point) {
    this.cursor = point;
  }

  leave() {
    this.cursor = null;
  }

  cancel() {
    this.document.cancel();
  }

  drawBrush(context, scale, [x, y]) {
    const { diameter, shape } = this.state;
    const path = new Path2D();
    const radius = diameter / 2;
    if (shape === "round") path.arc(x, y, radius, 0, 2 * Math.PI);
    else path.rect(x - radius, y - radius, diameter, diameter);
    strokeVisibly(context, path, scale);
  }
}

export class Brush extends PaintTool {
  static title = "Brush";

  down(point) {
    this.start();
    this.last = snapBrush(point, this.state.diameter);
    strokeLine(this.document, this.last, this.last, this.state, this.emit);
    this.document.show();
  }

  move(points) {
    if (!this.document.isPainting) return;
    for (const point of points) {
      const next = snapBrush(point, this.state.diameter);
      if (next[0] === this.last[0] && next[1] === this.last[1]) continue;
      strokeLine(this.document, this.last, next, this.state, this.emit);
      this.last = next;
    }
    this.cursor = points.at(-1);
    this.document.show();
  }

  up() {
    this.document.commit();
  }

  draw(context, scale) {
    if (!this.cursor) return;
    this.drawBrush(context, scale, snapBrush(this.cursor, this.state.diameter));
  }
}

/** A shape from where the pointer goes down to where it comes up. */
class DragTool extends PaintTool {
  down(point) {
    this.from = this.snap(point);
    this.to = this.from;
  }

  move(points) {
    this.cursor = points.at(-1);
    this.to = this.snap(this.cursor);
  }

  up(point) {
    if (!this.from) return;
    this.to = this.snap(point);
    this.start();
    this.paint();
    this.document.commit();
    this.from = null;
  }

  cancel() {
    this.from = null;
    super.cancel();
  }
}

export class Line extends DragTool {
  static title = "Line";

  snap(point) {
    return snapBrush(point, this.state.diameter);
  }

  paint() {
    strokeLine(this.document, this.from, this.to, this.state, this.emit);
  }

  draw(context, scale) {
    if (!this.cursor) return;
    const end = this.from ? this.to : this.snap(this.cursor);
    this.drawBrush(context, scale, end);
    if (!this.from) return;
    this.drawBrush(context, scale, this.from);
    const path = new Path2D();
    path.moveTo(...this.from);
    path.lineTo(...this.to);
    strokeVisibly(context, path, scale);
  }
}

export class Rectangle extends DragTool {
  static title = "Rectangle";

  snap(point) {
    return snapCorner(point);
  }

  paint() {
    fillRectangle(this.document, this.from, this.to, this.emit);
  }

  draw(context, scale) {
    if (!this.from) return;
    const [x0, y0] = this.from;
    const [x1, y1] = this.to;
    const path = new Path2D();
    path.rect(x0, y0, x1 - x0, y1 - y0);
    strokeVisibly(context, path, scale);
  }
}

/** Corners by clicks; a double click, Enter or the first corner closes it. */
export class Polygon extends PaintTool {
  static title = "Polygon";

  constructor(parts) {
    super(parts);
    this.viewport = parts.viewport;
    this.points = [];
  }

  down(point) {
    const corner = snapCorner(point);
    const [first] = this.points;
    const reach = CLOSING_DISTANCE / this.viewport.scale;
    const isClosing =
      this.points.length > 2 &&
      Math.hypot(first[0] - corner[0], first[1] - corner[1]) <= reach;
    if (isClosing) this.finish();
    else this.#add(corner);
  }

  move(points) {
    this.cursor = points.at(-1);
  }

  up() {}

  /** Removes the last corner. */
  back() {
    this.points.pop();
  }

  finish() {
    const { points } = this;
    this.points = [];
    if (points.length < 3) return;
    this.start();
    fillPolygon(this.document, points, this.emit);
    this.document.commit();
  }

  cancel() {
    this.points = [];
    super.cancel();
  }

  draw(context, scale) {
    if (!this.points.length) return;
    const path = new Path2D();
    const end = this.cursor ? [snapCorner(this.cursor)] : [];
    for (const [x, y] of [...this.points, ...end]) path.lineTo(x, y);
    const [x, y] = this.points[0];
    path.moveTo(x + 4 / scale, y);
    path.arc(x, y, 4 / scale, 0, 2 * Math.PI);
    strokeVisibly(context, path, scale);
  }

  #add([x, y]) {
    const last = this.points.at(-1);
    // The second click of a double click adds no corner.
    if (!last || last[0] !== x || last[1] !== y) this.points.push([x, y]);
  }
}
