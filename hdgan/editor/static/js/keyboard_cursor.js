/** A cursor that the arrow keys move, so that all tools work by keyboard. */

const STEPS = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};
const FAR = 10;
// Tools whose work is done by one press.
const CLICKED = ["select", "polygon", "fill", "enclosed", "pick", "stamp"];

/** Passes the keys that the label map gets on to the tools. */
export class KeyboardCursor {
  /** @param parts {document, state, toolbox, viewport, objects, element} */
  constructor(parts) {
    Object.assign(this, parts);
    this.point = null;
    this.isDown = false;
    this.hasMoved = false;
    this.element.addEventListener("keydown", (event) => this.#press(event));
    this.element.addEventListener("blur", () => this.#lift());
    this.toolbox.addEventListener("move", ({ detail }) => {
      if (detail) this.point = detail.map((v) => Math.floor(v) + 0.5);
    });
  }

  #press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in STEPS) this.#step(event);
    else if (event.key === "Enter") this.#toggle();
    else return;
    event.preventDefault();
  }

  #step(event) {
    const far = event.shiftKey ? FAR : 1;
    const [dx, dy] = STEPS[event.key].map((v) => v * far);
    const { state, document } = this;
    const movesObject =
      state.tool === "select" &&
      state.selected !== null &&
      document.isObject(state.selected);
    if (movesObject) {
      this.objects.move(dx, dy);
      return;
    }
    const [x, y] = this.point ?? [document.width / 2, document.height / 2];
    const limit = (value, side) => Math.min(Math.max(value, 0.5), side - 0.5);
    const point = [
      limit(x + dx, document.width),
      limit(y + dy, document.height),
    ];
    this.hasMoved = true;
    if (this.isDown) this.toolbox.move([point]);
    else this.toolbox.hover(point);
    this.viewport.reveal(...point);
  }

  #toggle() {
    const { state, toolbox, document } = this;
    const point = this.point ?? [document.width / 2, document.height / 2];
    const { hasMoved } = this;
    this.hasMoved = false;
    // In the same place again, Enter closes a polygon.
    if (
      state.tool === "polygon" &&
      !hasMoved &&
      toolbox.current.points.length
    ) {
      toolbox.finish();
    } else if (CLICKED.includes(state.tool)) {
      toolbox.down(point, {});
      toolbox.up(point);
    } else if (this.isDown) {
      this.#lift();
    } else {
      this.isDown = true;
      toolbox.down(point, {});
    }
  }

  #lift() {
    if (!this.isDown) return;
    this.isDown = false;
    this.toolbox.up(this.point);
  }
}
