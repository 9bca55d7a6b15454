// The elements of the canvas: a bar of buttons, the stage, a line that says what is at hand, and
// what lies over the stage: a notice, or the text.

import { icon } from "./look.js";

const HELP =
  "Click: add a point. Drag: draw by hand. Click the line: insert a point. Right click or " +
  "Delete: remove it. Alt-click or N: new path. Arrow keys: move it. [ and ]: another point. " +
  "Enter: add one. Space: play.";
const OTHERS = "KJNodes' coordinates, Tora's lines, or 0: 0.2,0.5; 15: 0.8,0.5";
// Of the bar, and a break between groups.
const BUTTONS = [
  ["play", "Play (Space)"],
  null,
  ["add", "New path (N, Alt-click)"],
  ["remove", "Remove path"],
  ["clear", "Clear all"],
  null,
  ["back", "Undo (Ctrl+Z)"],
  ["ahead", "Redo (Ctrl+Shift+Z)"],
  null,
  ["picture", "Picture behind"],
  ["text", "Show text"],
];

export function element(tag, properties = {}, ...inside) {
  const made = document.createElement(tag);
  const { aria = {}, ...own } = properties;
  Object.assign(made, own);
  for (const [name, value] of Object.entries(aria)) made.setAttribute(`aria-${name}`, value);
  made.append(...inside);
  return made;
}

function button(name, label) {
  const made = element("button", { type: "button", title: label, aria: { label } });
  made.innerHTML = icon(name);
  made.dataset.action = name;
  return made;
}

function bar() {
  const parts = BUTTONS.map((one) => (one ? button(...one) : element("i")));
  const made = element("div", { className: "adn-path-bar", role: "toolbar" }, ...parts);
  made.setAttribute("aria-label", "Paths");
  return [made, Object.fromEntries(parts.filter((part) => part.dataset.action).map(named))];
}

function named(part) {
  return [part.dataset.action, part];
}

// A field for the keys: the page leaves keys in fields alone, its own undo among them.
function field() {
  return element("textarea", {
    className: "adn-path-keys",
    readOnly: true,
    aria: { label: `Paths. ${HELP}`, roledescription: "drawing canvas" },
  });
}

function notice() {
  const said = element("p");
  const showText = element("button", { type: "button", textContent: "Show text" });
  const startOver = element("button", { type: "button", textContent: "Draw anew" });
  const made = element("div", { className: "adn-path-notice", hidden: true, role: "note" });
  made.append(said, element("div", {}, showText, " ", startOver));
  return { notice: made, said, showText, startOver };
}

export function makePanel() {
  const [tools, buttons] = bar();
  const canvas = element("canvas", { role: "img", aria: { label: "Paths, drawn with the mouse" } });
  const keys = field();
  const over = notice();
  const text = element("textarea", {
    className: "adn-path-text",
    hidden: true,
    spellcheck: false,
    placeholder: `Paste paths: as drawn here, ${OTHERS}`,
    aria: { label: "Points as text" },
  });
  const stage = element("div", { className: "adn-path-stage" }, canvas, keys, over.notice, text);
  const [spot, words] = [element("b"), element("span")];
  const line = element("div", { className: "adn-path-line", role: "status" }, spot, words);
  const root = element("div", { className: "adn-path" }, tools, stage, line);
  return { root, buttons, stage, canvas, keys, text, spot, words, ...over };
}
