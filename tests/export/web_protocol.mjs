/** Answers questions about the page's protocol code: JSON in, JSON out. See test_web_protocol.py. */

import { readFileSync } from "node:fs";

const { pages, protocol, turns, shortened, walks, pieces } = JSON.parse(readFileSync(0, "utf8"));
const { extractAnswer } = await import(`${pages}/answer.js`);
const { parseTurn, RepeatGuard } = await import(`${pages}/calls.js`);
const { Grammar } = await import(`${pages}/grammar.js`);
const { PROTOCOL_VERSION, shorten } = await import(`${pages}/protocol.js`);
const { showTags } = await import(`${pages}/transcript.js`);

const bytes = pieces.map((hex) => Uint8Array.from(Buffer.from(hex, "hex")));

/** What each grammar allows at every step of a walk: the tokens, and whether the text may end. */
function follow({ grammar, tokens }) {
  let state = new Grammar(grammar).start();
  const allowed = () => ({
    complete: state.complete,
    tokens: bytes.flatMap((piece, id) => (piece.length && state.accept(piece) ? [id] : [])),
  });
  const steps = [allowed()];
  for (const token of tokens) {
    state = state.accept(bytes[token]);
    steps.push(allowed());
  }
  return steps;
}

/** Which of the same calls, with these results, are refused. */
function guarded(results) {
  const guard = new RepeatGuard(protocol.limits.repeats);
  const call = { name: "t", arguments: { a: "1", b: "2" }, raw: "" };
  return results.map((result) => {
    const refused = guard.refuses(call);
    if (!refused) guard.record(call, result);
    return refused;
  });
}

const answer = {
  version: PROTOCOL_VERSION,
  turns: turns.map((text) => ({
    call: parseTurn(text, protocol.tools, protocol),
    answer: extractAnswer(text, protocol),
    tags: showTags(text),
  })),
  shortened: shortened.map(([text, limit]) => shorten(text, limit)),
  walks: walks.map(follow),
  guarded: guarded(["x", "x", "x", "x", "y"]),
};
process.stdout.write(JSON.stringify(answer));
