/**
 * The conversation as append-only token ids. As runtime/protocol/transcript.py and encoding.py:
 * the first prompt is rendered once, nothing sampled is tokenised again, and only the template can
 * write control tokens.
 */

import { PageError } from "./protocol.js";

/**
 * @typedef {import("./protocol.js").Message} Message
 * @typedef {import("./protocol.js").Tool} Tool
 * @typedef {import("./template.js").ChatTemplate} ChatTemplate
 * @typedef {{ before: string, after: string }} Seam
 * @typedef {{ bosId: number | null, addBos: boolean, isEog(token: number): boolean,
 *   encode(text: string, special: boolean): Promise<number[]> }} Tokenizer
 */

const REPLY = "QX7REPLY7ZQ";
const CONTENT = "QX7CONTENT7ZQ";
const TAGS = /<(?=\/?(?:tool_call|tool_response|tools|think)>)/g;

/** `text` with the tags of the protocol broken visibly by a space. @param {string} text */
export const showTags = (text) => text.replace(TAGS, "< ");

/** Encodes trusted text with untrusted text inside it. */
export class SafeEncoder {
  /** @type {string[]} */
  #hidden = [];
  #mark = `HIDDEN${crypto.randomUUID().replaceAll("-", "")}N`; // nobody can guess it

  /** @param {Tokenizer} tokenizer @param {readonly string[]} specialTexts */
  constructor(tokenizer, specialTexts) {
    this.tokenizer = tokenizer;
    const longestFirst = [...specialTexts].sort((a, b) => b.length - a.length);
    this.special = new RegExp(longestFirst.map(escapeRegExp).join("|") || "(?!)", "g");
  }

