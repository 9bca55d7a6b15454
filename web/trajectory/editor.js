// What a user can do on the canvas, by mouse, keys or buttons. Each is one step of undo, and goes
// to the node's text at once.

import { Curve } from "./curve.js";
import { Drawing } from "./drawing.js";
import { pathFrom } from "./freehand.js";
import { History } from "./history.js";

const NEAR = { x: 0.1, y: 0 }; // where a point comes that no mouse places

export class Editor {
  constructor(settings, changed) {
    this.settings = settings;
    this.changed = changed; // called when something else is to be drawn
    this.history = new History(settings.text);
    this.sketch = null; // a line that is being drawn by hand
    this.hover = null;
    this.curves = new WeakMap();
    this._take(settings.text);
  }

  _take(text) {
    this.text = text;
    this.drawing = Drawing.of(text, this.drawing?.path, this.drawing?.point);
    this.sketch = null;
  }

  get editable() {
    return Boolean(this.drawing) && !this.settings.linked;
  }

  // Whether the text was changed by something else, which then counts.
  refresh() {
    const { text } = this.settings;
    if (text === this.text) return false;
    this.history.add(text);
    this._take(text);
    return true;
  }

  curveOf(path) {
    const { size, interpolation } = this.settings;
    const key = `${size.width} ${size.height} ${interpolation}`;
    const kept = this.curves.get(path);
    if (kept?.key === key) return kept.curve;
    const curve = new Curve(path, { ...size, interpolation });
    this.curves.set(path, { key, curve });
    return curve;
  }

  // What changes the drawing; not told to the node before `commit`. It is that of the text as it is
  // now: the page may have set another one since the last look.
  edit(change) {
    this.refresh();
    if (!this.editable) return;
    change(this.drawing);
    this.changed();
  }

  commit() {
    if (!this.editable) return;
    const { text } = this.drawing;
    if (text === this.text || !(this.drawing.paths.length || this.text.trim())) return;
    this.put(text);
  }

  // As the node has it.
  revert() {
    this._take(this.text);
    this.changed();
  }

  do(change) {
    this.edit(change);
    this.commit();
  }

  // A text of any form. typed: one more letter of it.
  put(text, typed = false) {
    this.history.add(text, typed);
    this.text = text;
    if (typed) this.settings.set(text);
    else this.settings.write(text);
    if (text !== this.drawing?.text) this._take(text);
    this.changed();
  }

  back() {
    this._go(-1);
  }

  ahead() {
    this._go(1);
  }

  _go(step) {
    this.refresh();
    if (this.settings.linked || !this.history.can(step)) return;
    const text = this.history.go(step);
    this.text = text;
    this.settings.write(text);
    this._take(text);
    this.changed();
  }

  // Drawn anew, where the text is of another form.
  startOver() {
    if (this.drawing || this.settings.linked) return;
    this.put(JSON.stringify({ paths: [] }));
  }

  // samples: {x, y, time} of a line drawn by hand: a path of its own, in place of the example.
  addFreehand(samples) {
    this.do((drawing) => {
      if (this.settings.isExample) drawing.clear();
      drawing.addPath(pathFrom(samples));
    });
  }

  newPath() {
    this.edit((drawing) => drawing.begin());
  }

  removePath() {
    this.do((drawing) => drawing.removePath());
  }

  clear() {
    if (!this.drawing) this.startOver();
    else this.do((drawing) => drawing.clear());
  }

  removePoint() {
    this.do((drawing) => drawing.point >= 0 && drawing.remove());
  }

  // Half way to the next point, or beside the last one.
  addPoint() {
    this.do((drawing) => {
      const { atHand, point } = drawing;
      if (!atHand.length) drawing.append({ x: 0.5, y: 0.5 });
      else if (point >= 0 && point < atHand.length - 1) {
        const [one, other] = [atHand[point], atHand[point + 1]];
        drawing.insert(point + 1, { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 });
      } else {
        const last = atHand.at(-1);
        const side = last.x + NEAR.x > 1 ? -1 : 1;
        drawing.append({ x: last.x + side * NEAR.x, y: last.y + NEAR.y });
      }
    });
  }

  nudge(x, y) {
    this.do((drawing) => {
      const at = drawing.atHand[drawing.point];
      if (at) drawing.move({ x: at.x + x, y: at.y + y });
    });
  }

  step(by) {
    this.edit((drawing) => drawing.step(by));
  }
}
