/** The shapes to stamp: silhouettes of a class, size and direction. */

import { getJson } from "../api.js";
import {
  byId,
  field,
  icon,
  make,
  markChosen,
  makeRadioGroup,
  select,
} from "../dom.js";

/** Loads the shapes, and tints them in their class's color. */
export class Shapes extends EventTarget {
  constructor({ classes }) {
    super();
    this.classes = classes;
    this.list = [];
    this.isLoaded = false;
  }

  async load() {
    const shapes = await getJson("/api/shapes");
    this.list = await Promise.all(
      shapes.map(async (shape) => ({
        ...shape,
        picture: await this.#tint(shape),
      })),
    );
    this.isLoaded = true;
    this.dispatchEvent(new Event("load"));
  }

  async #tint(shape) {
    const image = new Image();
    image.src = `data:image/png;base64,${shape.mask}`;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = shape.width;
    canvas.height = shape.height;
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    context.globalCompositeOperation = "source-in";
    context.fillStyle = `rgb(${this.classes[shape.class].color.join(" ")})`;
    context.fillRect(0, 0, shape.width, shape.height);
    return canvas;
  }
}

export class StampsPanel {
  constructor({ state, document, shapes }) {
    Object.assign(this, { state, document, shapes });
    this.panel = byId("panel-stamps");
    this.label = null;
    this.panel.append(make("p", { class: "empty" }, ["Loading shapes …"]));
    shapes.addEventListener("load", () => this.#build());
    state.addEventListener("change", () => this.#update());
  }

  #build() {
    const labels = [...new Set(this.shapes.list.map((shape) => shape.class))];
    if (!labels.length) {
      this.panel.replaceChildren(
        make("p", { class: "empty" }, [
          "There are no shapes. Start the editor with --data_dir, a data set with instance maps.",
        ]),
      );
      return;
    }
    const names = labels.map((label) => [
      String(label),
      this.document.classes[label].name,
    ]);
    this.grid = make("div", {
      class: "shapes",
      role: "radiogroup",
      "aria-label": "Shapes",
    });
    makeRadioGroup(this.grid);
    this.scale = make("input", {
      type: "range",
      min: -2,
      max: 2,
      step: 0.05,
      value: 0,
      input: () =>
        this.state.set({ stampScale: 2 ** Number(this.scale.value) }),
    });
    this.mirror = make(
      "button",
      {
        class: "text",
        "aria-pressed": "false",
        click: () => this.state.set({ isMirrored: !this.state.isMirrored }),
      },
      [icon("mirror"), "Mirrored"],
    );
    this.panel.replaceChildren(
      field(
        "Class",
        select(names, String(labels[0]), (value) => this.#show(Number(value))),
      ),
      this.grid,
      field("Size", this.scale),
      this.mirror,
    );
    this.#show(labels[0]);
    this.#update();
  }

  #show(label) {
    this.label = label;
    const shown = [...this.shapes.list.entries()].filter(
      ([, shape]) => shape.class === label,
    );
    this.buttons = shown.map(([number, shape], k) =>
      make(
        "button",
        {
          class: "shape",
          role: "radio",
          "data-shape": String(number),
          "aria-label": `${this.document.classes[label].name} ${k + 1}, ${shape.width} by ${shape.height} pixels`,
          click: () => this.state.set({ stamp: number, tool: "stamp" }),
        },
        [shape.picture],
      ),
    );
    this.grid.replaceChildren(...this.buttons);
    if (shown.length) this.state.set({ stamp: shown[0][0] });
    this.#update();
  }

  #update() {
    if (!this.buttons) return;
    const { stamp, stampScale, isMirrored } = this.state;
    markChosen(
      this.buttons,
      (button) => Number(button.dataset.shape) === stamp,
    );
    this.scale.value = Math.log2(stampScale);
    this.scale.title = `${Math.round(100 * stampScale)} % of its own size`;
    this.mirror.setAttribute("aria-pressed", String(isMirrored));
    this.grid.classList.toggle("mirrored", isMirrored);
  }
}
