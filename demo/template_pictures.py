"""Draws the pictures of the template browser: `python -m demo.template_pictures [NAME ...]`.

Every workflow runs once on a real server with the models of the miniature world (those of `make
miniature`, or of the folder that ADN_MINIATURE names), and its frames are kept; --again runs it
again. The browser asks for NAME.jpg: what is in it is an animated WEBP, which browsers tell by its
first bytes.
"""

import argparse
import sys
from collections.abc import Callable

import numpy as np
from PIL import Image

from tools import package, workflow
from tools.paths import ToolError

from . import template_layouts as lay
from .drawing import BLUE, GREEN, INK, ORANGE, Sheet, save_moving
from .template_inputs import derived
from .template_layouts import Moment, curves, windows
from .template_runs import Shown, kept, run_all
from .template_table import CAPTIONS, SCENES, TRAVEL

FRAMES, MILLISECONDS, QUALITY = 16, 125, 72
Draw = Callable[[Sheet, Shown, Moment], None]
Mark = Callable[[Sheet, Moment, float, float, float], None]  # over a card: its place and side


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m demo.template_pictures")
    parser.add_argument("name", nargs="*", default=list(workflow.TITLES))
    parser.add_argument("--again", action="store_true", help="run what was run before, too")
    chosen = parser.parse_args()
    package.register()
    run_all({name: SCENES[name] for name in chosen.name}, chosen.again)
    for name in chosen.name:
        file = workflow.page_file(name, "jpg")
        shown = kept(name)
        drawn = pictures(name, shown._replace(inputs=derived(shown.inputs)))
        save_moving(file, drawn, MILLISECONDS, QUALITY)
        print(f"{file.name}  ({file.stat().st_size / 1000:.0f} kB)", flush=True)


def pictures(name: str, shown: Shown) -> list[Image.Image]:
    """Of one template, frame by frame."""
    count = 30 if name == "ping_pong" else FRAMES
    made = []
    for at in range(count):
        sheet = Sheet(lay.SIDE, lay.SIDE)
        DRAWN[name](sheet, shown, Moment(at, count))
        sheet.text((lay.SIDE / 2, lay.CAPTION), CAPTIONS[name], 27, INK, bold=True)
        made.append(sheet.image())
    return made


def _one(below: lay.Below = lay.nothing, *over: Mark) -> Draw:
    def draw(sheet: Sheet, shown: Shown, now: Moment) -> None:
        place = lay.one(sheet, shown, now)
        below(sheet, now)
        for extra in over:
            extra(sheet, now, *place)

    return draw


def _into(names: list[str], below: lay.Below = lay.nothing) -> Draw:
    def draw(sheet: Sheet, shown: Shown, now: Moment) -> None:
        lay.into(sheet, shown, now, names)
        below(sheet, now)

    return draw


def _beside(labels: list[str], marked: tuple[int, Mark], below: lay.Below = lay.nothing) -> Draw:
    """Several clips, one of which has a mark; it alone where there are no others."""

    def draw(sheet: Sheet, shown: Shown, now: Moment) -> None:
        number, mark = marked
        if len(shown.out) == 1:
            mark(sheet, now, *lay.one(sheet, shown, now))
        else:
            mark(sheet, now, *lay.beside(sheet, shown, now, labels)[number])
        below(sheet, now)

    return draw


def ramp(*points: tuple[float, float]) -> list[float]:
    """Numbers for the frames of a clip of 16."""
    frames, values = zip(*points, strict=True)
    return np.interp(np.arange(16), frames, values).tolist()


def zoom(sheet: Sheet, now: Moment, x: float, y: float, side: float) -> None:
    """The camera goes in: everything goes outwards."""
    out = 6 + 12 * now.along
    for right in (0, 1):
        for low in (0, 1):
            dx, dy = (1, -1)[right], (1, -1)[low]
            corner = (x + side * right, y + side * low)
            tip = (corner[0] + dx * (24 - out), corner[1] + dy * (24 - out))
            sheet.arrow((tip[0] + dx * 36, tip[1] + dy * 36), tip, ORANGE, 5)


def pan(sheet: Sheet, now: Moment, x: float, y: float, side: float) -> None:
    """The camera goes to the left."""
    tip = x - 40 - 12 * now.along
    sheet.arrow((tip + 66, y + side / 2), (tip, y + side / 2), GREEN, 6)


def typed(sheet: Sheet, now: Moment, x: float, y: float, side: float) -> None:
    """The prompt, under the clip."""
    sheet.box(lay.LEFT, lay.TRACK - 6, lay.WIDE, 38, lay.PANEL, corner=8)
    sheet.text((lay.SIDE / 2, lay.TRACK + 13), "\u201ca red circle\u201d", 22, INK)


def left_half(sheet: Sheet, now: Moment, x: float, y: float, side: float) -> None:
    """The area with motion is framed, the rest shaded."""
    sheet.box(x + side / 2, y, side / 2, side, (10, 12, 16, 110), corner=0)
    _framed(sheet, x, y, side)


def right_half(sheet: Sheet, now: Moment, x: float, y: float, side: float) -> None:
    _framed(sheet, x + side / 2, y, side)


