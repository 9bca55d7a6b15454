"""What begins with pictures, and where a camera goes: SparseCtrl, PIA, noise masks, CameraCtrl.

Every function returns rows as in measure.py.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import torch
from animatediff_native.conditions.camera_control import CameraControl
from animatediff_native.conditions.camera_files import load_camera_control
from animatediff_native.conditions.camera_poses import Join, along
from animatediff_native.conditions.pia import NODE, PiaImage
from animatediff_native.conditions.pia_masks import PiaMotion
from animatediff_native.conditions.picture import Picture
from animatediff_native.conditions.sparse_load import load_sparse_ctrl

from . import judge, world
from .camera_views import seen as seen_by
from .shown import outlines
from .studio import Setup, Studio, Wish, wishes

Row = tuple[str, str, str, bool]
MORE = 0.02  # that a frame's mean error may be beyond that of the VAE's round trip
CELL = 8.0  # pixels of a latent's
LAST = world.FRAMES - 1
FILMED = 3  # clips of each camera move, at least
PANS = {"pan left": (1, 0), "pan right": (-1, 0), "pan up": (0, 1), "pan down": (0, -1)}
SPEEDS = (0.0, 0.4, 0.8, 1.2, 1.6)
ZOOM_SPEEDS = (0.15, 0.3, 0.45)


def scenes_of(asked: Sequence[Wish], seed: int) -> tuple[world.Scenes, world.Scenes]:
    """What is asked for at two places that are 14 to 36 pixels apart."""
    generator = torch.Generator().manual_seed(seed)
    scenes = world.random_scenes(len(asked), generator)
    begin, end = world.far_apart(len(asked), scenes.radius + 2, generator)
    named = {
        name: torch.tensor([getattr(wish, name) for wish in asked])
        for name in ("shape", "colour", "background")
    }
    first = replace(scenes, **named, x=begin[:, 0], y=begin[:, 1])
    return first, replace(first, x=end[:, 0], y=end[:, 1])


def hints_of(shown: dict[int, torch.Tensor]) -> torch.Tensor:
    """What Sparse Frames makes of pictures [N, 3, H, W] by frame: [N, F, 4, H, W]."""
    count = len(next(iter(shown.values())))
    hints = torch.zeros(count, world.FRAMES, 4, world.SIZE, world.SIZE)
    for frame, pictures in shown.items():
        hints[:, frame, :3] = pictures
        hints[:, frame, 3] = 1.0
    return hints


def round_trip(studio: Studio, pictures: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return studio.vae.taesd_decoder(studio.vae.taesd_encoder(pictures)).clamp(0, 1)


def _kept(studio: Studio, name: str, made: torch.Tensor, pictures: torch.Tensor) -> Row:
    """made, pictures: [N, 3, H, W]."""
    least = (round_trip(studio, pictures) - pictures).abs().mean().item()
    error = (made - pictures).abs().mean().item()
    return (
        f"{name}: mean error of its pixels (of the VAE's round trip {least:.3f})",
        f"{error:.3f}",
        f"<= {least + MORE:.3f}",
        error <= least + MORE,
    )


def _way(clips: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """[N, F, 2] places, and [N] pixels between the first and the last frame."""
    place = judge.find(clips.flatten(0, 1)).place.unflatten(0, clips.shape[:2])
    return place, (place[:, -1] - place[:, 0]).norm(dim=1)


def first_frame(studio: Studio, seeds: int) -> list[Row]:
    """A picture of the scene asked for is the clip's first frame."""
    asked = wishes(seeds, 40000)
    first, _ = scenes_of(asked, 40000)
    pictures = world.draw(first)
    net = load_sparse_ctrl(studio.shop.file("sparsectrl_rgb"))
    clips = studio.film_steered(Setup(), asked, list(hints_of({0: pictures})), net)
    shape, colour = studio.obeyed(clips, asked)
    way = _way(clips)[1].median().item()
    rows = [
        _kept(studio, "SparseCtrl (rgb), frame 0", clips[:, 0], pictures),
        ("way of the shape to the last frame, median", f"{way:.1f} px", ">= 6 px", way >= 6),
        ("shape and colour, of frames", f"{100 * shape:.0f} %, {100 * colour:.0f} %", "", True),
    ]
    plain = studio.film(Setup(), asked[:2])
    off = studio.film_steered(Setup(), asked[:2], list(hints_of({0: pictures}))[:2], net, 0.0)
    same = torch.equal(plain, off)
    rows.append(("strength 0: the clip without", "same" if same else "another", "same", same))
    return rows


