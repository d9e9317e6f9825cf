/** The parts of a turn: prose, thinking, tool calls. As runtime/protocol/text.py. */

import { decode } from "./json.js";
import { lstrip, strip } from "./python.js";

/**
 * `closed` says that its closing tag is there; `value` of a call is the decoded JSON, or the
 * error that decoding gave.
 * @typedef {{ kind: "text" | "think" | "call", start: number, end: number, closed: boolean,
 *   value?: unknown }} Part
 * @typedef {import("./protocol.js").Protocol} Protocol
 */

/**
 * The parts of an assistant turn, in order.
 * @param {string} text
 * @param {Protocol} protocol
 * @returns {Part[]}
 */
export function splitTurn(text, protocol) {
  const { tags, limits } = protocol;
  const opening = [tags.think_open, tags.think_close, tags.call_open];
  /** @type {Part[]} */
  let parts = [];
  let here = 0;
  let decodes = 0;
  for (;;) {
    const found = opening
      .map((tag) => ({ tag, at: text.indexOf(tag, here) }))
      .filter(({ at }) => at >= 0)
      .sort((a, b) => a.at - b.at)[0];
    if (!found) break;
    const { tag, at } = found;
    const after = at + tag.length;
    if (at > here) parts.push({ kind: "text", start: here, end: at, closed: true });
    if (tag === tags.think_close) {
      parts = [{ kind: "think", start: 0, end: after, closed: true }];
      here = after;
      continue;
    }
    if (tag === tags.think_open) {
      const close = text.indexOf(tags.think_close, after);
      const closed = close >= 0;
      // A call inside thinking that never ends is where the engine stopped: it counts.
      const call = text.indexOf(tags.call_open, after);
      const end = closed ? close + tags.think_close.length : call >= 0 ? call : text.length;
      parts.push({ kind: "think", start: at, end, closed });
    } else {
      decodes += 1;
      parts.push(readCall(text, at, decodes <= limits.max_decodes, protocol));
    }
    here = parts[parts.length - 1].end;
  }
  if (here < text.length) parts.push({ kind: "text", start: here, end: text.length, closed: true });
  return parts;
}

/**
 * The parts that are neither thinking nor a call.
 * @param {string} text
 * @param {Protocol} protocol
 */
export function prose(text, protocol) {
  const parts = splitTurn(text, protocol).filter((part) => part.kind === "text");
  return parts.map((part) => text.slice(part.start, part.end));
}

/** The closing tag is looked for after the JSON, which may hold the tag in a string. */
function readCall(
  /** @type {string} */ text,
  /** @type {number} */ start,
  /** @type {boolean} */ mayDecode,
  /** @type {Protocol} */ { tags, limits },
) {
  const body = start + tags.call_open.length;
  /** @type {unknown} */
  let value = new Error("not read");
  let end = body;
  if (mayDecode) {
    const slice = text.slice(body, body + limits.max_call_chars);
    try {
      const decoded = decode(slice, slice.length - lstrip(slice).length);
      value = decoded.value;
      end = body + decoded.end;
    } catch (error) {
      value = error;
    }
  }
  const close = text.indexOf(tags.call_close, end);
  const kind = /** @type {const} */ ("call");
  if (close < 0) return { kind, start, end: text.length, closed: false, value };
  if (!(value instanceof Error) && strip(text.slice(end, close))) {
    value = new Error("text follows the JSON object");
  }
  return { kind, start, end: close + tags.call_close.length, closed: true, value };
}
