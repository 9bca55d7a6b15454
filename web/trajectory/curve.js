// The curve through a path's points and where it is in every frame, as the server computes them
// (trajectories/trajectory_times.py), in fewer steps.

const FINEST = 24; // steps between two points
const MOST = 6000; // and of a whole path
const SMOOTH = "smooth";
const AS_DRAWN = "as drawn";
const EASE = "ease";

function distance(a, b) {
  return Math.hypot(b.x - a.x, b.y - a.y);
}

// As numpy.interp.
function interp(at, from, to) {
  if (!(at > from[0])) return to[0];
  if (at >= from.at(-1)) return to.at(-1);
  let low = 0;
  let high = from.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (from[middle] <= at) low = middle;
    else high = middle;
  }
  const share = (at - from[low]) / (from[high] - from[low]);
  return to[low] + share * (to[high] - to[low]);
}

function apart(points) {
  return points.filter((point, at) => !at || distance(points[at - 1], point) > 0);
}

// Of a piece between b and c, in its own length: where it is at a share. Catmull-Rom's spline with
// the square roots of the distances as knots.
function piece(a, b, c, d) {
  const [before, own, after] = [distance(a, b), distance(b, c), distance(c, d)].map(Math.sqrt);
  const slopes = (axis) => {
    const [p, q, r, s] = [a[axis], b[axis], c[axis], d[axis]];
    const speed = (r - q) / own;
    const leave = (q - p) / before - (r - p) / (before + own) + speed;
    const arrive = speed - (s - q) / (own + after) + (s - r) / after;
    return [q, own * leave, r, own * arrive];
  };
  const [x, y] = [slopes("x"), slopes("y")];
  return (share) => ({ x: hermite(x, share), y: hermite(y, share) });
}

function hermite([begin, leave, end, arrive], t) {
  const [square, cube] = [t * t, t * t * t];
  const along = 3 * square - 2 * cube;
  return (
    (1 - along) * begin + along * end + (cube - 2 * square + t) * leave + (cube - square) * arrive
  );
}

function beyond(near, far) {
  return { x: 2 * near.x - far.x, y: 2 * near.y - far.y };
}

// All steps of the curve, those at the points among them.
function stepsOf(points, steps) {
  if (steps === 1) return points;
  const around = [
    beyond(points[0], points[1]),
    ...points,
    beyond(points.at(-1), points.at(-2)),
  ];
  const found = [points[0]];
  for (let at = 0; at < points.length - 1; at += 1) {
    const place = piece(...around.slice(at, at + 4));
    for (let step = 1; step < steps; step += 1) found.push(place(step / steps));
    found.push(points[at + 1]);
  }
  return found;
}

export class Curve {
  // path: of shares; everything of a curve is in pixels of the picture.
  constructor(path, { width, height, interpolation }) {
    const all = path.map(({ x, y }) => ({ x: x * width, y: y * height }));
    const points = apart(all);
    const bent = interpolation === SMOOTH && points.length > 2;
    const most = Math.floor(MOST / points.length);
    const steps = bent ? Math.max(1, Math.min(FINEST, most)) : 1;
    this.steps = stepsOf(points, steps);
    this.ways = [0]; // how far along the curve each step is
    this.steps.slice(1).forEach((step, at) => {
      this.ways.push(this.ways[at] + distance(this.steps[at], step));
    });
    this.xs = this.steps.map(({ x }) => x);
    this.ys = this.steps.map(({ y }) => y);
    let piecesBefore = 0; // points in one place are one
    this.pointWays = all.map((point, at) => {
      if (at && distance(all[at - 1], point) > 0) piecesBefore += 1;
      return this.ways[piecesBefore * steps];
    });
    this.times = path.every(({ t }) => t !== undefined) ? path.map(({ t }) => t) : null;
  }

  at(way) {
    return { x: interp(way, this.ways, this.xs), y: interp(way, this.ways, this.ys) };
  }

  // How far along it is at a share of the clip, the last of whose frames is 1.
  wayAt(clip, timing) {
    const { times } = this;
    if (timing === AS_DRAWN && times && times.at(-1) > times[0]) {
      return interp(clip, times, this.pointWays);
    }
    const share = timing === EASE ? clip * clip * (3 - 2 * clip) : clip;
    return share * this.ways.at(-1);
  }

  placeAt(clip, timing) {
    return this.at(this.wayAt(clip, timing));
  }

  // In every frame, as the server has them; at most so many, evenly.
  places(frames, timing, most = Infinity) {
    const count = Math.max(1, Math.min(frames, most));
    const last = Math.max(count - 1, 1);
    return Array.from({ length: count }, (_, frame) => this.placeAt(frame / last, timing));
  }

  // The nearest place on the curve: how far away, and behind which of the points.
  nearest(place) {
    let found = { far: Infinity };
    for (let at = 0; at < this.steps.length - 1; at += 1) {
      const [a, b] = [this.steps[at], this.steps[at + 1]];
      const long = (b.x - a.x) ** 2 + (b.y - a.y) ** 2;
      const along = long && ((place.x - a.x) * (b.x - a.x) + (place.y - a.y) * (b.y - a.y)) / long;
      const share = Math.min(Math.max(along, 0), 1);
      const on = { x: a.x + share * (b.x - a.x), y: a.y + share * (b.y - a.y) };
      const far = distance(on, place);
      if (far < found.far) found = { far, on, way: this.ways[at] + share * distance(a, b) };
    }
    const { way } = found;
    const ahead = this.pointWays.findIndex((one) => one > way);
    return { ...found, before: ahead < 0 ? this.pointWays.length - 1 : ahead };
  }
}
