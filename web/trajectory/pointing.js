// What of the drawing is under the mouse: a point, or a line; of the path at hand before others.

const POINT = 10; // pixels on the stage
const CROWDED = 6; // the same where a path has many points
const LINE = 7;
const MANY = 24;

function inOrder({ paths, path }) {
  const all = paths.map((_, at) => at).filter((at) => at !== path);
  return path < paths.length ? [path, ...all] : all;
}

// at: on the stage. Null, or { kind, path } and which point it is, or before which one one would
// come.
export function under(at, editor, view) {
  const { drawing } = editor;
  if (!drawing) return null;
  const order = inOrder(drawing);
  return first(order, (path) => pointUnder(at, drawing, path, editor, view)) ??
    first(order, (path) => lineUnder(at, drawing.paths[path], path, editor, view));
}

function first(order, find) {
  for (const path of order) {
    const found = find(path);
    if (found) return found;
  }
  return null;
}

function pointUnder(at, drawing, path, { settings }, view) {
  const points = drawing.paths[path];
  const { width, height } = settings.size;
  let far = points.length > MANY ? CROWDED : POINT;
  let found = null;
  points.forEach(({ x, y }, point) => {
    const on = view.atEdge(view.onStage({ x: x * width, y: y * height }));
    const away = Math.hypot(on.x - at.x, on.y - at.y);
    if (away > far || (found && away === far)) return;
    far = away;
    found = { kind: "point", path, point };
  });
  return found;
}

function lineUnder(at, points, path, editor, view) {
  if (points.length < 2) return null;
  const { width, height } = editor.settings.size;
  const { x, y } = view.shares(at);
  const near = editor.curveOf(points).nearest({ x: x * width, y: y * height });
  if (near.far * view.scale > LINE) return null;
  const place = { x: near.on.x / width, y: near.on.y / height };
  return { kind: "line", path, before: near.before, place };
}
