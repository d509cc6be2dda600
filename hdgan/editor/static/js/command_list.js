/** The commands of the page, with their keys. */

import { objectCommands } from "./panels/object_panel.js";
import { setDiameter, TOOLS } from "./panels/toolbar.js";
import { chooseClass } from "./state.js";

const ZOOM = 1.5;
const NUM_CLASS_KEYS = 9;

/** Adds all commands; `parts` are those of the page. */
export function addCommands(commands, parts) {
  const { document, state, viewport, files, toolbox, page } = parts;
  const zoom = (factor) => viewport.zoom(factor, viewport.pane.width / 2, viewport.pane.height / 2);
  commands.add("Tools", TOOLS.map(({ name, title, keys }) => ({
    name: `tool-${name}`, title, keys, run: () => state.set({ tool: name }),
  })));
  commands.add("Painting", [
    { name: "thinner", title: "Smaller brush", keys: ["["], run: () => setDiameter(state, state.diameter / 1.25) },
    { name: "thicker", title: "Larger brush", keys: ["]"], run: () => setDiameter(state, state.diameter * 1.25 + 0.5) },
    { name: "shape", title: "Round or square brush", keys: ["q"], run: () => state.set({ shape: state.shape === "round" ? "square" : "round" }) },
    { name: "search", title: "Search a class", keys: ["/"], run: () => page.searchClass() },
    ...classCommands(document, state),
    { name: "swap", title: "Swap a class in the whole map", keys: ["x"], run: () => page.showSwap() },
    { name: "cancel", title: "Cancel, or select nothing", keys: ["Escape"], run: () => cancel(toolbox, state, document) },
    { name: "back", title: "Take back a polygon's corner, or delete", keys: ["Backspace"], run: () => toolbox.back() || commands.run("delete") },
    { name: "finish", title: "Close a polygon", keys: ["Enter"], run: () => toolbox.current?.points?.length > 0 && (toolbox.finish(), true) },
  ]);
  commands.add("Objects and styles", [...objectCommands(parts), ...styleCommands(parts)]);
  commands.add("History and files", [
    { name: "undo", title: "Undo", keys: ["Ctrl+z"], run: () => document.undo() },
    { name: "redo", title: "Redo", keys: ["Ctrl+Shift+z", "Ctrl+y"], run: () => document.redo() },
    { name: "open", title: "Open", keys: ["Ctrl+o"], run: () => files.showDialog() },
    { name: "download-scene", title: "Download the scene file", keys: ["Ctrl+s"], run: () => files.download("scene.json") },
    { name: "download-label", title: "Download the label map", keys: ["Shift+l"], run: () => files.download("label.png") },
    { name: "download-instance", title: "Download the instance map", keys: ["Shift+i"], run: () => files.download("instance.png") },
    { name: "download-photograph", title: "Download the photograph", keys: ["Shift+p"], run: () => files.downloadPhotograph() },
  ]);
  commands.add("View", [
    { name: "zoom-in", title: "Zoom in", keys: ["+", "="], run: () => zoom(ZOOM) },
    { name: "zoom-out", title: "Zoom out", keys: ["-"], run: () => zoom(1 / ZOOM) },
    { name: "zoom-fit", title: "Show the whole scene", keys: ["0"], run: () => viewport.fit() },
    { name: "zoom-100", title: "One pixel of the scene per pixel", keys: ["z"], run: () => viewport.setScale(1) },
    { name: "zoom-grid", title: "Zoom to the pixel grid", keys: ["g"], run: () => page.zoomToGrid() },
    { name: "compare", title: "Before and after", keys: ["c"], run: () => page.toggleCompare() },
    { name: "samples", title: "Samples of other seeds", keys: ["n"], run: () => page.toggleSamples() },
    { name: "theme", title: "Dark or light", keys: ["t"], run: () => page.toggleTheme() },
    { name: "help", title: "Keys and gestures", keys: ["?"], run: () => page.showHelp() },
  ]);
}

function classCommands(document, state) {
  return document.classes.slice(0, NUM_CLASS_KEYS).map(({ name }, label) => ({
    name: `class-${label}`,
    title: `Paint ${name}`,
    keys: [String(label + 1)],
    run: () => chooseClass(state, label),
  }));
}

function styleCommands({ styles, document }) {
  const whenSupported = (action) => () =>
    styles.isSupported && styles.region !== null && (action(), true);
  return [
    { name: "random", title: "Random style", keys: ["d"], run: whenSupported(() => styles.random()) },
    { name: "copy-style", title: "Copy style", keys: ["Ctrl+c"], run: whenSupported(() => styles.copy()) },
    { name: "paste-style", title: "Paste style", keys: ["Ctrl+v"], run: whenSupported(() => styles.paste()) },
    { name: "reset-style", title: "Reset style", keys: ["Shift+r"], run: whenSupported(() => styles.reset()) },
    { name: "next-seed", title: "Next seed", keys: ["Shift+s"], run: () => document.setValues("Seed", { seed: document.seed + 1 }) },
  ];
}

function cancel(toolbox, state, document) {
  const isBusy = document.isPainting || toolbox.current?.points?.length || toolbox.current?.from;
  toolbox.cancel();
  if (!isBusy) state.set({ selected: null });
}
