/** Several photographs of the scene, by other seeds, side by side. */

import { byId, make } from "./dom.js";

const COUNT = 4;

export class Samples {
  /** @param parts {document, photographs, report, hasSamples} */
  constructor(parts) {
    Object.assign(this, parts);
    this.element = byId("samples");
    this.run = 0;
    this.document.addEventListener("change", ({ detail }) => {
      if (detail.isFinal && this.isShown) this.#markOld();
    });
    this.document.addEventListener("open", () => this.isShown && this.toggle());
  }

  get isShown() {
    return !this.element.hidden;
  }

  toggle() {
    this.element.hidden = this.isShown;
    this.run += 1;
    if (this.isShown) this.#make();
  }

  async #make() {
    if (!this.hasSamples) {
      this.#explain();
      return;
    }
    const { run } = this;
    const { seed } = this.document;
    const seeds = Array.from({ length: COUNT }, (_, k) => seed + k);
    const cards = seeds.map((value) => this.#makeCard(value));
    this.element.replaceChildren(...cards, this.#makeRefresh());
    this.element.classList.remove("old");
    try {
      // One by one, so that the scene's own photograph never waits for long.
      for (const [k, value] of seeds.entries()) {
        const blob = await this.photographs.sample(value);
        if (run !== this.run) return;
        if (!blob) break;
        this.#show(cards[k], blob);
      }
    } catch (error) {
      this.report(error, () => this.#make());
    }
  }

  #makeCard(seed) {
    const { document } = this;
    return make(
      "button",
      {
        class: "sample waiting",
        "aria-label": `Use the seed ${seed}`,
        click: () => document.setValues("Seed", { seed }),
      },
      [make("span", { class: "tag" }, [`seed ${seed}`])],
    );
  }

  #show(card, blob) {
    const image = make("img", { alt: "" });
    image.addEventListener("load", () => URL.revokeObjectURL(image.src));
    image.src = URL.createObjectURL(blob);
    card.classList.remove("waiting");
    card.prepend(image);
  }

  #makeRefresh() {
    return make(
      "button",
      {
        class: "text refresh",
        click: () => {
          this.run += 1;
          this.#make();
        },
      },
      ["Make them again"],
    );
  }

  #markOld() {
    this.run += 1;
    this.element.classList.add("old");
  }

  #explain() {
    this.element.replaceChildren(
      make("p", { class: "empty" }, [
        "This model makes one photograph of a scene: it has no style clusters and no noise to draw from.",
      ]),
    );
  }
}
