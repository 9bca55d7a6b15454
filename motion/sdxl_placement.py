"""SDXL's UNet as a place for motion modules.

The same places as in SD1.5's, in a UNet of one level less: after each attention, or ResBlock where
there is none, of `input_blocks` 1, 2, 4, 5, 7, 8 and `output_blocks` 0 to 8, before an upsampler
(hotshotco/Hotshot-XL `unet_blocks.py`; guoyww/AnimateDiff, branch sdxl, `unet_blocks.py`). The
refiner has other levels and widths and is another kind to the host, too.
"""

import comfy.supported_models

from .config import SDXL_LEVELS
from .unet_placement import UNetPlacement

SDXL_UNET = UNetPlacement(
    "an SDXL base checkpoint",
    comfy.supported_models.SDXL,
    SDXL_LEVELS,
    "hsxl_temporal_layers.f16.safetensors",
)
