// A SparseCtrl model in ComfyUI's own ControlNet loaders, which refuse it in words that do not say
// why, or leave its motion out. Told by the file's name when a run has failed; after one that went
// through, once. Uses the server's events and the page's toasts; a page without these says nothing.

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";

const LOADERS = ["ControlNetLoader", "DiffControlNetLoader"];
const FILE = "control_net_name";
const SPARSE = /sparse[\W_]*c(t|ontro)/i;
const SUMMARY = "SparseCtrl in ComfyUI's own loader";
const ADVICE =
  "is a SparseCtrl model. ComfyUI's own loader refuses it, or leaves its motion out. Take Load " +
  "SparseCtrl in its place, and connect Sparse Frames to image of Apply ControlNet.";
const LIFE = 30000; // milliseconds of a toast

const told = new Set(); // files that runs went through with
const lately = new Map(); // files that runs failed on, and when it was said last

function isSparse(file) {
  return SPARSE.test(file ?? "");
}

// Of a graph and its subgraphs.
function nodesOf(graph) {
  return (graph?.nodes ?? graph?._nodes ?? []).flatMap((node) => [node, ...nodesOf(node.subgraph)]);
}

// Muted and bypassed nodes are in no run, nor are those whose output nobody takes.
function runs({ mode, outputs }) {
  return !mode && Boolean(outputs?.some(({ links }) => links?.length));
}

function chosen() {
  return nodesOf(app.rootGraph ?? app.graph)
    .filter((node) => LOADERS.includes(node.comfyClass ?? node.type) && runs(node))
    .map(({ widgets }) => widgets?.find(({ name }) => name === FILE)?.value);
}

// What the loader that failed was given; where another node failed, what the open graph's have.
function filesOf({ node_type: type, current_inputs: inputs }) {
  return LOADERS.includes(type) ? [inputs?.[FILE]].flat() : chosen();
}

function advise(files) {
  for (const file of new Set(files)) {
    const detail = `'${file}' ${ADVICE}`;
    app.extensionManager?.toast?.add?.({ severity: "warn", summary: SUMMARY, detail, life: LIFE });
  }
}

// A toast that still stands is enough for the same file.
function afterFailure(failed) {
  const now = Date.now();
  const files = filesOf(failed).filter(isSparse);
  advise(files.filter((file) => !(now - lately.get(file) < LIFE)));
  files.forEach((file) => lately.set(file, now));
}

function afterSuccess() {
  const untold = chosen().filter((file) => isSparse(file) && !told.has(file));
  untold.forEach((file) => told.add(file));
  advise(untold);
}

app.registerExtension({
  name: "AnimateDiffNative.WrongLoader",
  setup() {
    api.addEventListener("execution_error", ({ detail }) => afterFailure(detail ?? {}));
    api.addEventListener("execution_success", afterSuccess);
  },
});
