/** Asks for photographs: previews while painting, then the full size. */

import { post } from "./api.js";

const STALE = 204;
const REJECTED = 422;
// Seconds of the model. Slower previews are made smaller, much faster ones
// larger: twice the sides take four times as long.
const SLOW = 0.12;
const FAST = 0.025;

/**
 * Fires "photograph" with {image, blob, isFull, revision, total,
 * seconds}, "busy" when
 * a request starts or ends, and "failure" with an Error.
 */
export class Photographs extends EventTarget {
  constructor(document, sync, { preview_steps: steps }) {
    super();
    this.document = document;
    this.sync = sync;
    this.steps = steps;
    this.level = 0;
    this.edit = null;
    this.sequence = 0;
    this.shown = -1;
    this.fullRunning = 0;
    this.isPreviewing = false;
    this.wantsPreview = false;
    document.addEventListener("open", () => this.#reset());
  }

  get isBusy() {
    return this.fullRunning > 0;
  }

  /**
   * Asks for a preview of the current scene, after the one in progress.
   *
   * @param {object} edit of an object that is dragged, which the scene does not
   *   have yet; null for none
   */
  preview(edit = null) {
    if (!this.steps.length) return;
    this.edit = edit;
    this.wantsPreview = true;
    if (!this.isPreviewing) this.#preview();
  }

  /** Asks for the photograph of the current scene at full size. */
  async full() {
    this.wantsPreview = false;
    this.fullRunning += 1;
    this.#fire("busy");
    try {
      await this.#request(1);
    } catch (error) {
      this.#fire("failure", error);
    } finally {
      this.fullRunning -= 1;
      this.#fire("busy");
    }
  }

  /** Returns the photograph of another seed at full size, a Blob or null. */
  async sample(seed) {
    const { address, version } = await this.sync.flush();
    const values = { sequence: 0, version, step: 1, seed };
    const response = await post(`${address}/photograph`, values);
    return response.status === STALE ? null : response.blob();
  }

  async #preview() {
    this.isPreviewing = true;
    try {
      while (this.wantsPreview) {
        this.wantsPreview = false;
        const seconds = await this.#request(this.steps[this.level], this.edit);
        if (seconds) this.#adapt(seconds);
      }
    } catch (error) {
      // An object that is dragged out of the scene is no reason for a message.
      if (!this.edit || error.status !== REJECTED) this.#fire("failure", error);
    } finally {
      this.isPreviewing = false;
    }
  }

  /** Returns the seconds that the model took, or null if it was overtaken. */
  async #request(step, edit = null) {
    const begin = performance.now();
    const { address, version, revision } = await this.sync.flush();
    this.sequence += 1;
    const { sequence } = this;
    const values = { sequence, version, step, object: edit };
    const response = await post(`${address}/photograph`, values);
    if (response.status === STALE) return null;
    const seconds = Number(response.headers.get("X-Seconds"));
    const blob = await response.blob();
    const image = await createImageBitmap(blob);
    // A later request was answered before, or another scene was opened.
    if (sequence <= this.shown) return seconds;
    this.shown = sequence;
    this.#fire("photograph", {
      image,
      blob,
      isFull: step === 1,
      revision,
      total: performance.now() - begin,
      // The server's share, without the way there and back.
      seconds,
    });
    return seconds;
  }

  #adapt(seconds) {
    if (seconds > SLOW)
      this.level = Math.min(this.level + 1, this.steps.length - 1);
    else if (seconds < FAST) this.level = Math.max(this.level - 1, 0);
  }

  #reset() {
    this.shown = this.sequence;
    this.wantsPreview = false;
  }

  #fire(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
