/**
 * What `protocol.json` and `model.json` hold. The command writes both from the runtime's own
 * code (export/web/describe.py), so that the page says to the model what `sod-agent` says.
 *
 * @typedef {{ type: "function", function: { name: string, description: string, parameters: {
 *   properties: Record<string, { type: string }>, required: string[] } } }} Tool
 *
 * @typedef {{ role: "system" | "user" | "assistant" | "tool", content: string }} Message
 *
 * @typedef {{
 *   version: number,
 *   tags: { call_open: string, call_close: string, response_open: string, response_close: string,
 *     think_open: string, think_close: string },
 *   system: { tools: string, none: string },
 *   tools: Tool[],
 *   tool_instructions: string,
 *   worked_example: Message[],
 *   forced_answer_hint: string,
 *   answer_opening: string,
 *   repeated_call_hint: string,
 *   default_template: string,
 *   grammars: { call: string, opened_call: string, no_call: string },
 *   limits: { max_call_chars: number, max_decodes: number, max_result_chars: number,
 *     answer_tokens: number, window_reserve: number, repeats: number, tool_seconds: number,
 *     tool_output_bytes: number, tool_memory_bytes: number, template_seconds: number },
 *   settings: { max_turns: number, max_tokens: number },
 *   sandbox_files: Record<string, string>,
 * }} Protocol
 *
 * @typedef {{
 *   file: string, name: string, bytes: number, sha256: string, parameters: number,
 *   quantisation: string, context: number, bos_text: string, eos_text: string,
 *   special_texts: string[], tool_choice: "auto" | "required" | "none", example: boolean,
 *   questions: string[],
 * }} ModelCard
 */

/** The protocol that this page's code speaks: runtime.protocol.PROTOCOL_VERSION. */
export const PROTOCOL_VERSION = 1;

/** Something went wrong that a person should read; the message is one line. */
export class PageError extends Error {}

/** @param {string} url @returns {Promise<any>} */
async function fetchJson(url) {
  const response = await fetch(url);
  if (!response.ok) throw new PageError(`${url}: the server answers ${response.status}`);
  return response.json();
}

/** @returns {Promise<Protocol>} */
export async function loadProtocol() {
  /** @type {Protocol} */
  const protocol = await fetchJson("protocol.json");
  checkVersion(protocol.version, "protocol.json");
  for (const tool of protocol.tools) {
    for (const { type } of Object.values(tool.function.parameters.properties)) {
      if (type !== "string") throw new PageError("this page only knows tools that take texts");
    }
  }
  return protocol;
}

/** @returns {Promise<ModelCard>} */
export const loadModelCard = () => fetchJson("model.json");

/**
 * Refuses what was made for another protocol.
 * @param {string | number | undefined} version
 * @param {string} what
 */
export function checkVersion(version, what) {
  if (version !== undefined && Number(version) !== PROTOCOL_VERSION) {
    throw new PageError(
      `${what} is of protocol version ${version}, this page of ${PROTOCOL_VERSION}: ` +
        "build the page again with `python -m export.web`",
    );
  }
}

/**
 * The head and the tail of a text, and what is missing: runtime/tools/outcome.py, `shorten`.
 * @param {string} text
 * @param {number} limit code points
 */
export function shorten(text, limit) {
  const chars = [...text];
  if (chars.length <= limit) return text;
  const head = chars.slice(0, Math.floor((limit * 2) / 3)).join("");
  const tail = chars.slice(-Math.floor(limit / 3)).join("");
  return `${head}\n[... ${chars.length - limit} characters left out ...]\n${tail}`;
}
