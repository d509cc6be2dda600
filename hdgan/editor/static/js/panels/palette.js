/** The classes to paint with: names, colors, search. */

import { byId, make, makeRadioGroup, markChosen, swatch } from "../dom.js";
import { chooseClass } from "../state.js";

const NUM_KEYS = 9;

export class Palette {
  constructor({ state, document }) {
    this.state = state;
    this.classes = document.classes;
    this.buttons = this.classes.map((entry, label) =>
      this.#makeButton(entry, label),
    );
    const group = byId("palette");
    group.append(...this.buttons);
    makeRadioGroup(group);
    const search = byId("class-search");
    search.addEventListener("input", () => this.#filter(search.value));
    search.addEventListener("keydown", (event) =>
      this.#pressInSearch(event, search),
    );
    state.addEventListener("change", ({ detail }) => {
      if (detail.has("label")) this.#update();
    });
    document.addEventListener("open", () => this.#chooseFirst(document));
    this.#update();
  }

  /** Chooses the class with the largest region, until a person chooses. */
  #chooseFirst({ counts }) {
    if (this.isChosen) return;
    this.isChosen = true;
    const labels = this.classes.keys();
    const area = (label) => counts.get(label) ?? 0;
    chooseClass(
      this.state,
      [...labels].reduce((one, k) => (area(k) > area(one) ? k : one), 0),
    );
  }

  #makeButton({ name, color }, label) {
    const key = label < NUM_KEYS ? make("kbd", {}, [String(label + 1)]) : null;
    return make(
      "button",
      {
        class: "class-button",
        role: "radio",
        "data-label": String(label),
        click: () => chooseClass(this.state, label),
      },
      [swatch(color), make("span", { class: "name" }, [name]), key],
    );
  }

  #update() {
    markChosen(
      this.buttons,
      (button) => Number(button.dataset.label) === this.state.label,
    );
    const chosen = this.buttons[this.state.label];
    chosen.scrollIntoView({ block: "nearest" });
  }

  #filter(text) {
    const words = text.trim().toLowerCase();
    for (const button of this.buttons) {
      const { name } = this.classes[button.dataset.label];
      button.hidden = !name.toLowerCase().includes(words);
    }
  }

  /** Enter chooses the first class that was found. */
  #pressInSearch(event, search) {
    if (event.key === "Enter") {
      this.buttons.find((button) => !button.hidden)?.click();
    } else if (event.key !== "Escape") {
      return;
    }
    search.value = "";
    this.#filter("");
    search.blur();
  }
}
