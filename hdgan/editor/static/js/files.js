/** Opening and downloading: scene file, maps, photograph. */

import { ask, getJson, postJson } from "./api.js";
import { byId, field, make } from "./dom.js";
import { announce } from "./messages.js";
import { readSceneFile, toBase64 } from "./wire.js";

const ENDINGS = {
  "scene.json": ".scene.json",
  "label.png": "_label.png",
  "instance.png": "_instance.png",
};

export class Files {
  /** @param parts {document, sync, objects, photographs, photoView,
   *   report} */
  constructor(parts) {
    Object.assign(this, parts);
    this.dialog = byId("open");
    this.#makeDialog();
  }

  /** Opens the scene at an address of the server. */
  async openAddress(address, name) {
    await this.#open(await getJson(address), name);
  }

  /** Asks whether to drop changes that were not downloaded. */
  mayReplace() {
    const question =
      "The scene has changes that were not downloaded. Open another one?";
    return this.document.isSaved || window.confirm(question);
  }

  showDialog() {
    this.dialog.showModal();
  }

  /** Downloads one of the files that the server makes of the scene. */
  async download(kind) {
    try {
      // Edits that the server still makes belong to the scene.
      await this.objects.last;
      const { address } = await this.sync.flush();
      const { revision } = this.document;
      const response = await ask(`${address}/files/${kind}`);
      save(await response.blob(), `${this.#name}${ENDINGS[kind]}`);
      // The scene file alone holds everything.
      if (kind === "scene.json" && revision === this.document.revision) {
        this.document.markSaved();
        announce("Scene file downloaded.");
      }
    } catch (error) {
      this.report(error, () => this.download(kind));
    }
  }

  async downloadPhotograph() {
    try {
      const blob = this.photoView.current ?? (await this.#makePhotograph());
      save(blob, `${this.#name}.png`);
    } catch (error) {
      this.report(error, () => this.downloadPhotograph());
    }
  }

  async #makePhotograph() {
    await this.photographs.full();
    const blob = this.photoView.current;
    if (!blob)
      throw new Error(
        "The photograph is not ready yet. Try again in a moment.",
      );
    return blob;
  }

  get #name() {
    return (this.document.name ?? "scene")
      .toLowerCase()
      .replace(/[^\p{L}\p{N}_-]+/gu, "_");
  }

  async #open(file, name) {
    const scene = await readSceneFile(file);
    this.document.open({ ...scene, name });
    announce(`Opened ${name}.`);
  }

  async #openFiles({ scene, label, instance }) {
    const values = {};
    for (const [kind, file] of Object.entries({ scene, label, instance })) {
      if (file) values[kind] = toBase64(await file.arrayBuffer());
    }
    const answer = await postJson("/api/open", values);
    const name = (scene ?? label).name.replace(/(\.scene)?\.\w+$/, "");
    await this.#open(answer, name);
  }

  #makeDialog() {
    const input = (accept) => make("input", { type: "file", accept });
    const inputs = {
      scene: input(".json,application/json"),
      label: input("image/png,image/tiff,image/bmp"),
      instance: input("image/png,image/tiff,image/bmp"),
    };
    const problem = make("p", { class: "problem", role: "alert" });
    const submit = async (event) => {
      event.preventDefault();
      const files = Object.fromEntries(
        Object.entries(inputs).map(
          ([
            kind,
            {
              files: [file],
            },
          ]) => [kind, file],
        ),
      );
      try {
        if (!files.scene && !files.label)
          throw new Error("Choose a scene file or a label map.");
        if (!this.mayReplace()) return;
        await this.#openFiles(files);
        form.reset();
        problem.textContent = "";
        this.dialog.close();
      } catch (error) {
        problem.textContent = error.message;
      }
    };
    const form = make("form", { submit }, [
      make("h2", { id: "open-title" }, ["Open a scene"]),
      field("Scene file (.scene.json)", inputs.scene),
      make("p", { class: "or" }, ["or maps of ids"]),
      field("Label map", inputs.label),
      field("Instance map, if there is one", inputs.instance),
      problem,
      make("p", { class: "buttons" }, [
        make(
          "button",
          { type: "button", class: "text", click: () => this.dialog.close() },
          ["Cancel"],
        ),
        make("button", { type: "submit", class: "text primary" }, ["Open"]),
      ]),
    ]);
    this.dialog.append(form);
  }
}

function save(blob, name) {
  const link = make("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
