/** The selected object or region: its class, edits and style. */

import { byId, field, icon, make, select, swatch } from "../dom.js";
import { isEqual } from "../styles.js";

export class ObjectPanel {
  constructor({ document, state, objects, styles, commands }) {
    Object.assign(this, { document, state, objects, styles, commands });
    this.panel = byId("panel-object");
    const update = () => this.update();
    state.addEventListener("change", ({ detail }) => {
      if (detail.has("selected") || detail.has("copiedStyle")) update();
    });
    document.addEventListener(
      "change",
      ({ detail }) => detail.isFinal && update(),
    );
    document.addEventListener("open", update);
  }

  update() {
    const { document, state, styles } = this;
    if (state.selected !== null && !document.counts.has(state.selected)) {
      state.set({ selected: null });
      return;
    }
    const focused = this.panel.contains(window.document.activeElement)
      ? window.document.activeElement.dataset.key
      : null;
    const parts =
      state.selected === null ? [this.#makeEmpty()] : this.#makeObject();
    if (styles.isSupported && styles.region !== null)
      parts.push(this.#makeStyle());
    this.panel.replaceChildren(...parts);
    // The buttons are new; the focus stays where it was.
    if (focused) this.panel.querySelector(`[data-key="${focused}"]`)?.focus();
  }

  #makeEmpty() {
    return make("p", { class: "empty" }, [
      "Nothing is selected. Choose ",
      make(
        "button",
        { class: "link", click: () => this.state.set({ tool: "select" }) },
        ["Select and move"],
      ),
      ", then click an object to move, scale, mirror or delete it, or to choose its style.",
    ]);
  }

  #makeObject() {
    const { document, state, objects } = this;
    const { selected } = state;
    const label = document.classOf(selected);
    const { name, color } = document.classes[label];
    const isObject = document.isObject(selected);
    const title = make("div", { class: "object-title" }, [
      swatch(color),
      make("strong", {}, [
        isObject ? `${name} ${selected}` : `all ${name} regions`,
      ]),
      make("span", { class: "quiet" }, [
        `${document.counts.get(selected).toLocaleString("en")} px`,
      ]),
    ]);
    const classes = document.classes.map((entry, k) => [String(k), entry.name]);
    const change = select(classes, String(label), (value) =>
      objects.changeClass(Number(value)),
    );
    change.dataset.key = "class";
    const actions = isObject
      ? ["mirror", "smaller", "larger", "delete"]
      : ["delete"];
    return [
      title,
      make(
        "div",
        { class: "actions", role: "group", "aria-label": "Edit the object" },
        actions.map((action) => this.#makeCommand(action)),
      ),
      field("Class", change),
    ];
  }

  #makeStyle() {
    const { styles, state } = this;
    const { chosen, clusters } = styles;
    const copied = state.copiedStyle;
    const heading = styles.region === -1 ? "Style of the image" : "Style";
    const how = chosen ? "chosen" : "drawn by the seed";
    const actions = ["random", "copy-style", "paste-style", "reset-style"].map(
      (name) => {
        const button = this.#makeCommand(name);
        button.disabled =
          (name === "paste-style" && !copied) ||
          (name === "reset-style" && !chosen);
        return button;
      },
    );
    const group = make("section", { class: "style" }, [
      make("div", { class: "row" }, [
        make("h3", {}, [heading]),
        make("span", { class: "quiet" }, [how]),
      ]),
      clusters.length ? this.#makeClusters(clusters, chosen) : null,
      make(
        "div",
        { class: "actions", role: "group", "aria-label": "Style" },
        actions,
      ),
    ]);
    if (styles.facts.can_encode) group.append(...this.#makePhotoButtons());
    return group;
  }

  #makeClusters(clusters, chosen) {
    const buttons = clusters.map(({ center, thumbnail }, k) => {
      const picture = thumbnail
        ? make("img", { src: `data:image/jpeg;base64,${thumbnail}`, alt: "" })
        : make("span", { class: "cluster-number" }, [String(k + 1)]);
      return make(
        "button",
        {
          class: "cluster",
          "data-key": `cluster-${k}`,
          "aria-label": `Style ${k + 1}`,
          title: `Style ${k + 1}`,
          "aria-pressed": String(isEqual(center, chosen)),
          click: () => this.styles.choose(center),
        },
        [picture],
      );
    });
    return make(
      "div",
      { class: "clusters", role: "group", "aria-label": "Typical styles" },
      buttons,
    );
  }

  #makePhotoButtons() {
    return [
      make("p", { class: "quiet" }, [
        "A photograph is scaled to the scene; an object takes the style of what is in its place.",
      ]),
      make("div", { class: "row" }, [
        this.#makeTextCommand("photo-style", "From a photo"),
        this.#makeTextCommand("photo-styles", "For all"),
      ]),
    ];
  }

  #makeTextCommand(name, text) {
    const button = make(
      "button",
      { class: "text wide", "data-command": name, "data-key": name },
      [icon("photo"), text],
    );
    this.commands.connect(make("div", {}, [button]));
    return button;
  }

  #makeCommand(name) {
    const button = make("button", {
      "data-command": name,
      "data-icon": ICONS[name] ?? name,
      "data-key": name,
    });
    this.commands.connect(make("div", {}, [button]));
    return button;
  }
}

const ICONS = {
  random: "dice",
  "copy-style": "copy",
  "paste-style": "paste",
  "reset-style": "reset",
};
