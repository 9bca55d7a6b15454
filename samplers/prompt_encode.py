"""A schedule's prompts through the text encoder, as a conditioning with one entry per frame."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import torch
from comfy.model_management import throw_exception_if_processing_interrupted
from comfy.utils import ProgressBar

from ..motion.clip_part import ClipPart
from ..motion.errors import AnimateDiffError
from .prompt_frames import between_zeros, compounded, per_frame, same_length
from .prompt_schedule import Blend, Interpolation, PromptKey, blends
from .prompt_text import Prompt

Conditioning = list[list[Any]]  # of a tensor and its settings; one, or one per keyframe of hooks
Mix = Callable[[Sequence[torch.Tensor], Sequence[Blend]], torch.Tensor]


def encoder(clip: Any) -> Callable[[str], Conditioning]:
    """Encodes as CLIP Text Encode does, hooks and clip skip included, and each text once."""
    if clip is None:
        raise AnimateDiffError(
            "the checkpoint came without a text encoder.",
            "a CLIP model",
            "use a full checkpoint, or load its text encoder with Load CLIP.",
        )

    @cache
    def encode(text: str) -> Conditioning:
        throw_exception_if_processing_interrupted()
        return clip.encode_from_tokens_scheduled(clip.tokenize(text))

    return encode


def conditioning(
    encode: Callable[[str], Conditioning],
    keys: list[PromptKey],
    prompts: Sequence[Prompt],
    part: ClipPart,
    how: Interpolation,
) -> Conditioning:
    """One entry per frame of the part. prompts: by key."""
    between = blends(keys, part.frames, how, part.first)
    begin = part.first
    if how.compounds:  # a part goes on from the frames before it
        begin = max(0, min(begin, keys[between[0].before].frame))
        between = blends(keys, part.first + part.frames - begin, how, begin)
    texts, between = _by_text(keys, prompts, between, begin, part.whole - 1)
    progress = ProgressBar(len(texts))
    encoded = []
    for text in texts:
        encoded.append(encode(text))
        progress.update(1)
    return _mixed(encoded, lambda: encode(""), between, part.frames, how)


def constant(
    encode: Callable[[str], Conditioning], prompts: Sequence[Prompt]
) -> Conditioning | None:
    """As CLIP Text Encode gives it, where one text is for all frames; None where there are more."""
    alike = {prompt.pieces for prompt in prompts}
    if len(alike) > 1 or prompts[0].varies:
        return None
    return [[tensor, dict(settings)] for tensor, settings in encode(prompts[0].at(0, 0))]


def _by_text(
    keys: list[PromptKey], prompts: Sequence[Prompt], between: list[Blend], begin: int, last: int
) -> tuple[list[str], list[Blend]]:
    """The texts that there are, and the blends with their numbers in place of the keys'. The keys'
    own texts are first: how long the longest is must not depend on the part of a clip."""
    numbers: dict[str, int] = {}

    def number(key: int, frame: int) -> int:
        return numbers.setdefault(prompts[key].at(frame, last), len(numbers))

    for place, key in enumerate(keys):
        number(place, min(key.frame, last))
    found = []
    for frame, (before, after, share) in enumerate(between, start=begin):
        old = number(before, frame)
        found.append(Blend(old, number(after, frame) if share else old, share))
    return list(numbers), found


def _mixed(
    encoded: list[Conditioning],
    empty: Callable[[], Conditioning],
    between: list[Blend],
    frames: int,
    how: Interpolation,
) -> Conditioning:
    """Entry by entry: a text encoder with hooks gives one for each of their keyframes."""
    if len({len(entries) for entries in encoded}) > 1:
        counts = " and ".join(map(str, sorted({len(entries) for entries in encoded})))
        raise AnimateDiffError(
            f"the text encoder gave {counts} encodings for different prompts.",
            "as many for every prompt",
            "use one CLIP Text Encode per prompt, or a text encoder without that node's hooks.",
        )
    found = []
    for number in range(len(encoded[0])):
        tensors = [entries[number][0] for entries in encoded]
        settings = [entries[number][1] for entries in encoded]
        if how.compounds:
            slerp = how is Interpolation.COMPOUND_SLERP
            mixed = compounded(between_zeros(tensors), between, frames, slerp)
            reached = [Blend(b.after if b.share else b.before, b.after, 0.0) for b in between]
            taken = reached[-frames:]
        else:
            tensors = same_length(tensors, lambda number=number: empty()[number][0])
            mixed, taken = per_frame(tensors, between), between
        found.append([mixed, _settings(settings, taken)])
    return found


def _settings(settings: list[dict[str, Any]], between: list[Blend]) -> dict[str, Any]:
    """What goes with an entry: the pooled outputs by frame, and what all prompts have alike."""
    found = dict(settings[0])
    for name, value in settings[0].items():
        values = [each.get(name) for each in settings]
        alike = not isinstance(value, torch.Tensor) or all(_same(value, v) for v in values)
        if value is None or (alike and name != "pooled_output"):
            continue
        if any(not isinstance(v, torch.Tensor) or v.shape != value.shape for v in values):
            raise AnimateDiffError(
                f"the text encoder gave different prompts different kinds of '{name}'.",
                "the same kind for every prompt",
                "use the text encoder of the checkpoint.",
            )
        found[name] = per_frame(values, between)  # type: ignore[arg-type]
    return found


def _same(one: torch.Tensor, other: Any) -> bool:
    return isinstance(other, torch.Tensor) and torch.equal(one, other)
