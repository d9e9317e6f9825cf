/** The worker behind `Sandbox`: starts CPython, runs one program, reports. */

import { loadPyodide } from "pyodide";
import createPyodideModule from "pyodide/pyodide.asm.mjs";
import lock from "pyodide/pyodide-lock.json";

import runner from "./sandbox.py";

addEventListener("message", start, { once: true });

/** @param {MessageEvent} event */
async function start({ data, ports }) {
  const [port] = ports;
  try {
    limitMemory(data.limits.tool_memory_bytes);
    /** @type {Record<string, Uint8Array>} */
    const files = { "pyodide.asm.wasm": data.wasm, "python_stdlib.zip": data.stdlib };
    // Pyodide fetches its files; here they were handed in, and nothing else can be fetched.
    globalThis.fetch = async (url) => {
      const name = String(url).split("/").pop() ?? "";
      const type = name.endsWith(".wasm") ? "application/wasm" : "application/zip";
      return new Response(files[name], { status: name in files ? 200 : 404, headers: { "Content-Type": type } });
    };
    const pyodide = await loadPyodide({
      indexURL: "https://here.invalid/",
      createPyodideModule,
      lockFileContents: /** @type {any} */ ({ info: lock.info, packages: {} }),
      packageBaseUrl: "https://here.invalid/",
      jsglobals: {}, // what `import js` gives a program
      stdout: () => {},
      stderr: () => {},
    });
    for (const [path, source] of Object.entries(data.files)) {
      pyodide.FS.mkdirTree(`/lib/ours/${path.slice(0, path.lastIndexOf("/"))}`);
      pyodide.FS.writeFile(`/lib/ours/${path}`, source);
    }
    const { is_plain, run } = pyodide.runPython(runner);
    port.onmessage = ({ data: job }) => {
      port.postMessage({ plain: is_plain(job.code) });
      port.postMessage(JSON.parse(run(job.code, data.limits.tool_output_bytes)));
    };
    port.postMessage({ ready: true });
  } catch (error) {
    port.postMessage({ text: String(error).slice(0, 500) });
  }
}

/** Growth beyond the limit fails, and CPython raises MemoryError. @param {number} bytes */
function limitMemory(bytes) {
  const grow = WebAssembly.Memory.prototype.grow;
  WebAssembly.Memory.prototype.grow = function (pages) {
    if (this.buffer.byteLength + pages * 65536 > bytes) throw new RangeError("no more memory");
    return grow.call(this, pages);
  };
}