def drawn(name: str, number: int = 0) -> Mark:
    """A path of a template, and where it is."""

    def draw(sheet: Sheet, now: Moment, x: float, y: float, side: float) -> None:
        from .template_paths import places_of  # needs the extension, which a sheet does not

        colour = (INK, ORANGE)[number]
        places = places_of(name, FRAMES)[number]
        on_card = [(x + side * across, y + side * down) for across, down in places]
        sheet.dashes(on_card, colour, 3, 10)
        sheet.dot(*on_card[round(now.along * (FRAMES - 1))], 6, colour)

    return draw


def _each_on_its_path(name: str) -> Draw:
    def draw(sheet: Sheet, shown: Shown, now: Moment) -> None:
        for number, place in enumerate(lay.beside(sheet, shown, now, ["1", "2"])):
            drawn(name, number)(sheet, now, *place)
        lay.nothing(sheet, now)

    return draw


def _framed(sheet: Sheet, x: float, y: float, side: float) -> None:
    corners = [(x, y), (x + side / 2, y), (x + side / 2, y + side), (x, y + side), (x, y)]
    sheet.dashes(corners, ORANGE, 3, 10)


def larger(sheet: Sheet, now: Moment, x: float, y: float, side: float) -> None:
    """From the frame's first size to its own."""
    small = side / 1.5
    corners = [(x, y), (x + small, y), (x + small, y + small), (x, y + small), (x, y)]
    sheet.dashes(corners, GREEN, 3, 10)
    tip = small + (side - small - 14) * (0.4 + 0.6 * now.along)
    sheet.arrow((x + small + 4, y + small + 4), (x + tip, y + tip), GREEN, 5)


def unmarked(sheet: Sheet, now: Moment, x: float, y: float, side: float) -> None:
    pass


LONG = [(0, 0.4), (0.3, 0.7), (0.6, 1)]
PARTS = [(0, 0.38), (0.31, 0.69), (0.62, 1)]
PLANS = [(n / 8, (n + 2) / 8) for n in range(7)]
DRAWN: dict[str, Draw] = {
    "text_to_video": _one(lambda *_: None, typed),
    "prompt_travel": _one(lay.keys(TRAVEL)),
    "motion_lora": _one(lay.nothing, zoom),
    "motion_lora_combined": _one(lay.nothing, zoom, pan),
    "motion_lora_ramp": _one(curves((ramp((0, 0), (3, 0), (10, 1)), GREEN)), pan),
    "camera_path": _one(lay.path),
    "looped_clip": _one(lay.ring),
    "ping_pong": _one(lay.forth_and_back),
    "video_to_video": _into(["input"]),
    "video_to_video_depth": _into(["input", "depth"]),
    "long_clip_depth": _into(["depth"], windows(PLANS)),
    "two_controlnets": _into(["depth", "outline"]),
    "inpainting": _into(["redrawn"]),
    "image_to_video_sparsectrl": _into(["picture"], lay.places(0)),
    "first_and_last_frame": _into(["picture", "last"], lay.places(0, 15)),
    "scribble_to_video": _into([f"sketch {n}" for n in (1, 2, 3)], lay.places(0, 7, 15)),
    "image_to_video_pia": _into(["picture"], curves((ramp((0, 1), (1, 0.8), (15, 0.75)), GREEN))),
    "image_to_video_animatelcm": _into(["picture"], lay.places(0)),
    "masked_motion": _beside(["", ""], marked=(-1, left_half)),
    "motion_ramp": _one(curves((ramp((0, 0), (5, 0), (10, 1)), BLUE))),
    "lora_by_frame": _one(curves((ramp((0, 0), (4, 0), (12, 1)), ORANGE))),
    "control_fades": _into(["depth"], curves((ramp((0, 1), (5, 1), (11, 0)), BLUE))),
    "prompt_blend": _one(
        curves(
            (ramp((0, 1), (4, 1), (12, 0)), lay.NAMED["red"]),
            (ramp((0, 0), (4, 0), (12, 1)), lay.NAMED["blue"]),
        )
    ),
    "guidance_by_step": _one(lay.by_step(ramp((0, 1), (5, 1), (15, 0.4)))),
    "noise_layer": _beside(["1", "1 | 2"], marked=(1, right_half)),
    "freeinit": _beside(["1", "3"], marked=(1, unmarked), below=lay.rounds),
    "free_long": _one(lay.whole_and_parts(LONG)),
    "views": _one(windows(LONG, GREEN)),
    "stretched_positions": _one(lay.table),
    "long_clip_in_parts": _one(windows(PARTS, ORANGE)),
    "domain_adapter": _beside(["1", "0.5", "0"], marked=(0, unmarked)),
    "train_motion_lora": lay.training,
    "style_blend": _beside(["0", "0.7", "1"], marked=(1, unmarked), below=lay.shares(0, 0.7, 1)),
    "video_to_video_compared": lay.compared,
    "upscale_long_clip": _one(windows(PLANS), larger),
    "cinemagraph": _into(["moving"]),
    "video_inpainting": _into(["marked"]),
    "video_outpainting": _into(["narrow"]),
    "space_time": _beside(["all", "shared"], marked=(1, unmarked), below=lay.halved),
    "follow_a_path": _one(lay.nothing, drawn("follow_a_path")),
    "two_paths": _each_on_its_path("two_paths"),
    "motion_from_video": _into(["input"]),
    "path_with_first_frame": _into(["picture"]),
}


if __name__ == "__main__":
    try:
        main()
    except ToolError as error:
        sys.exit(f"error: {error}")
