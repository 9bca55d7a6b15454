// The paths being drawn, and which path and point are at hand. Every change gives new lists, so
// that a drawing can be put back as it was.

import * as points from "./points.js";
import { clamped, read, write } from "./text.js";

export class Drawing {
  constructor({ paths, rest }, path = paths.length - 1, point = -1) {
    this.paths = paths;
    this.rest = rest;
    this.path = Math.min(Math.max(path, 0), paths.length); // behind the last one: a new path
    this.point = Math.min(point, this.atHand.length - 1);
  }

  // Null where the text is of another form.
  static of(text, path, point) {
    const found = read(text);
    return found && new Drawing(found, path, point);
  }

  get text() {
    return write(this.paths, this.rest);
  }

  get atHand() {
    return this.paths[this.path] ?? [];
  }

  select(path, point = -1) {
    this.path = path;
    this.point = point;
  }

  begin() {
    this.select(this.paths.length);
  }

  _set(path) {
    if (this.path < this.paths.length) this.paths = this.paths.with(this.path, path);
    else this.paths = [...this.paths, path];
  }

  append(place) {
    this._set(points.appended(this.atHand, within(place)));
    this.point = this.atHand.length - 1;
  }

  insert(at, place) {
    this._set(points.inserted(this.atHand, at, within(place)));
    this.point = at;
  }

  move(place) {
    this._set(points.moved(this.atHand, this.point, within(place)));
  }

  // A path without points is none.
  remove() {
    if (this.atHand.length <= 1) {
      this.removePath();
      return;
    }
    this._set(points.removed(this.atHand, this.point));
    this.point = Math.min(this.point, this.atHand.length - 1);
  }

  removePath() {
    this.paths = this.paths.filter((_, at) => at !== this.path);
    this.select(Math.max(0, Math.min(this.path, this.paths.length - 1)));
  }

  clear() {
    this.paths = [];
    this.select(0);
  }

  addPath(path) {
    this.begin();
    this._set(path.map((point) => ({ ...point, ...within(point) })));
  }

  // The next point, or the one before, of all paths.
  step(by) {
    const all = this.paths.flatMap((path, at) => path.map((_, point) => [at, point]));
    if (!all.length) return;
    const now = all.findIndex(([at, point]) => at === this.path && point === this.point);
    const first = all.findIndex(([at]) => at === this.path);
    const begin = by > 0 ? Math.max(first, 0) : first - 1;
    const next = now < 0 ? begin : now + by;
    this.select(...all.at(next % all.length));
  }
}

function within({ x, y }) {
  return { x: clamped(x), y: clamped(y) };
}
