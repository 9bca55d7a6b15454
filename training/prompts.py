"""The prompts of the clips, from ComfyUI's CONDITIONING."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from ..motion.errors import AnimateDiffError, counted

Conditioning = Sequence[Sequence[Any]]  # entries: the embedding, [1, tokens, D], and its options

# What a conditioning can carry that decides where or when it applies, which training cannot follow.
BEYOND_THE_PROMPT = {
    "control": "a ControlNet",
    "gligen": "GLIGEN boxes",
    "area": "an area",
    "mask": "a mask",
    "hooks": "hooks",
    "start_percent": "a range of steps",
    "end_percent": "a range of steps",
}


class Prompts(NamedTuple):
    """contexts: [M, tokens, D]; no_prompt: [tokens, D], what stands for no prompt, if anything."""

    contexts: torch.Tensor
    no_prompt: torch.Tensor | None

    def of_clips(self, clips: int) -> torch.Tensor:
        """Which context each clip has, [clips]: all the only one, or each its own, in order."""
        count = len(self.contexts)
        if count == 1:
            return torch.zeros(clips, dtype=torch.long)
        if count != clips:
            raise AnimateDiffError(
                f"positive holds {counted(count, 'prompt')}, for {counted(clips, 'clip')}.",
                "one prompt for all clips, or one for each",
                "combine as many prompts as there are clips, in the clips' order, by Conditioning "
                "(Combine), or connect a single one.",
            )
        return torch.arange(clips)


def read_prompts(positive: Conditioning, negative: Conditioning | None, width: int) -> Prompts:
    """width: the numbers per token that the model takes (D)."""
    contexts = [_context(entry, "positive", width) for entry in positive]
    if not contexts:
        raise AnimateDiffError("positive holds no prompt.", "a prompt", "connect CLIP Text Encode.")
    if not negative:
        return Prompts(_of_one_length(contexts), None)
    if len(negative) > 1:
        raise AnimateDiffError(
            f"negative holds {counted(len(negative), 'prompt')}.",
            "one, which stands for no prompt in every clip",
            "connect a single CLIP Text Encode; for training its text is best left empty.",
        )
    together = _of_one_length([*contexts, _context(negative[0], "negative", width)])
    return Prompts(together[:-1], together[-1])


def _context(entry: Sequence[Any], name: str, width: int) -> torch.Tensor:
    """[tokens, D] of one prompt."""
    context, options = entry
    extra = [what for key, what in BEYOND_THE_PROMPT.items() if options.get(key) is not None]
    if extra:
        raise AnimateDiffError(
            f"{name} comes with {extra[0]}, which training cannot take into account.",
            "prompts and nothing else",
            "connect CLIP Text Encode directly.",
        )
    if context.shape[0] != 1:
        raise AnimateDiffError(
            f"{name} holds a prompt that differs by frame, as Prompt Schedule makes it.",
            "a prompt that is the same for all frames of a clip",
            "connect CLIP Text Encode; for a prompt per clip combine several with Conditioning "
            "(Combine).",
        )
    if context.shape[2] != width:
        raise AnimateDiffError(
            f"{name} was encoded for another kind of model: it has {context.shape[2]} numbers per "
            f"token, and this model takes {width}.",
            "a prompt that the checkpoint's own text encoder encoded",
            "connect the CLIP of the same Load Checkpoint to CLIP Text Encode.",
        )
    return context[0].float().cpu()


def _of_one_length(contexts: list[torch.Tensor]) -> torch.Tensor:
    """[M, tokens, D]. Repeating all tokens of a prompt does not change attention to it, which is
    what ComfyUI does with prompts of different lengths."""
    tokens = math.lcm(*(context.shape[0] for context in contexts))
    return torch.stack([context.repeat(tokens // len(context), 1) for context in contexts])
