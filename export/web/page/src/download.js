/** Fetches the model with progress, and keeps it for the next visit. */

import { PageError } from "./protocol.js";

const CACHE = "sod-agent-models";

/**
 * The model file; from the browser's cache storage if it was there before.
 * @param {string} url
 * @param {import("./protocol.js").ModelCard} card
 * @param {(bytes: number) => void} onProgress
 * @returns {Promise<Blob>}
 */
export async function download(url, card, onProgress) {
  const key = `${url}?sha256=${card.sha256}`;
  const cache = await globalThis.caches?.open(CACHE).catch(() => undefined);
  const kept = await (await cache?.match(key))?.blob();
  if (kept?.size === card.bytes) {
    onProgress(card.bytes);
    return kept;
  }
  const file = await stream(url, onProgress);
  if (file.size !== card.bytes) {
    throw new PageError(`${card.file} has ${file.size} bytes, model.json says ${card.bytes}`);
  }
  if (cache) {
    for (const old of await cache.keys()) await cache.delete(old); // one model at a time
    await cache.put(key, new Response(file)).catch(() => {}); // no room: fetched again next time
  }
  return file;
}

/** @param {string} url @param {(bytes: number) => void} onProgress */
async function stream(url, onProgress) {
  const response = await fetch(url);
  if (!response.ok || !response.body) {
    throw new PageError(`${url}: the server answers ${response.status}`);
  }
  const reader = response.body.getReader();
  const chunks = [];
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return new Blob(chunks);
    chunks.push(value);
    bytes += value.byteLength;
    onProgress(bytes);
  }
}
