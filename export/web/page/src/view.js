/**
 * What a person sees. Everything that the model, a program or a question wrote goes through
 * `textContent`, never through HTML.
 */

/**
 * @typedef {import("./agent.js").Event} Event
 * @typedef {import("./protocol.js").ModelCard} ModelCard
 */

const CALL_OPEN = "<tool_call>";
const JUST_THE_ANSWER = /^the (final )?answer is:? .*$/i;
const CODE = /"code"\s*:\s*"((?:[^"\\]|\\.)*)/s;

export class View {
  /** @param {Document} document */
  constructor(document) {
    this.document = document;
    /** @param {string} id @returns {any} */
    const get = (id) => document.getElementById(id);
    this.parts = {
      model: get("model"),
      loading: get("loading"),
      status: get("status"),
      progress: get("progress"),
      intro: get("intro"),
      examples: get("examples"),
      runs: get("runs"),
      form: get("ask"),
      question: get("question"),
      send: get("send"),
    };
    this.busy = true;
  }

  /** @param {string} text */
  status(text) {
    this.parts.status.textContent = text;
    this.parts.progress.removeAttribute("value");
  }

  /** @param {number} done @param {number} total bytes */
  progress(done, total) {
    this.parts.status.textContent = `Fetching the model: ${megabytes(done)} of ${megabytes(total)}`;
    this.parts.progress.max = total;
    this.parts.progress.value = done;
  }

  /** @param {ModelCard} card */
  showModel(card) {
    this.card = card;
    const facts = [card.name, card.quantisation, megabytes(card.bytes)];
    this.parts.model.textContent = facts.join(" · ");
    for (const question of card.questions) {
      const button = this.make("button", "", question);
      button.setAttribute("type", "button");
      button.addEventListener("click", () => this.ask(question));
      const item = this.make("li");
      item.append(button);
      this.parts.examples.append(item);
    }
  }

  /** @param {number} threads */
  ready(threads) {
    this.parts.model.textContent += threads > 1 ? ` · ${threads} threads` : "";
    this.parts.loading.hidden = true;
    this.parts.intro.hidden = false;
    this.parts.question.disabled = false;
    this.parts.send.disabled = false;
    this.busy = false;
  }

  /** @param {string} message */
  fail(message) {
    this.parts.loading.classList.add("failed");
    this.parts.status.textContent = message;
    this.parts.progress.hidden = true;
  }

  /** @param {(question: string) => void} listener */
  onAsk(listener) {
    this.listener = listener;
    this.parts.form.addEventListener("submit", (/** @type {Event & { preventDefault(): void }} */ e) => {
      e.preventDefault();
      if (this.busy) this.stop?.();
      else this.ask(this.parts.question.value);
    });
    this.parts.question.addEventListener("keydown", (/** @type {KeyboardEvent} */ e) => {
      if (e.key !== "Enter" || e.shiftKey || e.isComposing || this.busy) return;
      e.preventDefault();
      this.ask(this.parts.question.value);
    });
  }

  /** @param {() => void} listener */
  onStop(listener) {
    this.stop = listener;
  }

  /** @param {string} question */
  ask(question) {
    if (this.busy || !question.trim()) return;
    this.listener?.(question.trim());
  }

  /** @param {string} question */
  startRun(question) {
    this.busy = true;
    this.parts.intro.hidden = true;
    this.parts.question.value = "";
    this.parts.send.textContent = "Stop";
    this.parts.send.classList.add("stop");
    const run = new RunView(this, question);
    this.parts.runs.append(run.element);
    run.facts.scrollIntoView({ block: "end" });
    return run;
  }

  endRun() {
    this.busy = false;
    this.parts.send.textContent = "Ask";
    this.parts.send.classList.remove("stop");
  }

  /** @param {string} tag @param {string} [className] @param {string} [text] */
  make(tag, className = "", text = "") {
    const element = this.document.createElement(tag);
    if (className) element.className = className;
    if (text) element.textContent = text;
    return element;
  }
}

/** One question and what became of it. */
class RunView {
  /** @type {HTMLElement | null} what is being written */
  #said = null;
  /** @type {HTMLElement | null} */
  #card = null;
  /** @type {HTMLElement | null} */
  #code = null;
  #text = "";

  /** @param {View} view @param {string} question */
  constructor(view, question) {
    this.view = view;
    this.element = view.make("article", "run");
    this.element.append(view.make("p", "asked", question));
    this.facts = view.make("p", "facts writing", "Reading");
    this.facts.setAttribute("role", "status");
    this.element.append(this.facts);
  }

  /** @param {Event} event */
  show(event) {
    const following = this.#atEnd();
    if (event.kind === "turn" || event.kind === "nudge") this.#closeTurn();
    else if (event.kind === "text") this.#write(event.text);
    else if (event.kind === "call") this.#call(event.arguments);
    else if (event.kind === "result") this.#result(event);
    else this.#done(event.record);
    if (following) this.facts.scrollIntoView({ block: "end" });
  }

