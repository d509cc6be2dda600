/** Edits of objects: the server makes them, by the library's own rules. */

import { postJson } from "./api.js";
import { unpackIds } from "./wire.js";

// The scene may be painted on while an edit is made.
const MAX_ATTEMPTS = 3;
const REJECTED = 422;
const CONFLICT = 409;

/** Edits the selected object, or adds one. */
export class Objects {
  constructor({ document, state, sync, photographs, report }) {
    Object.assign(this, { document, state, sync, photographs, report });
    this.last = Promise.resolve();
  }

  /** Shows the photograph as it would be after an edit of the selection. */
  preview(values) {
    const { order, selected: instance } = this.state;
    this.photographs.preview({ ...values, order, instance });
  }

  move(dx, dy) {
    const { order } = this.state;
    return this.#edit("Move", { action: "move", dx, dy, order });
  }

  scale(factor) {
    const { order } = this.state;
    return this.#edit("Scale", { action: "scale", factor, order });
  }

  mirror() {
    return this.#edit("Mirror", { action: "mirror" });
  }

  remove() {
    return this.#edit("Delete", { action: "remove" });
  }

  /** Stamps the chosen shape; the point is the middle of its base. */
  stamp([x, y]) {
    const { document, state } = this;
    const {
      stamp: shape,
      stampScale: scale,
      isMirrored: mirror,
      order,
    } = state;
    return this.#edit("Stamp", {
      action: "stamp",
      shape,
      scale,
      mirror,
      order,
      x: x / document.width,
      base: y / document.height,
    });
  }

  /** Gives the selected object or region another class. */
  changeClass(label) {
    const { document, state } = this;
    const { selected } = state;
    if (selected === null || !document.counts.has(selected)) return;
    const instance = document.idForPainting(label);
    paintWhere(
      document,
      "Change class",
      document.instances,
      selected,
      label,
      instance,
    );
    state.set({ selected: instance });
  }

  #edit(name, values) {
    const instance = this.state.selected;
    const isStamp = values.action === "stamp";
    // In order: each edit needs the scene that the one before has made.
    this.last = this.last.then(async () => {
      if (!isStamp && !this.document.counts.has(instance)) return;
      try {
        await this.#apply(name, { ...values, instance });
      } catch (error) {
        this.report(error, () => this.#edit(name, values));
        // The preview showed what is not to be.
        if (error.status === REJECTED) this.photographs.full();
      }
    });
    return this.last;
  }

  async #apply(name, values) {
    const { document, state, sync } = this;
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      const { address, version, revision } = await sync.flush();
      const answer = await this.#ask(`${address}/object`, {
        ...values,
        version,
      });
      const change = answer && (await unpackChange(answer.change));
      if (!answer || document.revision !== revision || document.isPainting)
        continue;
      document.applyChange(name, change, answer.styles);
      const isCurrent = state.selected === values.instance;
      if (isCurrent) state.set({ selected: answer.instance });
      return;
    }
    throw new Error(
      "The scene changed while the object was edited. Try again.",
    );
  }

  /** Returns the answer; null if the server lacks this version. */
  async #ask(address, values) {
    try {
      return await postJson(address, values);
    } catch (error) {
      if (error.status !== CONFLICT) throw error;
      this.sync.session = null;
      return null;
    }
  }
}

/** Paints all pixels of an id in a map. */
export function paintWhere(document, title, map, id, label, instance) {
  const { width, height } = document;
  document.begin(title);
  for (let y = 0; y < height; y += 1) {
    const row = y * width;
    for (let x = 0; x < width; x += 1) {
      if (map[row + x] !== id) continue;
      const start = x;
      while (x < width && map[row + x] === id) x += 1;
      document.paintRun(y, start, x, label, instance);
    }
  }
  document.commit();
}

async function unpackChange(change) {
  if (!change) return null;
  const [labels, instances] = await Promise.all([
    unpackIds(change.label_map),
    unpackIds(change.instance_map),
  ]);
  return { ...change, labels, instances };
}
