/** Bundles the page into the folder given as the argument, with everything it needs but a model. */

import { createHash } from "node:crypto";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";

import { build } from "esbuild";

const here = import.meta.dirname;
const out = path.resolve(process.argv[2] ?? "dist");
const packages = path.join(path.dirname(createRequire(import.meta.url).resolve("esbuild")), "../..");
await mkdir(out, { recursive: true });

const common = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  legalComments: "none",
  target: ["chrome119", "firefox121", "safari17.4"],
  loader: { ".py": "text" },
  external: ["node:*", "ws"],
  logLevel: "warning",
};
for (const name of ["main", "template-worker", "python-worker"]) {
  await build({
    ...common,
    entryPoints: [`src/${name}.js`],
    outfile: path.join(out, `${name}.js`),
    format: "iife",
    define: { "import.meta.url": "location.href" },
  });
}

const { FRAME_SCRIPT } = await import("./src/frame.js");
const hash = createHash("sha256").update(FRAME_SCRIPT).digest("base64");
const policy = [
  "default-src 'none'",
  `script-src 'self' 'wasm-unsafe-eval' blob: 'sha256-${hash}'`,
  "worker-src 'self' blob:",
  "connect-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");
const html = await readFile(path.join(here, "index.html"), "utf8");
await writeFile(path.join(out, "index.html"), html.replace("%POLICY%", policy));

const copies = {
  "style.css": path.join(here, "style.css"),
  "icon.svg": path.join(here, "icon.svg"),
  "wllama-single.wasm": path.join(packages, "@wllama/wllama/esm/single-thread/wllama.wasm"),
  "wllama-multi.wasm": path.join(packages, "@wllama/wllama/esm/multi-thread/wllama.wasm"),
  "pyodide.asm.wasm": path.join(packages, "pyodide/pyodide.asm.wasm"),
  "python_stdlib.zip": path.join(packages, "pyodide/python_stdlib.zip"),
};
for (const [name, from] of Object.entries(copies)) await copyFile(from, path.join(out, name));
