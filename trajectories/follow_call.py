"""One call of a UNet whose subjects follow paths: its attention replaced, for that call.

What other nodes have put into `patches_replace` of the call is asked first, and what following
adds is added to that. ControlNets get none of it: they run before.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from comfy.ldm.modules.attention import optimized_attention
from comfy.model_patcher import ModelPatcher

from ..lora.uncompiled import uncompiled
from ..motion.call_frames import frames_in_batch, windows_in
from ..motion.errors import AnimateDiffError, counted
from ..motion.frame_sharing import rows_shared
from .follow_boxes import View, labels
from .follow_cross import Edit, change, edit_of
from .follow_run import Follow, FollowRun
from .follow_spatial import Kinds, edited, factor_of, kinds_of

KEY = "animatediff_native_follow"
BLOCKS = {"input": "input_blocks", "middle": "middle_block", "output": "output_blocks"}
Replaced = Callable[[torch.Tensor, torch.Tensor, torch.Tensor, dict], torch.Tensor]
Place = tuple[str, int, int]  # a block's name and number, and which transformer in it


def attention_places(unet: Any) -> list[Place]:
    """Every transformer of a UNet with cross-attention, by the host's names."""
    places = []
    for name, attribute in BLOCKS.items():
        found = getattr(unet, attribute, None)
        blocks = () if found is None else [found] if name == "middle" else found
        for number, block in enumerate(blocks):
            for module in block.modules():
                depth = len(getattr(module, "transformer_blocks", ()))
                places += [(name, number, index) for index in range(depth)]
    return places


def require_cross_attention(model: ModelPatcher) -> None:
    if not attention_places(model.model.diffusion_model):  # type: ignore[union-attr]
        raise AnimateDiffError(
            f"this model, {type(model.model).__name__}, has no cross-attention that Follow "
            "Trajectory knows.",
            "an SD1.5 or SDXL model",
            "load an SD1.5 or SDXL checkpoint.",
        )


@dataclass(frozen=True)
class Rows:
    """Entries of a call's batch that are of one conditioning: their places in it, the frame of
    each, and which part of the picture they show."""

    places: list[int]
    frames: list[int]
    view: View
    positive: bool

    @property
    def key(self) -> Hashable:
        return tuple(self.frames), self.view


@contextmanager
def apply_model(
    run: FollowRun, follows: Sequence[Follow], model: Any, x: torch.Tensor, t: torch.Tensor,
    options: dict,
) -> Iterator[dict]:  # fmt: skip
    """The options of a call with these at work in it."""
    active = [each for each in follows if each.steps.contains(model.model_sampling, t)]
    cross = [each for each in active if each.changes_cross_attention]
    spatial = [each for each in active if each.spatial]
    if 0 not in (options.get("cond_or_uncond") or [0]):
        cross = []
    if not cross and not spatial:
        yield options
        return
    rows = _rows(run, x, options, only_positive=not spatial)
    call = FollowCall(run, rows, x.shape[0], _at_once(run, options))
    present = options.get("patches_replace", {})
    replaced = dict(present)
    places = attention_places(model.diffusion_model)
    for kind, which, wrapper in (
        ("attn2", cross, CrossAttention),
        ("attn1", spatial, SelfAttention),
    ):
        if which:
            there = present.get(kind, {})
            ours = {
                place: wrapper(call, which, there.get(place) or there.get(place[:2]))
                for place in places
            }
            replaced[kind] = {**there, **ours}
    with uncompiled():
        yield {**options, "patches_replace": replaced}


def _at_once(run: FollowRun, options: dict) -> int:
    return next((len(window) for window in windows_in(options)), run.frames)


def _rows(run: FollowRun, x: torch.Tensor, options: dict, only_positive: bool) -> list[Rows]:
    """Of the conditionings in the batch; the guider's first one is the positive."""
    conds = options.get("cond_or_uncond") or [0]
    uuids = options.get("uuids") or [None] * len(conds)
    frames = frames_in_batch(options, x.shape[0], run.batch, run.frames)
    each = sum(map(len, windows_in(options))) or run.batch
    if len(frames) != each * len(conds):
        raise AnimateDiffError(
            f"the model was given {counted(len(frames), 'frame')} at once for "
            f"{counted(len(conds), 'prompt')}, and Follow Trajectory does not know whose.",
            f"{counted(each, 'frame')} for every prompt",
            "take the node that splits or merges the model's batch off the model.",
        )
    return [
        Rows(
            list(range(number * each, (number + 1) * each)),
            frames[number * each : (number + 1) * each],
            run.view_of(uuids[number], (x.shape[-2], x.shape[-1])),
            cond == 0,
        )
        for number, cond in enumerate(conds)
        if cond == 0 or not only_positive
    ]


