"""What a training step asks for: noise, in which the camera's motion may be hidden, and the losses.

At the last timestep of Stable Diffusion's schedule 7 % of the clip are still in the noisy latents
(Lin et al., "Common Diffusion Noise Schedules and Sample Steps are Flawed", 2024, section 3.1).
Over all frames that is enough to see where the camera goes, so a training learns little about where
it should go; and sampling begins with noise alone, where it has to be known. A clip whose motion is
hidden shows, beneath its noise, the same clip with the camera held still: all that the clip does by
itself can be seen and is left alone, and only the camera's motion has to be known by heart.
"""

import torch
import torch.nn.functional as F

STRONG = 0.4  # of the timesteps; in weaker noise a motion that cannot be seen is hardly believable


def strong_noise(
    timesteps: int, least: int, count: int, generator: torch.Generator
) -> torch.Tensor:
    """[count] timesteps for clips whose motion is hidden, all of the strong ones from `least` on
    alike."""
    first = max(least, int(STRONG * timesteps))
    return torch.randint(first, timesteps, (count,), generator=generator)


def hide_motion(
    noise: torch.Tensor,
    latents: torch.Tensor,
    still: torch.Tensor,
    sigma: torch.Tensor,
    hidden: torch.Tensor,
) -> torch.Tensor:
    """Noise with which the noisy latents are those of the still clip with the noise given; a
    prediction of it is still one of the moving clip.

    eps' = eps - (x0 - y0) / sigma, so that x0 + sigma eps' = y0 + sigma eps.

    noise, latents, still, result: [clips, frames, C, h, w]; sigma: [clips], the noise's deviation
    over the signal's; hidden: [clips], bool; the noise of the others stays as it is, to the bit.
    """
    motion = latents.to(noise) - still.to(noise)
    without = noise - motion / sigma.to(noise).view(-1, 1, 1, 1, 1)
    return torch.where(hidden.view(-1, 1, 1, 1, 1), without, noise)


def noise_loss(predicted: torch.Tensor, noise: torch.Tensor) -> torch.Tensor:
    """Mean squared error of the noise (Ho et al. 2020, equation 14; AnimateDiff, equation 5).

    predicted, noise: [clips, frames, C, h, w].
    """
    return F.mse_loss(predicted.float(), noise.float())


def debiased(noise: torch.Tensor, anchor: torch.Tensor, beta: float = 1.0) -> torch.Tensor:
    """phi(x_i) = sqrt(beta^2 + 1) x_i - beta x_anchor, which takes out what the frames share
    (Zhao et al., "MotionDirector", 2023, equations 5 and 6).

    noise: [clips, frames, C, h, w]; anchor: [clips], the frame to take as anchor.
    """
    anchors = noise[torch.arange(len(noise), device=noise.device), anchor.to(noise.device)]
    return (beta**2 + 1) ** 0.5 * noise - beta * anchors[:, None]


def debiased_noise_loss(
    predicted: torch.Tensor, noise: torch.Tensor, anchor: torch.Tensor
) -> torch.Tensor:
    """The noise loss plus the same of what is left without the appearance (equation 7)."""
    apart = debiased(predicted.float(), anchor), debiased(noise.float(), anchor)
    return noise_loss(predicted, noise) + noise_loss(*apart)
