// Offers to rewrite a workflow made for AnimateDiff-Evolved where that is not installed.
// Uses the page's extension hooks and its manager of dialogs and toasts, nothing of how it draws
// them; the rewriting is done by the server (convert/).

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";

const ROUTE = "/animatediff_native/convert";
const THEIRS = /^(ADE_|AnimateDiffLoaderV1|AnimateDiffSampler|AnimateDiffCombine)/;
const WARNS = "Comfy.Workflow.ShowMissingNodesWarning"; // the page's setting, where it has one

let opened = null; // the workflow as it was opened, and the page's list of types that it lacks
let ours = false; // whether it comes from a conversion

function typeOf(missing) {
  return typeof missing === "string" ? missing : missing.type;
}

function said(report) {
  const lines = [];
  for (const { node_id, type, reason } of report.left) {
    lines.push(`Node ${node_id}, ${type}: ${reason}`);
  }
  return lines.concat(report.notes);
}

function summary(converted, left) {
  if (!converted) return "Nothing could be converted";
  return left ? `Converted; ${left} thing(s) have no equivalent` : "Converted";
}

async function converted(workflow) {
  const response = await api.fetchApi(ROUTE, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(workflow),
  });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer;
}

async function openConverted(workflow) {
  ours = true;
  try {
    await app.loadGraphData(workflow);
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
  return [...new Set(missing.map(typeOf).filter((type) => THEIRS.test(type)))];
}

app.registerExtension({
  name: "AnimateDiffNative.ConvertWorkflow",

  beforeConfigureGraph(workflow, missing) {
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
