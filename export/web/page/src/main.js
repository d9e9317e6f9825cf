/** The page: loads the model, asks, shows. */

import { Agent } from "./agent.js";
import { Engine, threadsHere } from "./engine.js";
import { download } from "./download.js";
import { checkVersion, loadModelCard, loadProtocol, PageError } from "./protocol.js";
import { Sandbox } from "./sandbox.js";
import { ChatTemplate, workerRenderer } from "./template.js";
import { View } from "./view.js";

const BASE = new URL(".", location.href).href;

const view = new View(document);

/** Everything that answers need. */
async function load() {
  view.status("Reading the page's files …");
  const [protocol, card] = await Promise.all([loadProtocol(), loadModelCard()]);
  view.showModel(card);
  const sandbox = new Sandbox(protocol, BASE);
  const file = await download(new URL(card.file, BASE).href, card, (done) =>
    view.progress(done, card.bytes),
  );
  view.status("Starting the model …");
  const engine = await Engine.open(file, {
    context: card.context,
    threads: threadsHere(),
    baseUrl: BASE,
  });
  checkVersion(engine.metadata["sod.protocol_version"], card.file);
  const renderer = workerRenderer(protocol.limits.template_seconds);
  const template = new ChatTemplate(engine.chatTemplate, card, protocol, renderer);
  sandbox.warm();
  view.ready(engine.threads);
  return new Agent({ protocol, card, engine, sandbox, template });
}

/** @param {Agent} agent */
function serve(agent) {
  /** @type {AbortController | null} */
  let running = null;
  view.onStop(() => running?.abort());
  view.onAsk(async (question) => {
    running = new AbortController();
    const run = view.startRun(question);
    try {
      for await (const event of agent.run(question, running.signal)) run.show(event);
    } catch (error) {
      run.fail(messageOf(error));
    } finally {
      running = null;
      view.endRun();
    }
  });
  // For tests and the curious: the same agent, from the browser's console.
  Object.assign(globalThis, { sodAgent: agent });
}

/** @param {unknown} error */
function messageOf(error) {
  if (error instanceof PageError) return error.message;
  console.error(error);
  return `Something went wrong: ${/** @type {Error} */ (error)?.message ?? error}`;
}

load().then(serve, (error) => view.fail(messageOf(error)));
