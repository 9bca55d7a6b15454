// How our nodes look in the page and are found there: a short title, colours by family, a width
// that shows a file's name, seeds that stay, and words for the search where the server has none.
// Uses the page's extension hooks, its tables of colours, and callbacks of our own nodes.

import { app } from "../../scripts/app.js";

const WORDS = new URL("./search_aliases.json", import.meta.url); // the server reads it too
const OURS = /^ADN_/;
const SEARCHED = / *\([^()]*\)$/; // behind the title: what people look for
const NARROWEST = 340; // pixels: a file's name beside its label
const WIDEST = 400; // which the page exceeds for the whole name
const SEED_STAYS = ["ADN_TrainMotionLora", "ADN_FreeNoise"]; // another trains, or shuffles, again

// In the page's names for colours, which a light theme makes light by itself.
const FAMILIES = {
  blue: [
    "LoadMotionModule", "LoadMotionLora", "SaveMotionLora", "LoadDomainAdapter", "LoadSparseCtrl",
  ],
  purple: [
    "ApplyMotionModule", "MotionStrength", "StretchPositions", "AdjustWeights", "FreeLong", "Views",
    "ContextWindows", "FreeInit", "NoiseSchedule", "FrameLora", "FrameGuidance", "PiaImage",
    "I2VImage", "CameraControl", "SpaceTime", "FollowTrajectory",
    "TrajectoryControl", "ReferenceMotion",
  ],
  green: [
    "PromptSchedule", "FrameStrengths", "FrameControlStrength", "FramePromptStrength", "CameraPath",
    "CameraPoses", "Trajectory",
  ],
  cyan: ["FrameNoise", "NoiseLayer", "UseNoise", "FreeNoise", "TrajectoryNoise"],
  pale_blue: ["ContinueClip", "PingPong", "SparseFrames", "ClipCondition", "ImageToVideoWays"],
  brown: ["TrainMotionLora"],
};
const LINKS = {
  ADN_MOTION_MODULE: "#26C6DA",
  ADN_MOTION_LORA: "#C0CA33",
  ADN_MOTION_STRENGTH: "#EC407A",
  ADN_CAMERA_PATH: "#8D6E63",
  ADN_TRAJECTORY: "#AB47BC",
};

function isOurs(node) {
  return OURS.test(node.comfyClass ?? "");
}

function title(name) {
  return name?.replace(SEARCHED, "");
}

// What the page calls a node of this class from now on. A title that is the class's is in no saved
// file, so each user sees it in the own language.
function shortenClass(nodeClass) {
  let given = nodeClass.title;
  Object.defineProperty(nodeClass, "title", {
    configurable: true,
    enumerable: true,
    get: () => title(given),
    set: (name) => (given = name),
  });
}

// The page gives a node that comes from the search the whole name.
function shorten(node) {
  if (node.title === node.constructor.nodeData?.display_name) node.title = node.constructor.title;
}

function widen(node) {
  if (!node.widgets?.length) return;
  node.setSize([Math.min(Math.max(node.size[0], NARROWEST), WIDEST), node.size[1]]);
}

function familyColour(node) {
  const name = node.comfyClass.replace(OURS, "");
  const family = Object.keys(FAMILIES).find((colour) => FAMILIES[colour].includes(name));
  return globalThis.LGraphCanvas?.node_colors?.[family];
}

// A colour of the node's own, since DOM nodes show no other. It is not saved: a file stays as it is.
// "No color" is, so that it stays too.
function colour(node) {
  const ours = familyColour(node);
  if (!ours || node.color || node.bgcolor) return;
  node.color = ours.color;
  node.bgcolor = ours.bgcolor;
  const { onSerialize } = node;
  node.onSerialize = function (saved) {
    onSerialize?.call(this, saved);
    if (!this.color && !this.bgcolor) saved.color = "";
    if (saved.color !== ours.color || saved.bgcolor !== ours.bgcolor) return;
    delete saved.color;
    delete saved.bgcolor;
  };
}

// Of new nodes: the saved value of others comes after this. A server can say it too, and some pages
// take what it says for the control's name.
function fixSeed(node) {
  if (!SEED_STAYS.includes(node.comfyClass)) return;
  const control = node.widgets?.find((widget) => widget.name === "control_after_generate");
  if (control) control.value = "fixed";
}

// Where the page has no colour for our types: a theme may bring some.
function colourLinks() {
  const { link_type_colors: links } = globalThis.LGraphCanvas ?? {};
  for (const table of [links, app.canvas?.default_connection_color_byType].filter(Boolean)) {
    for (const [type, value] of Object.entries(LINKS)) table[type] ||= value;
  }
  app.canvas?.setDirty(true, true);
}

// DOM nodes' slots; what a theme brings stands before it.
function colourSlots() {
  const style = document.createElement("style");
  const rules = Object.entries(LINKS).map(([type, value]) => `--color-datatype-${type}: ${value};`);
  style.textContent = `:root { ${rules.join(" ")} }`;
  document.head.append(style);
}

let words; // once

async function tellWords(definitions) {
  const ours = Object.values(definitions).filter(({ name }) => OURS.test(name));
  if (!ours.some(({ search_aliases }) => !search_aliases?.length)) return;
  try {
    words ??= await (await fetch(WORDS)).json();
  } catch (error) {
    console.warn("AnimateDiff Native: no words for the search", error);
    return;
  }
  for (const definition of ours) {
    if (definition.search_aliases?.length) continue;
    definition.search_aliases = [...words.all, ...(words[definition.name] ?? [])];
  }
}

app.registerExtension({
  name: "AnimateDiffNative.OurNodes",

  setup() {
    colourSlots();
    // A theme's colours come a moment after its name.
    const later = () => setTimeout(colourLinks);
    app.ui?.settings?.addEventListener?.("Comfy.ColorPalette.change", later);
  },

  addCustomNodeDefs: tellWords,
  refreshComboInNodes: tellWords, // the page has asked the server again

  beforeRegisterNodeDef(nodeClass, definition) {
    if (OURS.test(definition.name)) shortenClass(nodeClass);
  },

  nodeCreated(node) {
    if (!isOurs(node)) return;
    shorten(node);
    widen(node);
    colour(node);
    fixSeed(node);
  },

  loadedGraphNode(node) {
    if (isOurs(node)) shorten(node);
  },

  afterConfigureGraph: colourLinks, // the page sets its colours between setup and the first graph
});
