/** The tools by name, and which of them gets the pointer. */

import { Fill, FillEnclosed, Pick } from "./tools/click.js";
import { Brush, Line, Polygon, Rectangle } from "./tools/paint.js";
import { Select } from "./tools/select.js";
import { Stamp } from "./tools/stamp.js";

const TOOLS = {
  select: Select,
  brush: Brush,
  line: Line,
  rectangle: Rectangle,
  polygon: Polygon,
  fill: Fill,
  enclosed: FillEnclosed,
  stamp: Stamp,
  pick: Pick,
};

/** Fires "move" with the pointer's place in the scene, or null. */
export class Toolbox extends EventTarget {
  /** @param parts {document, state, viewport, objects, shapes, say} */
  constructor(parts) {
    super();
    this.state = parts.state;
    this.document = parts.document;
    this.viewport = parts.viewport;
    this.tools = Object.fromEntries(
      Object.entries(TOOLS).map(([name, Tool]) => [name, new Tool(parts)]),
    );
    this.active = null;
    this.isSpaceDown = false;
    this.onError = parts.report;
    parts.state.addEventListener("change", ({ detail }) => {
      if (detail.has("tool")) this.cancel();
    });
  }

  get isPanning() {
    return this.isSpaceDown || this.state.tool === "hand";
  }

  get current() {
    return this.tools[this.state.tool] ?? null;
  }

  down(point, event) {
    // A press of Alt takes class and object from the scene, with any tool.
    this.active = event.altKey ? this.tools.pick : this.current;
    this.#call("down", point, event);
    this.#changed(point);
  }

  move(points) {
    this.#call("move", points);
    this.#changed(points.at(-1));
  }

  up(point) {
    this.#call("up", point);
    this.active = null;
    this.#changed(point);
  }

  hover(point) {
    this.current?.hover(point);
    this.#changed(point);
  }

  leave() {
    if (this.active) return;
    this.current?.leave();
    this.#changed(null);
  }

  /** Ends a polygon. */
  finish() {
    this.#try(() => this.current?.finish?.());
    this.#changed();
  }

  /** Takes the last corner of a polygon back; returns whether there is one. */
  back() {
    if (!this.current?.points?.length) return false;
    this.current.back();
    this.#changed();
    return true;
  }

  cancel() {
    this.active = null;
    for (const tool of Object.values(this.tools)) tool.cancel();
    this.#changed();
  }

  draw(context, pane) {
    this.current?.draw(context, pane.viewport.scale, pane);
  }

  #call(method, ...values) {
    this.#try(() => this.active?.[method](...values));
  }

  #try(action) {
    try {
      action();
    } catch (error) {
      this.active = null;
      this.document.cancel();
      this.onError(error);
    }
  }

  #changed(point) {
    this.dispatchEvent(new CustomEvent("move", { detail: point }));
  }
}
