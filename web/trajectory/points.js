// What can be done to the points of one path. A path is a list of {x, y} or {x, y, t}, and is never
// changed: each of these gives a new one. Times stay what they are: shares of the clip, ascending.

function isTimed(path) {
  return path.length > 1 && path[0].t !== undefined;
}

function between(one, other) {
  return Math.hypot(other.x - one.x, other.y - one.y);
}

function lengthOf(path) {
  return path.slice(1).reduce((sum, point, at) => sum + between(path[at], point), 0);
}

// At the end. In a path with times it goes on at its mean speed: all the others come sooner.
export function appended(path, point) {
  if (!isTimed(path)) return [...path, { x: point.x, y: point.y }];
  const before = lengthOf(path);
  const whole = before + between(path.at(-1), point);
  const share = before && whole > before ? before / whole : path.length / (path.length + 1);
  const sooner = path.map(({ x, y, t }) => ({ x, y, t: t * share }));
  return [...sooner, { x: point.x, y: point.y, t: 1 }];
}

// Before the one of this number, which is not the first.
export function inserted(path, at, point) {
  const made = { x: point.x, y: point.y };
  if (isTimed(path)) {
    const [from, to] = [path[at - 1], path[at]];
    const along = between(from, point);
    const whole = along + between(point, to);
    made.t = from.t + (to.t - from.t) * (whole ? along / whole : 0.5);
  }
  return path.toSpliced(at, 0, made);
}

export function moved(path, at, { x, y }) {
  return path.with(at, { ...path[at], x, y });
}

export function removed(path, at) {
  return path.toSpliced(at, 1);
}
