/** Undo and redo: each step keeps the rectangles that its gesture changed. */

import { cut, paste } from "./rectangle.js";

const TILE = 64;
const MIN_STEPS = 100;
const MAX_STEPS = 400;
// Beyond MIN_STEPS, older steps are forgotten when all hold more than this.
const MAX_BYTES = 256e6;

/** Collects what the maps held before one gesture, tile by tile. */
export class Recorder {
  constructor(scene) {
    this.scene = scene;
    this.columns = Math.ceil(scene.width / TILE);
    this.tiles = new Map();
  }

  /** Keeps the tiles of a run of pixels that is about to change. */
  keep(y, start, end) {
    const row = Math.floor(y / TILE);
    const last = Math.floor((end - 1) / TILE);
    for (let column = Math.floor(start / TILE); column <= last; column += 1) {
      const number = row * this.columns + column;
      if (!this.tiles.has(number))
        this.tiles.set(number, this.#cut(row, column));
    }
  }

  #cut(row, column) {
    const { width, height, labels, instances } = this.scene;
    const box = {
      left: column * TILE,
      top: row * TILE,
      right: Math.min((column + 1) * TILE, width),
      bottom: Math.min((row + 1) * TILE, height),
    };
    return {
      box,
      labels: cut(labels, width, box),
      instances: cut(instances, width, box),
    };
  }
}

/** The steps of a session, and the place among them. */
export class History {
  constructor() {
    this.steps = [];
    this.position = 0;
  }

  get canUndo() {
    return this.position > 0;
  }

  get canRedo() {
    return this.position < this.steps.length;
  }

  /** Adds a step {name, tiles, styles, seed}; undone steps are forgotten. */
  add(step) {
    step.bytes = step.tiles.reduce(
      (sum, tile) => sum + tile.labels.byteLength + tile.instances.byteLength,
      0,
    );
    this.steps.length = this.position;
    this.steps.push(step);
    let bytes = this.steps.reduce((sum, { bytes: size }) => sum + size, 0);
    while (
      this.steps.length > MAX_STEPS ||
      (this.steps.length > MIN_STEPS && bytes > MAX_BYTES)
    ) {
      bytes -= this.steps.shift().bytes;
    }
    this.position = this.steps.length;
  }

  /** Returns the step to undo, and goes back. */
  back() {
    this.position -= 1;
    return this.steps[this.position];
  }

  /** Returns the step to redo, and goes forth. */
  forth() {
    this.position += 1;
    return this.steps[this.position - 1];
  }
}

/** Exchanges the contents of a tile and of the maps. */
export function swapTile(scene, tile) {
  const { width, labels, instances } = scene;
  const current = {
    labels: cut(labels, width, tile.box),
    instances: cut(instances, width, tile.box),
  };
  paste(labels, width, tile.box, tile.labels);
  paste(instances, width, tile.box, tile.instances);
  Object.assign(tile, current);
}
