// Draws what the canvas shows: the picture or a grid, the paths with a dot in every frame, the
// points, and the box around what follows them.

// As in the preview that the server makes.
const COLOURS = [
  "#ffc43d", "#54beff", "#ff7070", "#7edd82", "#c991ff", "#ff9e5c", "#5ee2d4", "#ff8ac8",
];
const GROUND = "#14161a";
const AROUND = "#0c0d10";
const GRID = "rgb(255 255 255 / 6%)";
const EDGE = "rgb(255 255 255 / 22%)";
const SHADE = "rgb(0 0 0 / 60%)";
const VEIL = "rgb(0 0 0 / 25%)"; // over a picture, so that the lines stand out
const CELLS = 8;
const MANY = 24; // points, which are then drawn small
const MOST_DOTS = 96; // frames
const ROUND = 2 * Math.PI;

export function colourOf(path) {
  return COLOURS[path % COLOURS.length];
}

// scene: { editor, view, picture, at }; at: how far the clip is, where it plays.
export function paint(context, scene) {
  paintGround(context, scene);
  const { editor } = scene;
  if (!editor.editable) return; // the paths are others
  const { paths, path: atHand } = editor.drawing;
  const order = paths.map((_, at) => at).filter((at) => at !== atHand);
  if (atHand < paths.length) order.push(atHand); // over the others
  for (const path of order) paintPath(context, scene, path, path === atHand);
  if (editor.sketch) paintSketch(context, scene);
  paintBoxes(context, scene);
}

function paintGround(context, { view, picture }) {
  const { left, top, width, height, stage } = view;
  context.fillStyle = AROUND;
  context.fillRect(0, 0, stage.width, stage.height);
  if (picture) {
    paintPicture(context, view, picture);
  } else {
    context.fillStyle = GROUND;
    context.fillRect(left, top, width, height);
    paintGrid(context, view);
  }
  context.lineWidth = 1;
  context.strokeStyle = EDGE;
  context.strokeRect(left - 0.5, top - 0.5, width + 1, height + 1);
}

// Its middle, as large as fits: as ComfyUI's own scaling with a crop would have it.
function paintPicture(context, { left, top, width, height }, { image, across, down }) {
  const scale = Math.min(across / width, down / height);
  const [wide, high] = [width * scale, height * scale];
  const cut = [(across - wide) / 2, (down - high) / 2, wide, high];
  context.drawImage(image, ...cut, left, top, width, height);
  context.fillStyle = VEIL;
  context.fillRect(left, top, width, height);
}

function paintGrid(context, { left, top, width, height }) {
  context.strokeStyle = GRID;
  context.lineWidth = 1;
  context.beginPath();
  for (let cell = 1; cell < CELLS; cell += 1) {
    const [x, y] = [left + (width * cell) / CELLS, top + (height * cell) / CELLS];
    context.moveTo(x, top);
    context.lineTo(x, top + height);
    context.moveTo(left, y);
    context.lineTo(left + width, y);
  }
  context.stroke();
}

function line(context, places, colour, width) {
  context.lineJoin = context.lineCap = "round";
  for (const [style, wide] of [[SHADE, width + 2.5], [colour, width]]) {
    context.beginPath();
    for (const { x, y } of places) context.lineTo(x, y);
    context.strokeStyle = style;
    context.lineWidth = wide;
    context.stroke();
  }
}

function disc(context, { x, y }, radius, colour) {
  context.beginPath();
  context.arc(x, y, radius, 0, ROUND);
  context.fillStyle = colour;
  context.fill();
}

