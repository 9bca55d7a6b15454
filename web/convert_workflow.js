// Offers to rewrite a workflow made for AnimateDiff-Evolved where that is not installed.
// Uses the page's extension hooks and its manager of dialogs and toasts, nothing of how it draws
// them; the rewriting is done by the server (convert/).

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";

const ROUTE = "/animatediff_native/convert";
const THEIRS = /^(ADE_|AnimateDiffLoaderV1|AnimateDiffCombine$)/;
const ANOTHER_PACK = /^AnimateDiff(Sampler|ModuleLoader)$/; // ArtVentureX's, with a Combine of its own
const TYPES = /"(?:class_)?type\\*"\s*:\s*\\*"([^"\\]+)/g; // in JSON, and in JSON in a text
const FILES = /^(application\/json|image\/(png|webp|gif)|video\/(mp4|webm|x-matroska|quicktime))$/;
const JSON_FILE = /^application\/json$/;
const LARGEST = 128 * 2 ** 20; // bytes of a file; the server takes no more
const PAUSE = 50; // milliseconds
const WARNS = "Comfy.Workflow.ShowMissingNodesWarning"; // the page's setting, where it has one

let opened = null; // the workflow as it was opened, and the page's list of types that it lacks
let ours = false; // whether it comes from a conversion
let offers = 0; // questions that were asked
let configured = 0; // graphs that the page opened

function typeOf(missing) {
  return typeof missing === "string" ? missing : missing.type;
}

// What is left and what is good to know, in the server's words; not what was converted.
function said(report) {
  return report.report.slice(report.converted.length ? 1 : 0).flatMap(({ lines }) => lines);
}

function summary(converted, left) {
  if (!converted) return "Nothing could be converted";
  return left ? `Converted; ${left} thing(s) have no equivalent` : "Converted";
}

// given: a workflow, or a file that has one in it.
async function converted(given) {
  const file = given instanceof Blob;
  const response = await api.fetchApi(ROUTE, {
    method: "POST",
    headers: { "Content-Type": (file && given.type) || "application/json" },
    body: file ? given : JSON.stringify(given),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

async function openConverted(workflow) {
  ours = true;
  try {
    if (workflow.nodes) await app.loadGraphData(workflow);
    else await app.loadApiJson(workflow, "converted");
  } finally {
    ours = false;
  }
}

async function convertAndOpen(workflow) {
  const { toast } = app.extensionManager;
  try {
    const report = await converted(workflow);
    const left = report.left.length;
    if (report.converted.length) await openConverted(report.workflow);
    toast.add({
      severity: left ? "warn" : "success",
      summary: summary(report.converted.length, left),
      detail: said(report).join("\n"),
      life: left ? undefined : 10000,
    });
    return report.converted.length > 0;
  } catch (error) {
    toast.add({ severity: "error", summary: "Not converted", detail: error.message });
    return false;
  }
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

function agreed(theirs) {
  return app.extensionManager.dialog.confirm({
    title: "Convert to AnimateDiff Native?",
    message:
      "This workflow was made for AnimateDiff-Evolved, which is not installed.\n" +
      "AnimateDiff Native can rewrite it to its own nodes; what has no equivalent is listed.",
    itemList: theirs,
  });
}

// Not at once: the page goes on loading the graph behind the question.
function offer(workflow, theirs, held) {
  offers += 1;
  setTimeout(async () => {
    let done = false;
    try {
      done = (await agreed(theirs)) && (await convertAndOpen(workflow));
    } catch (error) {
      console.warn("AnimateDiff Native: the page offers no dialog for a conversion", error);
    }
    if (!done) showMissing(held);
  });
}

function theirsAmong(missing) {
  const types = missing.map(typeOf);
  const another = types.some((type) => ANOTHER_PACK.test(type));
  const found = types.filter((type) => THEIRS.test(type) && !(another && /Combine$/.test(type)));
  return [...new Set(found)];
}

// Files whose graph the page does not open by itself, or without our being asked: API format, a
// workflow inside other JSON, and pictures and videos with one of these.
async function offerForFile(file) {
  if (file.size > LARGEST) return;
  const before = { offers, configured };
  const text = new TextDecoder("latin1").decode(await file.arrayBuffer());
  const types = [...text.matchAll(TYPES)].map((match) => match[1]);
  const theirs = theirsAmong(types.filter((type) => !(type in LiteGraph.registered_node_types)));
  if (!theirs.length) return;
  await pageIsDone();
  if (offers !== before.offers || (configured !== before.configured && !isApi(text))) return;
  offer(new File([file], file.name, { type: typeOfFile(file) }), theirs, []);
}

function isApi(text) {
  return !/"nodes\\*"\s*:\s*\[/.test(text);
}

// Browsers do not know the type of every file.
function typeOfFile(file) {
  const known = { json: "application/json", mkv: "video/x-matroska" };
  return file.type || (known[file.name.split(".").pop().toLowerCase()] ?? "");
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
  window.addEventListener("change", ({ target }) => tryOffer(target.files, JSON_FILE), true);
}

function tryOffer(files, only = FILES) {
  if (files?.length !== 1 || app.dragOverNode || !only.test(typeOfFile(files[0]))) return;
  offerForFile(files[0]).catch((error) => console.warn("AnimateDiff Native:", error));
}

app.registerExtension({
  name: "AnimateDiffNative.ConvertWorkflow",

  setup: watchFiles,

  beforeConfigureGraph(workflow, missing) {
    configured += ours || !workflow?.nodes?.length ? 0 : 1;
    opened = ours ? null : { workflow: structuredClone(workflow), missing, held: [] };
  },

  // By now the list is complete, and an older page is about to show it.
  loadedGraphNode() {
    if (!opened?.missing || !canShowMissing()) return;
    if (theirsAmong(opened.missing).length) opened.held = opened.missing.splice(0);
  },

  afterConfigureGraph(missing) {
    if (!opened) return;
    const { workflow, held } = opened;
    opened = null;
    const theirs = theirsAmong(held.length ? held : (missing ?? []));
    if (theirs.length) offer(workflow, theirs, held);
  },
});
