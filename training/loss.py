"""The training losses."""

import torch
import torch.nn.functional as F


def noise_loss(
    predicted: torch.Tensor, noise: torch.Tensor, weights: torch.Tensor | None = None
) -> torch.Tensor:
    """Mean squared error of the noise (Ho et al. 2020, equation 14; AnimateDiff, equation 5).

    predicted, noise: [clips, frames, C, h, w]; weights: [clips], how much each clip counts.
    """
    if weights is None:
        return F.mse_loss(predicted.float(), noise.float())
    errors = F.mse_loss(predicted.float(), noise.float(), reduction="none")
    return (errors.flatten(1).mean(1) * weights.to(errors.device)).mean()


def debiased(noise: torch.Tensor, anchor: torch.Tensor, beta: float = 1.0) -> torch.Tensor:
    """phi(x_i) = sqrt(beta^2 + 1) x_i - beta x_anchor, which takes out what the frames share
    (Zhao et al., "MotionDirector", 2023, equations 5 and 6).

    noise: [clips, frames, C, h, w]; anchor: [clips], the frame to take as anchor.
    """
    anchors = noise[torch.arange(len(noise), device=noise.device), anchor.to(noise.device)]
    return (beta**2 + 1) ** 0.5 * noise - beta * anchors[:, None]


def debiased_noise_loss(
    predicted: torch.Tensor,
    noise: torch.Tensor,
    anchor: torch.Tensor,
    weights: torch.Tensor | None = None,
) -> torch.Tensor:
    """The noise loss plus the same of what is left without the appearance (equation 7)."""
    apart = debiased(predicted.float(), anchor), debiased(noise.float(), anchor)
    return noise_loss(predicted, noise, weights) + noise_loss(*apart, weights)
