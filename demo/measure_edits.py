"""Clips of which a part is given: cinemagraphs, inpainting and outpainting, measured.

Every function returns rows as in measure.py.
"""

from dataclasses import replace
from typing import NamedTuple

import torch
from animatediff_native.conditions.clip_condition import ClipCondition, Wanted, clip_condition
from animatediff_native.conditions.clip_modes import CINEMAGRAPH, INPAINT, OUTPAINT
from animatediff_native.conditions.clip_region import Padding
from animatediff_native.motion.clip_part import ClipPart

from . import judge, world
from .measure_images import round_trip
from .studio import Setup, Studio, Wish, wishes_of
from .two_shapes import draw_both, in_half, other_colour

Row = tuple[str, str, str, bool]
MORE = 0.01  # that the mean error may be beyond that of the VAE's round trip
NEAR = 8  # pixels beside a region that do not count: one of the latent's, which reach over the edge
LONG = 64  # frames, in windows
CUT = 24  # pixels at the left that are painted anew
CHANGED = 0.1  # in RGB, for a pixel to have moved
INPAINTING = Setup("inpaint")
MODELS = {"inpainting model": INPAINTING, "noise mask": Setup()}


class Edit(NamedTuple):
    """Clips to be made from N others.

    asked: what is to be in the region; source: [N, F, 3, H, W], the whole of what is shown, by
    which what was kept is judged; given: of each clip; region: [H, W], true where clips are made;
    empty: [N, 3, H, W], the background without shapes; first: whether frame 0 is given whole;
    sees_all: whether what is asked for is all that the picture shows.
    """

    asked: list[Wish]
    source: torch.Tensor
    given: list[ClipCondition]
    region: torch.Tensor
    empty: torch.Tensor
    first: bool = False
    sees_all: bool = False

    def of(self, count: int) -> "Edit":
        """The first clips alone."""
        return self._replace(
            asked=self.asked[:count], source=self.source[:count], given=self.given[:count],
            empty=self.empty[:count],
        )  # fmt: skip


