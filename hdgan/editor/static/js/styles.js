/** The styles of regions: chosen, random, copied, or from a photograph. */

import { postJson } from "./api.js";
import { make } from "./dom.js";
import { toBase64 } from "./wire.js";

const WHOLE_IMAGE = -1;

/** Sets the style of the selected object, or of what stands for it. */
export class Styles {
  /** @param parts {document, state, sync, report, facts} */
  constructor(parts) {
    Object.assign(this, parts);
    this.facts = parts.facts.style;
    this.input = make("input", {
      type: "file",
      accept: "image/png,image/jpeg",
      change: () => this.#takeChosen(),
    });
  }

  get isSupported() {
    return this.facts !== null;
  }

  /** Returns the id in `document.styles` of the selection, or null. */
  get region() {
    const { document, state } = this;
    if (this.facts.regions === "image") return WHOLE_IMAGE;
    if (state.selected === null) return null;
    const isByClass = this.facts.regions === "class";
    return isByClass ? document.classOf(state.selected) : state.selected;
  }

  /** Returns the clusters of the selection: [{center, thumbnail}]. */
  get clusters() {
    const { region, facts, document } = this;
    if (region === null) return [];
    const label = region === WHOLE_IMAGE ? 0 : document.classOf(region);
    const thumbnails = facts.thumbnails[label] ?? [];
    return (facts.centers[label] ?? []).map((center, k) => ({
      center,
      thumbnail: thumbnails[k],
    }));
  }

  /** Returns the chosen style of the selection, or null. */
  get chosen() {
    return this.document.styles[this.region] ?? null;
  }

  choose(style, name = "Choose style") {
    const { region, document } = this;
    if (region === null) return;
    document.setValues(name, {
      styles: { ...document.styles, [region]: style },
    });
  }

  /** Chooses another cluster, or numbers where there are none. */
  random() {
    const others = this.clusters.filter(
      ({ center }) => !isEqual(center, this.chosen),
    );
    if (others.length) {
      this.choose(
        others[Math.floor(Math.random() * others.length)].center,
        "Random style",
      );
      return;
    }
    const { channels, limit } = this.facts;
    const draw =
      limit === null ? drawNormal : () => (2 * Math.random() - 1) * limit;
    // The server keeps styles in float32, so that both have the same numbers.
    this.choose(
      Array.from({ length: channels }, () => Math.fround(draw())),
      "Random style",
    );
  }

  /** Chooses the typical style after the chosen one. */
  next() {
    const { clusters, chosen } = this;
    if (!clusters.length) return;
    const place = clusters.findIndex(({ center }) => isEqual(center, chosen));
    this.choose(clusters[(place + 1) % clusters.length].center);
  }

  reset() {
    const { region, document } = this;
    const { [region]: old, ...styles } = document.styles;
    if (old) document.setValues("Reset style", { styles });
  }

  /** Copies the style of the selection, also one that the seed drew. */
  copy() {
    return this.#try(
      async () => {
        const { region } = this;
        if (region === null) return;
        const copiedStyle = this.chosen ?? (await this.#list())[region];
        this.state.set({ copiedStyle });
      },
      () => this.copy(),
    );
  }

  paste() {
    if (this.state.copiedStyle)
      this.choose(this.state.copiedStyle, "Paste style");
  }

  /** Asks for a photograph, and takes the style of the selection, or all. */
  takeFromPhotograph(isForAll) {
    this.isForAll = isForAll;
    this.input.click();
  }

  #takeChosen() {
    const [file] = this.input.files;
    this.input.value = "";
    if (file) this.#takeFrom(file, this.isForAll);
  }

  #takeFrom(file, isForAll) {
    return this.#try(
      async () => {
        const { document, region } = this;
        const photo = toBase64(await file.arrayBuffer());
        const found = await this.#ask("encode", { photo });
        const styles = isForAll ? found : { [region]: found[region] };
        document.setValues("Styles of a photograph", {
          styles: { ...document.styles, ...styles },
        });
      },
      () => this.#takeFrom(file, isForAll),
    );
  }

  #list() {
    return this.#ask("styles", {});
  }

  async #ask(what, values) {
    const { address, version } = await this.sync.flush();
    const answer = await postJson(`${address}/${what}`, { ...values, version });
    return answer.styles;
  }

  async #try(action, retry) {
    try {
      await action();
    } catch (error) {
      this.report(error, retry);
    }
  }
}

/** Returns whether two styles are equal; each may be null. */
export function isEqual(one, other) {
  return Boolean(one && other) && one.every((value, k) => value === other[k]);
}

function drawNormal() {
  const radius = Math.sqrt(-2 * Math.log(1 - Math.random()));
  return radius * Math.cos(2 * Math.PI * Math.random());
}
