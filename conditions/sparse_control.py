"""SparseCtrl as one of the host's ControlNets: Apply ControlNet and all that follows take it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import comfy.latent_formats
import comfy.model_management
import torch
from comfy.controlnet import ControlBase, ControlNet
from comfy.model_patcher import ModelPatcher

from ..motion.application import clips_of
from ..motion.call_frames import Part, part_of, whole_clips, windows_in
from ..motion.errors import AnimateDiffError, counted
from .encode import encoded
from .sparse_files import SparseConfig, SparseKind
from .sparse_hints import PIXELS, Seen, SparseHints
from .sparse_placement import residuals
from .sparse_windows import EmptyWindows

LATENTS = comfy.latent_formats.SD15()
APPLY = "Apply ControlNet"


class SparseCtrl(ControlNet):
    """Its pictures are the clip's, also in a window, which takes its own by their numbers: whoever
    copies a control for a window leaves them whole (samplers/control_slicing.py).

    motion: patcher of the motion modules, which the host loads with the encoder; clips: how many
    the latents are, for the length of a run.
    """

    hints: SparseHints | None = None
    clips = 1
    control_model: Any  # the host leaves open what these are
    model_sampling_current: Any
    timestep_range: Any
    vae: Any

    def __init__(
        self,
        encoder: Any,
        motion: ModelPatcher,
        config: SparseConfig,
        file: str,
        motion_strength: float = 1.0,
        empty_windows: EmptyWindows = EmptyWindows.NEAREST,
        load_device: Any = None,
        manual_cast_dtype: torch.dtype | None = None,
    ):
        latents = LATENTS if config.kind is SparseKind.RGB else None  # the host then keeps the VAE
        super().__init__(
            encoder,
            latent_format=latents,
            load_device=load_device,
            manual_cast_dtype=manual_cast_dtype,
            extra_conds=[],
        )
        self.motion, self.config, self.file = motion, config, file
        self.motion_strength, self.empty_windows = motion_strength, empty_windows

    def set_cond_hint(self, cond_hint: torch.Tensor, *args: Any, **kwargs: Any) -> ControlBase:
        super().set_cond_hint(cond_hint, *args, **kwargs)
        self.hints = SparseHints(cond_hint, self.config.kind)
        if self.latent_format is not None and self.vae is None:
            raise AnimateDiffError(
                f"'{self.file}' is shown pictures through a VAE, and {APPLY} has none.",
                f"a VAE in vae of {APPLY}",
                f"connect the checkpoint's VAE to vae of {APPLY}; the older node without that "
                "input does not serve.",
            )
        return self

    def fit_to_clip(self, frames: int, clips: int, memo: dict[int, Any]) -> None:
        """For a copy that is there for one run: how its latents are divided, and nothing made of
        the pictures yet, which goes with it. memo: for controls that share their pictures."""
        if self.hints is None:
            return
        self.hints.require_length(frames, clips)
        self.clips = clips
        # the original is kept beside it, so that its id stays its own
        shared = memo.setdefault(id(self.hints), (self.hints, self.hints.anew()))
        self.hints = shared[1]

    def get_control(
        self,
        x_noisy: torch.Tensor,
        t: torch.Tensor,
        cond: dict[str, Any],
        batched_number: int,
        transformer_options: dict[str, Any],
    ) -> Any:
        batch = x_noisy.shape[0] // batched_number
        parts, frames = self._parts(batch, transformer_options)
        before = None
        if self.previous_controlnet is not None:
            before = self.previous_controlnet.get_control(
                x_noisy, t, cond, batched_number, transformer_options
            )
        if not self._takes_part(t):
            return before
        dtype = self.manual_cast_dtype or self.control_model.dtype
        seen = self._seen(x_noisy[:0].to(dtype), parts, frames)  # nobody looks at the latents
        if seen is None:
            return before
        context = cond.get("crossattn_controlnet", cond["c_crossattn"])
        made = residuals(
            self.control_model,
            self.motion.model,  # type: ignore[arg-type]
            seen.hint,
            self.model_sampling_current.timestep(t).to(dtype),
            comfy.model_management.cast_to_device(context, x_noisy.device, dtype),
            parts,
            seen.rows.repeat(batched_number),
            self.motion_strength,
        )
        if seen.taking_part is not None:
            share = seen.taking_part.repeat(batched_number, 1, 1, 1)
            made = {key: [each * share for each in made[key]] for key in made}
        return self.control_merge(made, before, output_dtype=None)

    def _takes_part(self, t: torch.Tensor) -> bool:
        if self.timestep_range is None:
            return True
        first, last = self.timestep_range
        return bool(last <= t[0] <= first)

    def _parts(self, batch: int, options: dict[str, Any]) -> tuple[list[Part], int]:
        """What a call of so many latents holds, and how many frames each clip has."""
        windows, hints = windows_in(options), self._shown()
        total = batch
        if windows:
            known = max(hints.images.shape[0], 1 + max(max(places) for places in windows))
            total = getattr(options["context_window"], "total_frames", None) or known
        frames = total // self.clips
        places = windows or whole_clips(batch, frames)
        if sum(map(len, places)) != batch:
            raise AnimateDiffError(
                f"a SparseCtrl was given {counted(batch, 'frame')} at once, of clips of {frames}.",
                "whole clips, or whole windows of them",
                "remove the node that splits or merges the model's batch.",
            )
        hints.require_length(frames, self.clips)
        self._require_positions(len(places[0]), bool(windows))
        return [part_of(each, frames, self.clips) for each in places], frames

    def _shown(self) -> SparseHints:
        if self.hints is None:
            raise AnimateDiffError(
                f"'{self.file}' has no images.",
                f"a SparseCtrl that came through {APPLY}",
                f"give it to {APPLY}, with the images of Sparse Frames.",
            )
        return self.hints

    def _require_positions(self, frames: int, in_windows: bool) -> None:
        limit = self.config.positions
        if frames <= limit:
            return
        what = "a context window" if in_windows else "this clip"
        remedy = "set context_length of Context Windows to 16"
        if not in_windows:
            remedy = "put Context Windows between the model and the sampler, with a context_length "
            remedy += f"of 16, or make the clip shorter: at most {limit} frames"
        raise AnimateDiffError(
            f"{what} has {counted(frames, 'frame')}, and '{self.file}' can see {limit} at once.",
            f"at most {limit} frames at once",
            f"{remedy}.",
        )

    def _seen(self, x: torch.Tensor, parts: list[Part], frames: int) -> Seen | None:
        size, empty = (x.shape[2], x.shape[3]), self.empty_windows
        return self._shown().seen(size, parts, frames, partial(self._encoded, size), x, empty)

    def _encoded(self, size: tuple[int, int], pixels: torch.Tensor) -> torch.Tensor:
        """Latents of pictures, in the scale of the UNet's."""
        latents = encoded(self.vae, pixels.movedim(1, -1))
        if latents.shape[1:] != (self.config.kind.channels, *size):
            raise AnimateDiffError(
                f"the VAE of {APPLY} makes latents of the shape {list(latents.shape[1:])} from "
                f"pictures of {size[1] * PIXELS} x {size[0] * PIXELS} pixels.",
                f"one of SD1.5, which makes {[self.config.kind.channels, *size]}",
                f"connect the checkpoint's VAE to vae of {APPLY}.",
            )
        return LATENTS.process_in(latents)

    def copy(self) -> SparseCtrl:
        copied = SparseCtrl(
            None,
            self.motion,
            self.config,
            self.file,
            self.motion_strength,
            self.empty_windows,
            self.load_device,
            self.manual_cast_dtype,
        )
        copied.control_model = self.control_model
        copied.control_model_wrapped = self.control_model_wrapped
        copied.hints, copied.clips = self.hints, self.clips
        self.copy_to(copied)
        return copied

    def deepclone_multigpu(self, load_device: Any, autoregister: bool = False) -> Any:
        """Newer hosts: the same for another device."""
        base: Any = super()
        clone = base.deepclone_multigpu(load_device, autoregister)
        motion: Any = self.motion
        clone.motion = motion.deepclone_multigpu(new_load_device=load_device)
        return clone

    def get_models(self) -> list[ModelPatcher]:
        return [*super().get_models(), self.motion]

    def pre_run(self, model: Any, percent_to_timestep_function: Callable) -> None:
        super().pre_run(model, percent_to_timestep_function)
        self.clips = clips_of(getattr(model, "current_patcher", None))
        if self.hints is not None:
            self.hints.clear()  # a run that broke off leaves some
        require_beside(model, self.config, self.file)

    def cleanup(self) -> None:
        super().cleanup()
        self.clips = 1
        if self.hints is not None:
            self.hints.clear()


def require_beside(model: Any, config: SparseConfig, file: str) -> None:
    """AnimateDiffError unless the SparseCtrl is for a model like this one, which is no patcher."""
    layout = getattr(getattr(model, "model_config", None), "unet_config", {})
    first = layout.get("model_channels")
    widths = tuple(first * factor for factor in layout.get("channel_mult", ())) if first else ()
    given = (widths, layout.get("context_dim"))
    if given == (config.widths, config.context):
        return
    raise AnimateDiffError(
        f"'{file}' does not fit this model: its channels are {list(config.widths)}, and prompts of "
        f"the size {config.context}; the model's are {list(given[0])}, and {given[1]}.",
        "a SparseCtrl and a checkpoint of the same architecture",
        "use an SD1.5 checkpoint; SparseCtrl for SDXL was never published.",
    )
