// What the log says of a run, as a text on the node that ran. The page's own progress text would
// be gone when the run ends, in newer pages. Nothing of it is saved with the workflow.

import { api } from "../../scripts/api.js";
import { app } from "../../scripts/app.js";

const EVENT = "animatediff_native.node_messages";
const NAME = "animatediff_native_messages";
const LINE = 17; // pixels
const LETTER = 6.2; // pixels, on average
const AROUND = { across: 44, up: 32 }; // pixels beside the text, margins of the page included
const TALLEST = 10; // lines; more can be scrolled to
const COLOURS = { warnings: "#e8a33d", lines: "var(--input-text, #ddd)" };
const TEXT = {
  boxSizing: "border-box",
  padding: "4px 6px",
  overflowX: "hidden",
  overflowY: "auto",
  overflowWrap: "anywhere",
  whiteSpace: "pre-wrap",
  userSelect: "text",
  fontSize: "12px",
  lineHeight: `${LINE}px`,
};

// An id is "3", or "8:3" for a node inside the subgraph of another.
function nodeOf(id) {
  const path = String(id).split(":");
  let graph = app.rootGraph ?? app.graph;
  for (const outer of path.slice(0, -1)) graph = graph?.getNodeById(Number(outer))?.subgraph;
  return graph?.getNodeById(Number(path.at(-1)));
}

function widgetOf(node) {
  return node?.widgets?.find(({ name }) => name === NAME);
}

function linesOf(node, text) {
  const most = Math.max(10, (node.size[0] - AROUND.across) / LETTER);
  return text.split("\n").reduce((sum, line) => sum + Math.ceil((line.length + 1) / most), 0);
}

function addWidget(node) {
  const element = document.createElement("div");
  Object.assign(element.style, TEXT);
  const height = () =>
    Math.min(linesOf(node, element.textContent), TALLEST) * LINE + AROUND.up;
  const widget = node.addDOMWidget(NAME, NAME, element, {
    serialize: false,
    getMinHeight: height,
    getMaxHeight: height,
  });
  widget.serialize = false; // the option is for the prompt, this for the workflow
  return widget;
}

function makeRoom(node) {
  const needed = node.computeSize()[1];
  if (node.size[1] < needed) node.setSize([node.size[0], needed]);
  node.setDirtyCanvas?.(true, true);
}

function show({ node: id, warnings, lines }) {
  const node = nodeOf(id);
  if (!node) return;
  const { element } = widgetOf(node) ?? addWidget(node);
  const part = (kind, texts, mark) => {
    const block = document.createElement("div");
    block.style.color = COLOURS[kind];
    block.textContent = texts.map((text) => mark + text).join("\n");
    return block;
  };
  const parts = [part("warnings", warnings, "\u26a0 "), part("lines", lines, "")];
  element.replaceChildren(...parts.filter(({ textContent }) => textContent));
  element.style.height = "100%";
  makeRoom(node);
}

// A node that begins to run has nothing to say of the run before.
function forget(id) {
  const node = nodeOf(id);
  const widget = widgetOf(node);
  if (!widget) return;
  widget.onRemove?.(); // older pages leave its element otherwise
  node.removeWidget(widget);
  node.setDirtyCanvas?.(true, true);
}

app.registerExtension({
  name: "AnimateDiffNative.NodeMessages",
  setup() {
    api.addEventListener(EVENT, ({ detail }) => show(detail));
    api.addEventListener("executing", ({ detail }) => {
      if (detail) forget(detail);
    });
  },
});
