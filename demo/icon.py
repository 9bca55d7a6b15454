"""Draws docs/icon.png and docs/banner.png: `python -m demo.icon`.

The banner shows frames of the templates, which demo.template_pictures has run.
"""

import numpy as np
from PIL import Image

from tools.paths import REPO

from .drawing import FAINT, GROUND, INK, ORANGE, Colour, Sheet
from .template_runs import kept

DOCS = REPO / "docs"
ICON = 400
BANNER = (1260, 540)
RED: Colour = (236, 62, 58)
FILM: Colour = (12, 14, 18)
TRAIL = (  # x, y, how much of the colour
    (0.275, 0.615, 0.20),
    (0.375, 0.5, 0.38),
    (0.48, 0.43, 0.62),
    (0.61, 0.40, 1.0),
)
STRIPS = (  # clips of the banner, from top to bottom
    "text_to_video",
    "motion_lora",
    "prompt_travel",
)


def main() -> None:
    for name, picture in (("icon", icon()), ("banner", banner())):
        file = DOCS / f"{name}.png"
        picture.save(file, optimize=True)
        print(f"{file}  ({file.stat().st_size / 1000:.0f} kB)")


def icon() -> Image.Image:
    """A frame of film, and in it a shape that comes with the ones it was before."""
    sheet = Sheet(ICON, ICON, FILM, corner=80)
    emblem(sheet, 0, 0, ICON)
    return sheet.image()


def emblem(sheet: Sheet, x: float, y: float, side: float) -> None:
    hole, gap = 0.105 * side, 0.185 * side
    for number in range(5):
        left = x + side * 0.5 + (number - 2) * gap - hole / 2
        for top in (0.055, 0.865):
            sheet.box(left, y + top * side, hole, 0.08 * side, (225, 228, 234), corner=0.022 * side)
    sheet.box(x, y + 0.185 * side, side, 0.63 * side, (44, 92, 170), corner=0)
    sheet.box(x, y + 0.185 * side, side, 0.315 * side, (54, 108, 192), corner=0)
    for at_x, at_y, much in TRAIL:
        colour = tuple(round(g + (c - g) * much) for g, c in zip((52, 104, 186), RED, strict=True))
        sheet.dot(x + at_x * side, y + (at_y + 0.02) * side, 0.185 * side, colour)
    radius, centre = 0.185 * side, (x + TRAIL[-1][0] * side, y + (TRAIL[-1][1] + 0.02) * side)
    points = [
        (centre[0] + radius * 0.5 * np.cos(a) + radius * 0.06, centre[1] + radius * 0.5 * np.sin(a))
        for a in np.radians((0, 122, 238))
    ]
    sheet.polygon(points, (255, 255, 255))


def banner() -> Image.Image:
    width, height = BANNER
    sheet = Sheet(width, height, GROUND)
    side, gap = 156, 14
    for row, name in enumerate(STRIPS):
        clip = kept(name).out[0]
        chosen = [clip[round(at)] for at in np.linspace(0, len(clip) - 1, 5)]
        for column, frame in enumerate(chosen):
            x = width - (5 - column) * (side + gap) - 16
            sheet.card(frame, x, 22 + row * (side + gap), side, 12)
    sheet.paste(icon().resize((150, 150)), 40, 92)
    sheet.text((40, 300), "AnimateDiff", 52, INK, "lm", bold=True)
    sheet.text((40, 358), "Native", 52, ORANGE, "lm", bold=True)
    for line, said in enumerate(("Moving pictures", "in ComfyUI")):
        sheet.text((40, 416 + 34 * line), said, 25, FAINT, "lm")
    return sheet.image()


if __name__ == "__main__":
    main()
