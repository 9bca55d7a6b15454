"""Which pairs of a MotionLoRA a motion module has the weights for."""

import logging
from collections.abc import Mapping

from ..motion.config import MotionConfig
from ..motion.detect import expected_shapes
from ..motion.errors import AnimateDiffError
from .chain import MotionLora
from .pairs import LowRank

log = logging.getLogger("animatediff_native")


def fitting_pairs(lora: MotionLora, config: MotionConfig, module: str) -> Mapping[str, LowRank]:
    """The pairs that apply; a warning says how many tensors are left over.

    A MotionLoRA of v2 on a module without a mid block leaves its mid-block keys unused.
    Raises AnimateDiffError where nothing fits, or a weight has another shape.
    """
    shapes = expected_shapes(config)
    fitting = {key: pair for key, pair in lora.pairs.items() if key in shapes}
    for key, pair in fitting.items():
        if pair.shape != shapes[key]:
            raise _no_fit(
                lora, module, f"{key} is {list(shapes[key])}, the LoRA's {list(pair.shape)}"
            )
    if not fitting:
        raise _no_fit(lora, module, f"the module has none of its {2 * len(lora.pairs)} weights")
    unused = len(lora.pairs) - len(fitting)
    if unused:
        log.warning(
            "AnimateDiff: %d of the %d weights of %s are not used: %s has no such place%s.",
            2 * unused,
            2 * len(lora.pairs),
            lora.file,
            module,
            "" if config.mid_block else " (it has no mid block)",
        )
    return fitting


def _no_fit(lora: MotionLora, module: str, what: str) -> AnimateDiffError:
    return AnimateDiffError(
        f"'{lora.file}' does not fit '{module}': {what}.",
        "a MotionLoRA that was made for a motion module of this structure",
        "choose two that were made for each other in Load MotionLoRA and Load Motion Module; the "
        "MotionLoRAs of AnimateDiff's authors are for mm_sd_v15_v2.ckpt.",
    )
