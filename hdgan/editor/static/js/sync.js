/** Keeps the server's copy of the scene equal to the page's. */

import { postJson } from "./api.js";
import { cut, unite } from "./rectangle.js";
import { makeSceneFile, packIds } from "./wire.js";

// The server forgets a scene only when it restarts or has many others.
const MAX_ATTEMPTS = 3;
const CONFLICT = 409;

/** Sends the whole scene once, and then the rectangles that changed. */
export class Sync {
  constructor(document) {
    this.document = document;
    this.session = null;
    this.version = 0;
    this.dirty = null;
    this.sent = {};
    this.last = Promise.resolve();
    // Counts the scenes that were opened: answers about older ones are void.
    this.opened = 0;
    document.addEventListener("open", () => {
      this.opened += 1;
      this.session = null;
    });
    document.addEventListener("change", ({ detail }) => {
      this.dirty = unite(this.dirty, detail.rectangle);
    });
  }

  /**
   * Brings the server up to date.
   *
   * @returns {{address, version, revision}} the address of the session, its
   *   version, and the revision of the document that it equals
   */
  flush() {
    // One after the other: each version builds on the one before.
    this.last = this.last.catch(() => {}).then(() => this.#flush());
    return this.last;
  }

  async #flush() {
    for (let attempt = 1; ; attempt += 1) {
      try {
        if (!this.session) return await this.#sendAll();
        return await this.#sendChange();
      } catch (error) {
        // Without an answer, nobody knows whether the server has the change.
        this.session = null;
        if (error.status !== CONFLICT || attempt === MAX_ATTEMPTS) throw error;
      }
    }
  }

  async #sendAll() {
    const { document, opened } = this;
    const { revision, styles, seed } = document;
    this.dirty = null;
    const file = await makeSceneFile({
      ...document,
      // Copies, because painting goes on while they are packed.
      labels: document.labels.slice(),
      instances: document.instances.slice(),
    });
    const answer = await postJson("/api/sessions", file);
    if (opened !== this.opened) return this.#sendAll();
    this.session = answer.session;
    this.version = answer.version;
    this.sent = { styles, seed };
    return this.#state(revision);
  }

  async #sendChange() {
    const { document, dirty, sent, opened } = this;
    const { revision, styles, seed } = document;
    const edit = { base: this.version };
    if (styles !== sent.styles) edit.styles = styles;
    if (seed !== sent.seed) edit.seed = seed;
    if (!dirty && Object.keys(edit).length === 1) return this.#state(revision);
    this.dirty = null;
    if (dirty) edit.change = await packChange(document, dirty);
    const answer = await postJson(`${this.#address}/edits`, edit);
    if (opened !== this.opened) return this.#sendAll();
    this.version = answer.version;
    this.sent = { styles, seed };
    return this.#state(revision);
  }

  get #address() {
    return `/api/sessions/${this.session}`;
  }

  #state(revision) {
    return { address: this.#address, version: this.version, revision };
  }
}

async function packChange({ labels, instances, width }, box) {
  // Both are cut before the first wait, in one state of the maps.
  const parts = [cut(labels, width, box), cut(instances, width, box)];
  const [labelMap, instanceMap] = await Promise.all(parts.map(packIds));
  return {
    left: box.left,
    top: box.top,
    width: box.right - box.left,
    height: box.bottom - box.top,
    label_map: labelMap,
    instance_map: instanceMap,
  };
}
