"""Which frames are seen at once, as a picture: a row per window, as dark as its shares."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from ..motion.errors import counted
from ..motion.plot import (
    FAINT,
    FONT_SIZE,
    GRID,
    INK,
    PAPER,
    STRONG,
    TITLE_SIZE,
    WIDTH,
    Colour,
    whole_ticks,
)
from .clip_in_parts import ClipParts
from .fuse import Fuse, shares
from .windows import WindowPlan

STEPS = 4  # that are shown of a schedule that moves
MOST_ROWS = 72  # of all steps together
SIDE, TOP, BOTTOM = 28, 112, 96  # margins, in pixels
LABEL = 40  # height of a step's heading
HIGHEST, LOWEST, ROOM = 40, 6, 420  # of a row, and of all rows together
NEIGHBOURS = 12  # parts that are shown on either side of one
SEEN = 0.15  # how dark a frame is in which a window has next to no share


@dataclass(frozen=True)
class Row:
    """Frames that are seen together, and how much of each counts, from 0 to 1."""

    frames: Sequence[int]
    shares: Sequence[float]
    colour: Colour = STRONG


@dataclass(frozen=True)
class Block:
    """Rows under a heading."""

    heading: str
    rows: Sequence[Row]


def plot_windows(plan: WindowPlan, fuse: Fuse, frames: int, given: bool, name: str) -> torch.Tensor:
    """An IMAGE, [1, H, W, 3], of a clip that was given, or of an example. name: of a window."""
    moves = plan.schedule.moves and (frames > plan.length or plan.turns(frames))
    blocks = [
        Block(f"step {step + 1}" if moves else "every step", _rows(plan, fuse, frames, step))
        for step in range(STEPS if moves else 1)
    ]
    seen = blocks[0].rows
    clip = counted(frames, "frame") if given else f"an example of {frames} frames"
    if frames <= plan.length:
        title = f"{clip}: one {name} holds all of them"
    else:
        title = f"{clip} in {counted(len(seen), name)}"
    return plot_rows(title, _work(name, seen, frames), _that_fit(blocks), frames)


def _work(name: str, seen: Sequence[Row], frames: int) -> str:
    count = sum(len(row.frames) for row in seen)
    who = "the motion module sees {} frames" if name == "view" else "{} frames are computed"
    return f"{who.format(count)} per step: {count / frames:.3g} x the clip"


def plot_parts(parts: ClipParts, part: int) -> torch.Tensor:
    """An IMAGE, [1, H, W, 3]: where this part of a clip is, and around it the others."""
    first = max(0, min(part - NEIGHBOURS, parts.count - 2 * NEIGHBOURS - 1))
    shown = range(first, min(first + 2 * NEIGHBOURS + 1, parts.count))
    rows = [
        Row(frames := parts.of(each), [1.0] * len(frames), STRONG if each == part else FAINT)
        for each in shown
    ]
    own = parts.of(part)
    title = f"Part {part} of parts 0 to {parts.count - 1}: frames {own.start} to {own.stop - 1}"
    context = f"{counted(parts.context if part else 0, 'frame')} of it from the part before"
    heading = f"parts {shown.start} to {shown.stop - 1}"
    return plot_rows(title, context, [Block(heading, rows)], parts.total)


def _rows(plan: WindowPlan, fuse: Fuse, frames: int, step: int) -> list[Row]:
    windows = plan.windows(frames, step)
    own = shares(fuse, windows, frames, plan)
    return [Row(*each) for each in zip(windows, (share.tolist() for share in own), strict=True)]


def _that_fit(blocks: list[Block]) -> list[Block]:
    """As many of the steps, and of one step's rows, as can be told apart."""
    rows = blocks[0].rows
    if len(rows) > MOST_ROWS:
        heading = f"{blocks[0].heading}, and {len(rows) - MOST_ROWS} more"
        return [Block(heading, rows[:MOST_ROWS])]
    shown: list[Block] = []
    for block in blocks:
        if sum(len(each.rows) for each in [*shown, block]) <= MOST_ROWS:
            shown.append(block)
    return shown


def plot_rows(title: str, below: str, blocks: Sequence[Block], frames: int) -> torch.Tensor:
    """An IMAGE, [1, H, W, 3]: rows of frames along a clip."""
    count = sum(len(block.rows) for block in blocks)
    high = max(LOWEST, min(HIGHEST, ROOM // max(count, 1)))
    height = TOP + len(blocks) * LABEL + count * high + BOTTOM
    picture = np.full((height, WIDTH, 3), PAPER, dtype=np.float32)
    columns = np.arange(WIDTH - 2 * SIDE) * frames // (WIDTH - 2 * SIDE)
    top, headings = TOP, []
    for block in blocks:
        headings.append((block.heading, top))
        top += LABEL
        for row in block.rows:
            gap = 1 if high < 10 else high // 6
            picture[top : top + high - gap, SIDE:-SIDE] = _painted(row, frames)[columns]
            top += high
    image = Image.fromarray(picture.round().astype(np.uint8))
    _write(ImageDraw.Draw(image), title, below, headings)
    _axis(ImageDraw.Draw(image), height - BOTTOM + 6, frames)
    return torch.from_numpy(np.array(image, dtype=np.float32) / 255)[None]


def _painted(row: Row, frames: int) -> np.ndarray:
    """[F, 3]"""
    painted = np.tile(np.array(GRID, dtype=np.float32), (frames, 1))
    dark = np.array(row.colour, dtype=np.float32)
    for frame, share in zip(row.frames, row.shares, strict=True):
        part = SEEN + (1 - SEEN) * share
        painted[frame] = (1 - part) * np.array(GRID, dtype=np.float32) + part * dark
    return painted


def _write(
    draw: ImageDraw.ImageDraw, title: str, below: str, headings: Iterable[tuple[str, int]]
) -> None:
    font, large = ImageFont.load_default(FONT_SIZE), ImageFont.load_default(TITLE_SIZE)
    middle = WIDTH / 2
    draw.text((middle, 34), title, INK, large, anchor="mm")
    draw.text((middle, 78), below, INK, font, anchor="mm")
    for heading, top in headings:
        draw.text((SIDE, top + LABEL - 4), heading, INK, font, anchor="ls")


def _axis(draw: ImageDraw.ImageDraw, bottom: int, frames: int) -> None:
    font = ImageFont.load_default(FONT_SIZE)
    draw.line((SIDE, bottom, WIDTH - SIDE, bottom), INK)
    for mark in whole_ticks(0, frames):
        x = SIDE + (mark + 0.5) * (WIDTH - 2 * SIDE) / frames
        draw.line((x, bottom, x, bottom + 6), INK)
        draw.text((x, bottom + 10), str(mark), INK, font, anchor="mt")
    draw.text((WIDTH / 2, bottom + BOTTOM - 30), "frame", INK, font, anchor="mm")
