// What the text was before and after, for undo and redo on the canvas. The page's own undo has the
// graph, and so the text, too.

const MOST = 200;

export class History {
  constructor(text) {
    this.texts = [text];
    this.at = 0;
  }

  // joined: it goes on from the last one, as more letters do, and is undone with it.
  add(text, joined = false) {
    if (text === this.texts[this.at]) return;
    this.texts.length = this.at + (joined && this.at ? 0 : 1);
    this.texts.push(text);
    if (this.texts.length > MOST) this.texts.shift();
    this.at = this.texts.length - 1;
  }

  can(step) {
    return this.at + step in this.texts;
  }

  // -1: back, 1: ahead. What the text is to be then.
  go(step) {
    this.at += step;
    return this.texts[this.at];
  }
}
