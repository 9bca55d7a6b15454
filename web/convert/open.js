// Opens a converted workflow beside the one that it was made of.

import { app } from "../../../scripts/app.js";
import { addNote, noteText } from "./note.js";

const SUFFIX = " (AnimateDiff Native)";
const LIFE = 10000; // milliseconds of a toast

let opening = false;

// Whether the graph that the page is opening comes from here.
export function isOpening() {
  return opening;
}

export function toast(severity, summary, detail) {
  app.extensionManager.toast.add({ severity, summary, detail, life: LIFE });
}

// The tab in front. Old pages have no such thing.
export function tabInFront() {
  return app.extensionManager?.workflow?.activeWorkflow ?? null;
}

// Older pages open nothing in API format that has a node which they do not know.
function cannotOpen(workflow) {
  const strict = typeof app.extensionManager.dialog?.showLoadWorkflowWarning === "function";
  if (workflow.nodes || !strict) return [];
  const types = Object.values(workflow).map((node) => node.class_type);
  return [...new Set(types.filter((type) => !(type in LiteGraph.registered_node_types)))];
}

// A name that no tab and no saved workflow has: the page would open the new one in its place.
function freeName(name) {
  const stem = name.replace(/\.json$/i, "");
  const first = stem.endsWith(SUFFIX) ? stem : stem + SUFFIX;
  const { workflow } = app.extensionManager;
  const taken = (one) => Boolean(workflow?.getWorkflowByPath?.(`workflows/${one}.json`));
  for (let found = first, number = 2; ; number += 1) {
    if (!taken(found)) return found;
    found = `${first} ${number}`;
  }
}

async function open(workflow, name) {
  opening = true;
  try {
    if (workflow.nodes) await app.loadGraphData(workflow, true, true, name);
    else await app.loadApiJson(workflow, name);
  } finally {
    opening = false;
  }
}

// name: of the workflow that it was made of; broken: the tab of that, where the page could not show
// it. Whether it is open.
export async function openConverted(answer, name, broken) {
  const { workflow, left } = answer;
  const unknown = cannotOpen(workflow);
  if (unknown.length) {
    const why = "This page opens no workflow in API format with nodes that it does not know";
    toast("error", "Not converted", `${why}: ${unknown.join(", ")}`);
    return false;
  }
  const noted = addNote(workflow, noteText(answer));
  await open(workflow, freeName(name));
  if (broken && broken !== tabInFront()) {
    await app.extensionManager.workflow.closeWorkflow?.(broken);
  }
  const where = noted ? 'The note "What was converted" says more. ' : "";
  const stays = broken ? "" : "The workflow that it was made of is still there.";
  const summary = left.length ? `Converted; ${left.length} thing(s) have no equivalent` : "Converted";
  toast(left.length ? "warn" : "success", summary, where + stays);
  return true;
}
