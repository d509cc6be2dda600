/** What a person has chosen: tool, class, brush, selection. */

const CHOICES = {
  tool: "brush",
  // The class to paint with, and the object to add to; null paints a new one.
  label: 0,
  target: null,
  diameter: 24,
  shape: "round",
  selected: null,
  // Number of the shape to stamp, its size and direction.
  stamp: 0,
  stampScale: 1,
  isMirrored: false,
  // Whether nearer objects hide a moved or stamped one.
  order: "by_base",
  copiedStyle: null,
};

/** Fires "change" with the names of the choices that changed. */
export class State extends EventTarget {
  constructor() {
    super();
    Object.assign(this, CHOICES);
  }

  set(changes) {
    const names = Object.keys(changes).filter(
      (name) => this[name] !== changes[name],
    );
    if (!names.length) return;
    Object.assign(this, changes);
    this.dispatchEvent(new CustomEvent("change", { detail: new Set(names) }));
  }
}

/** Chooses a class to paint with; painting starts a new object. */
export function chooseClass(state, label) {
  state.set({ label, target: null });
}
