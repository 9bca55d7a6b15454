// Where the picture is on the stage, in the stage's own pixels, whatever the page's zoom.

const AROUND = 10; // pixels around the picture, for what is at its edge and outside

export class View {
  // stage: { width, height }, picture: { width, height }
  constructor(stage, picture) {
    const room = (side) => Math.max(stage[side] - 2 * AROUND, 1);
    this.scale = Math.min(room("width") / picture.width, room("height") / picture.height);
    this.width = picture.width * this.scale;
    this.height = picture.height * this.scale;
    this.left = (stage.width - this.width) / 2;
    this.top = (stage.height - this.height) / 2;
    this.stage = stage;
  }

  // Pixels of the picture on the stage; what is far outside is drawn at the stage's edge.
  onStage({ x, y }) {
    return { x: this.left + x * this.scale, y: this.top + y * this.scale };
  }

  shares({ x, y }) {
    return { x: (x - this.left) / this.width, y: (y - this.top) / this.height };
  }

  atEdge({ x, y }) {
    const within = (value, most) => Math.min(Math.max(value, AROUND / 2), most - AROUND / 2);
    return { x: within(x, this.stage.width), y: within(y, this.stage.height) };
  }
}
