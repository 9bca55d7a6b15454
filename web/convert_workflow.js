// Offers to rewrite a workflow made for AnimateDiff-Evolved where that is not installed.
// Uses the page's extension hooks only; the rewriting is done by the server (convert/).

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";

const ROUTE = "/animatediff_native/convert";
const THEIRS = /^(ADE_|AnimateDiffLoaderV1|AnimateDiffSampler|AnimateDiffCombine)/;

let opened = null; // the workflow as it was opened

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

async function convertAndOpen(workflow) {
  const { toast } = app.extensionManager;
  try {
    const report = await converted(workflow);
    await app.loadGraphData(report.workflow);
    const left = report.left.length;
    toast.add({
      severity: left ? "warn" : "success",
      summary: left ? `Converted; ${left} thing(s) have no equivalent` : "Converted",
      detail: said(report).join("\n"),
      life: left ? undefined : 10000,
    });
  } catch (error) {
    toast.add({ severity: "error", summary: "Not converted", detail: error.message });
  }
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
    if (!theirs.length || !workflow) return;
    // not awaited: the page goes on loading the graph behind the question
    app.extensionManager.dialog
      .confirm({
        title: "Convert to AnimateDiff Native?",
        message:
          "This workflow was made for AnimateDiff-Evolved, which is not installed. " +
          "AnimateDiff Native can rewrite it to its own nodes; what has no equivalent is listed.",
        itemList: theirs,
      })
      .then((agreed) => agreed && convertAndOpen(workflow));
  },
});
