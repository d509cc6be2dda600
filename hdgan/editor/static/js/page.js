/** The page around the scene: sizes, tabs, status bar, switches. */

import { byId } from "./dom.js";
import { showHelp } from "./help.js";
import { announce } from "./messages.js";
import { toggleTheme } from "./theme.js";

// Pixels of the page for one of the scene, where the grid is easy to see.
const GRID_SCALE = 16;
const MIN_STACKED = 560;

export class Page {
  constructor(parts) {
    Object.assign(this, parts);
    byId("model-name").textContent = parts.facts.model;
    this.#connectTabs();
    this.#followSize();
    this.#followPointer();
    this.#followSpace();
    this.#followHistory();
    const { photographs, report, document: scene } = parts;
    photographs.addEventListener("failure", ({ detail }) => {
      this.removeFailure = report(detail, () => photographs.full());
    });
    photographs.addEventListener("photograph", () => this.removeFailure?.());
    scene.addEventListener("open", () => this.#update());
    window.document.addEventListener("click", closeMenus);
    window.document.addEventListener("keydown", (event) => {
      if (event.key === "Escape") closeMenus({ target: window.document });
    });
  }

  openScene(number) {
    const { files, facts } = this;
    if (!files.mayReplace()) return;
    files
      .openAddress(`/api/scenes/${number}`, facts.scenes[number])
      .catch((error) => this.report(error, () => this.openScene(number)));
  }

  searchClass() {
    this.showTab("classes");
    byId("class-search").focus();
  }

  showSwap() {
    this.showTab("scene");
    byId("swap-from").focus();
  }

  showTab(tab) {
    // A wide page always shows the classes.
    const isWide = getComputedStyle(byId("tab-classes")).display === "none";
    if (tab === "classes" && isWide) return;
    document.body.dataset.tab = tab;
    for (const button of document.querySelectorAll("[role=tab]")) {
      const isChosen = button.dataset.tab === tab;
      button.setAttribute("aria-selected", String(isChosen));
      button.tabIndex = isChosen ? 0 : -1;
    }
  }

  zoomToGrid() {
    const { viewport, pointer } = this;
    const [x, y] = pointer ?? [
      viewport.scene.width / 2,
      viewport.scene.height / 2,
    ];
    const factor = GRID_SCALE / viewport.scale;
    viewport.zoom(
      factor,
      viewport.x + x * viewport.scale,
      viewport.y + y * viewport.scale,
    );
  }

  toggleCompare() {
    const isShown = this.photoView.toggleCompare();
    press("compare", isShown);
  }

  toggleSamples() {
    this.samples.toggle();
    press("samples", this.samples.isShown);
  }

  toggleTheme() {
    announce(`The page is ${toggleTheme()} now.`);
  }

  showHelp() {
    showHelp(this.commands);
  }

  #connectTabs() {
    const tabs = [...document.querySelectorAll("[role=tab]")];
    for (const tab of tabs) {
      tab.addEventListener("click", () => this.showTab(tab.dataset.tab));
      tab.addEventListener("keydown", ({ key }) => {
        const step = { ArrowLeft: -1, ArrowRight: 1 }[key];
        if (!step) return;
        const shown = tabs.filter((t) => t.offsetParent);
        const next =
          shown[(shown.indexOf(tab) + step + shown.length) % shown.length];
        next.focus();
        next.click();
      });
    }
    const isNarrow = matchMedia("(max-width: 720px)").matches;
    this.showTab(isNarrow ? "classes" : "object");
    this.state.addEventListener("change", ({ detail }) => {
      const { selected, tool } = this.state;
      const isSelecting = detail.has("selected") || tool === "select";
      if (!detail.has("tool") && !detail.has("selected")) return;
      // Several objects are stamped in a row.
      if (tool === "stamp") this.showTab("stamps");
      else if (selected !== null && isSelecting) this.showTab("object");
    });
  }

  #followSize() {
    const resize = () => {
      const { document: scene, viewport, panes } = this;
      if (!scene.width) return;
      const box = byId("panes");
      const { clientWidth: width, clientHeight: height } = box;
      // The direction in which the scenes are shown larger.
      const beside = Math.min(width / 2 / scene.width, height / scene.height);
      const below = Math.min(width / scene.width, height / 2 / scene.height);
      const isStacked = width < MIN_STACKED || below > beside;
      box.classList.toggle("stacked", isStacked);
      viewport.resize(panes[0].size, scene);
    };
    new ResizeObserver(resize).observe(byId("panes"));
    this.document.addEventListener("open", resize);
    this.viewport.addEventListener("change", () => {
      byId("zoom").textContent = `${Math.round(100 * this.viewport.scale)} %`;
    });
  }

  #followPointer() {
    const { document: scene, toolbox, state, panes } = this;
    const redraw = () => panes.forEach((pane) => pane.invalidate());
    toolbox.addEventListener("move", ({ detail }) => {
      redraw();
      if (detail === undefined) return;
      this.pointer = detail;
      this.#describePixel(detail);
    });
    state.addEventListener("change", redraw);
    scene.addEventListener(
      "change",
      ({ detail }) => detail.isFinal && redraw(),
    );
  }

  #describePixel(point) {
    const scene = this.document;
    const [x, y] = point?.map(Math.floor) ?? [-1, -1];
    const isInside = scene.isInside(x, y);
    byId("pixel").textContent = isInside
      ? `${x}, ${y} · ${scene.classes[scene.labelAt(x, y)].name} · ${scene.instanceAt(x, y)}`
      : "";
  }

  #followSpace() {
    const { toolbox } = this;
    const set = (isDown) => {
      toolbox.isSpaceDown = isDown;
      document.body.classList.toggle("panning", isDown);
    };
    window.addEventListener("keydown", (event) => {
      const isFree = !event.target.closest(
        "button, input, select, summary, dialog",
      );
      if (event.key !== " " || !isFree) return;
      event.preventDefault();
      set(true);
    });
    window.addEventListener("keyup", ({ key }) => key === " " && set(false));
    window.addEventListener("blur", () => set(false));
  }

  #followHistory() {
    this.document.addEventListener(
      "change",
      ({ detail }) => detail.isFinal && this.#update(),
    );
  }

  #update() {
    const { document: scene } = this;
    enable("undo", scene.history.canUndo);
    enable("redo", scene.history.canRedo);
    byId("size").textContent = `${scene.width} × ${scene.height}`;
    byId("saved").textContent = scene.isSaved ? "" : "Changes not downloaded";
    document.title = `${scene.isSaved ? "" : "• "}${scene.name ?? "scene"} – hdgan editor`;
  }
}

function enable(command, isEnabled) {
  document.querySelector(`[data-command=${command}]`).disabled = !isEnabled;
}

function press(command, isPressed) {
  const button = document.querySelector(`[data-command=${command}]`);
  button.setAttribute("aria-pressed", String(isPressed));
}

function closeMenus({ target }) {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(target)) menu.removeAttribute("open");
  }
}
