/** One rendering of a chat template with Hugging Face's own Jinja, as text or as an error. */

import { Environment, Interpreter, Template } from "@huggingface/jinja";

/** @type {Map<string, Template>} */
const compiled = new Map();

/**
 * @param {string} source
 * @param {Record<string, unknown>} variables
 * @returns {{ text: string } | { error: string }}
 */
export function render(source, variables) {
  try {
    let template = compiled.get(source);
    if (!template) compiled.set(source, (template = new Template(source)));
    return { text: template.render(variables) };
  } catch (error) {
    return { error: String(/** @type {Error} */ (error).message).slice(0, 200) };
  }
}

// Jinja's filters take a mapping for the list of its keys, and nothing for an empty list; this
// implementation (0.5.11) refuses both.
const OF_LISTS = ["first", "join", "last", "list", "reverse", "sort", "unique"];
const prototype = /** @type {any} */ (Interpreter.prototype);
const { applyFilter } = prototype;
prototype.applyFilter = function (
  /** @type {any} */ operand,
  /** @type {any} */ filter,
  /** @type {unknown} */ environment,
) {
  const name = filter.value ?? filter.callee?.value;
  let list = null;
  if (operand.type === "ObjectValue" && OF_LISTS.includes(name)) list = [...operand.value.keys()];
  if (operand.type === "UndefinedValue" && [...OF_LISTS, "length"].includes(name)) list = [];
  return applyFilter.call(this, list ? valueOf(list) : operand, filter, environment);
};

/** A list as a value of the interpreter, whose own classes are not exported. */
function valueOf(/** @type {unknown[]} */ list) {
  const environment = new Environment();
  environment.set("list", list);
  return environment.lookupVariable("list");
}
