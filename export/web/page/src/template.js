/**
 * A model's chat template: messages to text. As runtime/protocol/template.py: what a template
 * cannot do is done for it, and whether it can is asked of the template itself.
 */

import { PageError } from "./protocol.js";

/**
 * @typedef {import("./protocol.js").Message} Message
 * @typedef {import("./protocol.js").Protocol} Protocol
 * @typedef {import("./protocol.js").Tool} Tool
 * @typedef {(source: string, variables: object) => Promise<string>} Renderer
 */

const PROBE = "QX7PROBE7ZQ";
const RESULT = "QX7RESULT7ZQ";
/** @type {Tool} */
const PROBE_TOOL = {
  type: "function",
  function: {
    name: PROBE,
    description: "",
    parameters: /** @type {Tool["function"]["parameters"]} */ ({}),
  },
};

/** Renders conversations with the Jinja source of a model file, or with ChatML if it has none. */
export class ChatTemplate {
  /** @type {{ tools: boolean, system: boolean, alternates: boolean } | undefined} */
  #can;

  /**
   * @param {string | null} source
   * @param {{ bos_text: string, eos_text: string }} card
   * @param {Protocol} protocol
   * @param {Renderer} renderer
   */
  constructor(source, card, protocol, renderer) {
    this.source = source ?? protocol.default_template;
    this.special = { bos_token: card.bos_text, eos_token: card.eos_text };
    this.protocol = protocol;
    this.renderer = renderer;
  }

  /**
   * The text of a conversation, up to where the assistant begins to write.
   * @param {readonly Message[]} messages
   * @param {readonly Tool[]} tools
   */
  async render(messages, tools) {
    this.#can ??= await this.#probe();
    let talk = [...messages];
    if (tools.length && !this.#can.tools) {
      talk = withSystem(talk, this.protocol.tool_instructions);
    }
    if (!this.#can.tools) talk = talk.map((message) => asUser(message, this.protocol));
    if (!this.#can.system) talk = foldSystem(talk);
    if (this.#can.alternates) talk = merge(talk);
    return this.#render(talk, this.#can.tools ? tools : []);
  }

  async #probe() {
    const call = this.protocol.tags.call_open;
    const turns = [user("Q"), { role: /** @type {const} */ ("assistant"), content: "A" }];
    /** @type {Message[]} */
    const results = [...turns, { role: "tool", content: RESULT }];
    /** @type {Message[]} */
    const system = [{ role: "system", content: PROBE }, user("Q")];
    return {
      tools: await this.#shows(results, [PROBE, RESULT, call], [PROBE_TOOL]),
      system: await this.#shows(system, [PROBE]),
      alternates: !(await this.#shows([user("Q"), user(PROBE)], [PROBE])),
    };
  }

  /**
   * @param {readonly Message[]} talk
   * @param {readonly string[]} texts
   * @param {readonly Tool[]} tools
   */
  async #shows(talk, texts, tools = []) {
    try {
      const rendered = await this.#render(talk, tools);
      return texts.every((text) => rendered.includes(text));
    } catch (error) {
      if (/** @type {any} */ (error).tooSlow) throw error; // rather than one that cannot do this
      return false;
    }
  }

  /** @param {readonly Message[]} messages @param {readonly Tool[]} tools */
  async #render(messages, tools) {
    const special = Object.entries(this.special).filter(([, text]) => text);
    return this.renderer(this.source, {
      messages,
      tools: tools.length ? tools : null,
      documents: null,
      add_generation_prompt: true,
      enable_thinking: false,
      thinking: false,
      ...Object.fromEntries(special),
    });
  }
}

/** @param {string} content @returns {Message} */
const user = (content) => ({ role: "user", content });

/** @param {Message[]} messages @param {string} extra @returns {Message[]} */
function withSystem(messages, extra) {
  const [first, ...rest] = messages;
  if (first?.role !== "system") return [{ role: "system", content: extra }, ...messages];
  return [{ ...first, content: `${first.content}\n\n${extra}` }, ...rest];
}

/** @param {Message} message @param {Protocol} protocol */
function asUser(message, { tags }) {
  if (message.role !== "tool") return message;
  return user(`${tags.response_open}\n${message.content}\n${tags.response_close}`);
}

/** The system text at the head of the first user message. @param {Message[]} messages */
function foldSystem(messages) {
  const texts = messages.filter((each) => each.role === "system").map((each) => each.content);
  const rest = messages.filter((each) => each.role !== "system");
  if (!texts.some(Boolean)) return rest;
  const system = texts.join("\n\n");
  if (rest[0]?.role !== "user") return [user(system), ...rest];
  return [user(`${system}\n\n${rest[0].content}`), ...rest.slice(1)];
}

/** Neighbours of one role as one message. @param {readonly Message[]} messages */
function merge(messages) {
  /** @type {Message[]} */
  const merged = [];
  for (const message of messages) {
    const last = merged.at(-1);
    if (last?.role === message.role) {
      merged[merged.length - 1] = { ...last, content: `${last.content}\n\n${message.content}` };
    } else {
      merged.push(message);
    }
  }
  return merged;
}

/**
 * Renders in a worker, which is ended when it takes too long: a template is untrusted.
 * @param {number} seconds
 * @returns {Renderer}
 */
export function workerRenderer(seconds) {
  /** @type {Worker | null} */
  let worker = null;
  return (source, variables) =>
    new Promise((resolve, reject) => {
      worker ??= new Worker("template-worker.js");
      const timer = setTimeout(() => {
        worker?.terminate();
        worker = null;
        const error = new PageError("the model's chat template is refused: it takes too long");
        reject(Object.assign(error, { tooSlow: true }));
      }, 1000 * seconds);
      worker.onmessage = ({ data }) => {
        clearTimeout(timer);
        if (typeof data.text === "string") resolve(data.text);
        else reject(new PageError(`the model's chat template is broken: ${data.error}`));
      };
      worker.onerror = () => {
        clearTimeout(timer);
        reject(new PageError("the page's template-worker.js does not load"));
      };
      worker.postMessage({ source, variables });
    });
}
