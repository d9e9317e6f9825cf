/**
 * llama.cpp's GBNF, as far as the protocol's grammars use it: an incremental matcher.
 *
 * wllama's low-level API checks a sampled token against a grammar but never advances it, so the
 * page follows the grammar itself. A state is a set of stacks; a stack is a linked list of
 * positions in rules, the next one on top.
 *
 * @typedef {{ ranges: [number, number][], negated: boolean }} Chars
 * @typedef {Chars | { rule: string }} Element
 * @typedef {{ elements: Element[], at: number, below: Stack } | null} Stack
 */

/** Parses a grammar; `start()` gives its first state. */
export class Grammar {
  /** @type {Map<string, Element[][]>} */
  #rules = new Map();

  /** @param {string} source */
  constructor(source) {
    for (const line of source.split("\n")) {
      const rule = /^([\w-]+) ::= (.*)$/.exec(line);
      if (!rule) throw new Error(`not a grammar rule: ${line}`);
      new RuleReader(this.#rules, rule[1], rule[2]).read();
    }
  }

  start() {
    return new State(this, this.expand({ elements: [{ rule: "root" }], at: 0, below: null }));
  }

  /**
   * The stacks whose top is a character, reached from `stack`; null is a complete match.
   * @param {Stack} stack
   * @param {Set<string>} [seen]
   * @returns {Stack[]}
   */
  expand(stack) {
    if (stack === null) return [null];
    const { elements, at, below } = stack;
    if (at === elements.length) return this.expand(below);
    const element = elements[at];
    if (!("rule" in element)) return [stack];
    const rest = at + 1 === elements.length ? below : { elements, at: at + 1, below };
    const alternatives = this.#rules.get(element.rule);
    if (!alternatives) throw new Error(`no grammar rule ${element.rule}`);
    return alternatives.flatMap((each) => this.expand({ elements: each, at: 0, below: rest }));
  }
}

/** Where a text stands in a grammar. Immutable. */
export class State {
  /** @param {Grammar} grammar @param {Stack[]} stacks @param {readonly number[]} pending */
  constructor(grammar, stacks, pending = []) {
    this.grammar = grammar;
    this.stacks = stacks;
    this.pending = pending; // bytes of a character that is not complete yet
  }

  /** Whether the text may end here. */
  get complete() {
    return this.pending.length === 0 && this.stacks.includes(null);
  }

