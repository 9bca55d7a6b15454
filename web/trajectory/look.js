// How the canvas and its buttons look, in the page's colours.

const STYLE = `
.adn-path { box-sizing: border-box; display: flex; flex-direction: column; gap: 5px;
  width: 100%; height: 100%; user-select: none;
  color: var(--input-text, #ddd); font: 12px/1.3 Inter, Arial, sans-serif; }
.adn-path-bar { display: flex; flex: none; align-items: center; gap: 2px; height: 26px; }
.adn-path-bar button { display: grid; place-items: center; width: 26px; height: 24px; padding: 0;
  border: 0; border-radius: 5px; color: inherit; background: transparent; cursor: pointer; }
.adn-path-bar button:hover:enabled { background: rgb(128 128 128 / 28%); }
.adn-path-bar button:disabled { opacity: 0.3; cursor: default; }
.adn-path-bar button[aria-pressed="true"]:enabled { color: #fff; background: #1f6fd1; }
.adn-path-bar i { flex: none; width: 1px; height: 14px; margin: 0 4px; background: currentColor;
  opacity: 0.25; }
.adn-path-bar i:last-of-type { flex: 1; background: none; }
.adn-path-bar svg { width: 16px; height: 16px; fill: none; stroke: currentColor; stroke-width: 1.5;
  stroke-linecap: round; stroke-linejoin: round; pointer-events: none; }
.adn-path-bar svg .full { fill: currentColor; }
.adn-path-stage { position: relative; flex: 1 1 auto; min-height: 80px; overflow: hidden;
  border-radius: 6px; background: #0c0d10; }
.adn-path-stage:focus-within { outline: 2px solid #6cb2ff; outline-offset: 1px; }
.adn-path-stage canvas { position: absolute; inset: 0; width: 100%; height: 100%; display: block;
  touch-action: none; cursor: crosshair; }
.adn-path-keys { position: absolute; inset: 0; width: 100%; height: 100%; padding: 0; border: 0;
  resize: none; opacity: 0; pointer-events: none; }
.adn-path-notice { position: absolute; inset: 0; display: flex; flex-direction: column; gap: 10px;
  align-items: center; justify-content: center; padding: 16px; text-align: center;
  color: #ddd; background: rgb(12 13 16 / 82%); }
.adn-path-notice p { margin: 0; max-width: 30em; }
.adn-path-notice button { padding: 5px 12px; border: 1px solid #555; border-radius: 5px;
  color: #eee; background: #26292f; font: inherit; cursor: pointer; }
.adn-path-notice button:hover { background: #343840; }
.adn-path-text { position: absolute; inset: 0; width: 100%; height: 100%; box-sizing: border-box;
  padding: 8px 10px; border: 0; resize: none; outline: none; color: #e6e6e6; background: #14161a;
  font: 11px/1.5 ui-monospace, Menlo, Consolas, monospace; user-select: text; }
.adn-path button:focus-visible { outline: 2px solid #6cb2ff; outline-offset: 1px; }
.adn-path-line { display: flex; flex: none; align-items: center; gap: 6px; height: 16px;
  overflow: hidden; white-space: nowrap; font-size: 11px; opacity: 0.75; }
.adn-path-line b { flex: none; width: 8px; height: 8px; border-radius: 50%; }
.adn-path-line span { overflow: hidden; text-overflow: ellipsis; }
.adn-path [hidden] { display: none; }
`;

export const BESIDES = 26 + 5 + 5 + 16; // pixels of height around the stage

// 16 x 16, drawn in lines.
const ICONS = {
  play: '<path class="full" d="M5 3.2 12.6 8 5 12.8Z"/>',
  stop: '<path class="full" d="M4.5 4.5h7v7h-7Z"/>',
  add: '<path d="M8 3v10M3 8h10"/>',
  remove: '<path d="M2.8 4.6h10.4M6.2 4.4V2.9h3.6v1.5M4.3 4.8l.6 8.3h6.2l.6-8.3"/>',
  clear: '<path d="M4 4l8 8M12 4l-8 8"/>',
  back: '<path d="M5.8 3.2 3 6l2.8 2.8M3.2 6h6.2a3.4 3.4 0 0 1 0 6.8H6.2"/>',
  ahead: '<path d="M10.2 3.2 13 6l-2.8 2.8M12.8 6H6.6a3.4 3.4 0 0 0 0 6.8h3.2"/>',
  picture:
    '<path d="M2.5 3.3h11v9.4h-11ZM2.8 11.4 6 8.2l2.6 2.6 1.7-1.6 3 2.8M10.6 5.7v.01"/>',
  text: '<path d="M4 5.6V3.6h8v2M8 3.8v8.8M6.4 12.6h3.2"/>',
};

export function icon(name) {
  return `<svg viewBox="0 0 16 16" aria-hidden="true">${ICONS[name]}</svg>`;
}

// Once for the page.
export function addStyle() {
  const style = document.createElement("style");
  style.textContent = STYLE;
  document.head.append(style);
}
