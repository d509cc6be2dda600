/** The photograph pane: the picture, its progress, before and after. */

import { byId } from "./dom.js";
import { announce } from "./messages.js";

const TICK = 100;
// CSS pixels; the middle of the thumb does not reach the ends of the slider.
const THUMB = 34;

export class PhotoView {
  constructor({ document, photographs, viewport }) {
    Object.assign(this, { document, photographs, viewport });
    this.canvas = byId("photo");
    this.before = byId("before");
    this.compare = byId("compare");
    this.slider = this.compare.querySelector("input");
    this.blob = null;
    this.revision = -1;
    this.hasBefore = false;
    document.addEventListener("open", () => this.#reset());
    photographs.addEventListener("photograph", ({ detail }) =>
      this.#show(detail),
    );
    photographs.addEventListener("busy", () => this.#showProgress());
    this.slider.addEventListener("input", () => this.#placeSlider());
    viewport.addEventListener("change", () => this.#placeSlider());
  }

  /** Returns the file of the current scene's photograph, a Blob or null. */
  get current() {
    return this.revision === this.document.revision ? this.blob : null;
  }

  /** Shows or hides the photograph before the edits. */
  toggleCompare() {
    const isShown = this.compare.hidden;
    this.compare.hidden = !isShown;
    this.before.hidden = !isShown;
    this.#placeSlider();
    if (isShown) this.slider.focus();
    return isShown;
  }

  #reset() {
    const { width, height } = this.document;
    for (const canvas of [this.canvas, this.before])
      Object.assign(canvas, { width, height });
    this.hasBefore = false;
    this.blob = null;
    this.#setWaiting(true);
  }

  #show({ image, blob, isFull, revision, total, seconds }) {
    draw(this.canvas, image);
    if (isFull) {
      this.blob = blob;
      this.revision = revision;
      if (!this.hasBefore) draw(this.before, image);
      this.hasBefore = true;
    }
    image.close();
    this.#setWaiting(false);
    const time =
      total < 1000
        ? `${Math.round(total)} ms`
        : `${(total / 1000).toFixed(1)} s`;
    byId("latency").textContent = `${isFull ? "" : "Preview, "}${time}`;
    byId("latency").title =
      `The model took ${Math.round(1000 * seconds)} ms of it.`;
    byId("latency").dataset.kind = isFull ? "full" : "preview";
    if (isFull) announce(`Photograph made in ${time}.`);
  }

  #showProgress() {
    const { isBusy } = this.photographs;
    byId("progress").hidden = !isBusy;
    byId("photo-pane").setAttribute("aria-busy", String(isBusy));
    if (!isBusy) {
      clearInterval(this.timer);
      this.timer = null;
      return;
    }
    this.begin = performance.now();
    this.timer ??= setInterval(() => this.#tick(), TICK);
  }

  #tick() {
    const seconds = (performance.now() - this.begin) / 1000;
    if (seconds > 0.3)
      byId("latency").textContent = `${seconds.toFixed(1)} s …`;
  }

  #setWaiting(isWaiting) {
    byId("waiting").hidden = !isWaiting;
    this.canvas.hidden = isWaiting;
  }

  /** Shows the part of the older photograph left of the slider. */
  #placeSlider() {
    if (this.compare.hidden) return;
    const { x, scale, scene } = this.viewport;
    const share = Number(this.slider.value) / 100;
    const place = THUMB / 2 + (this.compare.clientWidth - THUMB) * share;
    const right = Math.min(
      Math.max(1 - (place - x) / (scene.width * scale), 0),
      1,
    );
    this.before.style.clipPath = `inset(0 ${100 * right}% 0 0)`;
    this.compare.style.setProperty("--place", `${place}px`);
  }
}

function draw(canvas, image) {
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
}