  /** `text` with placeholders for control tokens, to go through a template. @param {string} text */
  async hide(text) {
    if (await this.#isPlain(text)) return text;
    return text.replace(this.special, (found) => {
      this.#hidden.push(found);
      return `${this.#mark}${this.#hidden.length - 1}E`;
    });
  }

  /** Ids of what the template made of hidden texts. @param {string} rendered */
  async encode(rendered) {
    const ids = [];
    const parts = rendered.split(new RegExp(`${this.#mark}(\\d+)E`));
    for (const [number, part] of parts.entries()) {
      const hidden = number % 2 === 1;
      if (hidden) ids.push(...(await this.tokenizer.encode(this.#hidden[Number(part)], false)));
      else if (part) ids.push(...(await this.tokenizer.encode(part, true)));
    }
    return ids;
  }

  /**
   * Ids of untrusted `content` between two trusted texts.
   * @param {string} before
   * @param {string} content
   * @param {string} after
   */
  async encodeBetween(before, content, after) {
    const { tokenizer } = this;
    if (await this.#isPlain(content)) return tokenizer.encode(before + content + after, true);
    return [
      ...(await tokenizer.encode(before, true)),
      ...(await tokenizer.encode(content, false)),
      ...(await tokenizer.encode(after, true)),
    ];
  }

  /** @param {string} text */
  async #isPlain(text) {
    const special = await this.tokenizer.encode(text, true);
    const plain = await this.tokenizer.encode(text, false);
    return special.length === plain.length && special.every((id, i) => id === plain[i]);
  }
}

export class Transcript {
  /** @type {number[]} */
  ids = [];
  /** @type {Uint8Array[]} pieces of the present turn, without what ends it */
  #pieces = [];

  /** Use `Transcript.open`. */
  constructor(
    /** @type {Tokenizer} */ tokenizer,
    /** @type {SafeEncoder} */ encoder,
    /** @type {Seam} */ toolSeam,
    /** @type {Seam} */ userSeam,
  ) {
    this.tokenizer = tokenizer;
    this.encoder = encoder;
    this.toolSeam = toolSeam;
    this.userSeam = userSeam;
  }

  /**
   * Render and tokenise the first prompt, which ends where the assistant begins to write.
   * @param {Tokenizer} tokenizer
   * @param {SafeEncoder} encoder
   * @param {ChatTemplate} template
   * @param {readonly Message[]} messages
   * @param {readonly Tool[]} tools
   */
  static async open(tokenizer, encoder, template, messages, tools) {
    const hidden = [];
    for (const message of messages) {
      hidden.push({ ...message, content: await encoder.hide(message.content) });
    }
    const toolSeam = await cutSeam(template, "tool", tools);
    const userSeam = await cutSeam(template, "user", tools);
    const ids = await encoder.encode(await template.render(hidden, tools));
    if (tokenizer.addBos && tokenizer.bosId !== null && ids[0] !== tokenizer.bosId) {
      ids.unshift(tokenizer.bosId);
    }
    const transcript = new Transcript(tokenizer, encoder, toolSeam, userSeam);
    transcript.ids = ids;
    return transcript;
  }

  /** A token that the model chose. @param {number} token @param {Uint8Array} piece */
  addSampled(token, piece) {
    this.ids.push(token);
    if (!this.tokenizer.isEog(token)) this.#pieces.push(piece);
  }

  /** Text put into the assistant's turn without asking the model. @param {string} text */
  async addForced(text) {
    if (!text) return;
    this.ids.push(...(await this.tokenizer.encode(text, true)));
    this.#pieces.push(new TextEncoder().encode(text));
  }

  /** End the turn with a tool's result, in which tags stay text. @param {string} text */
  addToolResult(text) {
    return this.#endTurn(this.toolSeam, showTags(text));
  }

  /** End the turn, add what the user says and open the next turn. @param {string} text */
  addUser(text) {
    return this.#endTurn(this.userSeam, text);
  }

  /** What ends an assistant turn in the template, such as `<|im_end|>`; "" if nothing does. */
  get turnEnd() {
    return this.userSeam.before.split(/\s+/).find(Boolean) ?? "";
  }

  /** What stands in the present assistant turn, without what ends it. */
  get text() {
    return this.turnEnd ? this.rawText.split(this.turnEnd, 1)[0] : this.rawText;
  }

  /** The same with it, where the model wrote it out. */
  get rawText() {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    return (
      this.#pieces.map((piece) => decoder.decode(piece, { stream: true })).join("") +
      decoder.decode()
    );
  }

  /** @param {Seam} seam @param {string} content */
  async #endTurn(seam, content) {
    let { before } = seam;
    if (this.turnEnd && this.rawText.includes(this.turnEnd)) {
      before = before.slice(before.indexOf(this.turnEnd) + this.turnEnd.length); // it wrote it out
    }
    const ids = await this.encoder.encodeBetween(before, content, seam.after);
    // The model may have ended its turn itself, with the token that the seam begins with.
    const last = this.ids.at(-1);
    if (last !== undefined && ids[0] === last && this.tokenizer.isEog(last)) ids.shift();
    this.ids.push(...ids);
    this.#pieces = [];
  }
}

/**
 * The texts from the end of an assistant turn to a content, and from it to the next turn.
 * @param {ChatTemplate} template
 * @param {"tool" | "user"} role
 * @param {readonly Tool[]} tools
 * @returns {Promise<Seam>}
 */
async function cutSeam(template, role, tools) {
  const talk = [
    { role: /** @type {const} */ ("user"), content: "Q" },
    { role: /** @type {const} */ ("assistant"), content: REPLY },
    { role, content: CONTENT },
  ];
  const text = await template.render(talk, tools);
  const reply = text.indexOf(REPLY);
  const content = text.indexOf(CONTENT, reply);
  const before = text.slice(reply + REPLY.length, content);
  const after = text.slice(content + CONTENT.length);
  if (reply < 0 || content < 0 || !before || after.includes(CONTENT)) {
    throw new PageError(`the model's chat template does not show ${role} messages as they are`);
  }
  return { before, after };
}

/** @param {string} text */
const escapeRegExp = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
