"""Pictures of the nodes for pictures that begin to move, and for the camera."""

from collections.abc import Sequence

import numpy as np
import torch
from animatediff_native.conditions.camera_poses import AHEAD, CameraPath, Join, along
from animatediff_native.conditions.pia_masks import PiaMotion, pia_mask
from PIL import Image

from .. import world
from ..drawing import (
    BLUE,
    FAINT,
    GREEN,
    INK,
    ORANGE,
    PANEL,
    PINK,
    RAISED,
    Colour,
    Frame,
    Point,
    Sheet,
)
from ..template_runs import kept
from . import parts
from .parts import EDGE, INNER, WIDTH

NEAR = 0.15  # units: what is nearer to a camera is not drawn
FOCAL = 0.8  # of a panel's side
EDGES = 12  # of a cube
POSES = (  # of a move of 16 frames, as Camera Path writes them, shortened
    "0 0.47 0.84 0.5 0.5 0 0 1 0 0 0 0 1 0 0 ...",
    "1 0.47 0.84 0.5 0.5 0 0 .99 0 .07 -.1 0 ...",
    "2 0.47 0.84 0.5 0.5 0 0 .99 0 .13 -.2 0 ...",
    "3 0.47 0.84 0.5 0.5 0 0 .98 0 .2 -.29 0 ...",
)


def way(
    count: int,
    begin: Point,
    end: Point,
    colour: str = "yellow",
    shape: str = "circle",
    background: str = "dark",
) -> list[Frame]:
    """Drawn frames of a shape that goes from one place to another."""
    places = torch.stack([torch.linspace(a, b, count) for a, b in zip(begin, end, strict=True)])
    same = torch.ones(count, dtype=torch.long)
    scenes = world.Scenes(
        world.SHAPES.index(shape) * same,
        world.COLOURS.index(colour) * same,
        world.BACKGROUND_NAMES.index(background) * same,
        places[0],
        places[1],
        12.0 * torch.ones(count),
    )
    drawn = world.draw(scenes, size=128).mul(255).byte().permute(0, 2, 3, 1)
    return list(drawn.numpy())


def blank(level: int = 0) -> Frame:
    return np.full((16, 16, 3), level, dtype=np.uint8)


def sketch(frame: Frame) -> Frame:
    """The outline of what a frame shows, white on black."""
    bright = frame.astype(int).sum(axis=2)
    edges = np.zeros(bright.shape, dtype=bool)
    for axis in (0, 1):
        for step in (-2, 2):
            edges |= np.abs(np.roll(bright, step, axis) - bright) > 120
    edges[:3], edges[-3:], edges[:, :3], edges[:, -3:] = False, False, False, False
    return np.repeat((edges * 255).astype(np.uint8)[..., None], 3, axis=2)


