/** Zoom and position of the scene, shared by both panes. */

const MIN_SCALE = 1 / 16;
const MAX_SCALE = 48;
const MARGIN = 20;

/** Fires "change" when the scene is shown at another place or scale. */
export class Viewport extends EventTarget {
  constructor() {
    super();
    this.scale = 1;
    this.x = 0;
    this.y = 0;
    // Until a person zooms or pans, the scene fits its pane.
    this.isFitted = true;
    this.pane = { width: 1, height: 1 };
    this.scene = { width: 1, height: 1 };
  }

  /** Sets the sizes of a pane and of the scene, in CSS and scene pixels. */
  resize(pane, scene) {
    Object.assign(this, { pane, scene });
    if (this.isFitted) this.fit();
    else this.#change();
  }

  /** Shows the whole scene. */
  fit() {
    const { pane, scene } = this;
    const scale = Math.min(
      (pane.width - 2 * MARGIN) / scene.width,
      (pane.height - 2 * MARGIN) / scene.height,
    );
    this.scale = Math.max(scale, MIN_SCALE);
    this.isFitted = true;
    this.#center();
  }

  /** Shows the scene at a scale, about the pane's middle. */
  setScale(scale) {
    this.zoom(scale / this.scale, this.pane.width / 2, this.pane.height / 2);
  }

  /** Zooms by a factor about a point of the pane. */
  zoom(factor, x, y) {
    const scale = Math.min(Math.max(this.scale * factor, MIN_SCALE), MAX_SCALE);
    const ratio = scale / this.scale;
    this.x = x - (x - this.x) * ratio;
    this.y = y - (y - this.y) * ratio;
    this.scale = scale;
    this.isFitted = false;
    this.#change();
  }

  /** Moves the scene by CSS pixels. */
  pan(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.isFitted = false;
    this.#change();
  }

  /** Returns the scene's coordinates of a point of the pane. */
  toScene(x, y) {
    return [(x - this.x) / this.scale, (y - this.y) / this.scale];
  }

  /** Moves the scene so that a point of it is inside the pane. */
  reveal(x, y) {
    const left = this.x + x * this.scale;
    const top = this.y + y * this.scale;
    const dx = Math.min(Math.max(left, 8), this.pane.width - 8) - left;
    const dy = Math.min(Math.max(top, 8), this.pane.height - 8) - top;
    if (dx || dy) this.pan(dx, dy);
  }

  #center() {
    this.x = (this.pane.width - this.scene.width * this.scale) / 2;
    this.y = (this.pane.height - this.scene.height * this.scale) / 2;
    this.#change();
  }

  #change() {
    this.dispatchEvent(new Event("change"));
  }
}
