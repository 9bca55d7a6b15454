"""From a file to a MotionLoRA."""

import json
import logging
import math
from pathlib import Path

import comfy.utils

from ..motion.errors import AnimateDiffError
from ..motion.load import read_file
from .chain import MotionLora
from .formats import EXPECTED_LORA, ScaleOf, official_scale, read_motion_lora

log = logging.getLogger("animatediff_native")

PEFT_CONFIG = "lora_adapter_metadata"  # of the safetensors files that diffusers saves


def load_motion_lora(path: str | Path) -> MotionLora:
    """Load a MotionLoRA file; AnimateDiffError for everything that is not one."""
    path = Path(path)
    loaded = read_file(path, EXPECTED_LORA)
    lora = MotionLora(path.name, read_motion_lora(loaded, path.name, _default_scale(path)))
    ranks = sorted({pair.rank for pair in lora.pairs.values()})
    log.info(
        "AnimateDiff: loaded MotionLoRA %s (%d weights, rank %s)",
        lora.file,
        len(lora.pairs),
        ", ".join(map(str, ranks)),
    )
    return lora


def _peft_config(path: Path) -> dict:
    """What PEFT recorded of the training; empty where it did not write the file."""
    header = json.loads(comfy.utils.safetensors_header(str(path)) or "{}")
    recorded = header.get("__metadata__", {}).get(PEFT_CONFIG, "{}")
    try:
        return dict(json.loads(recorded))
    except (ValueError, TypeError) as error:
        raise AnimateDiffError(
            f"'{path.name}' has a PEFT configuration that is no JSON object ({error}).",
            EXPECTED_LORA,
            "save the file again with diffusers, or download it again.",
        ) from error


def _default_scale(path: Path) -> ScaleOf:
    """The scale that a PEFT file records in its metadata; without one it is that of official
    files, which is also what diffusers assumes."""
    if path.suffix not in (".safetensors", ".sft"):
        return official_scale
    config = _peft_config(path)
    unet = {key.removeprefix("unet."): value for key, value in config.items()}
    if unet.get("alpha_pattern"):
        raise AnimateDiffError(
            f"'{path.name}' was saved with another alpha for some layers (alpha_pattern).",
            EXPECTED_LORA,
            "fuse the alphas into the weights where the file was trained, and save it again.",
        )
    alpha = unet.get("lora_alpha")
    if alpha is None:
        return official_scale
    root = unet.get("use_rslora", False)
    return lambda rank: alpha / (math.sqrt(rank) if root else rank)
