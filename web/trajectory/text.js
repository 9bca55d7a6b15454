// The form of Trajectory's text that the canvas reads and writes:
// {"paths": [[[x, y], ...], ...]}, shares of the picture, with a third number, when, after drawing
// by hand. Other forms, which the server reads too, are left as they are.

const DECIMALS = 4;
const LOWEST = -0.5; // of a share: a thing may leave the picture
const HIGHEST = 1.5;

function isPoint(value) {
  const right = Array.isArray(value) && (value.length === 2 || value.length === 3);
  return right && value.every(Number.isFinite);
}

function isPath(value) {
  return Array.isArray(value) && value.every(isPoint);
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

// Paths of points {x, y}, or {x, y, t} where all points of a path have a time, and what else the
// text has beside them. Null where it is of another form.
export function read(text) {
  if (!text?.trim()) return { paths: [], rest: {} };
  const { paths, ...rest } = Object(parsed(text));
  if (!Array.isArray(paths) || !paths.every(isPath)) return null;
  return { paths: paths.filter((path) => path.length).map(points), rest };
}

function points(path) {
  const timed = path.every((point) => point.length === 3);
  return path.map(([x, y, t]) => (timed ? { x, y, t } : { x, y }));
}

export function write(paths, rest) {
  const drawn = paths.filter((path) => path.length).map((path) => path.map(numbers));
  return JSON.stringify({ ...rest, paths: drawn });
}

function numbers({ x, y, t }) {
  return (t === undefined ? [x, y] : [x, y, t]).map(rounded);
}

export function rounded(value) {
  return Number(value.toFixed(DECIMALS));
}

export function clamped(share) {
  return rounded(Math.min(Math.max(share, LOWEST), HIGHEST));
}
