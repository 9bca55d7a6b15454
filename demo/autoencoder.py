"""The miniature world's autoencoder: TAESD's layout, which the host loads by itself."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from animatediff_native.motion.files import written_whole
from animatediff_native.training.settings import cosine
from comfy.taesd.taesd import TAESD
from safetensors.torch import save_file

from . import world
from .stage import Progress

LATENT_SCALE = 0.18215  # the host multiplies SD1.5 latents by this
CROP_STEPS, WHOLE_STEPS = 2800, 500  # many small steps first: a crop costs a quarter
CROP, CROP_BATCH, WHOLE_BATCH = 32, 8, 6
LEARNING_RATE = 2e-3
GUIDED_STEPS = 1200  # at first, three latents are drawn to the patch's mean colour
SHAPE_WEIGHT = 5.0  # of the shape's pixels beside the background's, which are many
REFINING_STEPS = 1100
REFINING_RATE = 1e-3
AROUND = 9  # pixels around the shape weigh as much as the shape while refining
SHAPE_CODES = (-2.7, -0.9, 0.9, 2.7)  # deviation 1 where a quarter of the cells show the shape
CODE_WEIGHT = 0.1
LATENT_NOISE = 0.08  # the decoder must bear what a sampler leaves
REFINING_NOISE = 0.4  # at most


def new(seed: int) -> TAESD:
    """Seeded weights; the host's layers come without any."""
    vae = TAESD(latent_channels=4)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in vae.named_parameters():
            if parameter.ndim == 4:
                fan_in = parameter[0].numel()
                gain = 0.3 if name.endswith("conv.4.weight") else 1.0  # end of a residual branch
                parameter.normal_(0, gain * (2 / fan_in) ** 0.5, generator=generator)
            elif parameter.ndim == 1:
                parameter.zero_()
    return vae


class Batch(NamedTuple):
    """N pictures with what is known of them."""

    images: torch.Tensor  # [N, 3, H, W]
    covered: torch.Tensor  # [N, 1, H, W], how much of every pixel the shape covers
    code: torch.Tensor  # [N], its entry of SHAPE_CODES


def pictures(count: int, generator: torch.Generator) -> Batch:
    """All that the world holds: every style, and frames of the video data."""
    scenes = world.random_scenes(count, generator)
    drawn = torch.stack([world.draw(scenes, style) for style in world.Style])
    kinds = torch.cat([drawn, world.as_video_data(drawn[0])[None]])
    share = torch.tensor([0.5, 0.125, 0.125, 0.25])
    kind = torch.multinomial(share, count, replacement=True, generator=generator)
    return Batch(
        kinds[kind, torch.arange(count)],
        world.silhouettes(scenes)[:, None],
        torch.tensor(SHAPE_CODES)[scenes.shape],
    )


def train(file: Path, seed: int) -> None:
    vae = new(seed).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    _optimise(vae, "autoencoder", CROP_STEPS + WHOLE_STEPS, LEARNING_RATE, seed + 1, _learn)
    _optimise(vae, "autoencoder, refining", REFINING_STEPS, REFINING_RATE, seed + 2, _refine)
    save(vae, file)


def _optimise(
    vae: TAESD,
    name: str,
    steps: int,
    rate: float,
    seed: int,
    loss_of: Callable[[TAESD, int, torch.Generator], torch.Tensor],
) -> None:
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(vae.parameters(), rate, betas=(0.9, 0.99))
    progress = Progress(name, steps)
    for step in range(steps):
        loss = loss_of(vae, step, generator)
        for group in optimizer.param_groups:
            group["lr"] = rate * cosine(step, steps, warm_up=50)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimizer.step()
        progress.step(loss.item())


def _learn(vae: TAESD, step: int, generator: torch.Generator) -> torch.Tensor:
    """Pictures, from many crops first; three latents begin as the mean colours."""
    cropped = step < CROP_STEPS
    images, covered, _ = pictures(CROP_BATCH if cropped else WHOLE_BATCH, generator)
    if cropped:
        images, covered = _crops(images, covered, generator)
    latents = vae.taesd_encoder(images)
    noise = LATENT_NOISE * torch.randn(latents.shape, generator=generator)
    mean_colours = 3 * (F.avg_pool2d(images, 8) - 0.5)
    guided = F.mse_loss(latents[:, :3], mean_colours)
    guide = max(0.0, 1 - step / GUIDED_STEPS)
    wrong = vae.taesd_decoder(latents + noise) - images
    return _error(wrong, covered) + 0.01 * _untidiness(latents) + guide * guided


def _refine(vae: TAESD, step: int, generator: torch.Generator) -> torch.Tensor:
    """Sharp shapes from inexact latents.

    The fourth latent says in every cell that the shape touches which shape it is. The decoder
    then knows it even from latents with noise, and a model has less to get right when it samples.
    """
    images, covered, code = pictures(WHOLE_BATCH, generator)
    latents = vae.taesd_encoder(images)
    strength = REFINING_NOISE * torch.rand((len(images), 1, 1, 1), generator=generator)
    noise = strength * torch.randn(latents.shape, generator=generator)
    coded = F.max_pool2d(covered, 8) * code[:, None, None, None]
    wrong = vae.taesd_decoder(latents + noise) - images
    around = F.max_pool2d(covered, AROUND, 1, AROUND // 2)
    return (
        _error(wrong, around)
        + 0.01 * _untidiness(latents)
        + CODE_WEIGHT * F.mse_loss(latents[:, 3:], coded)
    )


def _crops(
    images: torch.Tensor, covered: torch.Tensor, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    both = torch.cat([images, covered], dim=1)
    room = world.SIZE - CROP + 1
    places = torch.randint(room, (len(both), 2), generator=generator).tolist()
    crops = zip(both, places, strict=True)
    both = torch.stack([image[:, y : y + CROP, x : x + CROP] for image, (x, y) in crops])
    return both[:, :3], both[:, 3:]


def _error(wrong: torch.Tensor, shape: torch.Tensor) -> torch.Tensor:
    """Of pictures whose shapes' pixels weigh more."""
    weight = 1 + (SHAPE_WEIGHT - 1) * shape
    return (weight * (wrong.abs() + 4 * wrong**2)).mean()


def _untidiness(latents: torch.Tensor) -> torch.Tensor:
    """How far each channel is from mean 0 and deviation 1."""
    spread = latents.std(dim=(0, 2, 3)) - 1
    return (latents.mean(dim=(0, 2, 3)) ** 2 + spread**2).mean()


def save(vae: TAESD, file: Path) -> None:
    """fp16, with the scale by which the host's latents come out with a deviation of 1."""
    weights = {
        key: value.detach().half().contiguous()
        for key, value in vae.state_dict().items()
        if key.startswith("taesd_")
    }
    weights["vae_scale"] = torch.tensor(LATENT_SCALE)
    weights["vae_shift"] = torch.tensor(0.0)
    with written_whole(file) as beside:
        save_file(weights, beside)