def load_sparse_ctrl() -> Image.Image:
    """A file for pictures, one for sketches: each makes a clip of a few."""
    on = parts.sheet(214)
    on.text((EDGE, 20), "models/controlnet/", 12, FAINT, "lm")
    frames = way(4, (18, 44), (46, 20))
    for row, (name, colour) in enumerate((("rgb", ORANGE), ("scribble", BLUE))):
        y = 40 + 86 * row
        parts.file_icon(on, EDGE + 8, y, name, colour, 46)
        on.arrow((84, y + 26), (106, y + 26), INK, 3)
        given = [frames[0], frames[-1]] if row == 0 else [sketch(frames[0]), sketch(frames[-1])]
        for number in range(4):
            tile = given[number // 3] if number in (0, 3) else blank(30)
            on.card(tile, 116 + number * 58, y, 54, 6)
            if number in (1, 2):
                on.text((116 + number * 58 + 27, y + 27), "?", 20, FAINT)
    return on.image()


def sparse_frames() -> Image.Image:
    """Where pictures stand in a clip: the hints, and which frames have one."""
    on = parts.sheet(190)
    places, count = (0, 8, 15), 16
    given = way(3, (18, 46), (46, 18))
    step, side = INNER / count, 54
    for frame, tile in zip(places, given, strict=True):
        middle = EDGE + (frame + 0.5) * step
        x = min(max(middle - side / 2, EDGE), EDGE + INNER - side)
        on.card(tile, x, 14, side, 6)
        on.arrow((x + side / 2, 72), (middle, 92), ORANGE, 2.5)
    colours = [ORANGE if n in places else RAISED for n in range(count)]
    parts.cells(on, range(count), 96, colours, tall=22, size=9)
    for number in range(count):
        x = EDGE + number * step + 0.7
        shown = given[places.index(number)] if number in places else blank()
        on.card(shown, x, 124, step - 1.4, 3)
        level = 255 if number in places else 20
        on.box(x, 150, step - 1.4, step - 1.4, (level,) * 3, corner=3)
    return on.image()


def clip_condition() -> Image.Image:
    """The first and the last frame are given, those between are to be made."""
    on = parts.sheet(196)
    count = 8
    both = way(2, (18, 44), (46, 20), "cyan", "square")
    for x, tile, ends in ((EDGE, both[0], 32), (EDGE + INNER - 60, both[1], -32)):
        on.card(tile, x, 12, 60, 7)
        on.arrow((x + 30, 76), (x + 30 - ends * 0.3, 96), ORANGE, 3)
    pixels = [both[0], *[blank(128)] * (count - 2), both[1]]
    side = parts.film(on, pixels, 100, gap=3)
    for number in range(1, count - 1):
        on.text((EDGE + (number + 0.5) * (side + 3) - 1.5, 100 + side / 2), "?", 17, INK)
    mask = [blank(255 * (0 < number < count - 1)) for number in range(count)]
    parts.film(on, mask, 106 + side, gap=3)
    return on.image()


def ways() -> Image.Image:
    """What is there, and what is missing."""
    on = parts.sheet(186)
    rows = (
        ("PIA", "ready", GREEN),
        ("AnimateLCM-I2V", "its LoRA is missing", RAISED),
        ("SparseCtrl RGB", "ready", GREEN),
        ("inpainting checkpoint", "ready", GREEN),
        ("CameraCtrl", "not there", RAISED),
    )
    for number, (name, said, colour) in enumerate(rows):
        y = 12 + 33 * number
        on.box(EDGE, y, INNER, 28, PANEL, corner=6)
        on.dot(EDGE + 18, y + 14, 7, colour)
        on.text((EDGE + 36, y + 14), name, 13, INK if colour is GREEN else FAINT, "lm")
        on.text((EDGE + INNER - 12, y + 14), said, 12, FAINT, "rm")
    return on.image()


def pia_image() -> Image.Image:
    """The picture, the clip, and how much each frame is to be like the picture."""
    on = parts.sheet(206)
    shown = kept("image_to_video_pia")
    on.card(shown.inputs["input"][0], EDGE, 12, 62, 6)
    on.arrow((82, 43), (98, 43), INK, 3)
    parts.film(on, parts.chosen(shown.out[0], 4), 16, x=104, width=WIDTH - 104 - EDGE, gap=4)
    motions = ((PiaMotion.SMALL, GREEN), (PiaMotion.MEDIUM, BLUE), (PiaMotion.LARGE, ORANGE))
    parts.plot(on, 90, 78, *((pia_mask(motion, 16), colour) for motion, colour in motions))
    x = EDGE
    for motion, colour in motions:
        on.dot(x + 5, 188, 4, colour)
        on.text((x + 14, 188), motion.value, 11, INK, "lm")
        x += 112
    return on.image()


def i2v_image() -> Image.Image:
    """What the picture's encoder finds at each resolution goes to all frames."""
    on = parts.sheet(206)
    (picture,) = way(1, (32, 32), (32, 32), "magenta")
    on.card(picture, EDGE, 72, 62, 6)
    on.arrow((82, 103), (100, 103), INK, 3)
    for level, side in enumerate((40, 32, 24, 16)):
        y = 14 + 47 * level + (40 - side) / 2
        small = Image.fromarray(picture).resize((side // 3, side // 3))
        on.card(np.asarray(small), 108 + (40 - side) / 2, y, side, 3)
        middle = 34 + 47 * level
        on.arrow((154, middle), (176, middle), ORANGE, 2.5)
        for frame in range(7):
            x = 184 + frame * 23 + (40 - side) / 4
            on.box(x, y, side / 2, side, PANEL, BLUE, 3, 1.5)
    return on.image()


def scene() -> list[tuple[np.ndarray, np.ndarray]]:
    """The lines of a floor, and the edges of a cube on it around the point of orbits."""
    half, wide = 0.35, 1.4
    grid = np.linspace(-wide, wide, 9)
    floor = [((at, half, -wide / 2), (at, half, 2 * wide)) for at in grid]
    floor += [((-wide, half, at), (wide, half, at)) for at in grid + wide / 2]
    ends = [(x, y, z) for x in (-half, half) for y in (-half, half) for z in (-half, half)]
    cube = [
        (a, b)
        for number, a in enumerate(ends)
        for b in ends[number + 1 :]
        if sum(one != other for one, other in zip(a, b, strict=True)) == 1
    ]
    assert len(cube) == EDGES
    shift = np.array((0, 0, AHEAD))
    return [(np.array(a) + shift, np.array(b) + shift) for a, b in floor + cube]


def view(on: Sheet, pose: np.ndarray, x: float, y: float, side: float, colour: Colour) -> None:
    """What a camera sees; pose: [3, 4], from the world to the camera."""
    on.box(x, y, side, side, PANEL, corner=5)
    lines = scene()
    for number, line in enumerate(lines):
        ends = np.stack(line) @ pose[:, :3].T + pose[:, 3]
        seen = _clipped(ends, side)
        if seen:
            points = [(x + side / 2 + px, y + side / 2 + py) for px, py in seen]
            floor = number < len(lines) - EDGES
            on.line(points, RAISED if floor else colour, 1 if floor else 2)


def _clipped(ends: np.ndarray, side: float) -> list[Point]:
    """The part of a line that lies before the camera and in a square picture, in pixels."""
    line = ends[0] + np.linspace(0, 1, 60)[:, None] * (ends[1] - ends[0])
    line = line[line[:, 2] > NEAR]
    pixels = FOCAL * side * line[:, :2] / line[:, 2:]
    inside = np.abs(pixels).max(axis=1, initial=0) < side / 2 - 2 if len(line) else []
    kept_points = pixels[inside]
    return [tuple(kept_points[0]), tuple(kept_points[-1])] if len(kept_points) > 1 else []


def _row(on: Sheet, path: CameraPath, y: float, x: float, width: float, count: int = 5) -> float:
    side = (width - 5 * (count - 1)) / count
    for number, frame in enumerate(np.linspace(0, len(path) - 1, count).round().astype(int)):
        view(on, path.w2c[frame], x + number * (side + 5), y, side, ORANGE)
    return side


def camera_path() -> Image.Image:
    """What the camera sees on three ways."""
    on = parts.sheet(242)
    zoom = along("zoom in", 16, 0.2)
    ways_of = (
        ("pan left", along("pan left", 16, 0.4)),
        ("orbit right", along("orbit right", 16)),
        ("zoom in + roll", along("roll clockwise", 16, 0.6, previous=zoom, join=Join.TOGETHER)),
    )
    for row, (name, path) in enumerate(ways_of):
        y = 12 + 76 * row
        on.text((EDGE, y + 8), name, 12, INK, "lm")
        _row(on, path, y + 18, EDGE, INNER, 6)
    return on.image()


def camera_poses() -> Image.Image:
    """Lines of text become a way of the camera."""
    on = parts.sheet(190)
    on.box(EDGE, 12, INNER, 84, (248, 249, 251), corner=6)
    for number, line in enumerate(POSES):
        on.text((EDGE + 10, 26 + 19 * number), line, 11, (40, 44, 52), "lm")
    on.arrow((WIDTH / 2, 100), (WIDTH / 2, 116), INK, 3)
    _row(on, along("orbit right", 16), 122, EDGE, INNER, 6)
    return on.image()


def camera_control() -> Image.Image:
    """The way of the camera, and the clip that follows it."""
    on = parts.sheet(180)
    zoom = along("zoom in", 16, 0.12)
    path = along("pan left", 16, 0.25, previous=zoom, join=Join.TOGETHER)
    side = _row(on, path, 12, EDGE, INNER)
    on.arrow((WIDTH / 2, 20 + side), (WIDTH / 2, 34 + side), PINK, 3)
    clip: Sequence[Frame] = kept("camera_path").out[0]
    parts.film(on, parts.chosen(clip, 5), 40 + side, gap=5)
    return on.image()


PICTURES = {
    "ADN_LoadSparseCtrl": load_sparse_ctrl,
    "ADN_SparseFrames": sparse_frames,
    "ADN_ClipCondition": clip_condition,
    "ADN_ImageToVideoWays": ways,
    "ADN_PiaImage": pia_image,
    "ADN_I2VImage": i2v_image,
    "ADN_CameraPath": camera_path,
    "ADN_CameraPoses": camera_poses,
    "ADN_CameraControl": camera_control,
}
