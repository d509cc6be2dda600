/** Short ways to make elements. */

const SVG = "http://www.w3.org/2000/svg";

/** Returns the element of an id. */
export function byId(id) {
  return document.getElementById(id);
}

/**
 * Makes an element.
 *
 * @param {string} tag
 * @param {object} properties of the element; `class` and names with a dash are
 *   attributes, and functions listeners: {click: f}
 * @param {Array} children elements, strings, or null for nothing
 */
export function make(tag, properties = {}, children = []) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (name === "class" || name === "role" || name.includes("-")) {
      if (value !== null) element.setAttribute(name, value);
    } else element[name] = value;
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Makes a picture of the sprite. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `/static/icons.svg#${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

/** Makes a square of a class's color. */
export function swatch([red, green, blue]) {
  const element = make("span", { class: "swatch" });
  element.style.backgroundColor = `rgb(${red}, ${green}, ${blue})`;
  return element;
}

/** Makes a field: a label with its control below. */
export function field(title, control) {
  return make("label", { class: "field" }, [
    make("span", {}, [title]),
    control,
  ]);
}

/** Makes a choice of options [value, text]. */
export function select(options, chosen, change) {
  const element = make("select", { change: () => change(element.value) });
  for (const [value, text] of options) element.append(new Option(text, value));
  element.value = chosen;
  return element;
}

/**
 * Lets arrow keys move among the radio buttons of a group, as those of the
 * browser do.
 */
export function makeRadioGroup(group) {
  group.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[
      event.key
    ];
    if (!step) return;
    const buttons = [...group.querySelectorAll("[role=radio]:not([hidden])")];
    const place = buttons.indexOf(event.target);
    if (place < 0) return;
    event.preventDefault();
    event.stopPropagation();
    const next = buttons[(place + step + buttons.length) % buttons.length];
    next.focus();
    next.click();
  });
}

/** Marks the chosen radio button of a group, the only one in the tab order. */
export function markChosen(buttons, isChosen) {
  for (const button of buttons) {
    const chosen = isChosen(button);
    button.setAttribute("aria-checked", String(chosen));
    button.tabIndex = chosen ? 0 : -1;
  }
  if (buttons.length && !buttons.some((b) => b.tabIndex === 0))
    buttons[0].tabIndex = 0;
}
