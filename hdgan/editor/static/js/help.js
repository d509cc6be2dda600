/** The dialog that lists all commands and keys. */

import { showKey } from "./commands.js";
import { byId, make } from "./dom.js";

const POINTER = [
  ["Alt-click", "Pick class and object, with any tool"],
  ["Wheel, pinch", "Zoom"],
  ["Shift-wheel, middle button, space bar", "Pan"],
  ["Two fingers", "Zoom and pan"],
  ["Double click", "Close a polygon"],
];
const MAP_KEYS = [
  ["← → ↑ ↓", "Move the cursor, or the selected object; with Shift ten pixels"],
  ["Enter", "Put the tool down, and lift it again; close a polygon"],
  ["Backspace", "Take back a polygon's last corner"],
];

/** Shows the commands' keys. */
export function showHelp(commands) {
  const dialog = byId("help");
  const groups = groupBy(commands.list);
  const lists = [...groups].map(([group, list]) =>
    makeList(
      group,
      list
        .filter(({ keys }) => keys.length)
        .map(({ keys, title }) => [keys.map(showKey).join(" or "), title]),
    ),
  );
  dialog.replaceChildren(
    make("div", { class: "dialog-head" }, [
      make("h2", { id: "help-title" }, ["Keys and gestures"]),
      make("button", { class: "text", click: () => dialog.close() }, ["Close"]),
    ]),
    make("div", { class: "key-lists" }, [
      ...lists,
      makeList("Label map", MAP_KEYS),
      makeList("Pointer", POINTER),
    ]),
  );
  dialog.showModal();
}

function makeList(title, rows) {
  const items = rows.flatMap(([keys, text]) => [
    make("dt", {}, [make("kbd", {}, [keys])]),
    make("dd", {}, [text]),
  ]);
  return make("section", {}, [make("h3", {}, [title]), make("dl", {}, items)]);
}

function groupBy(list) {
  const groups = new Map();
  for (const entry of list) {
    groups.set(entry.group, [...(groups.get(entry.group) ?? []), entry]);
  }
  return groups;
}
