/** The commands that edit objects, stamps and styles. */

import { command } from "./commands.js";

const STEP = 1.1;

/** Returns the commands for objects; with the stamp tool they edit the stamp. */
export function objectCommands({ objects, state, shapes }) {
  const withStamp = (change, edit) => () => {
    if (state.tool === "stamp") state.set(change());
    else if (state.selected === null) return false;
    else edit();
    return true;
  };
  const scale = (factor) =>
    withStamp(
      () => ({ stampScale: state.stampScale * factor }),
      () => objects.scale(factor),
    );
  const mirror = withStamp(
    () => ({ isMirrored: !state.isMirrored }),
    () => objects.mirror(),
  );
  const remove = () => state.selected !== null && (objects.remove(), true);
  const nextShape = () => {
    const count = Math.max(shapes.list.length, 1);
    state.set({ stamp: (state.stamp + 1) % count, tool: "stamp" });
  };
  const isInFront = () => state.order === "front";
  return [
    command("mirror", "Mirror", ["m"], mirror),
    command("smaller", "Smaller", [","], scale(1 / STEP)),
    command("larger", "Larger", ["."], scale(STEP)),
    command("delete", "Delete, and fill the hole", ["Delete"], remove),
    command("change-class", "Give it the chosen class", ["a"], () =>
      objects.changeClass(state.label),
    ),
    command("order", "In front, or hidden by nearer ones", ["o"], () =>
      state.set({ order: isInFront() ? "by_base" : "front" }),
    ),
    command("next-shape", "Next stamp", ["w"], nextShape),
  ];
}

/** Returns the commands for styles and the seed. */
export function styleCommands({ styles, document }) {
  // False, so that the key does something else where there is no style.
  const add = (name, title, keys, action) =>
    command(
      name,
      title,
      keys,
      () => styles.isSupported && styles.region !== null && (action(), true),
    );
  const takeFrom = (isForAll) => () =>
    styles.facts.can_encode && styles.takeFromPhotograph(isForAll);
  return [
    add("next-style", "Next typical style", ["k"], () => styles.next()),
    add("random", "Random style", ["d"], () => styles.random()),
    add("copy-style", "Copy style", ["Ctrl+c"], () => styles.copy()),
    add("paste-style", "Paste style", ["Ctrl+v"], () => styles.paste()),
    add("reset-style", "Reset style", ["Shift+r"], () => styles.reset()),
    add("photo-style", "Style of a photograph", ["u"], takeFrom(false)),
    add(
      "photo-styles",
      "Styles of a photograph for all",
      ["Shift+u"],
      takeFrom(true),
    ),
    command("next-seed", "Next seed", ["Shift+s"], () =>
      document.setValues("Seed", { seed: document.seed + 1 }),
    ),
  ];
}