class FollowCall:
    """batch: entries of the call; at_once: frames of each clip or window in it."""

    def __init__(self, run: FollowRun, rows: Sequence[Rows], batch: int, at_once: int):
        self.run = run
        self.rows = rows
        self.batch = batch
        self.at_once = at_once
        self._kept: dict[Hashable, Any] = {}

    def _made(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What blocks of one size have in common."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    def rows_of(self, count: int) -> list[Rows]:
        """The same for attention that is given count entries: the batch, or a part of its frames
        where deep levels share frames."""
        if count == self.batch:
            return list(self.rows)
        shared = rows_shared(count, self.batch, self.at_once)
        if shared is None:
            raise AnimateDiffError(
                f"attention of the model was given {count} of {counted(self.batch, 'frame')}, and "
                "Follow Trajectory does not know which.",
                "attention that sees every frame by itself",
                "take the node that merges frames off the model.",
            )
        place = {entry: number for number, entry in enumerate(shared)}
        found = []
        for rows in self.rows:
            both = [(place[p], f) for p, f in zip(rows.places, rows.frames, strict=True)
                    if p in place]  # fmt: skip
            found.append(Rows([p for p, _ in both], [f for _, f in both], rows.view, rows.positive))
        return found

    def edit(self, follow: Follow, rows: Rows, size: tuple[int, int], length: int, device) -> Edit:
        """Of the rows' frames."""

        def make() -> Edit:
            path = follow.trajectory.at(rows.frames)
            edit = edit_of(path, follow.columns, size, follow.strength, follow.outside, rows.view)
            period = self.run.period(follow)
            if length > period and length % period == 0:
                edit = edit.repeated(length // period, period)
            return edit.to(device)

        return self._made((follow, rows.key, size, length, device), make)

    def kinds(self, follow: Follow, rows: Rows, size: tuple[int, int], device) -> list[Kinds]:
        """By row."""

        def make() -> list[Kinds]:
            found = labels(follow.trajectory.at(rows.frames), *size, rows.view)
            return [kinds_of(frame, factor_of(follow.spatial), device) for frame in found]

        return self._made((follow, rows.key, size, device), make)


class _Attention:
    """In `patches_replace` of a call. theirs: what is there besides us."""

    def __init__(self, call: FollowCall, follows: Sequence[Follow], theirs: Replaced | None):
        self.call = call
        self.follows = follows
        self.theirs = theirs

    def _before(self, q, k, v, extra: dict) -> torch.Tensor:
        """Theirs, or the host's; a tensor of our own."""
        if self.theirs is None:
            return _attend(q, k, v, extra)
        return self.theirs(q, k, v, extra).clone()


class CrossAttention(_Attention):
    def __call__(self, q, k, v, extra: dict) -> torch.Tensor:
        out = self._before(q, k, v, extra)
        size = _grid(extra, q.shape[1])
        for rows in self.call.rows_of(len(q)):
            if not rows.positive or not rows.places:
                continue
            which = _indices(rows.places)
            for follow in self.follows:
                edit = self.call.edit(follow, rows, size, k.shape[1], q.device)
                added = change(q[which], k[which], v[which], extra["n_heads"], edit)
                out[which] += added.to(out.dtype)
        return out


class SelfAttention(_Attention):
    """Several uses: what each changes is added. Other nodes' keys of other frames, which are no
    pixels of this one, leave nothing to change."""

    def __call__(self, q, k, v, extra: dict) -> torch.Tensor:
        out = self._before(q, k, v, extra)
        if k.shape[1] != q.shape[1]:
            return out
        size = _grid(extra, q.shape[1])
        for rows in self.call.rows_of(len(q)):
            for follow in self.follows:
                kinds = self.call.kinds(follow, rows, size, q.device)
                both = [(p, k) for p, k in zip(rows.places, kinds, strict=True) if not k.one]
                if both:
                    self._change(out, q, k, v, extra, *map(list, zip(*both, strict=True)))
        return out

    def _change(self, out, q, k, v, extra: dict, places: list[int], kinds: list[Kinds]) -> None:
        which = _indices(places)
        q, k, v = q[which], k[which], v[which]
        new = edited(q, k, v, kinds, lambda q, k, v: _attend(q, k, v, extra)).to(out.dtype)
        if self.theirs is None and len(self.follows) == 1:
            out[which] = new
        else:
            out[which] += new - _attend(q, k, v, extra).to(out.dtype)


def _indices(places: list[int]) -> slice | list[int]:
    """A slice where they are in a row, which copies nothing."""
    first, count = places[0], len(places)
    in_a_row = places == list(range(first, first + count))
    return slice(first, first + count) if in_a_row else places


def _grid(extra: dict, pixels: int) -> tuple[int, int]:
    height, width = extra["activations_shape"][-2:]
    if height * width != pixels:
        raise AnimateDiffError(
            f"attention of the model was given {pixels} of {width} x {height} places, and Follow "
            "Trajectory does not know which.",
            "attention that sees whole pictures",
            "take the node that merges tokens or splits the picture off the model.",
        )
    return height, width


TELLS_OPTIONS = any(
    parameter.kind is parameter.VAR_KEYWORD
    for parameter in inspect.signature(optimized_attention).parameters.values()
)  # hosts from 0.3.60 on


def _attend(q, k, v, extra: dict) -> torch.Tensor:
    """As the host's CrossAttention does."""
    more: dict[str, Any] = {"transformer_options": extra} if TELLS_OPTIONS else {}
    return optimized_attention(
        q, k, v, extra["n_heads"], attn_precision=extra.get("attn_precision"), **more
    )
