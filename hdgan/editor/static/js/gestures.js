/** Mouse, pen and touch on a pane: tools, pan, pinch and wheel. */

const WHEEL_SPEED = 0.0015;
const LINE_HEIGHT = 16;
const MIDDLE = 1;

/**
 * Passes pointers on to the tools, and moves the viewport.
 *
 * One finger paints and two zoom. The middle button pans, and so does any
 * pointer while the space bar is held or the hand is chosen.
 */
export class Gestures {
  /** @param {{pane, viewport, toolbox}} parts */
  constructor({ pane, viewport, toolbox }) {
    Object.assign(this, { pane, viewport, toolbox });
    this.fingers = new Map();
    this.panning = null;
    this.painting = null;
    const { element } = pane;
    element.addEventListener("pointerdown", (event) => this.#down(event));
    element.addEventListener("pointermove", (event) => this.#move(event));
    element.addEventListener("pointerup", (event) => this.#up(event));
    element.addEventListener("pointercancel", (event) => this.#cancel(event));
    element.addEventListener("pointerleave", () => toolbox.leave());
    element.addEventListener("wheel", (event) => this.#wheel(event), {
      passive: false,
    });
    element.addEventListener("contextmenu", (event) => event.preventDefault());
    element.addEventListener("dblclick", () => toolbox.finish());
  }

  #down(event) {
    if (event.target.closest("button, input")) return;
    this.pane.element.setPointerCapture(event.pointerId);
    if (event.pointerType === "touch") {
      this.fingers.set(event.pointerId, event);
      if (this.fingers.size === 2) {
        this.#abort();
        return;
      }
    }
    if (event.button === MIDDLE || this.toolbox.isPanning) {
      this.panning = event.pointerId;
      this.place = [event.clientX, event.clientY];
      event.preventDefault();
    } else if (event.button === 0 && this.painting === null) {
      this.painting = event.pointerId;
      this.toolbox.down(this.pane.locate(event), event);
    }
  }

  #move(event) {
    if (this.fingers.size === 2 && this.fingers.has(event.pointerId)) {
      this.#pinch(event);
    } else if (this.panning === event.pointerId) {
      const [x, y] = this.place;
      this.place = [event.clientX, event.clientY];
      this.viewport.pan(event.clientX - x, event.clientY - y);
    } else if (this.painting === event.pointerId) {
      const events = event.getCoalescedEvents?.() ?? [];
      const points = (events.length ? events : [event]).map((e) =>
        this.pane.locate(e),
      );
      this.toolbox.move(points, event);
    } else if (this.painting === null) {
      this.toolbox.hover(this.pane.locate(event), event);
    }
    if (this.fingers.has(event.pointerId))
      this.fingers.set(event.pointerId, event);
  }

  #up(event) {
    this.fingers.delete(event.pointerId);
    if (this.panning === event.pointerId) this.panning = null;
    if (this.painting === event.pointerId) {
      this.painting = null;
      this.toolbox.up(this.pane.locate(event), event);
    }
  }

  #cancel(event) {
    this.fingers.delete(event.pointerId);
    this.#abort();
  }

  #abort() {
    this.panning = null;
    this.painting = null;
    this.toolbox.cancel();
  }

  #pinch(event) {
    const [one, other] = [...this.fingers.values()];
    const still = one.pointerId === event.pointerId ? other : one;
    const old = this.fingers.get(event.pointerId);
    const box = this.pane.element.getBoundingClientRect();
    const distance = (e) =>
      Math.hypot(e.clientX - still.clientX, e.clientY - still.clientY);
    const middle = (e) => [
      (e.clientX + still.clientX) / 2,
      (e.clientY + still.clientY) / 2,
    ];
    const [x0, y0] = middle(old);
    const [x1, y1] = middle(event);
    this.viewport.pan(x1 - x0, y1 - y0);
    const factor = distance(event) / Math.max(distance(old), 1);
    this.viewport.zoom(factor, x1 - box.left, y1 - box.top);
  }

  #wheel(event) {
    event.preventDefault();
    const unit =
      event.deltaMode === WheelEvent.DOM_DELTA_LINE ? LINE_HEIGHT : 1;
    const [dx, dy] = [event.deltaX * unit, event.deltaY * unit];
    if (event.shiftKey) {
      this.viewport.pan(-(dx || dy), dx ? -dy : 0);
      return;
    }
    const box = this.pane.element.getBoundingClientRect();
    const factor = Math.exp(-dy * WHEEL_SPEED * (event.ctrlKey ? 4 : 1));
    this.viewport.zoom(
      factor,
      event.clientX - box.left,
      event.clientY - box.top,
    );
  }
}