def pia(studio: Studio, seeds: int) -> list[Row]:
    asked = wishes(seeds, 40000)
    first, _ = scenes_of(asked, 40000)
    pictures = world.draw(first)
    beside = studio.motion_module("pia").beside
    rows: list[Row] = []
    for motion in (PiaMotion.SMALL, PiaMotion.MEDIUM, PiaMotion.LARGE):
        clips = []
        for wish, picture in zip(asked, pictures, strict=True):
            shown = Picture(picture.movedim(0, -1)[None], studio.host_vae, NODE)
            effect = PiaImage(beside, shown, motion)
            clips.append(studio.film(Setup(module="pia", effects=(effect,)), [wish])[0])
        made = torch.stack(clips)
        way = _way(made)[1].median().item()
        target = ">= 6 px" if motion is PiaMotion.LARGE else ""
        rows.append(_kept(studio, f"PIA, {motion.value}, frame 0", made[:, 0], pictures))
        rows.append(
            ("way of the shape to the last frame, median", f"{way:.1f} px", target,
             not target or way >= 6)
        )  # fmt: skip
    return rows


def both_ends(studio: Studio, seeds: int) -> list[Row]:
    """Two pictures of one shape at two places are the first and the last frame."""
    asked = wishes(seeds, 41000)
    pictures = [world.draw(each) for each in scenes_of(asked, 41000)]
    ends = {0: pictures[0], LAST: pictures[1]}
    net = load_sparse_ctrl(studio.shop.file("sparsectrl_rgb"))
    shown = studio.film_steered(Setup(), asked, list(hints_of(ends)), net)
    masked = studio.film_masked(Setup(), asked, *_masked(ends))
    rows: list[Row] = []
    for name, clips in (("SparseCtrl (rgb)", shown), ("noise mask", masked)):
        made = torch.cat([clips[:, frame] for frame in ends])
        kept = _kept(studio, f"{name}, both ends", made, torch.cat(pictures))
        steered = clips is shown
        rows += [kept if steered else (*kept[:2], "", True)]
        rows += _between(name, clips, ends, steered)
    return rows


def sketches(studio: Studio, seeds: int) -> list[Row]:
    """The same with outlines; the colours are the prompt's."""
    asked = wishes(seeds, 41000)
    scenes = scenes_of(asked, 41000)
    lines = [outlines(each)[:, None].expand(-1, 3, -1, -1) for each in scenes]
    net = load_sparse_ctrl(studio.shop.file("sparsectrl_scribble"))
    hints = hints_of(dict(zip((0, LAST), lines, strict=True)))
    clips = studio.film_steered(Setup(), asked, list(hints), net)
    covered = torch.stack([world.silhouettes(each) for each in scenes], dim=1) > 0.5
    shown = judge.find(clips[:, [0, LAST]].flatten(0, 1)).mask.unflatten(0, covered.shape[:2])
    overlap = judge.overlap(shown, covered).mean().item()
    pictures = {f: world.draw(each) for f, each in zip((0, LAST), scenes, strict=True)}
    return [
        ("SparseCtrl (scribble), both ends: overlap of shape and sketch (IoU)", f"{overlap:.2f}",
         ">= 0.7", overlap >= 0.7),
        *_between("SparseCtrl (scribble)", clips, pictures, to_reach=True),
    ]  # fmt: skip


def _masked(ends: dict[int, torch.Tensor]) -> tuple[list[torch.Tensor], torch.Tensor]:
    """What Clip Condition makes: pixels, grey where there are none, and the mask."""
    count = len(ends[0])
    pixels = torch.full((count, world.FRAMES, 3, world.SIZE, world.SIZE), 0.5)
    mask = torch.ones(world.FRAMES, world.SIZE, world.SIZE)
    for frame, pictures in ends.items():
        pixels[:, frame], mask[frame] = pictures, 0.0
    return list(pixels), mask


