/** All commands by name: their keys, their buttons, and the list of them. */

import { icon } from "./dom.js";

const IS_MAC = navigator.platform.startsWith("Mac");
const KEY_NAMES = {
  " ": "Space",
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
  Escape: "Esc",
};

/**
 * Makes a command. A key is the name of KeyboardEvent.key, maybe after "Ctrl+",
 * "Alt+" or "Shift+". `run` returns false to leave the key to the browser.
 */
export function command(name, title, keys, run) {
  return { name, title, keys, run };
}

/** Runs commands by their keys and buttons. */
export class Commands {
  constructor() {
    this.list = [];
    this.byName = new Map();
    window.addEventListener("keydown", (event) => this.#press(event));
  }

  /** Adds commands, as `command` makes them, under a title. */
  add(group, commands) {
    for (const command of commands) {
      this.list.push({ ...command, group });
      this.byName.set(command.name, this.list.at(-1));
    }
  }

  /** Connects the buttons of a part of the page that name a command. */
  connect(root) {
    for (const button of root.querySelectorAll("[data-command]")) {
      const command = this.byName.get(button.dataset.command);
      if (button.dataset.icon) {
        button.append(icon(button.dataset.icon));
        button.setAttribute("aria-label", command.title);
      }
      button.title = describe(command);
      button.addEventListener("click", () => {
        button.closest("details")?.removeAttribute("open");
        command.run();
      });
    }
  }

  run(name) {
    this.byName.get(name).run();
  }

  #press(event) {
    if (event.defaultPrevented || document.querySelector("dialog[open]"))
      return;
    const pressed = nameOf(event);
    const hasModifier = event.ctrlKey || event.metaKey;
    if (
      isTyping(event.target) &&
      !(hasModifier && pressed !== "Ctrl+c" && pressed !== "Ctrl+v")
    ) {
      return;
    }
    // Enter and space press the button that has the focus.
    if (
      [" ", "Enter"].includes(event.key) &&
      event.target.closest("button, summary")
    )
      return;
    const command = this.list.find(({ keys }) => keys.includes(pressed));
    if (!command) return;
    // A command that returns false leaves the key to the browser.
    if (command.run(event) !== false) event.preventDefault();
  }
}

/** Returns a command's title, with its first key. */
export function describe({ title, keys }) {
  return keys.length ? `${title} (${showKey(keys[0])})` : title;
}

/** Returns the words for a key. */
export function showKey(key) {
  const words = key.replace("Ctrl+", IS_MAC ? "⌘" : "Ctrl+").split("+");
  const last = key.endsWith("+") ? "+" : words.pop();
  const shown =
    KEY_NAMES[last] ?? (last.length === 1 ? last.toUpperCase() : last);
  return [...words.filter(Boolean), shown].join("+");
}

function nameOf(event) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const parts = [];
  if (event.ctrlKey || event.metaKey) parts.push("Ctrl");
  if (event.altKey) parts.push("Alt");
  // Shift is part of a sign such as "?", but not of a letter or an arrow.
  if (event.shiftKey && (key.length > 1 || /[a-z]/.test(key)))
    parts.push("Shift");
  return [...parts, key].join("+");
}

function isTyping(element) {
  return (
    element.closest(
      "input:not([type=range], [type=checkbox], [type=radio]), textarea, select",
    ) !== null
  );
}
