/** The few habits of Python's str that the protocol's texts depend on. */

/** What `str.strip()` and `\s` take for a blank, as the inside of a character class. */
export const BLANK = "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";

const LEFT = new RegExp(`^[${BLANK}]+`);
const RIGHT = new RegExp(`[${BLANK}]+$`);

/** @param {string} text */
export const lstrip = (text) => text.replace(LEFT, "");

/** @param {string} text */
export const strip = (text) => lstrip(text).replace(RIGHT, "");

/** `repr(text)`. @param {string} text */
export function repr(text) {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  let inner = "";
  for (const char of text) {
    const code = /** @type {number} */ (char.codePointAt(0));
    if (char === quote || char === "\\") inner += `\\${char}`;
    else if (char === "\n") inner += "\\n";
    else if (char === "\r") inner += "\\r";
    else if (char === "\t") inner += "\\t";
    else if (/[\p{C}\p{Z}]/u.test(char) && char !== " ") inner += escape(code);
    else inner += char;
  }
  return quote + inner + quote;
}

/** @param {number} code */
function escape(code) {
  const hex = code.toString(16);
  if (code < 0x100) return `\\x${hex.padStart(2, "0")}`;
  return code < 0x10000 ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}
