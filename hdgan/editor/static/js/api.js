/** Requests to the server; a failure is an Error in words for people. */

/** A request that failed; `status` is that of HTTP, 0 without an answer. */
export class RequestError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Returns the JSON at an address. */
export async function getJson(address) {
  return (await ask(address)).json();
}

/** Sends JSON; returns the JSON of the answer. */
export async function postJson(address, values) {
  return (await post(address, values)).json();
}

/** Sends JSON; returns the answer. */
export function post(address, values) {
  return ask(address, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(values),
  });
}

/** Returns the answer of an address. */
export async function ask(address, options = {}) {
  let response;
  try {
    response = await fetch(address, options);
  } catch {
    throw new RequestError(
      0,
      "The server does not answer. Your work is safe in this browser.",
    );
  }
  if (response.ok) return response;
  throw new RequestError(response.status, await describe(response));
}

async function describe(response) {
  try {
    return (await response.json()).error;
  } catch {
    return `The server answers with the error ${response.status}.`;
  }
}
