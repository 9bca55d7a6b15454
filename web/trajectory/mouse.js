// The mouse, a pen or a finger on the canvas. Listens on the canvas alone: what is dragged stays
// with it, also beyond its edge.

import { app } from "../../../scripts/app.js";
import { under } from "./pointing.js";

const STILL = 4; // pixels on the stage that a click may move
const CURSORS = { point: "grab", line: "copy" };
const LEFT = 0;
const MIDDLE = 1;
const RIGHT = 2;

// stage: { canvas, place(event), view(), focus() }; place is on the stage, whatever the zoom.
export function listenToMouse(stage, editor, signal) {
  const { canvas } = stage;
  let gesture = null;

  const share = (event) => stage.view().shares(stage.place(event));
  const sample = (event) => ({ ...share(event), time: event.timeStamp });

  // A point that is held.
  const hold = (changed) => ({
    move: (event) => {
      changed = true;
      editor.edit((drawing) => drawing.move(share(event)));
    },
    end: () => changed && editor.commit(),
  });

  // Pressed beside everything: a click puts a point, and what goes on is drawn by hand.
  const draw = (event, alone) => {
    const from = stage.place(event);
    const samples = [sample(event)];
    let drawn = false;
    return {
      move: (next) => {
        const at = stage.place(next);
        drawn ||= Math.hypot(at.x - from.x, at.y - from.y) > STILL;
        const all = next.getCoalescedEvents?.() ?? [];
        samples.push(...(all.length ? all : [next]).map(sample));
        if (drawn) editor.edit(() => (editor.sketch = samples));
      },
      end: () => {
        editor.sketch = null;
        if (drawn) editor.addFreehand(samples);
        else if (!alone) editor.do((drawing) => drawing.append(samples[0]));
      },
    };
  };

  const begin = (event) => {
    const anew = event.shiftKey || event.altKey;
    const hit = anew ? null : under(stage.place(event), editor, stage.view());
    if (event.altKey) editor.newPath();
    if (!hit) return draw(event, event.shiftKey);
    if (hit.kind === "point") {
      editor.edit((drawing) => drawing.select(hit.path, hit.point));
      return hold(false);
    }
    if (hit.path !== editor.drawing.path) {
      editor.edit((drawing) => drawing.select(hit.path));
      return null;
    }
    editor.edit((drawing) => drawing.insert(hit.before, hit.place));
    return hold(true);
  };

  const remove = (event) => {
    const hit = under(stage.place(event), editor, stage.view());
    if (hit?.kind !== "point") return;
    editor.edit((drawing) => drawing.select(hit.path, hit.point));
    editor.removePoint();
  };

  const show = (event) => {
    const hit = editor.editable ? under(stage.place(event), editor, stage.view()) : null;
    const cursor = gesture ? "grabbing" : (CURSORS[hit?.kind] ?? "crosshair");
    canvas.style.cursor = editor.editable ? cursor : "default";
    if (JSON.stringify(hit) === JSON.stringify(editor.hover)) return;
    editor.hover = hit;
    editor.changed();
  };

  const heard = {
    pointerdown: (event) => {
      if (event.button === MIDDLE) return toPage(event, "processMouseDown");
      stage.focus();
      editor.refresh(); // what the page has set since the last look
      if (!editor.editable || gesture) return;
      if (event.button === RIGHT) remove(event);
      if (event.button !== LEFT) return;
      canvas.setPointerCapture(event.pointerId);
      gesture = begin(event);
      show(event);
    },
    pointermove: (event) => {
      if (event.buttons & 4) return toPage(event, "processMouseMove");
      gesture?.move(event);
      show(event);
    },
    pointerup: (event) => {
      if (event.button === MIDDLE) return toPage(event, "processMouseUp");
      if (event.button !== LEFT) return;
      gesture?.end();
      gesture = null;
      show(event);
    },
    pointercancel: () => {
      gesture = null;
      editor.revert();
    },
    pointerleave: () => {
      if (!editor.hover) return;
      editor.hover = null;
      editor.changed();
    },
    mousedown: (event) => event.preventDefault(), // which would take the focus away again
    dblclick: () => {},
    contextmenu: (event) => event.preventDefault(),
  };
  for (const [name, hear] of Object.entries(heard)) {
    const listener = (event) => {
      event.stopPropagation(); // the page would drag the node, or open its menu or its search
      hear(event);
    };
    canvas.addEventListener(name, listener, { signal });
  }
  canvas.addEventListener("wheel", (event) => toPage(event, "processMouseWheel"), { signal });
}

// Moving and zooming the graph goes on over the canvas. DOM nodes hand it to the page themselves.
function toPage(event, handler) {
  if (!globalThis.LiteGraph?.vueNodesMode) app.canvas?.[handler]?.(event);
}
