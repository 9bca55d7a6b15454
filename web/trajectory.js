// The canvas on Trajectory: paths are drawn there, in place of the text that holds them. Without
// it the node is the same, with the text. Uses the page's extension hooks, its DOM widgets and
// callbacks of our own node.

import { app } from "../../scripts/app.js";
import { PathCanvas } from "./trajectory/canvas.js";
import { addStyle } from "./trajectory/look.js";

const NODE = "ADN_Trajectory";
const NAME = "path_canvas";
const WIDTH = 360; // pixels, of new nodes
const AROUND = 20; // pixels beside a widget of the page

function addWidget(node, canvas) {
  const widget = node.addDOMWidget(NAME, NAME, canvas.panel.root, {
    serialize: false,
    hideOnZoom: false,
    getMinHeight: () => canvas.heightFor(node.size[0] - AROUND) + AROUND,
  });
  widget.serialize = false; // the option is for the prompt, this for the workflow
}

// Before or after what the page, or others, have there.
function along(node, name, act) {
  const before = node[name];
  node[name] = function (...given) {
    const result = before?.apply(this, given);
    act();
    return result;
  };
}

app.registerExtension({
  name: "AnimateDiffNative.Trajectory",

  setup: addStyle,

  nodeCreated(node) {
    if (node.comfyClass !== NODE || !node.addDOMWidget) return;
    const canvas = new PathCanvas(node);
    canvas.settings.hidePoints();
    addWidget(node, canvas);
    along(node, "onAdded", () => canvas.begin());
    along(node, "onRemoved", () => canvas.end());
    node.setSize([Math.max(node.size[0], WIDTH), 0]);
    node.setSize([node.size[0], node.computeSize()[1]]);
  },
});
