/** Keeps the scene in the browser, so that a reload restores it. */

const DATABASE = "hdgan-editor";
const TABLE = "scenes";

/** Writes a document to the browser's storage after each gesture. */
export class Store {
  /** @param {string} key what scenes of this editor are kept under */
  constructor(key) {
    this.key = key;
    this.isWriting = false;
    this.waiting = null;
  }

  /** Returns the scene that was kept, or null. */
  async read() {
    const database = await open();
    const kept = await finish(database.transaction(TABLE).objectStore(TABLE).get(this.key));
    database.close();
    return kept ?? null;
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
        const database = await open();
        const transaction = database.transaction(TABLE, "readwrite");
        await finish(transaction.objectStore(TABLE).put(state, this.key));
        database.close();
      }
    } finally {
      this.isWriting = false;
    }
  }
}

function snapshot(document) {
  const { width, height, labels, instances, styles, seed } = document;
  const { labelSet, model, isSaved, name } = document;
  return {
    width, height, labels, instances, styles, seed, labelSet, model, isSaved, name,
  };
}

function open() {
  const request = indexedDB.open(DATABASE, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(TABLE);
  return finish(request);
}

function finish(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
