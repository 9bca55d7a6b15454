"""ControlNet hints along a clip: as many as there are frames, and those of a window.

The host hands a chain of control objects to every UNet call and fits their hints to it by
count alone: too many are cut to the first, too few are repeated, and twice the frames pass as
cond and uncond. Here the hints are chosen by frame, in copies; the user's objects stay as
they are. Those of another pack that choose by themselves are left to it; see foreign_control.py.
SparseCtrl has few pictures, whose number does not count: it keeps them all, and is told the clip.
"""

import copy
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any

import torch

from ..motion.errors import AnimateDiffError, counted
from ..motion.frame_strengths import along_clip
from .control_strength import NODE, FrameControlStrength

PER_DEVICE = ("cond_hints", "control_inputs")  # dictionaries of newer hosts
CLONES = "multigpu_clones"  # ComfyUI 0.33.0: by device, the same control for that device

Pick = Callable[[torch.Tensor], torch.Tensor]
OnCopy = Callable[[Any, Any], None]  # a control, and its copy


class HintCount(str, Enum):
    """What to do where a ControlNet has another number of hints than the clip has frames."""

    ERROR = "error"
    HOLD = "hold"
    LOOP = "loop"


Policy = HintCount | None  # as Context Windows has it; None: the model has no such node


def chooses_hints(control: Any) -> bool:
    """Whether a control chooses a window's hints itself. Those of Advanced-ControlNet do, and
    keep under this name what `ad_params` tells them: which frames are being sampled."""
    return hasattr(control, "sub_idxs")


def keeps_hints(control: Any) -> bool:
    """Whether a control has the whole clip's hints in every window and takes those of its frames
    by their numbers: our SparseCtrl, which is told of the clip under this name."""
    return hasattr(control, "fit_to_clip")


def fitted_control(
    control: Any, frames: int, policy: Policy, memo: dict[int, Any], clips: int = 1
) -> Any:
    """The chain with a hint for every frame of every clip, and a strength where that differs by
    frame; itself where it has that already."""
    fitting = (1, frames * clips)
    rows = [strength.rows for strength in _strengths_of(control)]
    for each in _chain(control):
        _require_no_sparse_ctrl(each)
    if not any(map(keeps_hints, _chain(control))) and all(
        tensor.shape[0] in fitting for tensor in (*_hints_of(control), *rows)
    ):
        return control
    return copied_control(
        control,
        lambda hints: _fitted(hints, frames, policy, clips),
        memo,
        on_copy=lambda _, copied: _told_of_clip(copied, frames, clips, memo),
        pick_strengths=lambda rows: _fitted_strengths(rows, frames, clips),
    )


def _told_of_clip(control: Any, frames: int, clips: int, memo: dict[int, Any]) -> None:
    if keeps_hints(control):
        control.fit_to_clip(frames, clips, memo)


def _require_no_sparse_ctrl(control: Any) -> None:
    """The host's own loader takes a SparseCtrl for scribbles, and drops its motion modules: what
    is left wants hints of four channels, of which the host knows nothing."""
    layers = getattr(getattr(control, "control_model", None), "input_hint_block", None)
    first = layers[0] if isinstance(layers, torch.nn.Sequential) and len(layers) else None
    if keeps_hints(control) or getattr(first, "in_channels", 3) != 4:
        return
    raise AnimateDiffError(
        "a ControlNet sees images of 4 channels: it is a SparseCtrl for scribbles, loaded as an "
        "ordinary ControlNet, without its motion modules.",
        "a SparseCtrl from Load SparseCtrl",
        "replace Load ControlNet Model by Load SparseCtrl, and put Sparse Frames between the "
        "images and Apply ControlNet.",
    )


def for_every_clip(tensor: torch.Tensor, frames: int, clips: int) -> torch.Tensor:
    """What has one entry for each of the frames of a clip, as often as there are clips."""
    if clips == 1 or tensor.ndim == 0 or tensor.shape[0] != frames:
        return tensor
    return tensor.repeat(clips, *[1] * (tensor.ndim - 1))


