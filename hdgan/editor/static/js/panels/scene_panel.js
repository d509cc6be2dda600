/** The whole scene: swap a class, the seed, other scenes. */

import { byId, field, icon, make, select } from "../dom.js";
import { paintWhere } from "../objects.js";

export class ScenePanel {
  /** @param parts {document, facts, report, openScene} */
  constructor(parts) {
    Object.assign(this, parts);
    this.panel = byId("panel-scene");
    this.document.addEventListener(
      "change",
      ({ detail }) => detail.isFinal && this.#update(),
    );
    this.document.addEventListener("open", () => this.#build());
  }

  #build() {
    this.panel.replaceChildren(this.#makeSwap(), this.#makeSeed());
    if (this.facts.scenes.length) this.panel.append(this.#makeScenes());
    this.#update();
  }

  #makeSwap() {
    const classes = this.document.classes.map(({ name }, k) => [
      String(k),
      name,
    ]);
    this.from = make("select", {
      "aria-label": "Class to replace",
      id: "swap-from",
    });
    this.to = select(classes, "0", () => {});
    this.to.setAttribute("aria-label", "Class that replaces it");
    this.to.id = "swap-to";
    this.to.dataset.isNew = "true";
    return make("section", {}, [
      make("h3", {}, ["Swap a class"]),
      make("div", { class: "row" }, [
        this.from,
        make("span", {}, ["→"]),
        this.to,
      ]),
      make(
        "button",
        { class: "text wide", id: "swap", click: () => this.#swap() },
        [icon("swap"), "Swap in the whole map"],
      ),
    ]);
  }

  #makeSeed() {
    const { document } = this;
    this.seed = make("input", {
      type: "number",
      min: 0,
      max: 2147483647,
      step: 1,
      change: () => this.#setSeed(Number(this.seed.value)),
    });
    return make("section", {}, [
      make("h3", {}, ["Seed"]),
      make("p", { class: "quiet" }, [
        "Draws the styles that nobody has chosen.",
      ]),
      make("div", { class: "row" }, [
        field("Seed", this.seed),
        make(
          "button",
          {
            class: "text",
            title: "Next seed",
            click: () => this.#setSeed(document.seed + 1),
          },
          [icon("dice"), "Next"],
        ),
      ]),
    ]);
  }

  #makeScenes() {
    const options = [
      ["", "Choose a scene …"],
      ...this.facts.scenes.map((name, k) => [String(k), name]),
    ];
    const list = select(options, "", (value) => {
      list.value = "";
      if (value !== "") this.openScene(Number(value));
    });
    return make("section", {}, [
      make("h3", {}, ["Other scenes"]),
      field("Open", list),
    ]);
  }

  /** Lists the classes that the scene has, with the largest first. */
  #update() {
    const { document } = this;
    const areas = new Map();
    for (const [id, count] of document.counts) {
      const label = document.classOf(id);
      areas.set(label, (areas.get(label) ?? 0) + count);
    }
    const labels = [...areas.keys()].sort(
      (one, other) => areas.get(other) - areas.get(one),
    );
    const chosen = this.from.value;
    this.from.replaceChildren(
      ...labels.map((k) => new Option(document.classes[k].name, String(k))),
    );
    if (areas.has(Number(chosen)) && chosen !== "") this.from.value = chosen;
    if (this.to.dataset.isNew && labels.length > 1) this.to.value = labels[1];
    delete this.to.dataset.isNew;
    this.seed.value = document.seed;
  }

  #swap() {
    const [old, label] = [Number(this.from.value), Number(this.to.value)];
    paintWhere(
      this.document,
      "Swap a class",
      this.document.labels,
      old,
      label,
      label,
    );
  }

  #setSeed(seed) {
    if (Number.isInteger(seed) && seed >= 0 && seed < 2 ** 31) {
      this.document.setValues("Seed", { seed });
    }
    this.seed.value = this.document.seed;
  }
}
