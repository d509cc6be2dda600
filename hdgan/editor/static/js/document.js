/** The scene that is edited: integer maps, styles, seed, undo and redo. */

import { History, Recorder, swapTile } from "./history.js";
import { paste, unite } from "./rectangle.js";

const OBJECTS_PER_CLASS = 1000;

/**
 * Fires "change" with {rectangle, isFinal}: pixels that changed, or null, and
 * whether the gesture is over; and "open" when another scene is opened.
 */
export class SceneDocument extends EventTarget {
  /** @param {{classes, things}} labels as the server describes them */
  constructor({ classes, things }) {
    super();
    this.classes = classes;
    this.things = things;
    this.history = new History();
    this.counts = new Map();
    this.styles = {};
    this.seed = 0;
    this.revision = 0;
    this.savedRevision = 0;
    this.recorder = null;
  }

  /** Opens a scene, as `readSceneFile` returns it. */
  open(scene, isSaved = true) {
    Object.assign(this, scene);
    this.counts = countIds(scene.instances);
    this.history = new History();
    this.recorder = null;
    this.revision += 1;
    this.savedRevision = isSaved ? this.revision : -1;
    this.dispatchEvent(new Event("open"));
  }

  get isSaved() {
    return this.revision === this.savedRevision;
  }

  /** Notes that the current state has been downloaded. */
  markSaved() {
    this.savedRevision = this.revision;
    this.#fire(null, true);
  }

  get wholeRectangle() {
    return { left: 0, top: 0, right: this.width, bottom: this.height };
  }

  isInside(x, y) {
    return x >= 0 && y >= 0 && x < this.width && y < this.height;
  }

  labelAt(x, y) {
    return this.labels[y * this.width + x];
  }

  instanceAt(x, y) {
    return this.instances[y * this.width + x];
  }

  /** Returns the class of an instance id. */
  classOf(instance) {
    return instance < this.classes.length
      ? instance
      : Math.floor(instance / OBJECTS_PER_CLASS);
  }

  /** Returns whether an id is that of an object, and not of a class. */
  isObject(instance) {
    return instance >= this.classes.length;
  }

  /** Returns whether objects of a class have ids of their own. */
  isThing(label) {
    if (this.things) return this.things.includes(label);
    return [...this.counts.keys()].some(
      (id) => this.isObject(id) && this.classOf(id) === label,
    );
  }

  /** Returns the smallest free id for a new object of a class. */
  newInstanceId(label) {
    const start = Math.max(OBJECTS_PER_CLASS * label, this.classes.length);
    for (let id = start; id < OBJECTS_PER_CLASS * (label + 1); id += 1) {
      if (!this.counts.has(id) && !(id in this.styles)) return id;
    }
    throw new Error(
      `There are too many objects of the class ${this.classes[label].name}. ` +
        "Remove some of them.",
    );
  }

  /** Returns the id that painting a class gives its pixels. */
  idForPainting(label) {
    return this.isThing(label) ? this.newInstanceId(label) : label;
  }

  // === Gestures ===

  /** Starts a gesture, which will be one step to undo. */
  begin(name) {
    // Keys may change styles while a pointer still paints.
    this.commit();
    this.recorder = new Recorder(this);
    this.gesture = { name, styles: this.styles, seed: this.seed, box: null };
    this.present = new Set(
      Object.keys(this.styles)
        .map(Number)
        .filter((id) => this.counts.has(id)),
    );
  }

  get isPainting() {
    return this.recorder !== null;
  }

  /** Paints a run of pixels: the columns start..end-1 of a row. */
  paintRun(y, start, end, label, instance) {
    this.recorder.keep(y, start, end);
    const row = y * this.width;
    this.#count(row + start, row + end, -1);
    this.labels.fill(label, row + start, row + end);
    this.instances.fill(instance, row + start, row + end);
    addTo(this.counts, instance, end - start);
    const run = { left: start, top: y, right: end, bottom: y + 1 };
    this.pending = unite(this.pending, run);
  }

  /** Tells others about the pixels that were painted since the last time. */
  show() {
    if (!this.pending) return;
    const rectangle = this.pending;
    this.pending = null;
    this.gesture.box = unite(this.gesture.box, rectangle);
    this.#fire(rectangle, false);
  }

