"""How much a prompt counts in each frame where several are combined.

The host's prediction for a list of conditionings is their mean, weighted by their masks:
sum(w_i pred_i) / sum(w_i). A mask with one entry per frame is a weight by frame.
"""

from collections.abc import Sequence
from typing import Any

import torch

from ..motion.errors import AnimateDiffError, counted

# In place of 0: nothing beside any other weight (1 + 1e-20 is 1), and still a mean where all
# prompts of a frame have none, which otherwise would get no prediction at all.
NEXT_TO_NOTHING = 1e-20


def with_prompt_strengths(conditioning: list[list[Any]], values: Sequence[float]) -> list:
    """The conditioning with these weights, one per frame or one for all, 0 or more."""
    if min(values) < 0:
        raise AnimateDiffError(
            f"frame_strengths holds {min(values):g}, and the weight of a prompt cannot be less "
            "than 0.",
            "numbers of 0 or more",
            "correct the list; what is not wanted in the picture belongs into the negative prompt.",
        )
    if all(value == 1 for value in values):
        return conditioning
    weights = torch.tensor(values, dtype=torch.float32).clamp(min=NEXT_TO_NOTHING)
    return [[embedding, _weighted(settings, weights)] for embedding, settings in conditioning]


def _weighted(settings: dict[str, Any], weights: torch.Tensor) -> dict[str, Any]:
    """With the mask that is there times weights [F]; alone they are a mask of one pixel, which
    the host scales up."""
    mask = settings.get("mask")
    if mask is None:
        return {**settings, "mask": weights[:, None, None], "set_area_to_bounds": False}
    mask = mask if mask.ndim > 2 else mask[None]
    if 1 not in (len(mask), len(weights)) and len(mask) != len(weights):
        raise AnimateDiffError(
            f"frame_strengths has {counted(len(weights), 'value')}, and the prompt has "
            f"{counted(len(mask), 'mask')}.",
            "as many as the clip has frames, or one for all",
            "make the list as long as the clip, and give the prompt one mask or as many.",
        )
    return {**settings, "mask": mask * weights.to(mask)[:, None, None]}
