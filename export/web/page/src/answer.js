/** The final answer: the content of the last \boxed{} of a turn. As runtime/protocol/answer.py. */

import { prose } from "./parts.js";
import { BLANK, strip } from "./python.js";

const BOXED = new RegExp(`\\\\boxed[${BLANK}]*\\{`, "g");
const BRACE = /\\.|[{}]/gsu; // an escaped brace is text

/**
 * Without surrounding `$` and blanks; null if there is no box, or if the last one is empty or its
 * braces do not balance.
 * @param {string} text
 * @param {import("./protocol.js").Protocol} protocol
 */
export function extractAnswer(text, protocol) {
  for (const part of prose(text, protocol).reverse()) {
    const box = [...part.matchAll(BOXED)].at(-1);
    if (box) return content(part.slice(box.index + box[0].length));
  }
  return null;
}

/** @param {string} text what follows the opening brace */
function content(text) {
  let depth = 1;
  for (const brace of text.matchAll(BRACE)) {
    depth += brace[0] === "{" ? 1 : brace[0] === "}" ? -1 : 0;
    if (depth === 0) return withoutDollars(strip(text.slice(0, brace.index))) || null;
  }
  return null;
}

/** @param {string} text */
function withoutDollars(text) {
  const left = text.length - text.replace(/^\$+/, "").length;
  const right = text.length - text.replace(/\$+$/, "").length;
  const pairs = Math.min(left, right, Math.floor(text.length / 2));
  return strip(text.slice(pairs, text.length - pairs));
}
