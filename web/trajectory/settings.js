// What the node's widgets say, and the one that is written: points, the only place where paths are.

import { app } from "../../../scripts/app.js";

const POINTS = "points";
const BETWEEN = 4; // pixels, that the page leaves behind each widget

export class Settings {
  constructor(node) {
    this.node = node;
  }

  widget(name) {
    return this.node.widgets?.find((widget) => widget.name === name);
  }

  number(name, otherwise) {
    const value = Number(this.widget(name)?.value);
    return value > 0 ? value : otherwise;
  }

  get text() {
    return String(this.widget(POINTS)?.value ?? "");
  }

  // As new nodes have it: an example, which what a user draws takes the place of.
  get isExample() {
    const { input } = this.node.constructor.nodeData ?? {};
    return this.text === { ...input?.required, ...input?.optional }[POINTS]?.[1]?.default;
  }

  get size() {
    return { width: this.number("width", 512), height: this.number("height", 512) };
  }

  get frames() {
    return this.number("frames", 16);
  }

  get box() {
    return this.number("box", 0.3);
  }

  get interpolation() {
    return this.widget("interpolation")?.value;
  }

  get timing() {
    return this.widget("timing")?.value;
  }

  // Whether the text comes from another node.
  get linked() {
    const named = ({ name, widget }) => widget?.name === POINTS || name === POINTS;
    return (this.node.inputs?.find(named)?.link ?? null) !== null;
  }

  // As one change of the workflow, which the page's undo takes back.
  write(text) {
    const { canvas } = app;
    canvas?.emitBeforeChange?.();
    this.set(text);
    canvas?.emitAfterChange?.();
  }

  set(text) {
    const widget = this.widget(POINTS);
    if (!widget) return;
    widget.value = text;
    widget.callback?.(text, app.canvas, this.node);
  }

  // The canvas stands for it. In all ways in which the page's versions hide one: the second for
  // nodes that are drawn by DOM, the third for older pages, which leave room for it.
  hidePoints() {
    const widget = this.widget(POINTS);
    if (!widget) return;
    widget.hidden = true;
    widget.options.hidden = true;
    widget.computeSize = () => [0, -BETWEEN];
  }
}
