"""Draws docs/demo.webp, the moving picture of the README: `python -m demo.readme_picture`.

Above, one prompt and seed without a motion module, with it, and with a MotionLoRA for each movement
of the camera. Below, what else there is; frames are those of the templates. It ends as it begins.
"""

from collections.abc import Sequence

from PIL import Image

from tools.paths import REPO

from .drawing import BLUE, FAINT, GREEN, INK, ORANGE, PANEL, Frame, Sheet, save_moving
from .studio_clips import MOVES, PLAIN, STILL, clips
from .template_layouts import NAMED
from .template_runs import Clip, kept
from .template_table import TRAVEL

FILE = REPO / "docs" / "demo.webp"
WIDTH, HEIGHT, EDGE, GAP = 720, 478, 14, 12
LARGE = (WIDTH - 2 * EDGE - 2 * GAP) / 3
SMALL = (WIDTH - 2 * EDGE - 3 * GAP) / 4
SECOND_ROW = EDGE + LARGE + 40
FRAMES, MILLISECONDS, QUALITY = 64, 100, 85
SAID = {"zoom_in": "zoom in", "zoom_out": "zoom out", "pan_left": "pan left", "pan_up": "pan up"}


def main() -> None:
    of_one_wish = clips()
    below = {name: kept(name) for name in ("prompt_travel", "looped_clip", "long_clip_depth")}
    below["lora_by_frame"] = kept("lora_by_frame")
    frames = [_picture(at, of_one_wish, below) for at in range(FRAMES)]
    save_moving(FILE, frames, MILLISECONDS, QUALITY)
    print(f"{FILE}  ({FILE.stat().st_size / 1000:.0f} kB)")


def forth_and_back(clip: Clip, at: int, period: int) -> Frame:
    """Of a clip that goes to its end and back within so many frames."""
    along = at % period / (period / 2)
    return clip[round(min(along, 2 - along) * (len(clip) - 1))]


def _picture(at: int, of_one_wish: dict[str, Clip], below: dict) -> Image.Image:
    sheet = Sheet(WIDTH, HEIGHT, corner=0)
    move = MOVES[at // 16]
    _above(sheet, 0, of_one_wish[STILL][at % 16], "without a motion module", FAINT)
    _above(sheet, 1, forth_and_back(of_one_wish[PLAIN], at, 32), "with a motion module", BLUE)
    _above(sheet, 2, of_one_wish[f"studio_{move}"][at % 16], f"camera: {SAID[move]}", ORANGE)
    _arrows(sheet, EDGE + 2 * (LARGE + GAP), move, at % 16 / 15)
    travel, loop, depth, lora = (below[name] for name in below)
    _below(sheet, 0, forth_and_back(travel.out[0], at, 64), "prompts that travel")
    _keys(sheet, 0, min(at, 64 - at) / 32)
    _below(sheet, 1, loop.out[0][at % len(loop.out[0])], "endless loop")
    _below(sheet, 2, forth_and_back(depth.out[0], at, 64), "follows a video")
    inset = forth_and_back(depth.inputs["depth"][: len(depth.out[0])], at, 64)
    sheet.card(inset, EDGE + 2 * (SMALL + GAP) + 7, SECOND_ROW + 7, 54, 5)
    _below(sheet, 3, forth_and_back(lora.out[0], at, 64), "a look that comes in")
    return sheet.image()


def _above(sheet: Sheet, column: int, frame: Frame, said: str, colour: Sequence[int]) -> None:
    x = EDGE + column * (LARGE + GAP)
    sheet.card(frame, x, EDGE, LARGE, 10)
    sheet.text((x + LARGE / 2, EDGE + LARGE + 19), said, 18, tuple(colour), bold=True)


def _below(sheet: Sheet, column: int, frame: Frame, said: str) -> None:
    x = EDGE + column * (SMALL + GAP)
    sheet.card(frame, x, SECOND_ROW, SMALL, 9)
    sheet.text((x + SMALL / 2, SECOND_ROW + SMALL + 16), said, 15, INK)


def _keys(sheet: Sheet, column: int, along: float) -> None:
    """The prompts' colours, and how far they are."""
    x, wide, y = EDGE + column * (SMALL + GAP) + 16, SMALL - 32, SECOND_ROW + SMALL - 16
    sheet.box(x, y - 3, wide, 6, PANEL, corner=3)
    for number, said in enumerate(TRAVEL):
        sheet.dot(x + wide * number / 3, y, 6, NAMED[said.split()[0]])
    sheet.box(x + wide * along - 1.5, y - 10, 3, 20, INK, corner=1)


def _arrows(sheet: Sheet, x: float, move: str, along: float) -> None:
    """Where the camera goes: everything outwards is nearer."""
    middle, reach = (x + LARGE / 2, EDGE + LARGE / 2), 6 * along
    if move.startswith("zoom"):
        for dx, dy in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
            near, far = (
                (middle[0] + dx * (at + reach), middle[1] + dy * (at + reach)) for at in (72, 98)
            )
            sheet.arrow(*((near, far) if move == "zoom_in" else (far, near)), ORANGE, 5)
    else:
        dx, dy = {"pan_left": (-1, 0), "pan_up": (0, -1)}[move]
        for side in (-1, 1):
            root = (middle[0] + 88 * side * abs(dy), middle[1] + 88 * side * abs(dx))
            begin = (root[0] - dx * (22 - reach), root[1] - dy * (22 - reach))
            tip = (root[0] + dx * (22 + reach), root[1] + dy * (22 + reach))
            sheet.arrow(begin, tip, GREEN, 5)


if __name__ == "__main__":
    main()