  /**
   * The state after `piece`, or null if the grammar refuses it.
   * @param {Uint8Array} piece
   * @returns {State | null}
   */
  accept(piece) {
    let { stacks } = this;
    if (piece[0] === 0) return null; // as llama.cpp, whose texts end there
    let bytes = [...this.pending, ...piece];
    while (bytes.length) {
      const size = length(bytes[0]);
      if (size === 0) return null;
      const have = bytes.slice(0, size);
      if (have.slice(1).some((byte) => (byte & 0xc0) !== 0x80)) return null;
      if (have.length < size) {
        // Could any character that begins like this follow?
        const [low, high] = span(have, size);
        const fits = stacks.some((stack) => stack && matches(top(stack), low, high));
        return fits ? new State(this.grammar, stacks, have) : null;
      }
      const [code] = span(have, size);
      stacks = stacks.flatMap((stack) =>
        stack && matches(top(stack), code, code)
          ? this.grammar.expand({ ...stack, at: stack.at + 1 })
          : [],
      );
      if (stacks.length === 0) return null;
      bytes = bytes.slice(size);
    }
    return new State(this.grammar, stacks);
  }
}

/** @param {NonNullable<Stack>} stack @returns {Chars} */
const top = (stack) => /** @type {Chars} */ (stack.elements[stack.at]);

/** Bytes of the UTF-8 character that begins with `byte`, as llama.cpp counts; 0 if none does. */
function length(/** @type {number} */ byte) {
  if (byte < 0x80) return 1;
  return byte < 0xc2 ? 0 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

/**
 * The code points that begin with these bytes, of a character of `size` bytes.
 * @param {readonly number[]} bytes
 * @param {number} size
 * @returns {[number, number]}
 */
function span(bytes, size) {
  let code = size === 1 ? bytes[0] : bytes[0] & [0x3f, 0x1f, 0x0f][size - 2];
  for (const byte of bytes.slice(1)) code = (code << 6) | (byte & 0x3f);
  const missing = size - bytes.length;
  const low = code << (6 * missing);
  const shortest = [0, 0, 1 << 11, 1 << 16][missing]; // a smaller one has a shorter form
  return [low || shortest, ((code + 1) << (6 * missing)) - 1];
}

/** Whether a class has a character from `low` to `high`. */
function matches(
  /** @type {Chars} */ { ranges, negated },
  /** @type {number} */ low,
  /** @type {number} */ high,
) {
  if (!negated) return ranges.some(([from, to]) => from <= high && low <= to);
  let free = low; // the first one not known to be excluded
  for (const [from, to] of [...ranges].sort((a, b) => a[0] - b[0])) {
    if (from <= free && free <= to) free = to + 1;
  }
  return free <= high;
}

/** Reads the right side of one rule; groups and repetitions become rules of their own. */
class RuleReader {
  /** @param {Map<string, Element[][]>} rules @param {string} name @param {string} source */
  constructor(rules, name, source) {
    this.rules = rules;
    this.name = name;
    this.source = source;
    this.at = 0;
    this.made = 0;
  }

  read() {
    this.rules.set(this.name, this.alternatives());
    if (this.at < this.source.length) this.fail();
  }

  /** @returns {Element[][]} */
  alternatives() {
    const found = [this.sequence()];
    while (this.take("|")) found.push(this.sequence());
    return found;
  }

  sequence() {
    /** @type {Element[]} */
    const elements = [];
    for (;;) {
      this.blanks();
      const char = this.source[this.at];
      if (char === undefined || char === "|" || char === ")") return elements;
      const atom = this.atom(char);
      elements.push(...this.repeated(atom));
    }
  }

  /** @param {string} char @returns {Element[]} */
  atom(char) {
    if (char === '"') return this.literal();
    if (char === "[") return [this.chars()];
    if (char === "(") {
      this.at++;
      const inner = this.alternatives();
      if (!this.take(")")) this.fail();
      return [this.rule(inner)];
    }
    const name = /^[\w-]+/.exec(this.source.slice(this.at));
    if (!name) this.fail();
    this.at += name[0].length;
    return [{ rule: name[0] }];
  }

  /** @param {Element[]} atom @returns {Element[]} */
  repeated(atom) {
    if (this.take("?")) return [this.rule([atom, []])];
    const many = this.take("*") ? "*" : this.take("+") ? "+" : "";
    if (!many) return atom;
    const name = this.fresh();
    this.rules.set(name, [[...atom, { rule: name }], many === "*" ? [] : atom]);
    return [{ rule: name }];
  }

  /** @param {Element[][]} alternatives */
  rule(alternatives) {
    const rule = this.fresh();
    this.rules.set(rule, alternatives);
    return { rule };
  }

  fresh() {
    return `${this.name} ${this.made++}`; // no written name holds a space
  }

  literal() {
    this.at++;
    /** @type {Element[]} */
    const elements = [];
    while (this.source[this.at] !== '"') {
      const code = this.char();
      elements.push({ ranges: [[code, code]], negated: false });
    }
    this.at++;
    return elements;
  }

  chars() {
    this.at++;
    const negated = this.source[this.at] === "^";
    if (negated) this.at++;
    /** @type {[number, number][]} */
    const ranges = [];
    while (this.source[this.at] !== "]") {
      const from = this.char();
      const isRange = this.source[this.at] === "-" && this.source[this.at + 1] !== "]";
      if (isRange) this.at++;
      ranges.push([from, isRange ? this.char() : from]);
    }
    this.at++;
    return { ranges, negated };
  }

  /** One character, possibly escaped, as its code point. */
  char() {
    const rest = this.source.slice(this.at);
    if (!rest) this.fail();
    const hex = /^\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/.exec(rest);
    if (hex) {
      this.at += hex[0].length;
      return parseInt(hex[1] ?? hex[2] ?? hex[3], 16);
    }
    if (rest[0] === "\\") {
      this.at += 2;
      const named = { n: 10, r: 13, t: 9 }[rest[1]];
      return named ?? rest.charCodeAt(1);
    }
    const code = /** @type {number} */ (rest.codePointAt(0));
    this.at += code > 0xffff ? 2 : 1;
    return code;
  }

  /** @param {string} char */
  take(char) {
    this.blanks();
    if (this.source[this.at] !== char) return false;
    this.at++;
    return true;
  }

  blanks() {
    while (this.source[this.at] === " ") this.at++;
  }

  /** @returns {never} */
  fail() {
    throw new Error(`grammar rule ${this.name} fails at character ${this.at}`);
  }
}
