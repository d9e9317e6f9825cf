/**
 * Token ids in, token ids out, by llama.cpp compiled to WebAssembly (wllama). Greedy. The KV cache
 * is kept between calls: of a prompt that begins like the last one only the rest is evaluated.
 */

import { Wllama } from "@wllama/wllama";

import { PageError } from "./protocol.js";

/**
 * @typedef {import("./grammar.js").State} State
 * @typedef {"eog" | "constraint" | "length" | "context" | "stopped"} Finish
 * @typedef {{ evaluated: number, reused: number, generated: number, decoded: number,
 *   rejected: number, prefillSeconds: number, decodeSeconds: number }} Stats tokens are counts
 */

const PREFILL_BATCH = 128; // tokens between two looks at the stop button
const FEW = 40; // candidates looked at first when a token is refused
const QUIET = { debug() {}, log() {}, warn() {}, error: console.error };

export class Engine {
  /** @type {number[]} the tokens whose keys and values are in the cache */
  #cached = [];
  /** @type {Map<number, Uint8Array>} */
  #pieces = new Map();

  /** Use `Engine.open`. @param {Wllama} wllama @param {string} template */
  constructor(wllama) {
    this.wllama = wllama;
    const info = wllama.getLoadedContextInfo();
    this.nCtx = info.n_ctx;
    this.nVocab = info.n_vocab;
    this.addBos = wllama.mustAddBosToken() && wllama.getBOS() >= 0;
    this.bosId = wllama.getBOS() >= 0 ? wllama.getBOS() : null;
    this.chatTemplate = wllama.getChatTemplate();
    this.metadata = wllama.getModelMetadata().meta;
    this.threads = wllama.getNumThreads();
  }

  /**
   * @param {Blob} file a GGUF model
   * @param {{ context: number, threads: number, baseUrl: string }} options `context` in tokens
   */
  static async open(file, { context, threads, baseUrl }) {
    const paths = {
      "single-thread/wllama.wasm": `${baseUrl}wllama-single.wasm`,
      "multi-thread/wllama.wasm": `${baseUrl}wllama-multi.wasm`,
    };
    const wllama = new Wllama(paths, { suppressNativeLog: true, logger: QUIET });
    try {
      await wllama.loadModel([file], { n_ctx: context, n_threads: threads, n_batch: PREFILL_BATCH });
      await wllama.samplingInit({ temp: 0 });
    } catch (error) {
      throw new PageError(`this browser cannot load the model: ${reason(error)}`);
    }
    return new Engine(wllama);
  }

  /** @param {string} text @param {boolean} special whether control tokens are parsed */
  async encode(text, special) {
    return text ? [...(await this.wllama.tokenize(text, special))] : [];
  }

  /** @param {number} token */
  isEog(token) {
    return this.wllama.isTokenEOG(token);
  }

  /**
   * Continue `ids` by at most `maxTokens` tokens. `stats` and `finish` of the object that is given
   * are filled in while it goes on.
   * @param {readonly number[]} prompt
   * @param {{ maxTokens: number, closes: string, state: State, signal: AbortSignal }} options
   *   `state` is where the text stands in its grammar; `closes` ends a call, and so the turn
   * @param {{ finish: Finish, stats: Stats }} report
   * @returns {AsyncGenerator<{ token: number, piece: Uint8Array }>}
   */
  async *generate(prompt, { maxTokens, closes, state, signal }, report) {
    const { stats } = report;
    const ids = [...prompt];
    const closing = new TextEncoder().encode(closes);
    /** @type {number[]} */
    let tail = [];
    for (;;) {
      report.finish = "stopped";
      if (signal.aborted) return;
      report.finish = stats.generated >= maxTokens ? "length" : "context";
      if (stats.generated >= maxTokens || ids.length > this.nCtx) return;
      report.finish = "stopped";
      const first = stats.generated === 0;
      const started = performance.now();
      const done = await this.#evaluate(ids, first ? stats : null, signal);
      if (!first) stats.evaluated += 1;
      if (!done) return;
      const sampled = await this.#sample(state, stats);
      const seconds = (performance.now() - started) / 1000;
      if (first) stats.prefillSeconds = seconds;
      else stats.decodeSeconds += seconds;
      if (!first) stats.decoded += 1;
      stats.generated += 1;
      ids.push(sampled.token);
      tail = [...tail, ...sampled.piece].slice(-closing.length);
      const eog = this.isEog(sampled.token);
      const closed = closing.length > 0 && String(tail) === String([...closing]);
      if (eog || closed) report.finish = eog ? "eog" : "constraint";
      if (sampled.state) state = sampled.state;
      yield { token: sampled.token, piece: sampled.piece };
      if (eog || closed) return;
    }
  }

  /** Have all of `ids` in the KV cache; false if it was stopped. */
  async #evaluate(
    /** @type {number[]} */ ids,
    /** @type {Stats | null} */ stats,
    /** @type {AbortSignal} */ signal,
  ) {
    let shared = 0; // the last token always gives the logits
    while (shared < ids.length - 1 && this.#cached[shared] === ids[shared]) shared++;
    if (shared < this.#cached.length) {
      if (shared === 0) await this.wllama.kvClear();
      else await this.wllama.kvRemove(shared, -1);
      this.#cached.length = shared;
    }
    if (stats) Object.assign(stats, { reused: shared, evaluated: ids.length - shared });
    for (let at = shared; at < ids.length; at += PREFILL_BATCH) {
      if (signal.aborted) return false;
      const chunk = ids.slice(at, at + PREFILL_BATCH);
      await this.wllama.decode(chunk, { skipLogits: at + PREFILL_BATCH < ids.length });
      this.#cached.push(...chunk);
    }
    return true;
  }

  /**
   * The likeliest token that the grammar allows. It is drawn freely first: testing a whole
   * vocabulary at every step costs more than the network.
   * @param {State} state
   * @param {Stats} stats
   */
  async #sample(state, stats) {
    const { token, piece } = await this.wllama.samplingSample();
    this.#pieces.set(token, piece);
    const free = await this.#allowed(token, state);
    if (free) return free;
    stats.rejected += 1;
    for (const count of [Math.min(FEW, this.nVocab), this.nVocab]) {
      for (const candidate of await this.wllama.getLogits(count)) {
        const found = await this.#allowed(candidate.token, state);
        if (found) return found;
      }
    }
    throw new PageError("the model has no token left that a tool call may hold");
  }

  /** @param {number} token @param {State} state */
  async #allowed(token, state) {
    let piece = this.#pieces.get(token);
    if (!piece) this.#pieces.set(token, (piece = await this.wllama.detokenize([token])));
    if (this.isEog(token)) return state.complete ? { token, piece, state: null } : null;
    const next = piece.length ? state.accept(piece) : null;
    return next && { token, piece, state: next };
  }
}

/** Threads to decode with; more than one needs a page that is isolated from others. */
export function threadsHere() {
  if (!globalThis.crossOriginIsolated) return 1;
  // Of a phone's cores about half are slow ones, which the fast ones would wait for.
  return Math.max(1, Math.min(8, Math.floor((navigator.hardwareConcurrency || 2) / 2)));
}

/** @param {unknown} error */
const reason = (error) => String(/** @type {Error} */ (error)?.message ?? error).slice(0, 200);
