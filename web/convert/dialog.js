// A question with a list. The page's own dialogs for extensions have a fixed button text, or want a
// component of the page's framework; this is the browser's <dialog> in the page's colours.

const STYLE = `
.adn-dialog {
  width: min(44rem, 92vw); max-height: 84vh; padding: 0; margin: auto;
  color: var(--fg-color, #ddd); background: var(--comfy-menu-bg, #353535);
  border: 1px solid var(--border-color, #4e4e4e); border-radius: 0.75rem;
  font: 0.9rem/1.45 Inter, Arial, sans-serif;
}
.adn-dialog::backdrop { background: rgb(0 0 0 / 50%); }
.adn-dialog > div { display: flex; flex-direction: column; gap: 0.75rem; max-height: 84vh;
  padding: 1.25rem 1.5rem; box-sizing: border-box; }
.adn-dialog h2 { margin: 0; font-size: 1.15rem; font-weight: 600; }
.adn-dialog h3 { margin: 0.5rem 0 0.25rem; font-size: 0.95rem; font-weight: 600; }
.adn-dialog p { margin: 0; white-space: pre-line; }
.adn-dialog section { overflow-y: auto; min-height: 3rem; padding: 0.25rem 0.9rem 0.75rem;
  border: 1px solid var(--border-color, #4e4e4e); border-radius: 0.5rem; }
.adn-dialog ul { margin: 0; padding-left: 1.2rem; list-style: disc; }
.adn-dialog li { margin: 0.15rem 0; overflow-wrap: anywhere; }
.adn-dialog footer { display: flex; justify-content: flex-end; gap: 0.6rem; }
.adn-dialog button { padding: 0.5rem 1.1rem; border-radius: 0.5rem; cursor: pointer; font: inherit;
  color: var(--input-text, #ddd); background: var(--comfy-input-bg, #222);
  border: 1px solid var(--border-color, #4e4e4e); }
.adn-dialog button[value="accept"] { color: #fff; background: #1f6fd1; border-color: #1f6fd1; }
.adn-dialog button:focus-visible { outline: 2px solid #6cb2ff; outline-offset: 2px; }
`;

let counted = 0;

function element(tag, text, ...inside) {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  made.append(...inside);
  return made;
}

function list({ title, lines }) {
  const items = lines.map((line) => element("li", line));
  return [element("h3", `${title} (${lines.length})`), element("ul", "", ...items)];
}

function button(dialog, value, text) {
  const made = element("button", text);
  made.type = "button";
  made.value = value;
  made.addEventListener("click", () => dialog.close(value));
  return made;
}

function content(dialog, { title, message, sections, accept, refuse }) {
  const heading = element("h2", title);
  heading.id = `adn-dialog-${(counted += 1)}`;
  dialog.setAttribute("aria-labelledby", heading.id);
  const lists = element("section", "", ...sections.flatMap(list));
  lists.tabIndex = 0; // so that the keyboard can scroll it
  const buttons = element("footer", "", button(dialog, "refuse", refuse));
  if (accept) buttons.append(button(dialog, "accept", accept));
  buttons.lastChild.autofocus = true;
  const parts = [element("p", message), ...(sections.length ? [lists] : []), buttons];
  return element("div", "", heading, ...parts);
}

// sections: lists with titles; accept, refuse: texts of the buttons, of which the first can be
// missing. Whether it was accepted; Escape and a click beside it refuse.
export function ask(question) {
  const dialog = element("dialog", "");
  dialog.className = "adn-dialog";
  dialog.append(element("style", STYLE), content(dialog, question));
  dialog.addEventListener("keydown", (event) => event.stopPropagation()); // the page has shortcuts
  dialog.addEventListener("mousedown", ({ target }) => target === dialog && dialog.close("refuse"));
  return new Promise((done) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      done(dialog.returnValue === "accept");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
