"""What a picture of the miniature world shows, found out by rule, without a learned model."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import torch
import torch.nn.functional as F

from . import world

CONTRAST = 0.2  # distance in RGB to the background that a shape has at least
EDGE = 0.5  # of the greatest distance is where the shape ends
SMALLEST = 25  # pixels; below, there is no shape
WINDOW = 36  # pixels around a shape that are compared
EXAMPLES = 80  # of each shape


class Autoencoder(Protocol):
    """The two halves of TAESD."""

    taesd_encoder: Callable[[torch.Tensor], torch.Tensor]
    taesd_decoder: Callable[[torch.Tensor], torch.Tensor]


class Found(NamedTuple):
    """One entry per picture; places and areas in pixels."""

    mask: torch.Tensor  # [N, H, W], True where the shape is
    present: torch.Tensor  # [N]
    place: torch.Tensor  # [N, 2], x and y of the centre of mass
    area: torch.Tensor  # [N]
    colour: torch.Tensor  # [N], index in world.COLOURS
    mean_colour: torch.Tensor  # [N, 3]


def find(pictures: torch.Tensor) -> Found:
    """pictures: [N, 3, H, W] in 0 to 1. The background is what most of each row shows."""
    background = pictures.median(dim=-1, keepdim=True).values
    difference = (pictures - background).pow(2).sum(1).sqrt()
    peak = difference.flatten(1).quantile(0.99, dim=1)[:, None, None]
    mask = difference > (EDGE * peak).clamp(min=CONTRAST)
    area = mask.sum((1, 2)).float()
    weight = mask / area.clamp(min=1)[:, None, None]
    axis = torch.arange(world.SIZE) + 0.5
    place = torch.stack([(weight.sum(1) * axis).sum(1), (weight.sum(2) * axis).sum(1)], dim=1)
    inner = difference * mask
    inner = inner / inner.sum((1, 2), keepdim=True).clamp(min=1e-6)
    mean_colour = (pictures * inner[:, None]).sum((2, 3))
    return Found(mask, area >= SMALLEST, place, area, _colour(mean_colour), mean_colour)


def _colour(mean: torch.Tensor) -> torch.Tensor:
    """The palette's entry of the nearest hue."""
    palette = torch.tensor([world.PALETTE[name] for name in world.COLOURS])
    return (_chroma(mean) @ _chroma(palette).T).argmax(1)


def _chroma(colour: torch.Tensor) -> torch.Tensor:
    """Colour without its grey part, of length 1: its hue."""
    return F.normalize(colour - colour.mean(1, keepdim=True), dim=1)


class ShapeRule:
    """Tells shapes apart by laying known ones over them.

    The known ones have been through the autoencoder, which rounds corners off, as the pictures to
    be judged have.
    """

    def __init__(self, vae: Autoencoder, each: int = EXAMPLES):
        generator = torch.Generator().manual_seed(77)
        scenes = world.random_scenes(each * len(world.SHAPES), generator)
        with torch.no_grad():
            pictures = vae.taesd_decoder(vae.taesd_encoder(world.draw(scenes))).clamp(0, 1)
        self.shape = scenes.shape
        self.examples = _around_the_centre(find(pictures).mask).flatten(1).float()

    def __call__(self, found: Found) -> torch.Tensor:
        """[N], index in world.SHAPES."""
        masks = _around_the_centre(found.mask).flatten(1).float()
        both = masks @ self.examples.T
        either = masks.sum(1)[:, None] + self.examples.sum(1) - both
        return self.shape[(both / either.clamp(min=1)).argmax(1)]


def _around_the_centre(mask: torch.Tensor) -> torch.Tensor:
    """[N, WINDOW, WINDOW]: what lies around the middle of the bounding box."""
    padded = F.pad(mask, [WINDOW // 2] * 4)
    cut = []
    for picture, whole in zip(mask, padded, strict=True):
        rows, columns = picture.any(1).nonzero(), picture.any(0).nonzero()
        y = int(rows.float().mean().round()) if len(rows) else 0
        x = int(columns.float().mean().round()) if len(columns) else 0
        cut.append(whole[y : y + WINDOW, x : x + WINDOW])
    return torch.stack(cut)


def outlines(found: Found) -> torch.Tensor:
    """[N, WINDOW, WINDOW]: the shapes' masks, wherever the shapes are."""
    return _around_the_centre(found.mask)


def overlap(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """Intersection over union of masks [..., H, W]."""
    both = (one & other).sum((-2, -1))
    return both / (one | other).sum((-2, -1)).clamp(min=1)


def style_distances(
    stills: torch.Tensor, clips: torch.Tensor, count: int | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Distance of each still, and of each frame, to the mean palette of its prompt's stills."""
    own, other = _palette(stills[:count]), _palette(clips)
    centre = own.mean(1, keepdim=True)
    return (own - centre).norm(dim=2).flatten(), (other - centre).norm(dim=2).flatten()


def _palette(clips: torch.Tensor) -> torch.Tensor:
    """[N, F, 6]: the shape's colour and the background's, means in RGB."""
    frames = clips.flatten(0, 1)
    background = frames.median(dim=-1).values.mean(-1)
    both = torch.cat([find(frames).mean_colour, background], dim=1)
    return both.unflatten(0, clips.shape[:2])


def watermark_correlation(pictures: torch.Tensor) -> torch.Tensor:
    """How strongly each picture [N, 3, H, W] carries the mark: 1 where bars are black and white."""
    mark = world.watermark(pictures.shape[-1])
    grey = pictures.mean(1)
    return (grey * mark).sum((1, 2)) / mark.clamp(min=0).sum()
