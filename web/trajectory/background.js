// The picture behind the paths: one that the user chose, which stays in the browser, or else what
// comes in by `image`, as far as the page knows it: a file that is loaded, or what a node showed.

import { api } from "../../../scripts/api.js";
import { app } from "../../../scripts/app.js";

const IMAGE = "image";
const FARTHEST = 6; // nodes up the links
const VIDEO = /\.(mp4|webm|mov|mkv|m4v)$/i;
const FILE = /^(.*\.(?:png|jpe?g|webp|gif|bmp|avif|mp4|webm|mov|mkv|m4v))(?: \[(\w+)\])?$/i;
const LOADERS = ["image", "video", "file"]; // names of widgets with a file of the input folder
const PASSED = ["IMAGE", "VIDEO"];

const chosen = new Map(); // by workflow and node, which undo makes anew

function keyOf(node) {
  return `${app.rootGraph?.id ?? app.graph?.id} ${node.graph?.id} ${node.id}`;
}

export function chosenFor(node) {
  return chosen.get(keyOf(node)) ?? null;
}

export function choose(node, file) {
  forget(node);
  if (file) chosen.set(keyOf(node), URL.createObjectURL(file));
}

function forget(node) {
  const kept = chosenFor(node);
  if (kept) URL.revokeObjectURL(kept);
  chosen.delete(keyOf(node));
}

function viewed({ filename, subfolder = "", type = "input" }) {
  return api.apiURL(`/view?${new URLSearchParams({ filename, subfolder, type })}`);
}

function loadedBy(node) {
  const isFile = ({ name, value }) => LOADERS.includes(name) && FILE.test(value);
  const named = node.widgets?.find(isFile);
  if (!named) return null;
  const [, path, type] = FILE.exec(named.value);
  const parts = path.split("/");
  return viewed({ filename: parts.pop(), subfolder: parts.join("/"), type });
}

function shownBy(node) {
  const [told] = app.nodeOutputs?.[node.id]?.images ?? [];
  return (told?.filename && viewed(told)) ?? node.imgs?.[0]?.src ?? null;
}

// Up the links, through nodes that scale a picture or take a video apart.
function cameFrom(node, slot) {
  let [from, input] = [node, slot];
  for (let steps = 0; from && input >= 0 && steps < FARTHEST; steps += 1) {
    from = from.getInputNode?.(input);
    const found = from && (loadedBy(from) ?? shownBy(from));
    if (found) return found;
    const passed = ({ type, link }) => PASSED.includes(type) && link != null;
    input = from?.inputs?.findIndex(passed) ?? -1;
  }
  return null;
}

// Where the picture is to be had, or null.
export function addressFor(node) {
  const slot = node.inputs?.findIndex(({ name }) => name === IMAGE) ?? -1;
  return chosenFor(node) ?? cameFrom(node, slot);
}

function sizeOf(image) {
  const across = image.videoWidth ?? image.naturalWidth;
  return { image, across, down: image.videoHeight ?? image.naturalHeight };
}

// Loads one picture at a time; `loaded` is called when there is another.
export class Background {
  constructor(loaded) {
    this.loaded = loaded;
    this.address = null;
    this.picture = null;
  }

  // Whether it is another one than before.
  show(address) {
    if (address === this.address) return false;
    this.address = address;
    this.picture = null;
    if (address) this._load(address);
    return true;
  }

  _load(address) {
    const isVideo = VIDEO.test(new URL(address, location.href).searchParams.get("filename") ?? "");
    const element = document.createElement(isVideo ? "video" : "img");
    const done = () => {
      if (address !== this.address) return; // another one was chosen meanwhile
      this.picture = sizeOf(element);
      this.loaded();
    };
    Object.assign(element, { muted: true, preload: "auto" });
    element.addEventListener(isVideo ? "loadeddata" : "load", done, { once: true });
    element.src = address;
  }
}
