// What the line below the stage says.

function place({ x, y }) {
  return `${x.toFixed(2)}, ${y.toFixed(2)}`;
}

export function lineFor({ drawing, sketch, settings, editable }) {
  if (!editable) return "";
  const { paths, path, point, atHand } = drawing;
  if (sketch) return "Drawing by hand";
  if (!paths.length) return "Click to add points, or drag to draw";
  if (path >= paths.length) return `New path ${path + 1}: click, or drag to draw`;
  const which = `Path ${path + 1} of ${paths.length}`;
  const count = atHand.length;
  if (point >= 0) return `${which}, point ${point + 1} of ${count}: ${place(atHand[point])}`;
  const timed = count > 1 && atHand[0].t !== undefined && settings.timing === "as drawn";
  const points = count === 1 ? "1 point" : `${count} points`;
  return `${which}, ${points}${timed ? ", timed by hand" : ""}`;
}

export function noticeFor({ drawing, settings }) {
  if (settings.linked) return "The points come from another node.";
  return drawing ? "" : "Text of another form: it counts as it is.";
}
