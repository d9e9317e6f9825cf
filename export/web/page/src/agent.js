/**
 * One run of the agent loop, as runtime/loop.py: the model writes, calls a tool, reads the result,
 * and answers. What the model does wrong is answered with a tool result that it can learn from.
 */

import { extractAnswer } from "./answer.js";
import { parseTurn, RepeatGuard } from "./calls.js";
import { Grammar } from "./grammar.js";
import { shorten } from "./protocol.js";
import { SafeEncoder, Transcript } from "./transcript.js";

/**
 * @typedef {import("./protocol.js").Protocol} Protocol
 * @typedef {import("./protocol.js").ModelCard} ModelCard
 * @typedef {import("./engine.js").Engine} Engine
 * @typedef {import("./engine.js").Stats} Stats
 * @typedef {import("./calls.js").ToolCall} ToolCall
 * @typedef {import("./calls.js").Malformed} Malformed
 *
 * @typedef {{ run(code: string): Promise<{ text: string, error: string | null }> }} Sandbox
 *
 * @typedef {{ kind: "turn", turn: number } | { kind: "text", turn: number, text: string }
 *   | { kind: "call", turn: number, name: string, arguments: Record<string, string> }
 *   | { kind: "result", turn: number, text: string, error: string | null, seconds: number }
 *   | { kind: "nudge", turn: number }
 *   | { kind: "done", record: Run["record"] }} Event
 */

export class Agent {
  /**
   * @param {{ protocol: Protocol, card: ModelCard, engine: Engine, sandbox: Sandbox,
   *   template: import("./template.js").ChatTemplate }} parts
   */
  constructor({ protocol, card, engine, sandbox, template }) {
    this.protocol = protocol;
    this.card = card;
    this.engine = engine;
    this.sandbox = sandbox;
    this.template = template;
    this.encoder = new SafeEncoder(engine, card.special_texts);
    this.tools = card.tool_choice === "none" ? [] : protocol.tools;
    const { call, opened_call, no_call } = protocol.grammars;
    this.grammars = {
      call: new Grammar(call),
      opened: new Grammar(opened_call),
      none: new Grammar(no_call),
      free: new Grammar("root ::= [\\x00-\\U0010FFFF]*"),
    };
  }

  /**
   * Answer one question; yields what happens, last the record of the run.
   * @param {string} question
   * @param {AbortSignal} signal
   * @returns {AsyncGenerator<Event>}
   */
  run(question, signal) {
    return new Run(this, question, signal).events();
  }

  /** @param {string} question */
  openTranscript(question) {
    const { system, worked_example } = this.protocol;
    const content = this.tools.length ? system.tools : system.none;
    const example = this.card.example && this.tools.length ? worked_example : [];
    const messages = [
      { role: /** @type {const} */ ("system"), content },
      ...example,
      { role: /** @type {const} */ ("user"), content: question },
    ];
    return Transcript.open(this.engine, this.encoder, this.template, messages, this.tools);
  }
}

class Run {
  /** @param {Agent} agent @param {string} question @param {AbortSignal} signal */
  constructor(agent, question, signal) {
    this.agent = agent;
    this.question = question;
    this.signal = signal;
    this.limits = agent.protocol.limits;
    this.settings = agent.protocol.settings;
    this.guard = new RepeatGuard(this.limits.repeats);
    this.answerTokens = Math.min(
      this.limits.answer_tokens,
      Math.floor(this.settings.max_tokens / 2),
    );
    /** @type {Transcript} */
    this.transcript = /** @type {any} */ (null);
    this.turn = 0;
    this.text = "";
    /** @type {import("./engine.js").Finish} */
    this.finish = "eog";
    this.windowFull = false;
    /** @type {Stats} of all turns together */
    this.total = emptyStats();
    this.record = {
      answer: /** @type {string | null} */ (null),
      stopReason: "end_of_turn",
      ids: /** @type {number[]} */ ([]),
      promptTokens: 0,
      stats: this.total,
      calls: 0,
    };
  }

  /** @returns {AsyncGenerator<Event>} */
  async *events() {
    const { record, limits } = this;
    this.transcript = await this.agent.openTranscript(this.question);
    record.promptTokens = this.transcript.ids.length;
    if (record.promptTokens + limits.window_reserve > this.agent.engine.nCtx) {
      record.stopReason = "context_full";
    } else {
      yield* this.#turns();
      if (record.answer === null && !this.signal.aborted) yield* this.#forceAnswer();
    }
    if (this.signal.aborted) record.stopReason = "interrupted";
    record.ids = this.transcript.ids;
    yield { kind: "done", record };
  }

