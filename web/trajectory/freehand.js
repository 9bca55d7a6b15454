// A line drawn by hand becomes a path: few points that tell where the hand was, and when.

const MOST = 200; // points
const FINEST = 0.0025; // share of the picture that the path may be beside the hand
const COARSER = 1.4;

// samples: {x, y, time}, at least one, time in any unit.
export function pathFrom(samples) {
  const [first] = samples;
  const lasted = samples.at(-1).time - first.time;
  if (samples.length < 2 || !(lasted > 0)) return [{ x: first.x, y: first.y }];
  const timed = samples.map(({ x, y, time }) => ({ x, y, t: (time - first.time) / lasted }));
  let thin = thinned(timed, FINEST);
  for (let beside = FINEST; thin.length > MOST; ) thin = thinned(timed, (beside *= COARSER));
  return thin;
}

// Douglas and Peucker's way, with the distance to where the thinner path is at the same time: so
// a hand that slows down or waits is kept.
function thinned(path, beside) {
  const kept = new Set([0, path.length - 1]);
  const parts = [[0, path.length - 1]];
  while (parts.length) {
    const [from, to] = parts.pop();
    const [far, at] = farthest(path, from, to);
    if (far <= beside) continue;
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
    const share = b.t > a.t ? (t - a.t) / (b.t - a.t) : 0;
    const far = Math.hypot(a.x + share * (b.x - a.x) - x, a.y + share * (b.y - a.y) - y);
    if (far > found[0]) found = [far, at];
  }
  return found;
}
