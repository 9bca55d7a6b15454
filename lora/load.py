"""From a file to a MotionLoRA."""

import json
import logging
import math
import sys
from pathlib import Path

import comfy.utils

from ..motion.errors import AnimateDiffError
from ..motion.keyed_text import shortened
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
        config = json.loads(recorded)
    except (ValueError, RecursionError) as error:
        raise _wrong_config(path, f"that is no JSON object ({error})") from error
    if not isinstance(config, dict):
        raise _wrong_config(path, f"that is no JSON object but {_shown(config)}")
    return config


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
    if "lora_alpha" not in unet:
        return official_scale
    alpha, root = unet["lora_alpha"], unet.get("use_rslora", False)
    if not _is_above_0(alpha):
        raise _wrong_config(path, f"whose lora_alpha is {_shown(alpha)}, not a number above 0")
    if not isinstance(root, bool):
        raise _wrong_config(path, f"whose use_rslora is {_shown(root)}, neither true nor false")
    return lambda rank: float(alpha) / (math.sqrt(rank) if root else rank)


def _is_above_0(value: object) -> bool:
    """Of what JSON can hold; true is no number, and an integer may be too large for one."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return 0 < value <= sys.float_info.max


def _shown(value: object) -> str:
    return shortened(json.dumps(value), 40)


def _wrong_config(path: Path, what: str) -> AnimateDiffError:
    return AnimateDiffError(
        f"'{path.name}' has a PEFT configuration {what}.",
        EXPECTED_LORA,
        "save the file again with diffusers, or download it again.",
    )
