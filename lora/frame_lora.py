"""An ordinary LoRA on the UNet whose strength differs by frame.

For the length of one model call its layers have forward hooks, which add to a layer's output what
the LoRA adds, with the strength of the frame that each row of the batch is.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import comfy.sd
import torch
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from torch import nn

from ..motion.application import frames_of
from ..motion.apply import reach_second_models
from ..motion.call_frames import frames_in_batch, windows_in
from ..motion.errors import AnimateDiffError, counted
from ..motion.frame_sharing import rows_shared
from ..motion.frame_strengths import along_clip
from ..motion.run import in_options, require_alike
from .layer_update import LayerUpdate
from .spatial import LayerLora, SpatialLora, by_layer, full_diff
from .uncompiled import uncompiled

KEY = "animatediff_native_frame_lora"


@dataclass(frozen=True, eq=False)
class FrameLora:
    """strengths: one per frame of a clip; layers: by their path in the model, none where the host
    has merged the LoRA because all strengths are one."""

    file: str
    strengths: tuple[float, ...]
    layers: Mapping[str, LayerLora] = field(default_factory=dict)


def with_frame_lora(
    model: ModelPatcher, lora: SpatialLora, strengths: Sequence[float]
) -> ModelPatcher:
    """A clone of the model with the LoRA at these strengths, one per frame or one for all."""
    layers = {}
    if len(set(strengths)) > 1:
        patched, layers = model.clone(), by_layer(lora, model)
    elif strengths[0] == 0:
        patched = model.clone()
    else:
        merged = comfy.sd.load_lora_for_models(model, None, lora.tensors, strengths[0], 0.0)
        patched: ModelPatcher = merged[0]  # type: ignore[assignment,no-redef]
    if len(strengths) > 1:
        present = frame_loras(model)
        added = FrameLora(lora.file, tuple(strengths), layers)
        patched.set_attachments(KEY, (*present, added))
        if not present:
            patched.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, KEY, _outer_sample)
            patched.add_wrapper_with_key(WrappersMP.APPLY_MODEL, KEY, _apply_model)
            reach_second_models(patched, KEY, _apply_model)
    return patched


def frame_loras(model: ModelPatcher | None) -> tuple[FrameLora, ...]:
    return () if model is None else model.get_attachment(KEY) or ()


class FrameLoraRun:
    """What one sampling run keeps; batch: its latents."""

    def __init__(self, batch: int):
        self.batch = batch
        self._lock = threading.Lock()
        self._updates: dict[tuple, LayerUpdate] = {}

    def strengths(self, model: ModelPatcher) -> torch.Tensor:
        """[frames of a clip, LoRAs]; AnimateDiffError for a list of another length."""
        frames = frames_of(model, self.batch)
        columns = [
            along_clip(lora.strengths, frames, "LoRA by Frame") for lora in frame_loras(model)
        ]
        return torch.tensor(columns).t()

    def update(
        self, loras: tuple[FrameLora, ...], path: str, layer: Any, x: torch.Tensor
    ) -> LayerUpdate:
        """What they add to a layer, brought to the place and dtype of its input once a run."""
        key = (loras, path, x.device, x.dtype)
        with self._lock:
            if key not in self._updates:
                self._updates[key] = _update(loras, path, layer, x)
            return self._updates[key]

    def end(self) -> None:
        """Nothing is kept any longer, whoever holds a copy of the options."""
        self._updates.clear()

    def __deepcopy__(self, memo: dict) -> FrameLoraRun:
        """Itself: it hangs in the model's options, which other nodes may copy in a run."""
        return self


def _update(loras: tuple[FrameLora, ...], path: str, layer: Any, x: torch.Tensor) -> LayerUpdate:
    low_rank, full = [], []
    for index, lora in enumerate(loras):
        part = lora.layers.get(path, LayerLora())
        if part.low_rank is not None:
            low_rank.append((index, part.low_rank))
        if part.patches:
            full.append((index, full_diff(part.patches, layer, path, lora.file)))
    return LayerUpdate(low_rank, full, x)


def _outer_sample(executor, noise, *args, **kwargs):
    """Host wrapper around one sampling run: refuse what cannot work, and keep nothing behind it."""
    guider = executor.class_obj
    require_alike(guider, frame_loras, "has this LoRA by frame", "LoRA by Frame")
    run = FrameLoraRun(noise.shape[0])
    run.strengths(guider.model_patcher)
    with in_options(guider, KEY, run):
        return executor(noise, *args, **kwargs)


def _apply_model(executor, x, t, c_concat=None, c_crossattn=None, control=None,
                 transformer_options=None, *args, **kwargs):  # fmt: skip
    """Host wrapper around one UNet call: hooks in, forward, hooks out."""
    options = {} if transformer_options is None else transformer_options
    model = executor.class_obj
    with ExitStack() as scope:
        call = _call(model.current_patcher, x, options)
        if call is not None:
            scope.enter_context(uncompiled())
            _hook_layers(scope, model, call)
        return executor(x, t, c_concat, c_crossattn, control, transformer_options, *args, **kwargs)


@dataclass(frozen=True, eq=False)
class FrameLoraCall:
    """One call of the UNet; strengths: [batch, LoRAs], on its device; frames: of each clip or
    window in the batch."""

    run: FrameLoraRun
    loras: tuple[FrameLora, ...]
    strengths: torch.Tensor
    frames: int

    def of_rows(self, count: int) -> torch.Tensor:
        """[count, LoRAs] for a layer whose input has count rows: the batch, or each of its
        entries in several pieces, as where attention is tiled."""
        entries = len(self.strengths)
        if count == entries:
            return self.strengths
        shared = rows_shared(count, entries, self.frames)
        if shared is not None:
            return self.strengths[shared]
        if count % entries:
            raise AnimateDiffError(
                f"a layer of the model was given {count} of {counted(entries, 'frame')}, and LoRA "
                "by Frame does not know which.",
                "layers that see every frame by itself",
                "take the node that merges frames or tokens off the model, or use one strength "
                "for all frames.",
            )
        return self.strengths.repeat_interleave(count // entries, dim=0)


def _call(model: ModelPatcher, x: torch.Tensor, options: dict) -> FrameLoraCall | None:
    """None where no LoRA has a part in this call. Outside of a sampling run, a call is a run of
    its own."""
    loras = frame_loras(model)
    if not any(lora.layers for lora in loras):
        return None
    run: FrameLoraRun | None = options.get(KEY)
    if run is None:
        window = options.get("context_window")
        batch = x.shape[0] // len(options.get("cond_or_uncond") or [0])
        run = FrameLoraRun(getattr(window, "total_frames", batch))
    strengths = run.strengths(model)
    frames = frames_in_batch(options, x.shape[0], run.batch, len(strengths))
    at_once = next((len(window) for window in windows_in(options)), len(strengths))
    strengths = strengths[frames]
    if not strengths.any():
        return None
    return FrameLoraCall(run, loras, strengths.to(x.device), at_once)


def _hook_layers(scope: ExitStack, model: Any, call: FrameLoraCall) -> None:
    paths = dict.fromkeys(path for lora in call.loras for path in lora.layers)
    for path in paths:
        layer: nn.Module = model.get_submodule(path)
        handle = layer.register_forward_hook(partial(_after_layer, call, path))
        scope.callback(handle.remove)


def _after_layer(call: FrameLoraCall, path: str, layer: Any, inputs: tuple, y: torch.Tensor):
    """Forward hook of torch: the layer's output with what the LoRAs add."""
    x = inputs[0]
    update = call.run.update(call.loras, path, layer, x)
    return update.add(layer, x, y, call.of_rows(x.shape[0]))
