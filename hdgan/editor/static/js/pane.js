/** One of the two views of the scene, with what tools draw over it. */

const GRID_SCALE = 8;

/** Places a stage of canvases by the viewport, and draws an overlay. */
export class Pane {
  /**
   * @param {HTMLElement} element with children `.stage` and `canvas.overlay`
   * @param {Viewport} viewport
   * @param {(context, pane) => void} drawTools
   */
  constructor(element, viewport, drawTools) {
    this.element = element;
    this.viewport = viewport;
    this.drawTools = drawTools;
    this.showsMap = element.querySelector("#map") !== null;
    this.stage = element.querySelector(".stage");
    this.overlay = element.querySelector("canvas.overlay");
    this.context = this.overlay.getContext("2d");
    this.isWaiting = false;
    viewport.addEventListener("change", () => this.#place());
  }

  get size() {
    return {
      width: this.element.clientWidth,
      height: this.element.clientHeight,
    };
  }

  /** Returns the scene's coordinates of a pointer event. */
  locate(event) {
    const box = this.element.getBoundingClientRect();
    return this.viewport.toScene(
      event.clientX - box.left,
      event.clientY - box.top,
    );
  }

  /** Draws the overlay again in the next frame. */
  invalidate() {
    if (this.isWaiting) return;
    this.isWaiting = true;
    requestAnimationFrame(() => this.#draw());
  }

  #place() {
    const { x, y, scale, scene } = this.viewport;
    const { style } = this.stage;
    style.width = `${scene.width}px`;
    style.height = `${scene.height}px`;
    style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
    this.stage.classList.toggle("enlarged", scale >= 1);
    this.invalidate();
  }

  #draw() {
    this.isWaiting = false;
    const { width, height } = this.size;
    const ratio = window.devicePixelRatio || 1;
    const [columns, rows] = [
      Math.round(width * ratio),
      Math.round(height * ratio),
    ];
    if (this.overlay.width !== columns || this.overlay.height !== rows) {
      this.overlay.width = columns;
      this.overlay.height = rows;
    }
    const { context, viewport } = this;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    if (viewport.scale >= GRID_SCALE) this.#drawGrid(width, height);
    context.translate(viewport.x, viewport.y);
    context.scale(viewport.scale, viewport.scale);
    this.drawTools(context, this);
  }

  #drawGrid(width, height) {
    const { context, viewport } = this;
    const { scale, scene } = viewport;
    const [x0, y0] = viewport
      .toScene(0, 0)
      .map((v) => Math.max(Math.floor(v), 0));
    const [x1, y1] = viewport.toScene(width, height);
    const right = Math.min(Math.ceil(x1), scene.width);
    const bottom = Math.min(Math.ceil(y1), scene.height);
    context.beginPath();
    for (let x = x0; x <= right; x += 1) {
      const place = Math.round(viewport.x + x * scale) + 0.5;
      context.moveTo(place, viewport.y + y0 * scale);
      context.lineTo(place, viewport.y + bottom * scale);
    }
    for (let y = y0; y <= bottom; y += 1) {
      const place = Math.round(viewport.y + y * scale) + 0.5;
      context.moveTo(viewport.x + x0 * scale, place);
      context.lineTo(viewport.x + right * scale, place);
    }
    context.strokeStyle = "rgba(128, 128, 128, 0.35)";
    context.lineWidth = 1;
    context.stroke();
  }
}

/** Strokes a path that is visible on any color; it is in scene pixels. */
export function strokeVisibly(context, path, scale) {
  context.lineWidth = 3 / scale;
  context.strokeStyle = "rgba(0, 0, 0, 0.55)";
  context.stroke(path);
  context.lineWidth = 1.25 / scale;
  context.strokeStyle = "#fff";
  context.stroke(path);
}
