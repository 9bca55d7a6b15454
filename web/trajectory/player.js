// Plays the paths, over and over: how far the clip is, from 0 to 1.

const RATE = 8; // frames per second, AnimateDiff's
const WAIT = 400; // milliseconds at the end

export class Player {
  constructor(framesOf, changed) {
    this.framesOf = framesOf;
    this.changed = changed;
    this.at = null; // null: it does not play
    this.request = 0;
  }

  get playing() {
    return this.at !== null;
  }

  toggle() {
    if (this.playing) this.stop();
    else this.start();
  }

  start() {
    const begun = performance.now();
    const go = (now) => {
      const lasts = (Math.max(this.framesOf() - 1, 1) / RATE) * 1000;
      const passed = Math.max(now - begun, 0) % (lasts + WAIT);
      this.at = Math.min(passed / lasts, 1);
      this.request = requestAnimationFrame(go);
      this.changed();
    };
    go(begun);
  }

  stop() {
    cancelAnimationFrame(this.request);
    this.at = null;
    this.changed();
  }
}
