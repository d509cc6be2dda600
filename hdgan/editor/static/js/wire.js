/** Maps of ids as text: int32, little-endian, deflated, in base64. */

const CHUNK = 0x8000;

/** Returns ids as text, as scene files and requests hold them. */
export async function packIds(ids) {
  const integers = ids instanceof Int32Array ? ids : Int32Array.from(ids);
  const stream = new Blob([integers])
    .stream()
    .pipeThrough(new CompressionStream("deflate"));
  return toBase64(await new Response(stream).arrayBuffer());
}

/** Returns the ids in a text. */
export async function unpackIds(text) {
  const stream = new Blob([fromBase64(text)])
    .stream()
    .pipeThrough(new DecompressionStream("deflate"));
  return new Int32Array(await new Response(stream).arrayBuffer());
}

/** Returns the bytes of a buffer as base64. */
export function toBase64(buffer) {
  const bytes = new Uint8Array(buffer);
  let text = "";
  // A call takes only so many arguments.
  for (let k = 0; k < bytes.length; k += CHUNK) {
    text += String.fromCharCode(...bytes.subarray(k, k + CHUNK));
  }
  return btoa(text);
}

function fromBase64(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/** Returns the scene that a parsed scene file holds, with unpacked maps. */
export async function readSceneFile(file) {
  const [labels, instances] = await Promise.all([
    unpackIds(file.label_map),
    unpackIds(file.instance_map),
  ]);
  return {
    width: file.width,
    height: file.height,
    labels: Uint16Array.from(labels),
    instances,
    styles: file.styles,
    seed: file.seed,
    // Kept for the file that is written again.
    labelSet: file.labels,
    model: file.model,
  };
}

/** Returns the scene file of a scene, an object for JSON. */
export async function makeSceneFile(scene) {
  const [labelMap, instanceMap] = await Promise.all([
    packIds(scene.labels),
    packIds(scene.instances),
  ]);
  return {
    format: "hdgan scene",
    version: 1,
    height: scene.height,
    width: scene.width,
    labels: scene.labelSet,
    label_map: labelMap,
    instance_map: instanceMap,
    styles: scene.styles,
    seed: scene.seed,
    model: scene.model,
  };
}
