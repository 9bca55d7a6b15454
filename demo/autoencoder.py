"""The miniature world's autoencoder: TAESD's layout, which the host loads by itself."""

from pathlib import Path

import torch
import torch.nn.functional as F
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
REFINING_CROP_STEPS, REFINING_WHOLE_STEPS = 1500, 150  # with the pixels around the shape as well
REFINING_RATE = 1e-3
AROUND = 9  # pixels
LATENT_NOISE = 0.08  # the decoder must bear what a sampler leaves


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


def pictures(count: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """All that the world holds, every style and frames of the video data: [N, 3, H, W]; and how
    much of every pixel a shape covers: [N, 1, H, W]."""
    scenes = world.random_scenes(count, generator)
    drawn = torch.stack([world.draw(scenes, style) for style in world.Style])
    kinds = torch.cat([drawn, world.as_video_data(drawn[0])[None]])
    share = torch.tensor([0.5, 0.125, 0.125, 0.25])
    kind = torch.multinomial(share, count, replacement=True, generator=generator)
    return kinds[kind, torch.arange(count)], world.silhouettes(scenes)[:, None]


def train(file: Path, seed: int) -> None:
    vae = new(seed).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    generator = torch.Generator().manual_seed(seed + 1)
    _run(vae, CROP_STEPS, WHOLE_STEPS, LEARNING_RATE, False, generator)
    # then sharper edges: what lies around a shape weighs as much as the shape
    generator = torch.Generator().manual_seed(seed + 2)
    _run(vae, REFINING_CROP_STEPS, REFINING_WHOLE_STEPS, REFINING_RATE, True, generator)
    save(vae, file)


def _run(vae: TAESD, crop_steps: int, whole_steps: int, rate: float, refining: bool, generator):
    optimizer = torch.optim.Adam(vae.parameters(), rate, betas=(0.9, 0.99))
    steps = crop_steps + whole_steps
    progress = Progress("autoencoder", steps)
    for step in range(steps):
        images, weight = _batch(step < crop_steps, refining, generator)
        guide = 0.0 if refining else max(0.0, 1 - step / GUIDED_STEPS)
        loss = _loss(vae, images, weight, guide, generator)
        for group in optimizer.param_groups:
            group["lr"] = rate * cosine(step, steps, warm_up=50)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimizer.step()
        progress.step(loss.item())


def _batch(
    cropped: bool, refining: bool, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures or crops of some, and the weight of their pixels."""
    images, covered = pictures(CROP_BATCH if cropped else WHOLE_BATCH, generator)
    if refining:
        covered = F.max_pool2d(covered, AROUND, 1, AROUND // 2)
    both = torch.cat([images, 1 + (SHAPE_WEIGHT - 1) * covered], dim=1)
    if cropped:
        room = world.SIZE - CROP + 1
        places = torch.randint(room, (len(both), 2), generator=generator).tolist()
        crops = zip(both, places, strict=True)
        both = torch.stack([image[:, y : y + CROP, x : x + CROP] for image, (x, y) in crops])
    return both[:, :3], both[:, 3:]


def _loss(
    vae: TAESD, images: torch.Tensor, weight: torch.Tensor, guide: float, generator
) -> torch.Tensor:
    latents = vae.taesd_encoder(images)
    mean_colours = 3 * (F.avg_pool2d(images, 8) - 0.5)
    noise = torch.randn(latents.shape, generator=generator)
    wrong = vae.taesd_decoder(latents + LATENT_NOISE * noise) - images
    spread = latents.std(dim=(0, 2, 3)) - 1
    tidy = (latents.mean(dim=(0, 2, 3)) ** 2 + spread**2).mean()
    guided = F.mse_loss(latents[:, :3], mean_colours)
    return (weight * (wrong.abs() + 4 * wrong**2)).mean() + 0.01 * tidy + guide * guided


def save(vae: TAESD, file: Path) -> None:
    """fp16, with the scale by which the host's latents come out with a deviation of 1."""
    weights = {
        key: value.detach().half().contiguous()
        for key, value in vae.state_dict().items()
        if key.startswith("taesd_")
    }
    weights["vae_scale"] = torch.tensor(LATENT_SCALE)
    weights["vae_shift"] = torch.tensor(0.0)
    save_file(weights, file)
