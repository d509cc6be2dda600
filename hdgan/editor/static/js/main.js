/** Makes the page of its parts, and opens the first scene. */

import { getJson } from "./api.js";
import { addCommands } from "./command_list.js";
import { Commands } from "./commands.js";
import { SceneDocument } from "./document.js";
import { byId } from "./dom.js";
import { Files } from "./files.js";
import { Gestures } from "./gestures.js";
import { KeyboardCursor } from "./keyboard_cursor.js";
import { MapLayer } from "./map_layer.js";
import { announce, showMessage } from "./messages.js";
import { Objects } from "./objects.js";
import { Page } from "./page.js";
import { Pane } from "./pane.js";
import { ObjectPanel } from "./panels/object_panel.js";
import { Palette } from "./panels/palette.js";
import { ScenePanel } from "./panels/scene_panel.js";
import { Shapes, StampsPanel } from "./panels/stamps_panel.js";
import { Toolbar } from "./panels/toolbar.js";
import { Photographs } from "./photographs.js";
import { PhotoView } from "./photo_view.js";
import { Samples } from "./samples.js";
import { State } from "./state.js";
import { Store } from "./store.js";
import { Styles } from "./styles.js";
import { Sync } from "./sync.js";
import { restoreTheme } from "./theme.js";
import { Toolbox } from "./toolbox.js";
import { Viewport } from "./viewport.js";

/** Shows an error of an action, and what to try again. */
function report(error, retry = null) {
  return showMessage(error.message, { kind: "error", retry });
}

function makeParts(facts) {
  const document = new SceneDocument(facts);
  const state = new State();
  const viewport = new Viewport();
  const commands = new Commands();
  const sync = new Sync(document);
  const shapes = new Shapes(facts);
  const photographs = new Photographs(document, sync, facts);
  const parts = {
    facts,
    document,
    state,
    viewport,
    commands,
    sync,
    shapes,
    photographs,
    report,
  };
  parts.say = (text) => showMessage(text);
  parts.objects = new Objects(parts);
  parts.styles = new Styles(parts);
  parts.toolbox = new Toolbox(parts);
  parts.photoView = new PhotoView(parts);
  parts.files = new Files(parts);
  parts.samples = new Samples({ ...parts, hasSamples: facts.has_samples });
  const draw = (context, pane) => parts.toolbox.draw(context, pane);
  parts.panes = ["map-pane", "photo-pane"].map(
    (id) => new Pane(byId(id), viewport, draw),
  );
  parts.page = new Page(parts);
  return parts;
}

function makePanels(parts) {
  const { document, files, panes } = parts;
  parts.mapLayer = new MapLayer(byId("map"), document);
  for (const pane of panes) new Gestures({ ...parts, pane });
  new KeyboardCursor({ ...parts, element: byId("map-pane") });
  addCommands(parts.commands, parts);
  parts.commands.connect(window.document);
  new Toolbar(parts);
  new Palette(parts);
  new ObjectPanel(parts).update();
  new StampsPanel(parts);
  new ScenePanel({
    ...parts,
    openScene: (number) => parts.page.openScene(number),
  });
}

/** Keeps photographs, the browser's copy and the page up to date. */
function follow({ document, photographs, store }) {
  let asked = -1;
  const finish = (rectangle) => {
    store
      .write(document)
      .catch((error) =>
        report(
          new Error(
            `This browser can't keep the scene: ${error.message} Download it.`,
          ),
        ),
      );
    if (!rectangle && document.revision === asked) return;
    asked = document.revision;
    photographs.full();
  };
  document.addEventListener("open", () => finish(null));
  document.addEventListener("change", ({ detail }) => {
    if (!detail.isFinal) photographs.preview();
    else finish(detail.rectangle);
  });
  window.addEventListener("beforeunload", (event) => {
    if (!document.isSaved) event.preventDefault();
  });
}

/** Returns the key of the scenes that this editor's classes fit. */
function storeKey({ classes, first_scene: first }) {
  return [first ?? "", ...classes.map(({ name }) => name)].join("|");
}

async function openFirst({ document, files, store, facts }) {
  let kept = null;
  try {
    kept = await store.read();
  } catch (error) {
    report(new Error(`This browser can't keep scenes: ${error.message}`));
  }
  const isFit = kept && kept.width * kept.height <= facts.max_pixels;
  if (isFit) {
    const { isSaved, ...scene } = kept;
    document.open(scene, isSaved);
    announce("Restored the scene of this browser.");
  } else
    await files.openAddress("/api/scenes/first", facts.scenes[0] ?? "scene");
}

async function start() {
  restoreTheme();
  try {
    const facts = await getJson("/api/editor");
    const parts = makeParts(facts);
    parts.store = new Store(storeKey(facts));
    makePanels(parts);
    follow(parts);
    await openFirst(parts);
    document.body.dataset.ready = "";
    await parts.shapes.load();
  } catch (error) {
    report(error, () => location.reload());
  }
}

start();
