// Converts workflows made for AnimateDiff-Evolved: by the File menu, and offered where a workflow is
// opened whose nodes are not there. Uses the page's extension hooks, its commands and toasts, and
// nothing of how it draws them; the rewriting is done by the server (convert/).

import { app } from "../../scripts/app.js";
import * as kinds from "./convert/kinds.js";
import { isOpening, tabInFront } from "./convert/open.js";
import { propose } from "./convert/propose.js";

const PAUSE = 50; // milliseconds
const WARNS = "Comfy.Workflow.ShowMissingNodesWarning"; // the page's setting, where it has one
const CONVERT_FILE = "AnimateDiffNative.ConvertFile";
const CONVERT_OPEN = "AnimateDiffNative.ConvertOpenWorkflow";

let opened = null; // the workflow as it was opened, and the page's list of types that it lacks
let offers = 0; // that were begun
let configured = 0; // graphs that the page opened
const sources = new WeakMap(); // files of tabs whose graph the page could not read

function nameInFront() {
  return tabInFront()?.filename ?? "Workflow";
}

// Older pages list missing nodes in a dialog, which would lie over the converted workflow and go on
// listing those of the opened one. They let it be shown from here: so it waits for the answer, and
// comes only where the workflow stays. Newer pages list them beside the canvas, for each workflow.
function canShowMissing() {
  return typeof app.extensionManager?.dialog?.showLoadWorkflowWarning === "function";
}

function showMissing(missing) {
  const { dialog, setting } = app.extensionManager;
  if (!missing.length || setting?.get(WARNS) === false) return;
  dialog.showLoadWorkflowWarning({ missingNodeTypes: missing });
}

// Not at once: the page goes on loading the graph behind the question.
function offer(proposal, held = []) {
  offers += 1;
  setTimeout(async () => {
    if (!(await propose({ ...proposal, byItself: true }))) showMissing(held);
  });
}

// Files whose graph the page does not open by itself, or without our being asked: API format, a
// workflow inside other JSON, and pictures and videos with one of these.
async function offerForFile(file) {
  if (file.size > kinds.LARGEST) return;
  const before = { offers, configured, tab: tabInFront() };
  const text = new TextDecoder("latin1").decode(await file.arrayBuffer());
  if (!kinds.theirsIn(text).length) return;
  await pageIsDone();
  if (offers !== before.offers) return;
  if (configured !== before.configured && !kinds.isApi(text)) return;
  const tab = tabInFront(); // newer pages open API format with nodes that they cannot link
  const broken = tab !== before.tab && tab;
  if (broken) sources.set(broken, file);
  offer({ given: file, nameOf: () => stem(file), broken });
}

function stem(file) {
  return file.name.replace(/\.\w+$/, "");
}

// The page shows that it is at work on a file.
async function pageIsDone() {
  const pause = (time) => new Promise((done) => setTimeout(done, time));
  await pause(PAUSE);
  while (app.extensionManager?.spinner) await pause(PAUSE);
}

// Before the page, which lets no one see them after it; nothing is kept from it. What is dropped on
// a node is that node's, and so is a picture that is chosen.
function watchFiles() {
  window.addEventListener("drop", (event) => tryOffer(event.dataTransfer?.files), true);
  window.addEventListener("change", ({ target }) => tryOffer(target.files, kinds.JSON_FILE), true);
}

function tryOffer(files, only = kinds.FILES) {
  if (files?.length !== 1 || app.dragOverNode) return;
  if (!only.includes(kinds.typeOfFile(files[0]))) return;
  offerForFile(files[0]).catch((error) => console.warn("AnimateDiff Native:", error));
}

function chooseFiles() {
  const input = document.createElement("input");
  Object.assign(input, { type: "file", multiple: true, accept: kinds.ACCEPTED.join() });
  input.addEventListener("change", () => convertFiles([...input.files]));
  input.click();
}

async function convertFiles(files) {
  for (const file of files) await propose({ given: file, nameOf: () => stem(file) });
}

function convertOpen() {
  const tab = tabInFront();
  const file = tab && sources.get(tab);
  const name = nameInFront();
  const given = file ?? app.graph.serialize();
  return propose({ given, nameOf: () => name, broken: file ? tab : null });
}

app.registerExtension({
  name: "AnimateDiffNative.ConvertWorkflow",

  commands: [
    {
      id: CONVERT_FILE,
      label: "Convert AnimateDiff-Evolved file...",
      icon: "pi pi-file-import",
      function: chooseFiles,
    },
    {
      id: CONVERT_OPEN,
      label: "Convert open workflow to AnimateDiff Native",
      icon: "pi pi-sync",
      function: convertOpen,
    },
  ],

  menuCommands: [{ path: ["File"], commands: [CONVERT_FILE, CONVERT_OPEN] }],

  setup: watchFiles,

  beforeConfigureGraph(workflow, missing) {
    const ours = isOpening();
    configured += ours || !workflow?.nodes?.length ? 0 : 1;
    opened = ours ? null : { workflow: structuredClone(workflow), missing, held: [] };
  },

  // By now the list is complete, and an older page is about to show it.
  loadedGraphNode() {
    if (!opened?.missing || !canShowMissing()) return;
    if (kinds.theirsAmong(opened.missing).length) opened.held = opened.missing.splice(0);
  },

  afterConfigureGraph(missing) {
    if (!opened) return;
    const { workflow, held } = opened;
    opened = null;
    const theirs = kinds.theirsAmong(held.length ? held : (missing ?? []));
    if (theirs.length) offer({ given: workflow, nameOf: nameInFront }, held);
  },
});
