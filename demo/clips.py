"""The miniature world's video data, as latents with prompts."""

from dataclasses import replace

import torch
from animatediff_native.training.augment import Augmentation, augmented
from animatediff_native.training.clip_set import ClipSet
from comfy.taesd.taesd import TAESD

from . import text, world
from .stills import encode, prompt_set

WIDE = 96  # pixels of the pictures that camera motion is cut from


def _as_clip_set(vae: TAESD, clips: list[torch.Tensor], prompts: list[str]) -> ClipSet:
    """clips: [F, 3, H, W] each."""
    latents = torch.stack([encode(vae, clip) for clip in clips])
    contexts, prompt_of = prompt_set(prompts)
    return ClipSet(latents, contexts, prompt_of, text.embed(""))


def videos(vae: TAESD, count: int, seed: int) -> ClipSet:
    """Moving shapes as the video data has them: washed out, blurred, with a watermark."""
    frames = world.random_clips(count, torch.Generator().manual_seed(seed))
    drawn = torch.stack([world.as_video_data(world.draw(scenes)) for scenes in frames], dim=1)
    return _as_clip_set(vae, list(drawn), frames[0].prompts())


def camera_moves(
    vae: TAESD, count: int, seed: int, augmentation: Augmentation, moving: bool = False
) -> ClipSet:
    """Reference clips for a MotionLoRA: scenes that the camera moves over.

    moving: the shapes go somewhere besides. A zoom over still shapes teaches that shapes stay, and
    takes the pan away from another MotionLoRA that is added to it.
    """
    generator = torch.Generator().manual_seed(seed)
    scenes = _around_the_centre(count, generator)
    path = _through_the_centre(scenes, generator) if moving else [scenes]
    drawn = torch.stack([world.draw(one, size=WIDE) for one in path], dim=1)
    drawn = drawn.expand(-1, world.FRAMES, -1, -1, -1)
    clips = [
        augmented(clip.permute(0, 2, 3, 1), augmentation, world.SIZE, world.SIZE) for clip in drawn
    ]
    return _as_clip_set(vae, [clip.permute(0, 3, 1, 2) for clip in clips], scenes.prompts())


def _around_the_centre(count: int, generator: torch.Generator) -> world.Scenes:
    """Scenes whose shape stays in view, and of its usual size, wherever the camera goes."""
    scenes = world.random_scenes(count, generator)
    offset = torch.rand(2, count, generator=generator) * 12 - 6
    centre = world.SIZE / 2
    return replace(scenes, x=centre + offset[0], y=centre + offset[1], radius=0.75 * scenes.radius)


def _through_the_centre(scenes: world.Scenes, generator: torch.Generator) -> list[world.Scenes]:
    """One batch per frame: every shape goes straight through its place, 12 to 22 pixels far."""
    angle, distance = torch.rand(2, len(scenes), generator=generator)
    angle, distance = 2 * torch.pi * angle, 12 + 10 * distance
    return [
        replace(
            scenes,
            x=scenes.x + along * distance * angle.cos(),
            y=scenes.y + along * distance * angle.sin(),
        )
        for along in torch.linspace(-0.5, 0.5, world.FRAMES).tolist()
    ]
