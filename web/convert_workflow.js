// Offers to rewrite a workflow made for AnimateDiff-Evolved where that is not installed.
// Uses the page's extension hooks, and the close button of one of its dialogs; the rewriting is done
// by the server (convert/).

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";

const ROUTE = "/animatediff_native/convert";
const THEIRS = /^(ADE_|AnimateDiffLoaderV1|AnimateDiffSampler|AnimateDiffCombine)/;

// What newer and older pages call their own dialog about missing nodes.
const MISSING_NODES = ["global-missing-nodes", "global-load-workflow-warning"];

const [MOMENT, FADING] = [20, 1000]; // milliseconds

let opened = null; // the workflow as it was opened
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

// It is about the workflow as it was. Until it is gone, the page would show it again, with the same
// list, for what the converted one lacks.
async function closeMissingNodes() {
  for (const key of MISSING_NODES) {
    const heading = () => document.getElementById(key);
    const dialog = heading()?.closest('[role="dialog"]');
    dialog?.querySelector(".p-dialog-close-button")?.click();
    for (let waited = 0; heading() && waited < FADING; waited += MOMENT) {
      await new Promise((resolve) => setTimeout(resolve, MOMENT));
    }
  }
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
    if (report.converted.length) {
      await closeMissingNodes();
      await openConverted(report.workflow);
    }
    toast.add({
      severity: left ? "warn" : "success",
      summary: summary(report.converted.length, left),
      detail: said(report).join("\n"),
      life: left ? undefined : 10000,
    });
  } catch (error) {
    toast.add({ severity: "error", summary: "Not converted", detail: error.message });
  }
}

// Not at once: the page shows its own dialog in the same moment, which would cover the question.
function offer(workflow, theirs) {
  setTimeout(async () => {
    const agreed = await app.extensionManager.dialog.confirm({
      title: "Convert to AnimateDiff Native?",
      message:
        "This workflow was made for AnimateDiff-Evolved, which is not installed.\n" +
        "AnimateDiff Native can rewrite it to its own nodes; what has no equivalent is listed.",
      itemList: theirs,
    });
    if (agreed) await convertAndOpen(workflow);
  });
}

app.registerExtension({
  name: "AnimateDiffNative.ConvertWorkflow",

  beforeConfigureGraph(workflow) {
    opened = structuredClone(workflow);
  },

  async afterConfigureGraph(missing) {
    const theirs = [...new Set((missing ?? []).map(typeOf).filter((type) => THEIRS.test(type)))];
    const workflow = opened;
    opened = null;
    if (!theirs.length || !workflow || ours) return;
    offer(workflow, theirs); // not awaited: the page goes on loading the graph behind the question
  },
});
