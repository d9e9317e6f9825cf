/**
 * Where the model's programs run: CPython (Pyodide) in a worker, in a frame of an opaque origin
 * whose policy forbids every connection. Of the page and its storage a program sees nothing; the
 * files it needs are handed in. Nothing is kept between programs: a worker is ended after the
 * first one that could have changed anything in it, and the next starts while the model writes.
 */

import { FRAME_SCRIPT } from "./frame.js";
import { PageError } from "./protocol.js";

/**
 * As runtime/sandbox/result.py; `text` is what was printed and the error, `kind` how it ended.
 * @typedef {{ text: string, error: string | null }} Outcome
 * @typedef {import("./protocol.js").Protocol} Protocol
 */

const START_SECONDS = 180; // of a slow and busy phone; not charged to the program
const POLICY = "default-src 'none'; script-src 'unsafe-inline' 'wasm-unsafe-eval' blob:; worker-src blob:";

export class Sandbox {
  /** @type {Promise<Uint8Array[]> | null} */
  #files = null;
  /** @type {Interpreter | null} the next one, started ahead */
  #next = null;

  /** @param {Protocol} protocol @param {string} baseUrl */
  constructor(protocol, baseUrl) {
    this.protocol = protocol;
    this.baseUrl = baseUrl;
  }

  /** Start an interpreter ahead of need. A failure is reported by the first program. */
  warm() {
    this.#next ??= new Interpreter(this.#load(), this.protocol);
  }

  /**
   * Run one program. Whatever it does is in the outcome.
   * @param {string} code
   * @returns {Promise<Outcome>}
   */
  async run(code) {
    this.warm();
    const interpreter = /** @type {Interpreter} */ (this.#next);
    this.#next = null;
    let clean = false;
    try {
      const outcome = await interpreter.run(code, this.protocol.limits.tool_seconds);
      clean = outcome.clean;
      return { text: outcome.text, error: outcome.error };
    } catch (error) {
      return { text: `SandboxError: ${/** @type {Error} */ (error).message}`, error: "infra" };
    } finally {
      if (clean) this.#next = interpreter;
      else interpreter.end();
      this.warm();
    }
  }

  async #load() {
    const names = ["python-worker.js", "pyodide.asm.wasm", "python_stdlib.zip"];
    this.#files ??= Promise.all(names.map((name) => fetchBytes(this.baseUrl + name)));
    try {
      return await this.#files;
    } catch (error) {
      this.#files = null; // the connection may be back next time
      throw error;
    }
  }
}

class Interpreter {
  #frame = document.createElement("iframe");
  #channel = new MessageChannel();
  #inbox = new Inbox(this.#channel.port1);
  #ready;
  /** @type {(reply: { text: string }) => void} */
  #onFailure = () => {};
  #listen = (/** @type {MessageEvent} */ { source, data }) => {
    if (source !== this.#frame.contentWindow) return;
    this.#onFailure({ text: String(data?.failed).slice(0, 300) });
  };

  /** @param {Promise<Uint8Array[]>} files @param {Protocol} protocol */
  constructor(files, protocol) {
    this.#frame.setAttribute("sandbox", "allow-scripts");
    this.#frame.hidden = true;
    this.#frame.title = "Python";
    this.#frame.srcdoc =
      `<meta http-equiv="Content-Security-Policy" content="${POLICY}">` +
      `<script>${FRAME_SCRIPT}</script>`;
    this.#ready = this.#start(files, protocol);
    this.#ready.catch(() => {}); // reported by `run`
  }

  /**
   * `clean` says that the program cannot have left anything behind.
   * @param {string} code
   * @param {number} seconds
   * @returns {Promise<Outcome & { clean: boolean }>}
   */
  async run(code, seconds) {
    await this.#ready;
    this.#channel.port1.postMessage({ code });
    // Said before the program runs: afterwards it could say so itself.
    const verdict = await this.#inbox.next(seconds);
    const reply = verdict && (await this.#inbox.next(seconds));
    if (reply === undefined) {
      const text = `TimeoutError: the program was stopped after ${seconds} s`;
      return { text, error: "timeout", clean: false };
    }
    if (typeof reply?.text !== "string") throw new Error("the interpreter gave no answer");
    const error = typeof reply.error === "string" ? reply.error : null;
    return { text: reply.text, error, clean: verdict.plain === true && error !== "memory" };
  }

  /** End it and whatever it is doing. */
  end() {
    removeEventListener("message", this.#listen);
    this.#frame.remove();
    this.#channel.port1.close();
  }

  /** @param {Promise<Uint8Array[]>} files @param {Protocol} protocol */
  async #start(files, protocol) {
    const [worker, wasm, stdlib] = await files;
    const loaded = new Promise((resolve) => (this.#frame.onload = resolve));
    addEventListener("message", this.#listen);
    document.body.append(this.#frame);
    await loaded;
    const { limits, sandbox_files } = protocol;
    const message = { worker, wasm, stdlib, limits, files: sandbox_files };
    this.#frame.contentWindow?.postMessage(message, "*", [this.#channel.port2]);
    const failed = new Promise((resolve) => (this.#onFailure = resolve));
    const ready = this.#inbox.next(START_SECONDS);
    const reply = (await Promise.race([ready, failed])) ?? { text: "it does not start" };
    if (reply.ready !== true) throw new Error(`Python cannot run here: ${reply.text}`);
  }
}

/** What comes through a port, one at a time. */
class Inbox {
  /** @type {any[]} */
  #waiting = [];
  /** @type {((data: any) => void) | null} */
  #taker = null;

  /** @param {MessagePort} port */
  constructor(port) {
    port.onmessage = ({ data }) => {
      if (this.#taker) this.#taker(data);
      else this.#waiting.push(data);
    };
  }

  /** The next one, or undefined if there is none within `seconds`. @returns {Promise<any>} */
  async next(/** @type {number} */ seconds) {
    if (this.#waiting.length) return this.#waiting.shift();
    /** @type {Promise<any>} */
    const arrival = new Promise((resolve) => {
      this.#taker = resolve;
      setTimeout(resolve, 1000 * seconds);
    });
    const data = await arrival;
    this.#taker = null;
    return data;
  }
}

/** @param {string} url */
async function fetchBytes(url) {
  const response = await fetch(url);
  if (!response.ok) throw new PageError(`${url}: the server answers ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
}
