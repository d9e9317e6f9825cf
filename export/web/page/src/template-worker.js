/** The worker behind `workerRenderer`. */

import { render } from "./render.js";

addEventListener("message", ({ data }) => postMessage(render(data.source, data.variables)));
