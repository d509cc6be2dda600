/** Tools that act on one pixel: fill, fill enclosed, pick. */

import { fillConnected, fillEnclosed } from "../fill.js";
import { outlineOf } from "../outline.js";
import { strokeVisibly } from "../pane.js";

/** A tool whose click does everything. */
class ClickTool {
  constructor({ document, state, say }) {
    Object.assign(this, { document, state, say });
  }

  down(point) {
    const [x, y] = point.map(Math.floor);
    if (this.document.isInside(x, y)) this.click(x, y);
  }

  move() {}

  up() {}

  hover() {}

  leave() {}

  cancel() {
    this.document.cancel();
  }

  draw() {}

  begin(title) {
    const { document, state } = this;
    const { label, target } = state;
    const goesOn = target !== null && document.counts.has(target);
    const instance = goesOn ? target : document.idForPainting(label);
    document.begin(title);
    return (y, start, end) => document.paintRun(y, start, end, label, instance);
  }
}

/** Paints the connected part of the region under the pointer. */
export class Fill extends ClickTool {
  click(x, y) {
    const emit = this.begin("Fill");
    fillConnected(this.document, this.document.instances, x, y, emit);
    this.document.commit();
  }
}

/** Paints everything inside of an outline of the chosen class. */
export class FillEnclosed extends ClickTool {
  click(x, y) {
    const { document, state } = this;
    const { name } = document.classes[state.label];
    if (document.labelAt(x, y) === state.label) {
      this.say(`Click inside of an outline of ${name}, not on it.`);
      return;
    }
    const emit = this.begin("Fill enclosed");
    const isClosed = fillEnclosed(
      document,
      document.labels,
      x,
      y,
      state.label,
      emit,
    );
    document.commit();
    if (!isClosed) {
      this.say(`Here ${name} encloses nothing: close the outline first.`);
    }
  }
}

/** Takes class and object from the scene. */
export class Pick extends ClickTool {
  click(x, y) {
    const { document, state } = this;
    const label = document.labelAt(x, y);
    const instance = document.instanceAt(x, y);
    const isObject = document.isObject(instance);
    state.set({
      label,
      target: isObject ? instance : null,
      selected: instance,
    });
  }

  draw(context, scale) {
    const { selected } = this.state;
    if (selected === null) return;
    const outline = outlineOf(this.document, selected);
    if (outline) strokeVisibly(context, outline.path, scale);
  }
}
