/**
 * The script of the frame around Python: the only inline script, so its hash is in the page's
 * policy (build.mjs).
 */
export const FRAME_SCRIPT =
  "onmessage=e=>{const m=e.data,u=URL.createObjectURL(new Blob([m.worker],{type:'text/javascript'}))," +
  "w=new Worker(u);" +
  "w.onerror=x=>parent.postMessage({failed:String(x.message)},'*');" +
  "w.postMessage(m,[e.ports[0]])}";
