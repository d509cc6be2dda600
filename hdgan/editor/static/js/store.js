/** Keeps the scene in the browser, so that a reload restores it. */

const DATABASE = "hdgan-editor";
const TABLE = "scenes";
const TAB = "hdgan-editor-tab";
// Scenes of tabs that were closed; the oldest are dropped.
const MAX_KEPT = 8;

/** Writes a document to the browser's storage after each gesture. */
export class Store {
  /** @param {string} key what scenes of this editor are kept under */
  constructor(key) {
    this.prefix = `${key}|`;
    this.isWriting = false;
    this.waiting = null;
  }

  /**
   * Returns the scene that this tab kept, or a new tab's copy of the last one,
   * or null.
   */
  async read() {
    const kept = await run("readonly", async (table) => {
      const keys = await finish(table.getAllKeys());
      const scenes = await finish(table.getAll());
      return keys.map((key, k) => ({ key, scene: scenes[k] }));
    });
    kept.sort((one, other) => other.scene.time - one.scene.time);
    const old = kept.slice(MAX_KEPT);
    await run("readwrite", (table) =>
      Promise.all(old.map(({ key }) => finish(table.delete(key)))),
    );
    const own = kept.find(({ key }) => key === this.#key);
    const last = kept.find(({ key }) => key.startsWith(this.prefix));
    return (own ?? last)?.scene ?? null;
  }

  /** Keeps the current state; of several in a row the last is enough. */
  async write(document) {
    this.waiting = document;
    if (this.isWriting) return;
    this.isWriting = true;
    try {
      while (this.waiting) {
        const state = snapshot(this.waiting);
        this.waiting = null;
        await run("readwrite", (table) => finish(table.put(state, this.#key)));
      }
    } finally {
      this.isWriting = false;
    }
  }

  /** Two tabs do not overwrite one another's scene. */
  get #key() {
    let tab = sessionStorage.getItem(TAB);
    if (!tab) {
      tab = Math.random().toString(36).slice(2);
      sessionStorage.setItem(TAB, tab);
    }
    return this.prefix + tab;
  }
}

function snapshot(document) {
  const { width, height, labels, instances, styles, seed } = document;
  const { labelSet, model, isSaved, name } = document;
  return {
    width,
    height,
    labels,
    instances,
    styles,
    seed,
    labelSet,
    model,
    isSaved,
    name,
    time: Date.now(),
  };
}

/** Runs a function on the table of scenes; returns its result. */
async function run(mode, action) {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(TABLE);
  const database = await finish(request);
  try {
    return await action(database.transaction(TABLE, mode).objectStore(TABLE));
  } finally {
    database.close();
  }
}

function finish(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
