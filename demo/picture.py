"""Draws docs/miniature.webp, which opens the README: `python -m demo.picture`.

The same prompts and seeds in three rows: single pictures, the clips that the motion module makes of
them, and the same with a MotionLoRA each.
"""

import argparse
from pathlib import Path

import torch
from PIL import Image

from tools.paths import REPO

from .miniature import FOLDER, enter_host

FILE = REPO / "docs" / "miniature.webp"
SIDE, GAP, MILLISECONDS = 120, 6, 125
FIRST_SEED = 40


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m demo.picture", description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    folder = parser.parse_args().folder
    enter_host()
    from .recipe import CAMERA, Workshop
    from .studio import Setup, Studio, Wish

    studio = Studio(Workshop(folder))
    asked = [Wish(i, (0, 4, 2, 1)[i], i % 3, FIRST_SEED + i) for i in range(4)]
    rows = [studio.film(Setup(motion=motion), asked) for motion in (False, True)]
    moves = [Setup(motion_loras=((f"lora_{name}", 1.0),)) for name in CAMERA]
    pairs = zip(moves, asked, strict=True)
    rows.append(torch.cat([studio.film(move, [wish]) for move, wish in pairs]))
    frames = [_sheet([row[:, number] for row in rows]) for number in range(rows[0].shape[1])]
    frames[0].save(
        FILE, save_all=True, append_images=frames[1:], duration=MILLISECONDS, loop=0, quality=85
    )
    print(f"{FILE}  ({FILE.stat().st_size / 1024:.0f} KiB)")


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
