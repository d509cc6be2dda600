/** The commands of the page, with their keys. */

import { command } from "./commands.js";
import { announce } from "./messages.js";
import { objectCommands, styleCommands } from "./object_commands.js";
import { setDiameter, TOOLS } from "./panels/toolbar.js";
import { chooseClass } from "./state.js";

const ZOOM = 1.5;
const NUM_CLASS_KEYS = 9;

/** Adds all commands; `parts` are those of the page. */
export function addCommands(commands, parts) {
  commands.add("Tools", toolCommands(parts));
  commands.add("Painting", paintingCommands(parts, commands));
  commands.add("Objects and styles", [
    ...objectCommands(parts),
    ...styleCommands(parts),
  ]);
  commands.add("History and files", fileCommands(parts));
  commands.add("View", viewCommands(parts));
}

function toolCommands({ state }) {
  return TOOLS.map(({ name, title, keys }) =>
    command(`tool-${name}`, title, keys, () => state.set({ tool: name })),
  );
}

function paintingCommands({ state, document, toolbox, page }, commands) {
  const resize = (diameter) => setDiameter(state, diameter);
  const otherShape = () => (state.shape === "round" ? "square" : "round");
  // False, so that the key does something else where there is no polygon.
  const finish = () =>
    toolbox.current?.points?.length > 0 && (toolbox.finish(), true);
  return [
    command("thinner", "Smaller brush", ["["], () =>
      resize(state.diameter / 1.25),
    ),
    command("thicker", "Larger brush", ["]"], () =>
      resize(state.diameter * 1.25 + 0.5),
    ),
    command("shape", "Round or square brush", ["q"], () =>
      state.set({ shape: otherShape() }),
    ),
    command("search", "Search a class", ["/"], () => page.searchClass()),
    ...classCommands(document, state),
    command("swap", "Swap a class in the whole map", ["x"], () =>
      page.showSwap(),
    ),
    command("cancel", "Cancel, or select nothing", ["Escape"], () =>
      cancel(toolbox, state, document),
    ),
    command(
      "back",
      "Take back a polygon's corner, or delete",
      ["Backspace"],
      () => toolbox.back() || commands.run("delete"),
    ),
    command("finish", "Close a polygon", ["Enter"], finish),
  ];
}

function classCommands({ classes }, state) {
  return classes
    .slice(0, NUM_CLASS_KEYS)
    .map(({ name }, label) =>
      command(`class-${label}`, `Paint ${name}`, [String(label + 1)], () =>
        chooseClass(state, label),
      ),
    );
}

function fileCommands({ document, files }) {
  const download = (kind) => () => files.download(kind);
  return [
    command("undo", "Undo", ["Ctrl+z"], () => say("Undone", document.undo())),
    command("redo", "Redo", ["Ctrl+Shift+z", "Ctrl+y"], () =>
      say("Done again", document.redo()),
    ),
    command("open", "Open", ["Ctrl+o"], () => files.showDialog()),
    command(
      "download-scene",
      "Download the scene file",
      ["Ctrl+s"],
      download("scene.json"),
    ),
    command(
      "download-label",
      "Download the label map",
      ["Shift+l"],
      download("label.png"),
    ),
    command(
      "download-instance",
      "Download the instance map",
      ["Shift+i"],
      download("instance.png"),
    ),
    command("download-photograph", "Download the photograph", ["Shift+p"], () =>
      files.downloadPhotograph(),
    ),
  ];
}

function viewCommands({ viewport, page }) {
  const zoom = (factor) => {
    const { width, height } = viewport.pane;
    viewport.zoom(factor, width / 2, height / 2);
  };
  return [
    command("zoom-in", "Zoom in", ["+", "="], () => zoom(ZOOM)),
    command("zoom-out", "Zoom out", ["-"], () => zoom(1 / ZOOM)),
    command("zoom-fit", "Show the whole scene", ["0"], () => viewport.fit()),
    command("zoom-100", "One pixel of the scene per pixel", ["z"], () =>
      viewport.setScale(1),
    ),
    command("zoom-grid", "Zoom to the pixel grid", ["g"], () =>
      page.zoomToGrid(),
    ),
    command("compare", "Before and after", ["c"], () => page.toggleCompare()),
    command("samples", "Samples of other seeds", ["n"], () =>
      page.toggleSamples(),
    ),
    ...["object", "stamps", "scene"].map((tab, k) =>
      command(`tab-${tab}`, `Show ${tab}`, [`Alt+${k + 1}`], () =>
        page.showTab(tab),
      ),
    ),
    command("theme", "Dark or light", ["t"], () => page.toggleTheme()),
    command("help", "Keys and gestures", ["?"], () => page.showHelp()),
  ];
}

/** Drops what a tool has begun; without that, the selection. */
function cancel(toolbox, state, document) {
  const { current } = toolbox;
  const isBusy =
    document.isPainting || current?.points?.length || current?.from;
  toolbox.cancel();
  if (!isBusy) state.set({ selected: null });
}

function say(what, step) {
  if (step) announce(`${what}: ${step}.`);
}
