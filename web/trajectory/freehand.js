// A line drawn by hand becomes a path: few points that tell where the hand was, and when.

const MOST = 200; // points
const BESIDE = 0.0025; // shares of the picture: how far the path may be from the line,
const BEHIND = 0.015; // and from where the hand was at the time
const COARSER = 1.4;

// samples: {x, y, time}, at least one, time in any unit.
export function pathFrom(samples) {
  const [first] = samples;
  const lasted = samples.at(-1).time - first.time;
  if (samples.length < 2 || !(lasted > 0)) return [{ x: first.x, y: first.y }];
  const timed = samples.map(({ x, y, time }) => ({ x, y, t: (time - first.time) / lasted }));
  let thin = thinned(timed, 1);
  for (let coarse = COARSER; thin.length > MOST; coarse *= COARSER) thin = thinned(timed, coarse);
  return thin;
}

// Douglas and Peucker's way, also with the distance to where the thinner path is at the same time:
// so a hand that slows down or waits is kept.
function thinned(path, coarse) {
  const kept = new Set([0, path.length - 1]);
  const parts = [[0, path.length - 1]];
  while (parts.length) {
    const [from, to] = parts.pop();
    const [far, at] = farthest(path, from, to);
    if (far <= coarse) continue;
    kept.add(at);
    parts.push([from, at], [at, to]);
  }
  return path.filter((_, at) => kept.has(at));
}

function farthest(path, from, to) {
  const [a, b] = [path[from], path[to]];
  let found = [0, from];
  for (let at = from + 1; at < to; at += 1) {
    const { x, y, t } = path[at];
    const [right, down] = [b.x - a.x, b.y - a.y];
    const away = (share) => Math.hypot(a.x + share * right - x, a.y + share * down - y);
    const long = right ** 2 + down ** 2;
    const along = long && ((x - a.x) * right + (y - a.y) * down) / long;
    const then = b.t > a.t ? (t - a.t) / (b.t - a.t) : 0;
    const far = Math.max(away(Math.min(Math.max(along, 0), 1)) / BESIDE, away(then) / BEHIND);
    if (far > found[0]) found = [far, at];
  }
  return found;
}
