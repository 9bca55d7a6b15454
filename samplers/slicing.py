"""Conditioning along a clip: its length checked, and cut to a window by frame index.

GLIGEN has no frame axis in the host: its boxes hold for every frame and pass as they are.
"""

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID, uuid5

import torch
from comfy.conds import CONDConstant

from ..motion.errors import AnimateDiffError, counted
from .control_slicing import (
    OnCopy,
    Pick,
    Policy,
    copied_control,
    fitted_control,
    for_every_clip,
)
from .frame_window import FrameWindow

MASKS = (
    "give the prompt one mask, or as many as the clip has frames; where the masks come from "
    "Prompt Strength by Frame, make its frame_strengths as long as the clip."
)
Entry = dict[str, Any]  # one conditioning, in the form that the host samples with


def fitted_conds(
    conds: dict[str, list[Entry]], frames: int, policy: Policy, clips: int = 1
) -> dict[str, list[Entry]]:
    """The conditionings with a hint for every frame of every clip; AnimateDiffError where a
    length is wrong. What has one entry for each of the frames of a clip is for every clip."""
    memo: dict[int, Any] = {}
    for name, entries in conds.items():
        for entry in entries:
            _require_length(name, entry, frames, clips)
    return {
        name: [_fitted(entry, frames, policy, clips, memo) for entry in entries]
        for name, entries in conds.items()
    }


def _fitted(entry: Entry, frames: int, policy: Policy, clips: int, memo: dict) -> Entry:
    fitted = _mapped(entry, lambda tensor: for_every_clip(tensor, frames, clips))
    if "control" in entry:
        control = entry["control"]
        return {**fitted, "control": fitted_control(control, frames, policy, memo, clips)}
    return fitted


def sliced_conds(
    conds: Sequence[list[Entry] | None], window: FrameWindow, on_copy: OnCopy | None = None
) -> list[list[Entry] | None]:
    """The conditionings of a window; controls that were one object stay one object.

    on_copy: told of every control and its copy.
    """
    memo: dict[int, Any] = {}
    return [
        None if entries is None else [_sliced(entry, window, memo, on_copy) for entry in entries]
        for entries in conds
    ]


def _sliced(
    entry: Entry, window: FrameWindow, memo: dict[int, Any], on_copy: OnCopy | None
) -> Entry:
    sliced = _mapped(entry, window.pick)
    if "control" in entry:
        sliced["control"] = copied_control(entry["control"], window.pick, memo, on_copy)
    if "uuid" in entry:
        sliced["uuid"] = _id_in_window(entry["uuid"], window)
    return sliced


def _id_in_window(identity: Any, window: FrameWindow) -> Any:
    """A conditioning's own id for each window, the same in every step: the host's EasyCache
    keeps by it what the UNet added to these very frames."""
    if not isinstance(identity, UUID):
        return identity
    return uuid5(identity, ",".join(map(str, window.index_list)))


def _mapped(entry: Entry, pick: Pick) -> Entry:
    """The entry with `pick` done to every tensor of it."""
    mapped: Entry = {}
    for key, value in entry.items():
        if key == "model_conds":
            value = {name: _mapped_model_cond(cond, pick) for name, cond in value.items()}
        elif isinstance(value, torch.Tensor):
            value = pick(value)
        mapped[key] = value
    return mapped


def _mapped_model_cond(cond: Any, pick: Pick) -> Any:
    """One of the host's COND objects, whose tensors have the batch first."""
    if isinstance(cond, CONDConstant):
        return cond
    if isinstance(cond.cond, list):
        return cond._copy_with([pick(tensor) for tensor in cond.cond])
    return cond._copy_with(pick(cond.cond))


def _require_length(name: str, entry: Entry, frames: int, clips: int) -> None:
    for what, tensor in _frame_tensors(entry):
        if tensor.shape[0] not in (1, frames, frames * clips):
            raise _wrong_length(name, what, tensor.shape[0], frames)


def _wrong_length(name: str, what: str, count: int, frames: int) -> AnimateDiffError:
    """name: of the guider's input; what: the host's name of a part of the conditioning."""
    clip = counted(frames, "frame")
    if what == "mask":
        given = f"the {name} prompt has {counted(count, 'mask')}, and the clip has {clip}."
        return AnimateDiffError(given, f"{counted(frames, 'mask')}, or one for all frames", MASKS)
    part = "" if what == "c_crossattn" else f" (its '{what}')"
    return AnimateDiffError(
        f"the {name} prompt{part} is for {counted(count, 'frame')}, and the clip has {clip}.",
        f"a prompt for {clip}, or one for all frames",
        f"where the prompt comes from Prompt Schedule, set its frames to {frames}, or connect the "
        "latent that is sampled to its latent; another node for prompts by frame likewise.",
    )


def _frame_tensors(entry: Entry) -> Iterator[tuple[str, torch.Tensor]]:
    if "mask" in entry:
        yield "mask", entry["mask"]
    for name, cond in entry.get("model_conds", {}).items():
        if not isinstance(cond, CONDConstant):
            values = cond.cond if isinstance(cond.cond, list) else [cond.cond]
            yield from ((name, value) for value in values if isinstance(value, torch.Tensor))