def cinemagraphs(count: int, frames: int) -> Edit:
    """Pictures of two shapes, of which the one at the left begins to move."""
    left, right = _two(count, 1, 50000)
    source = draw_both(left[0], right[0])[:, None].expand(-1, frames, -1, -1, -1)
    region = _left(world.SIZE // 2)
    given = _given(source[:, :1], Wanted(CINEMAGRAPH, region=region[None]), frames)
    return Edit(wishes_of(left[0], 50000), source, given, region, world.backdrop(left[0]), True)


def inpaintings(count: int, frames: int) -> Edit:
    """Clips of two shapes, of which the one at the left is exchanged for another."""
    left, right = _two(count, frames, 51000)
    source = torch.stack([draw_both(*both) for both in zip(left, right, strict=True)], dim=1)
    region = _left(world.SIZE // 2)
    given = _given(source, Wanted(INPAINT, region=region[None]), frames)
    colour = (left[0].colour + 2) % len(world.COLOURS)
    colour = torch.where(colour == right[0].colour, (colour + 1) % len(world.COLOURS), colour)
    other = replace(left[0], shape=(left[0].shape + 1) % len(world.SHAPES), colour=colour)
    return Edit(wishes_of(other, 51000), source, given, region, world.backdrop(left[0]))


def outpaintings(count: int, frames: int) -> Edit:
    """Clips that had more at the left."""
    scenes = world.random_clips(count, torch.Generator().manual_seed(52000), frames)
    source = torch.stack([world.draw(each) for each in scenes], dim=1)
    given = _given(source[..., CUT:], Wanted(OUTPAINT, padding=Padding(left=CUT)), frames)
    return Edit(
        wishes_of(scenes[0], 52000), source, given, _left(CUT), world.backdrop(scenes[0]),
        sees_all=True,
    )  # fmt: skip


EDITS = {CINEMAGRAPH: cinemagraphs, INPAINT: inpaintings, OUTPAINT: outpaintings}


def _two(count: int, frames: int, seed: int) -> tuple[list[world.Scenes], list[world.Scenes]]:
    """Two shapes that go their ways, each in its half of the picture; never of one colour."""
    generator = torch.Generator().manual_seed(seed)
    left, right = (world.random_clips(count, generator, frames) for _ in range(2))
    start = left[0]
    colour = other_colour(start, right[0])
    right = [replace(each, background=start.background, colour=colour) for each in right]
    return [in_half(each, False) for each in left], [in_half(each, True) for each in right]


def _left(pixels: int) -> torch.Tensor:
    region = torch.zeros(world.SIZE, world.SIZE, dtype=torch.bool)
    region[:, :pixels] = True
    return region


def _given(clips: torch.Tensor, wanted: Wanted, frames: int) -> list[ClipCondition]:
    """What Clip Condition makes of pictures or videos [N, n, 3, H, W]."""
    part = ClipPart(frames, 0, frames)
    return [clip_condition(clip.movedim(1, -1), wanted, part) for clip in clips]


def edits(studio: Studio, seeds: int) -> list[Row]:
    rows: list[Row] = []
    for mode, make in EDITS.items():
        edit = make(seeds, world.FRAMES)
        again = through_vae(studio, edit.source)
        for name, setup in MODELS.items():
            clips = studio.film_given(setup, edit.asked, edit.given)
            rows += _judged(studio, f"{mode}, {name}", edit, clips, again)
        if mode == INPAINT:
            half = edit.of(max(1, seeds // 2))
            clips = studio.film_given(INPAINTING, half.asked, half.given, noise_mask=False)
            row = _outside(f"{mode}, inpainting model without a noise mask", half, clips, again)
            rows.append((*row[:2], "", True))
    for mode, make in EDITS.items():
        edit = make(max(1, seeds // 8), LONG)
        clips = studio.film_given(INPAINTING, edit.asked, edit.given)
        name = f"{mode}, {LONG} frames in windows"
        rows += _judged(studio, name, edit, clips, through_vae(studio, edit.source))
    return [*rows, *_ends(studio)]


def _judged(
    studio: Studio, name: str, edit: Edit, clips: torch.Tensor, again: torch.Tensor
) -> list[Row]:
    """again: the source, once through the VAE."""
    rows = [_outside(name, edit, clips, again)]
    if edit.first:
        rows.append(_kept(f"{name}: frame 0", clips[:, 0], edit.source[:, 0], again[:, 0]))
    moved = (clips - clips[:, :1]).abs().amax((1, 2))[:, edit.region] > CHANGED
    pixels = moved.sum(1).float().median().item()
    inside = clips if edit.sees_all else torch.where(edit.region, clips, edit.empty[:, None])
    shape, colour = studio.obeyed(inside, edit.asked)
    place = judge.find(inside.flatten(0, 1)).place.unflatten(0, clips.shape[:2])
    steps = (place[:, 1:] - place[:, :-1]).norm(dim=2)
    if edit.sees_all:
        there = (each[..., edit.region] for each in (clips, edit.source, again))
        row = _kept(f"{name}: inside, beside what was cut off", *there)
        rows.append((*row[:2], "", True))
    shown = "the shape" if edit.sees_all else "the shape inside"
    begins = f" ({steps[:, 0].median():.2f} from the given frame)" if edit.first else ""
    return [
        *rows,
        (f"{name}: pixels inside that change, median", f"{pixels:.0f}", "> 0", pixels > 0),
        (f"{name}: {shown}: pixels a frame; shape and colour asked for, of frames",
         f"{steps.mean(1).median():.2f}{begins}; {100 * shape:.0f} %, {100 * colour:.0f} %", "",
         True),
    ]  # fmt: skip


def _outside(name: str, edit: Edit, clips: torch.Tensor, again: torch.Tensor) -> Row:
    far = ~_grown(edit.region, NEAR)
    outside = (each[..., far] for each in (clips, edit.source, again[: len(clips)]))
    return _kept(f"{name}: outside the region and {NEAR} pixels around it", *outside)


def _kept(name: str, made: torch.Tensor, source: torch.Tensor, again: torch.Tensor) -> Row:
    least = (again - source).abs().mean().item()
    error = (made - source).abs().mean().item()
    return (
        f"{name}: mean error (of the VAE's round trip {least:.3f})",
        f"{error:.3f}",
        f"<= {least + MORE:.3f}",
        error <= least + MORE,
    )


def _grown(region: torch.Tensor, pixels: int) -> torch.Tensor:
    size = 2 * pixels + 1
    return torch.nn.functional.max_pool2d(region[None, None].float(), size, 1, pixels)[0, 0] > 0


def through_vae(studio: Studio, clips: torch.Tensor) -> torch.Tensor:
    return torch.stack([round_trip(studio, clip) for clip in clips])


def _ends(studio: Studio) -> list[Row]:
    """With everything given, and with nothing."""
    edit = inpaintings(1, world.FRAMES)
    (shown,) = edit.given
    whole = ClipCondition(edit.source[0].movedim(1, -1), torch.zeros_like(shown.mask))
    nothing = ClipCondition(torch.full_like(shown.pixels, 0.5), torch.ones_like(shown.mask))
    rows: list[Row] = []
    for name, setup in MODELS.items():
        clip = studio.film_given(setup, edit.asked, [whole])
        off = (clip - through_vae(studio, edit.source)).abs().max().item()
        rows.append(
            (f"{name}, all given: greatest difference from the source, through the VAE",
             f"{off:.4f}", "<= 0.001", off <= 0.001)
        )  # fmt: skip
        made = [studio.film_given(setup, edit.asked, [nothing], mask) for mask in (True, False)]
        same = torch.equal(*made)
        rows.append(
            (f"{name}, nothing given: the clip without a mask", "same" if same else "another",
             "same", same)
        )  # fmt: skip
    return rows
