"""What templates are given on the miniature world: videos, masks, pictures, sketches."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

from tools import media

from . import world
from .drawing import Frame
from .graphs import ADDED
from .two_shapes import draw_both, in_half

STROKE = 3  # pixels: of a sketch's lines
FRAMES = 64  # of the videos that workflows take
BRUSH = 25  # pixels: side of the brush that paints the mask of inpainting over a shape
SEEN_THROUGH = 0.6
LAST, SKETCH = "last.png", "sketch_{}.png"
Clip = list[Frame]


class Source(NamedTuple):
    """shape: "colour shape background"; path: the seed of its way; other: "colour shape" of a
    second one at the right; frames: in which it goes its way."""

    shape: str
    path: int = 4
    other: str = ""
    frames: int = FRAMES


def write_inputs(folder: Path, source: Source) -> dict[str, Clip]:
    """A video of a moving shape, the silhouettes of it, a mask of what is around it, and a picture
    with that part to be redrawn. Of two shapes, the first is meant; it has the left half."""
    folder.mkdir(parents=True, exist_ok=True)
    scenes = _scenes(source.shape, source.path, source.frames)
    drawn = torch.cat([world.draw(one) for one in scenes])
    if source.other:
        scenes = [in_half(one, False) for one in scenes]
        ground = source.shape.split()[2]
        others = _scenes(f"{source.other} {ground}", source.path + 1, source.frames)
        both = zip(scenes, others, strict=True)
        drawn = torch.cat([draw_both(one, in_half(other, True)) for one, other in both])
    covered = torch.cat([world.silhouettes(one) for one in scenes])[:, None].expand_as(drawn)
    around = torch.nn.functional.max_pool2d(covered[:, :1], BRUSH, 1, BRUSH // 2)
    if source.other:
        around = torch.zeros_like(around)
        around[..., : world.SIZE // 2] = 1
    masks = around.expand_as(drawn)
    clips = {name: list(_pixels(frames)) for name, frames in
             (("input", drawn), ("depth", covered), ("mask", masks))}  # fmt: skip
    for name, frames in clips.items():
        media.write_video(folder / f"{name}.mp4", frames)
    picture = _pixels(torch.cat([drawn[:1], 1 - around[:1]], dim=1))[0]  # no alpha: to be redrawn
    Image.fromarray(picture, "RGBA").save(folder / "example.png")
    Image.fromarray(clips["input"][-1]).save(folder / LAST)
    last = len(covered) - 1
    lines = _pixels(_outlines(covered[[0, last // 2, last]]))
    for number, sketch in enumerate(lines, start=1):
        Image.fromarray(sketch).save(folder / SKETCH.format(number))
    return {**clips, "sketches": list(lines)}


def _scenes(named: str, path: int, frames: int) -> list[world.Scenes]:
    """A shape on its way, a batch of one for each frame."""
    colour, shape, background = named.split()
    chosen = {
        "shape": world.SHAPES.index(shape),
        "colour": world.COLOURS.index(colour),
        "background": world.BACKGROUND_NAMES.index(background),
    }
    clip = world.random_clips(1, torch.Generator().manual_seed(path), frames)
    one = {name: torch.tensor([index]) for name, index in chosen.items()}
    return [replace(frame, **one) for frame in clip]


def _outlines(covered: torch.Tensor) -> torch.Tensor:
    """Of silhouettes, white lines along the inner edge; [N, 3, H, W]."""
    inside = -torch.nn.functional.max_pool2d(-covered, 2 * STROKE - 1, 1, STROKE - 1)
    return covered - inside


def _pixels(frames: torch.Tensor) -> np.ndarray:
    return frames.mul(255).byte().permute(0, 2, 3, 1).numpy()


def derived(inputs: dict[str, Clip]) -> dict[str, Clip]:
    """With what can be told from them: outlines, and what is to be made marked."""
    inputs = dict(inputs)
    if "sketches" in inputs:
        inputs["picture"], inputs["last"] = inputs["input"][:1], inputs["input"][-1:]
        inputs |= {f"sketch {n}": [one] for n, one in enumerate(inputs["sketches"], start=1)}
    if "depth" in inputs:
        inputs["outline"] = [_outline(frame) for frame in inputs["depth"]]
        both = zip(inputs["input"], inputs["mask"], strict=False)  # a picture's mask is one
        inputs["marked"] = [_hatched(frame, mask, SEEN_THROUGH) for frame, mask in both]
        inputs["moving"] = inputs["marked"][:1]
        inputs["redrawn"] = [_hatched(inputs["input"][0], inputs["mask"][0])]
        sides = np.full_like(inputs["input"][0], 255)
        sides[:, ADDED:-ADDED] = 0
        inputs["narrow"] = [_hatched(frame, sides) for frame in inputs["input"]]
    return inputs


def _outline(frame: np.ndarray) -> np.ndarray:
    inside = frame[..., 0].astype(float) > 127
    around = np.zeros_like(inside)
    for axis in (0, 1):
        for step in (-1, 1):
            around |= np.roll(inside, step, axis) != inside
    return np.repeat((around * 255).astype(np.uint8)[..., None], 3, axis=2)


def _hatched(picture: Frame, mask: Frame, through: float = 0.0) -> Frame:
    """through: how much of the picture is seen through the stripes."""
    rows, columns = np.indices(mask.shape[:2])
    stripes = np.where(((rows + columns) // 4 % 2 == 0)[..., None], 255, 150)
    stripes = stripes + (picture - stripes) * through
    return np.where(mask > 127, stripes, picture).astype(np.uint8)
