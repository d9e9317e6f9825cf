/**
 * JSON as Python's `json` reads it: the value at the start of a text, and the same messages and
 * positions when it is wrong, since the model reads them.
 */

const MAX_DEPTH = 900; // Python gives up at about this depth too
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/y;
const ESCAPES = { '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };
const CONSTANTS = ["NaN", "Infinity", "-Infinity"];
const LITERALS = { null: null, true: true, false: false };

/** A number written with a point or an exponent. */
export class Float extends Number {}

/** What is wrong with a text; `message` is fit for the model. */
export class JsonError extends Error {}

/**
 * The value that begins at `start`, and where it ends. Objects have no prototype.
 * @param {string} text
 * @param {number} start index of UTF-16 units
 * @returns {{ value: unknown, end: number }}
 * @throws {JsonError}
 */
export function decode(text, start) {
  const reader = new Reader(text, start);
  const value = reader.value(0);
  return { value, end: reader.at };
}

class Reader {
  /** @param {string} text @param {number} at */
  constructor(text, at) {
    this.text = text;
    this.at = at;
  }

  /** @param {number} depth @returns {unknown} */
  value(depth) {
    if (depth > MAX_DEPTH) throw new JsonError("nested too deeply");
    const char = this.text[this.at];
    if (char === '"') return this.string();
    if (char === "{") return this.object(depth);
    if (char === "[") return this.array(depth);
    for (const [word, value] of Object.entries(LITERALS)) if (this.take(word)) return value;
    for (const word of CONSTANTS) if (this.take(word)) throw new JsonError(`${word} is not JSON`);
    NUMBER.lastIndex = this.at;
    const match = NUMBER.exec(this.text);
    if (!match) this.fail("Expecting value", this.at);
    this.at += match[0].length;
    return match[1] || match[2] ? new Float(match[0]) : Number(match[0]);
  }

  /** @param {number} depth */
  object(depth) {
    /** @type {Record<string, unknown>} */
    const object = Object.create(null);
    this.at++;
    this.blanks();
    if (this.take("}")) return object;
    for (;;) {
      if (this.text[this.at] !== '"') {
        this.fail("Expecting property name enclosed in double quotes", this.at);
      }
      const key = this.string();
      this.blanks();
      if (!this.take(":")) this.fail("Expecting ':' delimiter", this.at);
      this.blanks();
      object[key] = this.value(depth + 1);
      this.blanks();
      if (this.take("}")) return object;
      if (!this.take(",")) this.fail("Expecting ',' delimiter", this.at);
      this.blanks();
    }
  }

  /** @param {number} depth */
  array(depth) {
    const array = [];
    this.at++;
    this.blanks();
    if (this.take("]")) return array;
    for (;;) {
      array.push(this.value(depth + 1));
      this.blanks();
      if (this.take("]")) return array;
      if (!this.take(",")) this.fail("Expecting ',' delimiter", this.at);
      this.blanks();
    }
  }

  string() {
    const { text } = this;
    const begin = this.at++;
    let value = "";
    for (;;) {
      const start = this.at;
      while (this.at < text.length && !/["\\\x00-\x1f]/.test(text[this.at])) this.at++;
      value += text.slice(start, this.at);
      if (this.at >= text.length) this.fail("Unterminated string starting at", begin);
      const char = text[this.at++];
      if (char === '"') return value;
      if (char !== "\\") this.fail("Invalid control character at", this.at - 1);
      if (this.at >= text.length) this.fail("Unterminated string starting at", begin);
      const escape = text[this.at++];
      if (escape === "u") value += this.unit();
      else if (escape in ESCAPES) value += ESCAPES[/** @type {keyof ESCAPES} */ (escape)];
      else this.fail("Invalid \\escape", this.at - 2);
    }
  }

  /** The four digits of a \u escape; two halves of a pair simply follow each other. */
  unit() {
    const digits = this.text.slice(this.at, this.at + 4);
    if (!/^[0-9a-fA-F]{4}$/.test(digits) || this.at + 4 >= this.text.length) {
      this.fail("Invalid \\uXXXX escape", this.at - 1);
    }
    this.at += 4;
    return String.fromCharCode(parseInt(digits, 16));
  }

  blanks() {
    while (" \t\n\r".includes(this.text[this.at] || "x")) this.at++;
  }

  /** @param {string} word */
  take(word) {
    const found = this.text.startsWith(word, this.at);
    if (found) this.at += word.length;
    return found;
  }

  /** @param {string} message @param {number} at @returns {never} */
  fail(message, at) {
    const position = [...this.text.slice(0, at)].length; // Python counts code points
    throw new JsonError(`${message} at character ${position}`);
  }
}
