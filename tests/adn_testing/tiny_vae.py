"""The host's smallest VAE, a TAESD, with seeded random weights."""

import comfy.sd
import torch
from comfy.taesd.taesd import TAESD

from tools.standin_checkpoint import random_state_dict


def vae(seed: int = 0) -> comfy.sd.VAE:
    """As the host makes it of a file."""
    with torch.device("meta"):
        taesd = TAESD(latent_channels=4)
    weights = random_state_dict(taesd, torch.Generator().manual_seed(seed))
    return comfy.sd.VAE(sd={**weights, "vae_scale": torch.ones(()), "vae_shift": torch.zeros(())})