function paintPath(context, { editor, view }, path, atHand) {
  const points = editor.drawing.paths[path];
  const curve = editor.curveOf(points);
  const colour = colourOf(path);
  const { frames, timing } = editor.settings;
  const onStage = (place) => view.atEdge(view.onStage(place));
  context.globalAlpha = atHand ? 1 : 0.7;
  const steps = curve.steps.map(onStage);
  line(context, steps, colour, atHand ? 2.5 : 2);
  if (atHand && points.length > 1 && frames <= MOST_DOTS) {
    const dots = curve.places(frames, timing).map(onStage);
    dots.forEach((dot) => disc(context, dot, 1.6, "#fff"));
  }
  paintEnd(context, steps, colour);
  paintPoints(context, { editor, view }, path, atHand);
  context.globalAlpha = 1;
}

// An arrow's head, where there is a line long enough.
function paintEnd(context, steps, colour) {
  const end = steps.at(-1);
  const from = steps.findLast(({ x, y }) => Math.hypot(end.x - x, end.y - y) > 7);
  if (!from) return;
  const way = Math.atan2(end.y - from.y, end.x - from.x);
  context.save();
  context.translate(end.x, end.y);
  context.rotate(way);
  context.beginPath();
  for (const [x, y] of [[17, 0], [6, -6.5], [6, 6.5]]) context.lineTo(x, y);
  context.closePath();
  context.lineWidth = 2;
  context.strokeStyle = SHADE;
  context.stroke();
  context.fillStyle = colour;
  context.fill();
  context.restore();
}

function paintPoints(context, { editor, view }, path, atHand) {
  const { drawing, hover, settings } = editor;
  const { width, height } = settings.size;
  const points = drawing.paths[path];
  const small = points.length > MANY;
  const colour = colourOf(path);
  points.forEach(({ x, y }, point) => {
    const place = view.onStage({ x: x * width, y: y * height });
    const at = view.atEdge(place);
    const outside = x < 0 || y < 0 || x > 1 || y > 1;
    const chosen = atHand && point === drawing.point;
    const over = hover?.kind === "point" && hover.path === path && hover.point === point;
    const radius = (small && point ? 2 : 4.5) + (chosen || over ? 2 : 0);
    disc(context, at, radius + 1.5, SHADE);
    disc(context, at, radius, colour);
    if (radius < 3) return;
    const inside = chosen ? "#fff" : outside ? GROUND : point ? colour : GROUND;
    disc(context, at, radius - 1.8, inside);
  });
}

function paintSketch(context, { editor, view }) {
  const { width, height } = editor.settings.size;
  const { drawing, sketch, settings } = editor;
  const path = settings.isExample ? 0 : drawing.paths.length;
  const places = sketch.map(({ x, y }) => view.onStage({ x: x * width, y: y * height }));
  line(context, places.map((place) => view.atEdge(place)), colourOf(path), 2.5);
}

// While it plays around each dot, otherwise around the point under the mouse or at hand.
function paintBoxes(context, { editor, view, at }) {
  const { drawing, hover, settings } = editor;
  const { width, height } = settings.size;
  const side = settings.box * Math.min(width, height) * view.scale;
  if (at !== null) {
    drawing.paths.forEach((path, number) => {
      const place = view.onStage(editor.curveOf(path).placeAt(at, settings.timing));
      box(context, view, place, side, colourOf(number));
      disc(context, view.atEdge(place), 6, "#fff");
      disc(context, view.atEdge(place), 4, colourOf(number));
    });
    return;
  }
  const shown = hover?.kind === "point" ? hover : drawing;
  const point = drawing.paths[shown.path]?.[shown.point];
  if (!point) return;
  const place = view.onStage({ x: point.x * width, y: point.y * height });
  box(context, view, place, side, colourOf(shown.path));
}

function box(context, { left, top, width, height }, { x, y }, side, colour) {
  context.save();
  context.beginPath();
  context.rect(left, top, width, height);
  context.clip();
  context.beginPath();
  context.roundRect(x - side / 2, y - side / 2, side, side, 3);
  context.globalAlpha = 0.14;
  context.fillStyle = colour;
  context.fill();
  context.globalAlpha = 0.9;
  context.lineWidth = 1.5;
  context.setLineDash([5, 4]);
  context.strokeStyle = colour;
  context.stroke();
  context.restore();
}
