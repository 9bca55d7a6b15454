// The keyboard, while the canvas or one of its buttons has the focus. Keys that mean something here
// go no further; all others are the page's.

import { app } from "../../../scripts/app.js";

const STEP = 0.01; // of the picture
const FAR = 5; // steps, with Shift
const ARROWS = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

// The page takes undo for itself where a change runs the workflow, also in fields.
function pageUndoes() {
  return app.ui?.autoQueueEnabled && app.ui.autoQueueMode === "change";
}

function meaningOf(event, editor, player) {
  const { key } = event;
  const letter = key.toLowerCase();
  if (event.ctrlKey || event.metaKey) {
    if (event.altKey || pageUndoes()) return null;
    if (letter === "z") return () => (event.shiftKey ? editor.ahead() : editor.back());
    return letter === "y" ? () => editor.ahead() : null;
  }
  if (event.altKey) return null;
  if (key in ARROWS) {
    const [x, y] = ARROWS[key].map((way) => way * STEP * (event.shiftKey ? FAR : 1));
    return () => editor.nudge(x, y);
  }
  const meanings = {
    "[": () => editor.step(-1),
    "]": () => editor.step(1),
    " ": () => editor.editable && player.toggle(),
    n: () => editor.newPath(),
    enter: () => editor.addPoint(),
    insert: () => editor.addPoint(),
    delete: () => editor.removePoint(),
    backspace: () => editor.removePoint(),
  };
  return meanings[letter] ?? null;
}

// On a button it is pressed by these, and undo is the page's, which does not heed buttons.
function isButtons({ target, key, ctrlKey, metaKey }) {
  return target.tagName === "BUTTON" && (ctrlKey || metaKey || key === " " || key === "Enter");
}

export function listenToKeys({ root, keys: field, text }, editor, player, signal) {
  const pressed = (event) => {
    if (event.target === text || isButtons(event)) return;
    const act = meaningOf(event, editor, player);
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  };
  const copied = (event) => {
    event.clipboardData.setData("text/plain", editor.text);
    event.preventDefault();
    event.stopPropagation();
  };
  const pasted = (event) => {
    const text = event.clipboardData.getData("text/plain").trim();
    if (text && !editor.settings.linked) editor.put(text);
    event.preventDefault();
    event.stopPropagation();
  };
  root.addEventListener("keydown", pressed, { signal });
  field.addEventListener("copy", copied, { signal });
  field.addEventListener("paste", pasted, { signal });
}
