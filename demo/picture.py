"""Draws the moving pictures of the README: `python -m demo.picture [NAME ...]`.

docs/miniature.webp: the same prompts and seeds in three rows: single pictures, the clips that the
motion module makes of them, and the same with a MotionLoRA each. docs/masked_motion.webp: clips,
and the same with motion in their left half only.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image

from tools.paths import REPO

from . import world
from .graphs import WEIGHTS
from .miniature import FOLDER, enter_host

DOCS = REPO / "docs"
SIDE, GAP, MILLISECONDS = 120, 6, 125
FIRST_SEED = 40
FIRST = (0, 1, 2, 3)  # of the wishes
HALVES = (0, 2, 7, 9)  # two whose shape moves on the left, and two on the right


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m demo.picture", description=__doc__)
    parser.add_argument("name", nargs="*", default=sorted(PICTURES), help="which; all by default")
    parser.add_argument("--folder", type=Path, help="of the models")
    chosen = parser.parse_args()
    unknown = sorted(set(chosen.name) - set(PICTURES))
    if unknown:
        parser.error(f"no picture named {', '.join(unknown)}; there are {', '.join(PICTURES)}")
    enter_host()
    from .recipe import Workshop
    from .studio import Studio

    studio = Studio(Workshop(chosen.folder or (FOLDER if FOLDER.is_dir() else WEIGHTS)))
    for name in chosen.name:
        _save(DOCS / f"{name}.webp", PICTURES[name](studio))


def _asked(numbers: Sequence[int]) -> list:
    from .studio import Wish

    return [Wish(i % 4, (0, 4, 2, 1)[i % 4], i % 3, FIRST_SEED + i) for i in numbers]


def _miniature(studio) -> list[torch.Tensor]:
    """Rows of clips, [N, F, 3, H, W] each."""
    from .recipe import CAMERA
    from .studio import Setup

    asked = _asked(FIRST)
    rows = [studio.film(Setup(motion=motion), asked) for motion in (False, True)]
    moves = [Setup(motion_loras=((f"lora_{name}", 1.0),)) for name in CAMERA]
    pairs = zip(moves, asked, strict=True)
    return [*rows, torch.cat([studio.film(move, [wish]) for move, wish in pairs])]


def _masked_motion(studio) -> list[torch.Tensor]:
    from animatediff_native.motion.motion_strength import Kind, StrengthField, strength_effects

    from .studio import Setup

    left = torch.zeros(1, world.SIZE, world.SIZE)
    left[..., : world.SIZE // 2] = 1
    masked = strength_effects((StrengthField(kind=Kind.ATTENTION, area=left),))
    rows = [studio.film(Setup(effects=effects), _asked(HALVES)) for effects in ((), masked)]
    for row, said in zip(rows, ("everywhere", "left half"), strict=True):
        change = (row - row.mean(dim=1, keepdim=True)).abs()
        halves = [half.mean().item() for half in change.chunk(2, dim=-1)]
        print(f"motion {said}: from the clip's mean, left {halves[0]:.4f}, right {halves[1]:.4f}")
    return rows


PICTURES = {"miniature": _miniature, "masked_motion": _masked_motion}


def _save(file: Path, rows: list[torch.Tensor]) -> None:
    frames = [_sheet([row[:, number] for row in rows]) for number in range(rows[0].shape[1])]
    frames[0].save(
        file, save_all=True, append_images=frames[1:], duration=MILLISECONDS, loop=0, quality=85
    )
    print(f"{file}  ({file.stat().st_size / 1024:.0f} KiB)")


def _sheet(rows: list[torch.Tensor]) -> Image.Image:
    """rows: pictures of one moment, [N, 3, H, W] each."""
    step = SIDE + GAP
    sheet = Image.new("RGB", (step * len(rows[0]) - GAP, step * len(rows) - GAP), "white")
    for y, row in enumerate(rows):
        for x, picture in enumerate(row):
            pixels = (picture.permute(1, 2, 0) * 255).byte().numpy()
            large = Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
            sheet.paste(large, (x * step, y * step))
    return sheet


if __name__ == "__main__":
    main()
