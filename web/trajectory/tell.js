// Brings bar, notice, text and line to what the drawing is; the stage itself is painted.

import { icon } from "./look.js";
import { colourOf } from "./paint.js";
import { lineFor, noticeFor } from "./words.js";

export function tell(panel, editor, player, picture) {
  tellBar(panel, editor, player, picture);
  tellOver(panel, editor);
  const { keys, spot, words } = panel;
  const line = lineFor(editor);
  if (words.textContent !== line) words.textContent = keys.value = line;
  spot.hidden = !editor.editable;
  spot.style.background = colourOf(editor.drawing?.path ?? 0);
}

function tellBar({ buttons, text }, { drawing, editable, history, settings }, player, picture) {
  const { linked } = settings;
  const nothing = !drawing?.paths.length;
  const enabled = {
    play: editable && !nothing,
    add: editable && drawing.atHand.length,
    remove: editable && drawing.atHand.length,
    clear: !linked && !(drawing && nothing),
    back: !linked && history.can(-1),
    ahead: !linked && history.can(1),
  };
  for (const [name, can] of Object.entries(enabled)) buttons[name].disabled = !can;
  const pressed = { play: player.playing, text: !text.hidden, picture: Boolean(picture) };
  for (const [name, is] of Object.entries(pressed)) {
    buttons[name].setAttribute("aria-pressed", is);
  }
  const shows = player.playing ? "stop" : "play";
  if (buttons.play.dataset.shows === shows) return;
  buttons.play.dataset.shows = shows;
  buttons.play.innerHTML = icon(shows);
}

function tellOver({ notice, said, showText, startOver, text }, editor) {
  const { settings } = editor;
  const told = noticeFor(editor);
  notice.hidden = !told || !text.hidden;
  said.textContent = told;
  showText.hidden = startOver.hidden = settings.linked;
  if (!text.matches(":focus")) text.value = settings.text;
  text.readOnly = settings.linked;
}
