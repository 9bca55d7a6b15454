// Looks again and again whether what a canvas shows has changed: the values of the node, however
// they were set (by the page in either of its modes, a link, undo, a subgraph), the picture behind,
// the zoom. One timer for all, and none where there is no canvas.

const EVERY = 150; // milliseconds

const looks = new Set();
let timer = null;

// Gives what ends it.
export function watch(look) {
  looks.add(look);
  timer ??= setInterval(() => looks.forEach((each) => each()), EVERY);
  return () => {
    looks.delete(look);
    if (looks.size) return;
    clearInterval(timer);
    timer = null;
  };
}

export function watched() {
  return timer === null ? 0 : looks.size;
}