def _between(
    name: str, clips: torch.Tensor, ends: dict[int, torch.Tensor], to_reach: bool
) -> list[Row]:
    place, _ = _way(clips)
    aims = [judge.find(pictures).place for pictures in ends.values()]
    middle = place[:, LAST // 2 : LAST // 2 + 2].mean(1)
    off = (middle - (aims[0] + aims[1]) / 2).norm(dim=1)
    at_ends = (place[:, [0, LAST]] - torch.stack(aims, dim=1)).norm(dim=2)
    within = (off <= CELL).float().mean().item()
    half = (aims[1] - aims[0]).norm(dim=1).median().item() / 2
    target = "<= 8 px" if to_reach else ""
    return [
        (f"{name}: places at the ends, distance from those shown, median",
         f"{at_ends.median():.1f} px", "", True),
        (f"{name}: in the middle, distance from half the way (of {half:.0f} px), median; share "
         "within 8 px", f"{off.median():.1f} px; {100 * within:.0f} %", target,
         not target or off.median().item() <= CELL),
    ]  # fmt: skip


def camera_paths(studio: Studio, seeds: int) -> list[Row]:
    """Pans along both axes and diagonals, each at several speeds; zooms."""
    companion = load_camera_control(studio.shop.file("camera"))
    moves: list[list[tuple[str, float]]] = [
        *([(name, speed)] for name, speed in product(PANS, SPEEDS)),
        *([(x, 0.8), (y, 0.8)] for x in list(PANS)[:2] for y in list(PANS)[2:]),
    ]
    asked_for, measured, _ = _filmed(studio, companion, moves, max(FILMED, seeds // 8))
    rows = [_correlation("pans: displacement", asked_for.flatten(), measured.flatten())]
    for speed in SPEEDS:
        of_speed = [n for n, each in enumerate(moves) if len(each) == 1 and each[0][1] == speed]
        length = asked_for[of_speed].norm(dim=-1).clamp(min=1e-6)
        along_it = (measured[of_speed] * asked_for[of_speed]).sum(-1) / length
        along_it = along_it[~along_it.isnan()]
        if speed == 0:
            still = measured[of_speed].norm(dim=-1).median().item()
            rows.append(("camera held still: displacement, median", f"{still:.1f} px", "", True))
        else:
            rows.append(
                (f"pans of speed {speed}: asked, measured along it, median",
                 f"{length.median():.1f} px, {along_it.median():.1f} px", "", True)
            )  # fmt: skip
    zooms = [[(name, speed)] for name, speed in product(("zoom in", "zoom out"), ZOOM_SPEEDS)]
    _, _, growth = _filmed(studio, companion, zooms, max(FILMED, seeds // 8))
    rows.append(_correlation("zooms: logarithm of the growth", growth[0], growth[1]))
    rows.append(_off(studio, companion))
    return rows


def _filmed(
    studio: Studio, companion, moves: list[list[tuple[str, float]]], seeds: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Displacements from the first three frames to the last three, asked and measured,
    [moves, seeds, 2], and the same of the logarithm of sizes, [2, moves seeds]."""
    asked_for, measured, growth = [], [], []
    for number, move in enumerate(moves):
        path = None
        for name, speed in move:
            path = along(name, world.FRAMES, speed, previous=path, join=Join.TOGETHER)
        assert path is not None
        wanted = wishes(seeds, 42000 + 100 * number)
        clips = studio.film(Setup(effects=(CameraControl(companion, path),)), wanted)
        found = judge.find(clips.flatten(0, 1))
        seen_in = found.present.unflatten(0, clips.shape[:2])
        place = found.place.unflatten(0, clips.shape[:2])
        size = found.area.unflatten(0, clips.shape[:2]).clamp(min=1).log() / 2
        shift = torch.tensor(path.w2c[:, :, 3], dtype=torch.float32)
        shift = shift - shift.mean(0)
        middle = torch.full((world.FRAMES,), world.SIZE / 2)
        seen = seen_by(_point(middle), shift)
        aim = torch.stack([seen.x, seen.y], dim=1)
        asked_for.append(_from_first_to_last(aim[None]).expand(seeds, -1))
        measured.append(_from_first_to_last(place, seen_in))
        grown = _from_first_to_last(seen.radius.log()[None]).expand(seeds)
        growth.append(torch.stack([grown, _from_first_to_last(size[..., None], seen_in)[:, 0]]))
    return torch.stack(asked_for), torch.stack(measured), torch.cat(growth, dim=1)


def _point(middle: torch.Tensor) -> world.Scenes:
    none = torch.zeros(len(middle), dtype=torch.long)
    return world.Scenes(none, none, none, middle, middle, torch.ones(len(middle)))


def _from_first_to_last(
    values: torch.Tensor, seen_in: torch.Tensor | None = None
) -> torch.Tensor:
    """[N, F, ...] to [N, ...], from the first three frames to the last three; seen_in: [N, F],
    those that count: NaN where none of an end does."""
    if seen_in is not None:
        values = values.masked_fill(~seen_in[..., None], float("nan"))
    return values[:, -3:].nanmean(1) - values[:, :3].nanmean(1)


def _correlation(name: str, asked_for: torch.Tensor, measured: torch.Tensor) -> Row:
    """Of the clips whose shape is there in the end."""
    both = torch.stack([asked_for, measured])
    there = ~measured.isnan()
    found = torch.corrcoef(both[:, there])[0, 1].item()
    lost = f" ({int((~there).sum())} of {len(there)} lost)" if not there.all() else ""
    return (f"{name}, correlation of asked and measured{lost}", f"{found:.2f}", "> 0.9",
            found > 0.9)  # fmt: skip


def _off(studio: Studio, companion) -> Row:
    wanted = wishes(2, 42000)
    effect = CameraControl(companion, along("pan left", world.FRAMES), 0.0)
    same = torch.equal(studio.film(Setup(), wanted), studio.film(Setup(effects=(effect,)), wanted))
    return ("strength 0: the clip without", "same" if same else "another", "same", same)