  /** @param {string} message */
  fail(message) {
    this.#closeTurn();
    this.facts.remove();
    const box = this.view.make("p", "failure", message);
    box.setAttribute("role", "alert");
    this.element.append(box);
  }

  #closeTurn() {
    if (this.#said && !this.#said.textContent) this.#said.remove();
    this.#said = this.#card = this.#code = null;
    this.#text = "";
  }

  /** @param {string} text */
  #write(text) {
    this.#text += text;
    const [prose, call] = this.#text.split(CALL_OPEN, 2);
    if (!this.#said) this.#add((this.#said = this.view.make("p", "said")));
    this.#said.textContent = prose.replace(/\\boxed\{([^{}]*)\}/g, "$1").trim();
    this.#said.hidden = !this.#said.textContent;
    this.facts.textContent = call === undefined ? "Writing" : "Writing a program";
    const code = call === undefined ? null : CODE.exec(call);
    if (code) this.#showCode(unescaped(code[1]));
  }

  /** @param {Record<string, string>} given */
  #call(given) {
    this.#showCode(given.code ?? JSON.stringify(given));
    this.facts.textContent = "Running the program";
  }

  /** @param {string} code */
  #showCode(code) {
    if (!this.#code) {
      this.#card = this.view.make("div", "call");
      this.#code = this.view.make("pre");
      this.#code.tabIndex = 0;
      this.#card.append(this.view.make("h3", "", "Python"), this.#code);
      this.#add(this.#card);
    }
    this.#code.textContent = code;
  }

  /** @param {Event & { kind: "result" }} event */
  #result({ text, error, seconds }) {
    if (!this.#card) this.#add((this.#card = this.view.make("div", "call")));
    const title = this.view.make("h4", "", error ? "Error" : "Result");
    if (seconds >= 0.001) title.append(this.view.make("span", "", duration(seconds)));
    const result = this.view.make("pre", "result", text);
    result.tabIndex = 0;
    this.#card.classList.toggle("failed", error !== null);
    this.#card.append(title, result);
    this.facts.textContent = "Reading the result";
  }

  /** @param {(Event & { kind: "done" })["record"]} record */
  #done({ answer, stopReason, stats, calls }) {
    // The box below says it again.
    if (answer !== null && JUST_THE_ANSWER.test(this.#said?.textContent ?? "")) this.#said?.remove();
    this.#closeTurn();
    if (answer !== null) {
      const box = this.view.make("p", "answer");
      box.append(this.view.make("span", "", "Answer"), this.view.make("strong", "", answer));
      this.#add(box);
    } else {
      const why = WHY[/** @type {keyof WHY} */ (stopReason)] ?? "The model gave no answer.";
      this.#add(this.view.make("p", "failure", why));
    }
    const facts = [`${calls} ${calls === 1 ? "call" : "calls"}`, `${stats.generated} tokens`];
    const decoded = stats.decodeSeconds > 0 ? decodeRate(stats) : 0;
    if (decoded) facts.push(`${decoded < 10 ? decoded.toFixed(1) : Math.round(decoded)} tokens/s`);
    facts.push(duration(stats.prefillSeconds + stats.decodeSeconds));
    this.facts.classList.remove("writing");
    this.facts.textContent = facts.join(" · ");
    this.facts.dataset.stats = JSON.stringify(stats);
  }

  /** @param {HTMLElement} element */
  #add(element) {
    this.element.insertBefore(element, this.facts);
  }

  /** Whether the end is in sight, and so should stay there. */
  #atEnd() {
    const { scrollHeight, clientHeight, scrollTop } = this.view.document.documentElement;
    return scrollHeight - clientHeight - scrollTop < 80;
  }
}

const WHY = {
  interrupted: "Stopped.",
  context_full: "The question and the results do not fit into the model's window.",
  max_tokens: "The model used up its tokens without an answer.",
  max_turns: "The model used up its turns without an answer.",
};

/** Tokens a second, the first of each turn apart: those wait for the prompt. */
export function decodeRate(/** @type {import("./engine.js").Stats} */ stats) {
  const tokens = stats.decoded;
  return tokens && stats.decodeSeconds ? tokens / stats.decodeSeconds : 0;
}

/** The text that a JSON string stands for, as far as it is written. @param {string} json */
function unescaped(json) {
  const whole = json.replace(/\\u[0-9a-fA-F]{0,3}$/, "");
  try {
    return String(JSON.parse(`"${whole}"`));
  } catch {
    return whole;
  }
}

/** @param {number} bytes */
const megabytes = (bytes) =>
  bytes < 1e7 ? `${(bytes / 1e6).toFixed(1)} MB` : `${Math.round(bytes / 1e6)} MB`;

/** @param {number} seconds */
const duration = (seconds) =>
  seconds < 1 ? `${Math.round(1000 * seconds)} ms` : `${seconds.toFixed(1)} s`;
