// Puts the canvas on a node, and takes it away with the node.

import { addressFor, Background, choose, chosenFor } from "./background.js";
import { Editor } from "./editor.js";
import { listenToKeys } from "./keys.js";
import { BESIDES } from "./look.js";
import { listenToMouse } from "./mouse.js";
import { paint } from "./paint.js";
import { makePanel } from "./panel.js";
import { Player } from "./player.js";
import { Settings } from "./settings.js";
import { tell } from "./tell.js";
import { View } from "./view.js";
import { watch } from "./watch.js";

const FLATTEST = 0.4; // stage's height as a share of its width
const TALLEST = 1.4;
const LARGEST = 4096; // pixels of the canvas

export class PathCanvas {
  constructor(node) {
    this.node = node;
    this.settings = new Settings(node);
    this.panel = makePanel();
    const changed = () => this.paintSoon();
    this.editor = new Editor(this.settings, changed);
    this.player = new Player(() => this.settings.frames, changed);
    this.background = new Background(changed);
    this.ends = null;
  }

  // Height of the whole for a width, in pixels.
  heightFor(width) {
    return Math.round(width * this.flatness) + BESIDES;
  }

  get flatness() {
    const { width, height } = this.settings.size;
    return Math.min(Math.max(height / width, FLATTEST), TALLEST);
  }

  begin() {
    if (this.ends) return;
    this.ends = new AbortController();
    const { signal } = this.ends;
    const stopWatching = watch(() => this.look());
    signal.addEventListener("abort", stopWatching, { once: true });
    listenToMouse(this, this.editor, signal);
    listenToKeys(this.panel, this.editor, this.player, signal);
    this._listenToButtons(signal);
    this._listenToText(signal);
    this.paintSoon();
  }

  end() {
    this.player.stop();
    this.background.show(null);
    this.ends?.abort();
    this.ends = null;
  }

  // What the mouse needs to know of the stage.
  get canvas() {
    return this.panel.canvas;
  }

  get stageSize() {
    const { clientWidth: width, clientHeight: height } = this.panel.stage;
    return { width, height };
  }

  view() {
    return new View(this.stageSize, this.settings.size);
  }

  place({ clientX, clientY }) {
    const seen = this.canvas.getBoundingClientRect();
    const { width, height } = this.stageSize;
    return {
      x: ((clientX - seen.left) / (seen.width || 1)) * width,
      y: ((clientY - seen.top) / (seen.height || 1)) * height,
    };
  }

  focus() {
    this.panel.keys.focus({ preventScroll: true });
  }

  _listenToButtons(signal) {
    const { buttons, showText, startOver, root, text } = this.panel;
    const { editor } = this;
    const act = {
      play: () => this.player.toggle(),
      add: () => editor.newPath(),
      remove: () => editor.removePath(),
      clear: () => editor.clear(),
      back: () => editor.back(),
      ahead: () => editor.ahead(),
      picture: () => this._choosePicture(),
      text: () => this._showText(this.panel.text.hidden),
    };
    for (const [name, button] of Object.entries(buttons)) {
      button.addEventListener("click", () => act[name](), { signal });
    }
    showText.addEventListener("click", () => this._showText(true), { signal });
    startOver.addEventListener("click", () => editor.startOver(), { signal });
    root.addEventListener("pointerdown", (event) => event.stopPropagation(), { signal });
    const keepKeys = (event) => {
      if (event.target === text) return;
      event.preventDefault();
      this.focus(); // with a button, Delete would be the page's, for the whole node
    };
    root.addEventListener("mousedown", keepKeys, { signal });
  }

  _choosePicture() {
    if (chosenFor(this.node)) {
      choose(this.node, null);
      return;
    }
    const input = document.createElement("input");
    Object.assign(input, { type: "file", accept: "image/*" });
    input.addEventListener("change", () => choose(this.node, input.files[0]), { once: true });
    input.click();
  }

  _listenToText(signal) {
    const { text } = this.panel;
    let letters = 0;
    const heard = {
      focus: () => (letters = 0),
      input: () => this.editor.put(text.value, letters++ > 0), // all of them are one step of undo
      change: () => this.settings.write(text.value),
      keydown: (event) => {
        if (event.key === "Escape") this._showText(false);
        if (!event.ctrlKey && !event.metaKey) event.stopPropagation();
      },
    };
    for (const [name, hear] of Object.entries(heard)) {
      text.addEventListener(name, hear, { signal });
    }
  }

  _showText(shown) {
    const { text } = this.panel;
    text.hidden = !shown;
    if (shown) text.focus({ preventScroll: true });
    else this.focus();
    this.paintSoon();
  }

  // Whether anything that shows is another than before.
  look() {
    const { settings, canvas } = this;
    if (!canvas.isConnected || !canvas.offsetParent) {
      if (this.player.playing) this.player.stop();
      return;
    }
    const { width, height } = canvas.getBoundingClientRect();
    const { size, frames, box, interpolation, timing, linked } = settings;
    const seen = [size, frames, box, interpolation, timing, linked, width, height, this.stageSize];
    const now = JSON.stringify([...seen, devicePixelRatio]);
    const picture = this.background.show(addressFor(this.node));
    if (!this.editor.refresh() && now === this.seen && !picture) return;
    this.seen = now;
    this._fit();
    this.paintSoon();
  }

  // The stage has the picture's shape; a node that had just the height for it has it again.
  _fit() {
    const { stage } = this.panel;
    const { flatness, node } = this;
    if (this.fitted === flatness) return;
    const before = this.fitted;
    this.fitted = flatness;
    stage.style.aspectRatio = String(1 / flatness);
    if (before === undefined) return;
    const width = node.size[0];
    node.setSize([width, node.size[1] + Math.round((flatness - before) * (width - 20))]);
    node.setDirtyCanvas?.(true, true);
  }

  paintSoon() {
    this.request ??= requestAnimationFrame(() => {
      this.request = null;
      if (this.ends) this._paint();
    });
  }

  _paint() {
    tell(this.panel, this.editor, this.player, chosenFor(this.node));
    const { canvas } = this;
    const seen = canvas.getBoundingClientRect();
    if (!seen.width || !seen.height) return;
    const ratio = Math.min(devicePixelRatio || 1, LARGEST / Math.max(seen.width, seen.height));
    const [width, height] = [seen.width, seen.height].map((side) => Math.round(side * ratio));
    if (canvas.width !== width) canvas.width = width;
    if (canvas.height !== height) canvas.height = height;
    const context = canvas.getContext("2d");
    const view = this.view();
    context.setTransform(width / view.stage.width, 0, 0, height / view.stage.height, 0, 0);
    const { editor, player } = this;
    paint(context, { editor, view, picture: this.background.picture, at: player.at });
  }
}
