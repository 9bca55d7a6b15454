"""Where a motion module goes in ComfyUI's SD1.5 UNet, and whether it fits there.

AnimateDiff puts a temporal block after each attention (or ResBlock, where there is no
attention) of the down and up blocks, before a trailing upsampler, and in v2 after the mid
block's attention. ComfyUI keeps the same layers in `input_blocks`, `middle_block` and
`output_blocks`: see guoyww/AnimateDiff `unet_blocks.py` and comfy's `openaimodel.py`.
"""

import comfy.supported_models
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel, Upsample
from torch import nn

from .config import MotionConfig, Site
from .errors import AnimateDiffError


def sequential_at(unet: nn.Module, site: Site) -> nn.Sequential:
    """The UNet's sequential that a site belongs to."""
    if site.block == "mid":
        return unet.middle_block  # type: ignore[return-value]
    if site.block == "down":  # block 0 is conv_in, every third one a downsampler
        return unet.input_blocks[1 + 3 * site.level + site.index]  # type: ignore[index]
    return unet.output_blocks[3 * site.level + site.index]  # type: ignore[index]


def modules_behind(sequential: nn.Sequential, site: Site) -> int:
    """How many of the sequential's last modules run after the temporal block."""
    last = next(reversed(sequential._modules.values()))
    return 1 if site.block == "mid" or isinstance(last, Upsample) else 0


def require_sd15(model) -> None:
    """Raise AnimateDiffError unless the patched model is an SD1.5 UNet."""
    config = getattr(model.model, "model_config", None)
    unet = getattr(model.model, "diffusion_model", None)
    if isinstance(config, comfy.supported_models.SD15) and isinstance(unet, UNetModel):
        return
    kind = type(config).__name__ if config is not None else type(model.model).__name__
    raise AnimateDiffError(
        f"the model is of the kind {kind}.",
        "an SD1.5 checkpoint (motion modules for SD1.5 fit no other model)",
        "load an SD1.5 checkpoint before Apply Motion Module.",
    )


def require_fit(unet: nn.Module, config: MotionConfig, file: str) -> None:
    """Raise AnimateDiffError unless every site exists in the UNet with the file's channels."""
    for site, channels in config.channels.items():
        try:
            resblock = sequential_at(unet, site)[0]
        except (IndexError, TypeError) as error:
            raise _no_fit(file, f"the UNet has no place for {site.key}") from error
        found = getattr(resblock, "out_channels", None)
        if found != channels:
            raise _no_fit(file, f"{site.key} has {channels} channels where the UNet has {found}")


def _no_fit(file: str, what: str) -> AnimateDiffError:
    return AnimateDiffError(
        f"'{file}' does not fit this model: {what}.",
        "a motion module and a checkpoint of the same architecture",
        "use a full SD1.5 checkpoint and an SD1.5 motion module; one of the two has other shapes.",
    )