  /** Ends the gesture; one without a change leaves no step. */
  commit() {
    if (!this.recorder) return;
    this.show();
    const { name, styles, seed, box } = this.gesture;
    const tiles = [...this.recorder.tiles.values()];
    this.recorder = null;
    if (box) this.styles = this.#dropStyles();
    if (!tiles.length && styles === this.styles && seed === this.seed) return;
    this.history.add({ name, tiles, styles, seed });
    this.revision += 1;
    this.#fire(null, true);
  }

  /** Takes back what the gesture has changed so far. */
  cancel() {
    if (!this.recorder) return;
    this.pending = null;
    const tiles = [...this.recorder.tiles.values()];
    this.recorder = null;
    this.#fire(this.#swap(tiles), true);
  }

  /** Applies a change that the server made: a rectangle and all styles. */
  applyChange(name, change, styles) {
    this.begin(name);
    if (change) {
      const { left, top, width, height, labels, instances } = change;
      const box = { left, top, right: left + width, bottom: top + height };
      for (let y = top; y < box.bottom; y += 1) {
        this.recorder.keep(y, left, box.right);
        this.#count(y * this.width + left, y * this.width + box.right, -1);
      }
      paste(this.labels, this.width, box, Uint16Array.from(labels));
      paste(this.instances, this.width, box, instances);
      for (let y = top; y < box.bottom; y += 1) {
        this.#count(y * this.width + left, y * this.width + box.right, 1);
      }
      this.pending = box;
    }
    this.styles = styles;
    this.commit();
  }

  /** Sets styles: {id: [numbers]}, all of them, or a seed, or both. */
  setValues(name, { styles = this.styles, seed = this.seed }) {
    this.begin(name);
    Object.assign(this, { styles, seed });
    this.commit();
  }

  /** Takes the last step back; returns its name, or null without one. */
  undo() {
    if (this.isPainting || !this.history.canUndo) return null;
    return this.#exchange(this.history.back());
  }

  /** Does the step again that was undone last; returns its name, or null. */
  redo() {
    if (this.isPainting || !this.history.canRedo) return null;
    return this.#exchange(this.history.forth());
  }

  #exchange(step) {
    const { styles, seed } = this;
    Object.assign(this, { styles: step.styles, seed: step.seed });
    Object.assign(step, { styles, seed });
    this.revision += 1;
    this.#fire(this.#swap(step.tiles), true);
    return step.name;
  }

  /** Exchanges tiles with the maps; returns the rectangle around them. */
  #swap(tiles) {
    let rectangle = null;
    for (const tile of tiles) {
      this.#countBox(tile.box, -1);
      swapTile(this, tile);
      this.#countBox(tile.box, 1);
      rectangle = unite(rectangle, tile.box);
    }
    return rectangle;
  }

  /** Returns the styles without those of regions that have gone. */
  #dropStyles() {
    const entries = Object.entries(this.styles);
    const left = entries.filter(
      ([id]) => this.counts.has(Number(id)) || !this.present.has(Number(id)),
    );
    if (left.length === entries.length) return this.styles;
    return Object.fromEntries(left);
  }

  #countBox({ left, top, right, bottom }, sign) {
    for (let y = top; y < bottom; y += 1) {
      this.#count(y * this.width + left, y * this.width + right, sign);
    }
  }

  /** Adds the pixels of a range of indices to the counts, or takes them off. */
  #count(start, end, sign) {
    const { instances, counts } = this;
    for (let k = start; k < end;) {
      const id = instances[k];
      const first = k;
      while (k < end && instances[k] === id) k += 1;
      addTo(counts, id, sign * (k - first));
    }
  }

  #fire(rectangle, isFinal) {
    this.dispatchEvent(
      new CustomEvent("change", { detail: { rectangle, isFinal } }),
    );
  }
}

function countIds(ids) {
  const counts = new Map();
  for (const id of ids) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
}

function addTo(counts, id, number) {
  const count = (counts.get(id) ?? 0) + number;
  if (count) counts.set(id, count);
  else counts.delete(id);
}