def copied_control(
    control: Any,
    pick: Pick,
    memo: dict[int, Any],
    on_copy: OnCopy | None = None,
    pick_strengths: Pick | None = None,
) -> Any:
    """A copy of the chain whose hints, and strengths by frame, went through `pick`, with nothing
    cached. pick_strengths: for the latter, where it is another.

    A shallow copy keeps what the host prepared for the run (timestep range, model sampling, the
    built model of a ControlLora), which the objects' own copy() drops. The clones that the host
    made for other devices, and what stands behind them, are copied likewise. memo: copies by
    id, so that conditionings which shared a control still do, and are batched by the host.
    """
    if control is None or chooses_hints(control):
        return control
    if id(control) not in memo:
        memo[id(control)] = copied = copy.copy(control)
        if not keeps_hints(control):
            copied.cond_hint_original = _picked(control.cond_hint_original, pick)
        copied.extra_concat_orig = [_picked(extra, pick) for extra in control.extra_concat_orig]
        if isinstance(control.strength, FrameControlStrength):
            rows = control.strength.rows
            copied.strength = FrameControlStrength((pick_strengths or pick)(rows))
        _forget_cached(copied)
        rest = control.previous_controlnet
        copied.previous_controlnet = copied_control(rest, pick, memo, on_copy, pick_strengths)
        if clones := _clones_of(control):
            copied.multigpu_clones = {
                device: copied_control(clone, pick, memo, on_copy, pick_strengths)
                for device, clone in clones.items()
            }
        if on_copy is not None:
            on_copy(control, copied)
    return memo[id(control)]


def _clones_of(control: Any) -> dict[torch.device, Any]:
    return getattr(control, CLONES, None) or {}


def _picked(value: Any, pick: Pick) -> Any:
    return pick(value) if isinstance(value, torch.Tensor) else value


def _forget_cached(control: Any) -> None:
    control.cond_hint = None
    control.extra_concat = None
    if hasattr(control, "control_input"):  # T2I-Adapters
        control.control_input = None
    for name in PER_DEVICE:
        if hasattr(control, name):
            setattr(control, name, {})


def _chain(control: Any) -> Iterator[Any]:
    while control is not None and not chooses_hints(control):
        yield control
        control = control.previous_controlnet


def _hints_of(control: Any) -> Iterator[torch.Tensor]:
    for each in _chain(control):
        for value in (each.cond_hint_original, *each.extra_concat_orig):
            if isinstance(value, torch.Tensor):
                yield value


def _strengths_of(control: Any) -> Iterator[FrameControlStrength]:
    for each in _chain(control):
        if isinstance(each.strength, FrameControlStrength):
            yield each.strength


def _fitted_strengths(rows: torch.Tensor, frames: int, clips: int) -> torch.Tensor:
    if rows.shape[0] not in (frames, frames * clips):
        along_clip(rows.tolist(), frames, NODE)  # says what is wrong
    return for_every_clip(rows, frames, clips)


def _wrong_count(count: int, frames: int, policy: HintCount | None) -> AnimateDiffError:
    there = "" if policy else "put Context Windows between the model and the sampler, and "
    return AnimateDiffError(
        f"a ControlNet has {counted(count, 'image')}, and the clip has {counted(frames, 'frame')}.",
        f"{counted(frames, 'image')}, or one for all frames",
        "give the ControlNet as many images as the clip has frames, or make the clip as long as "
        f"its images; or {there}set hint_count of Context Windows to 'hold' (the last image is "
        "repeated) or 'loop' (they begin again).",
    )


def _fitted(hints: torch.Tensor, frames: int, policy: Policy, clips: int) -> torch.Tensor:
    """hints: [n, C, H, W]; one hint is shared by all frames, as everywhere in the host."""
    count = hints.shape[0]
    if count in (1, frames * clips):
        return hints
    if count == frames:
        return for_every_clip(hints, frames, clips)
    if policy in (None, HintCount.ERROR):
        raise _wrong_count(count, frames, policy)
    if policy is HintCount.LOOP:
        chosen = [frame % count for frame in range(frames)]
    else:
        chosen = [min(frame, count - 1) for frame in range(frames)]
    return hints[chosen * clips]