  /** @returns {AsyncGenerator<Event>} */
  async *#turns() {
    const { agent, record, settings } = this;
    const { protocol, tools } = agent;
    while (this.turn < settings.max_turns) {
      const required = this.turn === 0 && agent.card.tool_choice === "required";
      const last = this.turn === settings.max_turns - 1 && !required;
      const opening = required ? `${protocol.tags.call_open}\n` : "";
      const grammar = this.#grammar(required ? "opened" : last ? "none" : "call");
      const budget = settings.max_tokens - this.total.generated - this.answerTokens;
      yield* this.#write(opening, grammar, budget, this.limits.window_reserve);
      if (this.signal.aborted) return;
      const call = tools.length ? parseTurn(this.text, tools, protocol) : null;
      if (call && this.finish !== "length" && this.finish !== "context") {
        yield* this.#answerCall(call);
        if (this.windowFull || this.signal.aborted) break;
        continue;
      }
      record.answer = extractAnswer(this.text, protocol);
      if (record.answer !== null) {
        record.stopReason = "answered";
        return;
      }
      break;
    }
    if (this.windowFull) record.stopReason = "context_full";
    else if (this.finish === "length") record.stopReason = "max_tokens";
    else if (this.turn >= settings.max_turns) record.stopReason = "max_turns";
  }

  /** Put `\boxed{` in the model's mouth. @returns {AsyncGenerator<Event>} */
  async *#forceAnswer() {
    const { protocol } = this.agent;
    await this.transcript.addUser(protocol.forced_answer_hint);
    yield { kind: "nudge", turn: this.turn };
    const left = this.settings.max_tokens - this.total.generated;
    const budget = Math.min(this.limits.answer_tokens, left);
    yield* this.#write(protocol.answer_opening, this.#grammar("none"), budget, 0);
    let line = this.text.split("\n", 1)[0];
    if (this.finish === "eog" && !this.#boxIsClosed(line)) line += "}";
    this.record.answer = extractAnswer(line, protocol);
  }

  /** @param {keyof Agent["grammars"]} kind */
  #grammar(kind) {
    return this.agent.grammars[this.agent.tools.length ? kind : "free"];
  }

  /**
   * One assistant turn into the transcript; `reserve` tokens of the window stay free.
   * @param {string} opening
   * @param {Grammar} grammar
   * @param {number} budget
   * @param {number} reserve
   * @returns {AsyncGenerator<Event>}
   */
  async *#write(opening, grammar, budget, reserve) {
    const { agent, transcript } = this;
    const { engine, protocol } = agent;
    this.turn += 1;
    const { turn } = this;
    yield { kind: "turn", turn };
    await transcript.addForced(opening);
    if (opening) yield { kind: "text", turn, text: opening };
    const window = engine.nCtx - transcript.ids.length - reserve;
    const maxTokens = Math.max(0, Math.min(budget, window));
    const answering = opening === protocol.answer_opening;
    const closes = agent.tools.length ? protocol.tags.call_close : "";
    const report = { finish: /** @type {typeof this.finish} */ ("length"), stats: emptyStats() };
    const options = { maxTokens, closes, state: grammar.start(), signal: this.signal };
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    for await (const { token, piece } of engine.generate(transcript.ids, options, report)) {
      transcript.addSampled(token, piece);
      if (engine.isEog(token)) continue;
      const text = decoder.decode(piece, { stream: true });
      if (text) yield { kind: "text", turn, text };
      if (transcript.turnEnd && transcript.text !== transcript.rawText) {
        report.finish = "eog"; // written out, by a model without that token
        break;
      }
      if (answering && (text.includes("\n") || this.#boxIsClosed(transcript.text))) {
        report.finish = "stopped";
        break;
      }
    }
    this.finish = report.finish;
    if (this.finish === "length" && window <= budget) this.finish = "context";
    this.windowFull = this.finish === "context";
    this.text = transcript.text;
    for (const key of /** @type {(keyof Stats)[]} */ (Object.keys(this.total))) {
      this.total[key] += report.stats[key];
    }
  }

  /**
   * Run a call, or explain what was wrong with it, and append what the model will read.
   * @param {ToolCall | Malformed} call
   * @returns {AsyncGenerator<Event>}
   */
  async *#answerCall(call) {
    const { protocol } = this.agent;
    const started = performance.now();
    let outcome;
    if ("reason" in call) {
      outcome = { text: call.message, error: /** @type {string | null} */ (call.reason) };
    } else {
      this.record.calls += 1;
      yield { kind: "call", turn: this.turn, name: call.name, arguments: call.arguments };
      if (this.guard.refuses(call)) {
        outcome = { text: protocol.repeated_call_hint, error: "repeated_call" };
      } else {
        const { text, error } = await this.agent.sandbox.run(call.arguments.code);
        const short = shorten(text, this.limits.max_result_chars) || "(nothing was printed)";
        outcome = { text: short, error };
        this.guard.record(call, short);
      }
    }
    const seconds = (performance.now() - started) / 1000;
    let { text } = outcome;
    if (this.turn === this.settings.max_turns - 1) text += `\n${protocol.forced_answer_hint}`;
    const size = (await this.agent.engine.encode(text, false)).length;
    const { nCtx } = this.agent.engine;
    if (this.transcript.ids.length + size + this.limits.window_reserve > nCtx) {
      this.windowFull = true; // the result would not leave room for an answer
    } else {
      await this.transcript.addToolResult(text);
    }
    yield { kind: "result", turn: this.turn, ...outcome, seconds };
  }

  /** @param {string} text */
  #boxIsClosed(text) {
    const content = text.split(this.agent.protocol.answer_opening).slice(1).join("");
    return content.split("}").length > content.split("{").length;
  }
}

/** @returns {Stats} */
const emptyStats = () => ({
  evaluated: 0,
  reused: 0,
  generated: 0,
  decoded: 0,
  rejected: 0,
  prefillSeconds: 0,
  decodeSeconds: 0,
});
