// What a conversion left, as a note in the workflow that it is about: it covers nothing, can be read
// again, and goes where the workflow goes.

import { remarks } from "./server.js";

const NOTE = "MarkdownNote";
const TITLE = "What was converted";
const SIZE = [640, 260];
const ABOVE = 100; // pixels to what is below it, whose title is 30

// The note's text; nothing where all was converted and there is nothing to know.
export function noteText(answer) {
  const parts = remarks(answer).map(({ title, lines }) => {
    const items = lines.map((line) => `- ${line.replaceAll("<", "&lt;").replaceAll("\n", " ")}`);
    return `**${title}**\n\n${items.join("\n")}`;
  });
  return parts.join("\n\n");
}

// Puts it above all that is in a workflow, of either format.
export function addNote(workflow, text) {
  if (!text || !(NOTE in LiteGraph.registered_node_types)) return false;
  if (workflow.nodes) addToPage(workflow, text);
  else addToApi(workflow, text);
  return true;
}

function addToPage(workflow, text) {
  const id = lastId(workflow) + 1;
  const [left, top] = corner(workflow);
  workflow.nodes.push({
    id,
    type: NOTE,
    pos: [left, top - SIZE[1] - ABOVE],
    size: SIZE,
    flags: {},
    order: 0,
    mode: 0,
    inputs: [],
    outputs: [],
    title: TITLE,
    properties: {},
    widgets_values: [text],
    color: "#432",
    bgcolor: "#653",
  });
  if (workflow.state) workflow.state.lastNodeId = id;
  else workflow.last_node_id = id;
}

// Its only widget has no name. The page gives all nodes of this format their places.
function addToApi(workflow, text) {
  const ids = Object.keys(workflow).map(Number).filter(Number.isFinite);
  const id = Math.max(0, ...ids) + 1;
  workflow[id] = { class_type: NOTE, inputs: { "": text }, _meta: { title: TITLE } };
}

function lastId({ nodes, state, last_node_id: last }) {
  const ids = nodes.map(({ id }) => Number(id)).filter(Number.isFinite);
  return Math.max(0, state?.lastNodeId ?? last ?? 0, ...ids);
}

// The upper left one of nodes and groups.
function corner({ nodes, groups }) {
  const bounds = Array.isArray(groups) ? groups.map((group) => group?.bounding) : [];
  const places = [...nodes.map(({ pos }) => pos), ...bounds].filter(Boolean);
  const lowest = (axis) => Math.min(...places.map((place) => Number(place[axis]) || 0));
  return places.length ? [lowest(0), lowest(1)] : [0, 0];
}
