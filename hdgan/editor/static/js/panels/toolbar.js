/** The tools as buttons, and the options of the chosen tool. */

import { describe } from "../commands.js";
import {
  byId,
  icon,
  make,
  makeRadioGroup,
  markChosen,
  select,
} from "../dom.js";

const ORDERS = [
  ["by_base", "Nearer objects hide it"],
  ["front", "In front of everything"],
];
const MAX_DIAMETER = 4096;
// The slider's largest; the field next to it takes larger ones.
const MAX_SLIDER = 256;
const BRUSHES = ["brush", "line"];
const PAINTING = [...BRUSHES, "rectangle", "polygon", "fill", "enclosed"];

/** The tools' names, titles and keys, in the order of the toolbar. */
export const TOOLS = [
  { name: "select", title: "Select and move", keys: ["v"] },
  { name: "brush", title: "Brush", keys: ["b"] },
  { name: "line", title: "Line", keys: ["l"] },
  { name: "rectangle", title: "Rectangle", keys: ["r"] },
  { name: "polygon", title: "Polygon", keys: ["p"] },
  { name: "fill", title: "Fill", keys: ["f"] },
  { name: "enclosed", title: "Fill enclosed", keys: ["e"] },
  { name: "stamp", title: "Stamp an object", keys: ["s"] },
  { name: "pick", title: "Pick class and object", keys: ["i"] },
  { name: "hand", title: "Pan", keys: ["h"] },
];

const HINTS = {
  select: "Click an object; drag to move it, or its corner to scale it.",
  rectangle: "Drag from corner to corner.",
  polygon: "Click the corners. Enter or a double click closes it.",
  fill: "Click a connected area.",
  enclosed: "Click inside a closed outline of the chosen class.",
  stamp: "Choose a shape under Stamps, then click where it stands.",
  pick: "Click to take class and object. Alt-click does so with any tool.",
  hand: "Drag to pan. The space bar does so with any tool.",
};

export class Toolbar {
  constructor({ state, document }) {
    this.state = state;
    this.document = document;
    const toolbar = byId("toolbar");
    this.buttons = TOOLS.map((tool) => this.#makeButton(tool));
    toolbar.append(...this.buttons);
    makeRadioGroup(toolbar);
    state.addEventListener("change", () => this.#update());
    document.addEventListener("change", ({ detail }) => {
      if (detail.isFinal) this.#update();
    });
    this.#update();
  }

  #makeButton(tool) {
    return make(
      "button",
      {
        role: "radio",
        title: describe(tool),
        "aria-label": tool.title,
        "data-tool": tool.name,
        click: () => this.state.set({ tool: tool.name }),
      },
      [icon(tool.name)],
    );
  }

  #update() {
    const { tool } = this.state;
    markChosen(this.buttons, (button) => button.dataset.tool === tool);
    document.body.dataset.tool = tool;
    const isShown = this.shown === tool;
    if (!isShown) this.#makeOptions(tool);
    this.shown = tool;
    this.#fill();
  }

  #makeOptions(tool) {
    const parts = [];
    if (BRUSHES.includes(tool)) parts.push(...this.#makeBrush());
    if (["select", "stamp"].includes(tool)) {
      this.order = select(ORDERS, this.state.order, (order) =>
        this.state.set({ order }),
      );
      this.order.setAttribute("aria-label", "Order");
      parts.push(this.order);
    }
    if (HINTS[tool]) parts.push(make("span", { class: "hint" }, [HINTS[tool]]));
    byId("options").replaceChildren(...parts);
  }

  #makeBrush() {
    const { state } = this;
    this.range = make("input", {
      type: "range",
      min: 1,
      max: MAX_SLIDER,
      "aria-label": "Size of the brush",
      input: () => state.set({ diameter: Number(this.range.value) }),
    });
    this.number = make("input", {
      type: "number",
      min: 1,
      max: MAX_DIAMETER,
      "aria-label": "Size of the brush in pixels",
      change: () => setDiameter(state, Number(this.number.value)),
    });
    this.shapes = ["round", "square"].map((shape) =>
      make(
        "button",
        {
          class: "text",
          role: "radio",
          "data-shape": shape,
          click: () => state.set({ shape }),
        },
        [shape === "round" ? "Round" : "Square"],
      ),
    );
    const group = make(
      "span",
      {
        class: "segmented",
        role: "radiogroup",
        "aria-label": "Shape of the brush",
      },
      this.shapes,
    );
    makeRadioGroup(group);
    return [
      make("span", { class: "size" }, ["Size", this.range, this.number, "px"]),
      group,
    ];
  }

  #fill() {
    const { state } = this;
    if (BRUSHES.includes(state.tool)) {
      this.range.value = state.diameter;
      this.number.value = state.diameter;
      markChosen(this.shapes, (button) => button.dataset.shape === state.shape);
    }
    if (this.order) this.order.value = state.order;
    this.#fillTarget();
  }

  /** Shows whether painting makes a new object or adds to one. */
  #fillTarget() {
    const { state, document } = this;
    const target = byId("target");
    const isThing = document.isThing(state.label);
    target.hidden = !isThing || !PAINTING.includes(state.tool);
    if (target.hidden) return;
    const { name } = document.classes[state.label];
    const known = state.target !== null && document.counts.has(state.target);
    const parts = known
      ? [
          `Adds to ${name} ${state.target}. `,
          make(
            "button",
            {
              class: "link",
              click: () => state.set({ target: null }),
            },
            ["Paint a new one"],
          ),
        ]
      : [`Each stroke is a new ${name}. Alt-click one to add to it.`];
    target.replaceChildren(...parts);
  }
}

/** Sets the brush's size in pixels, within its limits. */
export function setDiameter(state, diameter) {
  const rounded = Math.round(diameter) || 1;
  state.set({ diameter: Math.min(Math.max(rounded, 1), MAX_DIAMETER) });
}
