/** Messages for the person: status words, errors with a retry. */

import { byId, make } from "./dom.js";

const SHOWN_FOR = 7000;

/** Says in the status bar what has happened; screen readers read it. */
export function announce(text) {
  byId("status").textContent = text;
}

/**
 * Shows a message until it is dismissed; without a retry, for some seconds.
 *
 * @param {string} text
 * @param {{kind, retry}} options "error" or "note", and what to try again
 * @returns {Function} removes the message
 */
export function showMessage(text, { kind = "note", retry = null } = {}) {
  const list = byId("messages");
  const same = [...list.children].find((child) => child.dataset.text === text);
  same?.remove();
  const remove = () => element.remove();
  const button = (title, action) =>
    make(
      "button",
      {
        class: "text",
        click: () => {
          remove();
          action?.();
        },
      },
      [title],
    );
  const element = make("div", { class: `message ${kind}`, "data-text": text }, [
    make("span", {}, [text]),
    retry ? button("Retry", retry) : null,
    button("Dismiss"),
  ]);
  list.append(element);
  if (!retry) setTimeout(remove, SHOWN_FOR);
  return remove;
}
