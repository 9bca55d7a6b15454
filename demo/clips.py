"""The miniature world's video data, as latents with prompts."""

from collections.abc import Callable
from dataclasses import replace

import torch
from animatediff_native.training.augment import PAN_SIDE, ZOOM, Augmentation, augmented
from animatediff_native.training.clip_set import ClipSet
from comfy.taesd.taesd import TAESD

from . import text, world
from .stills import encode, prompt_set

WIDE = 96  # pixels of the pictures that camera motion is cut from
CENTRE = world.SIZE / 2


def _as_clip_set(vae: TAESD, clips: list[torch.Tensor], prompts: list[str]) -> ClipSet:
    """clips: [F, 3, H, W] each."""
    contexts, prompt_of = prompt_set(prompts)
    return ClipSet(_latents(vae, clips), contexts, prompt_of, text.embed(""))


def _latents(vae: TAESD, clips: list[torch.Tensor]) -> torch.Tensor:
    return torch.stack([encode(vae, clip) for clip in clips])


def videos(vae: TAESD, count: int, seed: int) -> ClipSet:
    """Moving shapes as the video data has them: washed out, blurred, with a watermark."""
    frames = world.random_clips(count, torch.Generator().manual_seed(seed))
    drawn = torch.stack([world.as_video_data(world.draw(scenes)) for scenes in frames], dim=1)
    return _as_clip_set(vae, list(drawn), frames[0].prompts())


def drawn(vae: TAESD, frames: list[world.Scenes]) -> ClipSet:
    """Clips of the stills' quality, from one batch of scenes per frame."""
    pictures = torch.stack([world.draw(scenes) for scenes in frames], dim=1)
    return _as_clip_set(vae, list(pictures), frames[0].prompts())


def camera_moves(
    vae: TAESD, count: int, seed: int, augmentation: Augmentation, held_still: bool = False
) -> ClipSet:
    """Reference clips for a MotionLoRA: scenes that the camera moves over; held_still: also with
    the camera held still.

    But for what the camera does, they show what the videos do: shapes grow or shrink under a pan,
    and go somewhere under a zoom. Over still shapes a pan would teach that sizes stay and a zoom
    that places do, and either would take the other away where both are added.
    """
    generator = torch.Generator().manual_seed(seed)
    scenes = world.random_scenes(count, generator)
    drawn = torch.stack(
        [world.draw(one, size=WIDE) for one in _PATHS[augmentation](scenes, generator)], dim=1
    )
    data = _as_clip_set(vae, _filmed(drawn, augmentation), scenes.prompts())
    if held_still:
        data.still = _latents(vae, _filmed(drawn, augmentation, still=True))
    return data


def _filmed(
    clips: torch.Tensor, augmentation: Augmentation, still: bool = False
) -> list[torch.Tensor]:
    """[F, 3, H, W] each, of clips [N, F, 3, H, W]."""
    size = (world.SIZE, world.SIZE)
    return [
        augmented(clip.permute(0, 2, 3, 1), augmentation, *size, still).permute(0, 3, 1, 2)
        for clip in clips
    ]


ScenePath = Callable[[world.Scenes, torch.Generator], list[world.Scenes]]  # one batch per frame


def _growing(under_pan_along_x: bool) -> ScenePath:
    """Shapes that stay in their place, in view of a pan over them from end to end, and grow or
    shrink evenly, by up to 1.57 times."""

    def path(scenes: world.Scenes, generator: torch.Generator) -> list[world.Scenes]:
        along, across, growth = 2 * torch.rand(3, len(scenes), generator=generator) - 1
        along, across = 3 * along, 10 * across
        x, y = (along, across) if under_pan_along_x else (across, along)
        return [
            replace(
                scenes,
                x=CENTRE + x,
                y=CENTRE + y,
                radius=PAN_SIDE * scenes.radius * torch.exp(0.45 * time * growth),
            )
            for time in torch.linspace(-0.5, 0.5, world.FRAMES).tolist()
        ]

    return path


def _going(under_zoom_in: bool) -> ScenePath:
    """Shapes that, seen through the zoom, go straight from one place to another as in the
    videos."""

    def path(scenes: world.Scenes, generator: torch.Generator) -> list[world.Scenes]:
        radius = 0.75 * scenes.radius
        begin, end = world.far_apart(len(scenes), ZOOM * radius + 2, generator)
        frames = []
        for time in torch.linspace(0, 1, world.FRAMES).tolist():
            seen = begin + (end - begin) * time - CENTRE
            place = CENTRE + seen / ZOOM ** (time if under_zoom_in else 1 - time)
            frames.append(replace(scenes, x=place[:, 0], y=place[:, 1], radius=radius))
        return frames

    return path


_PATHS = {
    Augmentation.PAN_LEFT: _growing(under_pan_along_x=True),
    Augmentation.PAN_UP: _growing(under_pan_along_x=False),
    Augmentation.ZOOM_IN: _going(under_zoom_in=True),
    Augmentation.ZOOM_OUT: _going(under_zoom_in=False),
}
