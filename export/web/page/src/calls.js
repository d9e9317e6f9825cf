/**
 * Reads a tool call out of a turn. As runtime/protocol/calls.py and guard.py: what the model wrote
 * wrongly comes back as a text for it to read, never as an exception.
 */

import { Float } from "./json.js";
import { splitTurn } from "./parts.js";
import { repr, strip } from "./python.js";

/**
 * @typedef {import("./protocol.js").Protocol} Protocol
 * @typedef {import("./protocol.js").Tool} Tool
 * @typedef {import("./parts.js").Part} Part
 * @typedef {{ name: string, arguments: Record<string, string>, raw: string }} ToolCall
 * @typedef {{ reason: string, message: string, raw: string }} Malformed
 */

/**
 * The call in an assistant turn, what is wrong with it, or null if there is no call.
 * @param {string} text
 * @param {readonly Tool[]} tools
 * @param {Protocol} protocol
 * @returns {ToolCall | Malformed | null}
 */
export function parseTurn(text, tools, protocol) {
  const parts = splitTurn(text, protocol);
  const calls = parts.filter((part) => part.kind === "call");
  if (calls.length === 0) return strayClose(text, parts, protocol);
  const first = calls[0];
  const raw = text.slice(first.start, first.end);
  if (calls.length > 1) {
    const message = "Error: nothing was run. Make one call, then wait for its result.";
    return { reason: "several_calls", message, raw: text.slice(first.start, calls.at(-1)?.end) };
  }
  const problem = check(first, tools, protocol);
  if (problem) return { reason: problem[0], message: `Error: ${problem[1]}`, raw };
  if (strip(text.slice(first.end))) {
    const message = "Error: nothing was run. Write nothing after a call; its result comes next.";
    return { reason: "text_after_call", message, raw: text.slice(first.start) };
  }
  const call = /** @type {{ name: string, arguments: Record<string, string> }} */ (first.value);
  return { name: call.name, arguments: call.arguments, raw };
}

/**
 * What is wrong with a call: a reason and a text, or null.
 * @param {Part} part
 * @param {readonly Tool[]} tools
 * @param {Protocol} protocol
 * @returns {[string, string] | null}
 */
function check(part, tools, { limits }) {
  const call = part.value;
  if (part.end - part.start > limits.max_call_chars) {
    return ["too_long", `the call is longer than ${limits.max_call_chars} characters.`];
  }
  if (!part.closed) return ["cut_off", "the call was cut off. Write it again, shorter."];
  if (call instanceof Error) {
    return ["bad_json", `the call is not valid JSON: ${call.message.split(";", 1)[0]}.`];
  }
  if (!isObject(call) || Object.keys(call).length !== 2 || !("name" in call && "arguments" in call)) {
    return ["bad_call", 'the call must be {"name": ..., "arguments": {...}}.'];
  }
  const { name, arguments: given } = call;
  if (typeof name !== "string" || !isObject(given)) {
    return ["bad_call", '"name" must be a string, "arguments" an object.'];
  }
  const tool = tools.find((each) => each.function.name === name);
  if (!tool) {
    const names = tools.map((each) => each.function.name).join(", ") || "none";
    const shown = repr([...name].slice(0, 40).join(""));
    return ["unknown_tool", `no tool ${shown}. Available: ${names}.`];
  }
  if (!isText(given)) return ["bad_json", "the call holds half of a surrogate pair."];
  const wrong = validate(given, tool);
  return wrong ? ["bad_arguments", `wrong arguments for ${name}: ${wrong}.`] : null;
}

/**
 * Why arguments do not fit a tool whose parameters are all strings, in msgspec's words; or null.
 * @param {Record<string, unknown>} given
 * @param {Tool} tool
 */
function validate(given, tool) {
  const { properties, required } = tool.function.parameters;
  for (const [name, value] of Object.entries(given)) {
    if (!Object.hasOwn(properties, name)) return `contains unknown field \`${name}\``;
    if (typeof value !== "string") {
      return `Expected \`str\`, got \`${typeName(value)}\` - at \`$.${name}\``;
    }
  }
  const missing = required.find((name) => !Object.hasOwn(given, name));
  return missing === undefined ? null : `missing required field \`${missing}\``;
}

/** @param {unknown} value */
function typeName(value) {
  if (value === null) return "null";
  if (Array.isArray(value)) return "array";
  if (value instanceof Float) return "float";
  return { boolean: "bool", number: "int" }[typeof value] ?? "object";
}

/** @param {unknown} value @returns {value is Record<string, unknown>} */
function isObject(value) {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Float)
  );
}

/** False for a lone surrogate, which JSON escapes can make and nothing can encode. */
function isText(/** @type {unknown} */ value) {
  if (typeof value === "string") return !/\p{Surrogate}/u.test(value);
  if (typeof value !== "object" || value === null) return true;
  return [...Object.keys(value), ...Object.values(value)].every(isText);
}

/**
 * @param {string} text
 * @param {readonly Part[]} parts
 * @param {Protocol} protocol
 * @returns {Malformed | null}
 */
function strayClose(text, parts, { tags }) {
  for (const part of parts) {
    const raw = text.slice(part.start, part.end);
    if (part.kind === "text" && raw.includes(tags.call_close)) {
      return { reason: "bad_call", message: "Error: a call was closed that was never opened.", raw };
    }
  }
  return null;
}

/** Refuses a call that has already given the same result `limit` times in a row. */
export class RepeatGuard {
  /** @type {Map<string, { result: string, times: number }>} */
  #seen = new Map();

  /** @param {number} limit */
  constructor(limit) {
    this.limit = limit;
  }

  /** @param {ToolCall} call */
  refuses(call) {
    return (this.#seen.get(key(call))?.times ?? 0) >= this.limit;
  }

  /** @param {ToolCall} call @param {string} result */
  record(call, result) {
    const last = this.#seen.get(key(call));
    const times = last?.result === result ? last.times + 1 : 1;
    this.#seen.set(key(call), { result, times });
  }
}

/** @param {ToolCall} call */
function key(call) {
  const sorted = Object.entries(call.arguments).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([call.name, sorted]);
}
