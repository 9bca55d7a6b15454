"""What SparseCtrl costs: time and memory of a run beside none, and beside an ordinary ControlNet.

The models have a tenth of their width. A stand-in for the VAE costs nothing: pictures are encoded
once per run, and the seconds are those of the steps.
"""

import comfy.cldm.cldm
import comfy.controlnet
import comfy.sample
import torch
from animatediff_native.conditions.sparse_files import (
    SparseConfig,
    SparseFile,
    SparseKind,
    encoder_shapes,
)
from animatediff_native.conditions.sparse_frames import sparse_hints
from animatediff_native.conditions.sparse_load import sparse_ctrl
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.clip_part import ClipPart
from animatediff_native.motion.detect import expected_shapes

from benchmarks.peak_memory import peak_mib, release_freed_memory
from benchmarks.small_models import (
    CONTEXT_DIM,
    WIDTHS,
    conditioning,
    small_motion_module,
    small_sd15,
)
from benchmarks.turns import take_turns
from tools.sd15_layout import sd15_layout

FRAMES, STEPS, LATENT = 16, 1, 16  # 128 px
SHOWN = "0, 8, -1"
TURNS = 5


class NoVae:
    """Makes latents of the right size out of nothing."""

    def encode(self, pixels: torch.Tensor) -> torch.Tensor:
        return torch.zeros(pixels.shape[0], 4, pixels.shape[1] // 8, pixels.shape[2] // 8)


def _random(shapes: dict[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    return {key: 0.02 * torch.randn(shape) for key, shape in shapes.items()}


def ordinary() -> comfy.controlnet.ControlBase:
    layout = {**sd15_layout(WIDTHS[0], context_dim=CONTEXT_DIM), "hint_channels": 3}
    layout.pop("out_channels")
    net = comfy.cldm.cldm.ControlNet(**layout)
    net.load_state_dict(_random({k: tuple(v.shape) for k, v in net.state_dict().items()}))
    size = 8 * LATENT
    control = comfy.controlnet.ControlNet(net, load_device=torch.device("cpu"))
    return control.set_cond_hint(torch.rand(FRAMES, 3, size, size))


def sparse(kind: SparseKind) -> comfy.controlnet.ControlBase:
    config = SparseConfig(kind, WIDTHS, CONTEXT_DIM)
    weights = _random(encoder_shapes(config)), _random(expected_shapes(config.motion))
    control = sparse_ctrl(SparseFile(config, *weights), f"small {kind.value}")
    images = torch.rand(3, 8 * LATENT, 8 * LATENT, 3)
    hints = sparse_hints(images, SHOWN, ClipPart(FRAMES, 0, FRAMES))
    return control.set_cond_hint(hints.movedim(-1, 1), vae=NoVae())


class Sampling:
    """A run with this control, or with none."""

    def __init__(self, model, control=None):
        extra = {} if control is None else {"control": control, "control_apply_to_uncond": False}
        self._positive, self._negative = ([[conditioning(seed)[0][0], extra]] for seed in (1, 2))
        self._noise = torch.randn(FRAMES, 4, LATENT, LATENT)
        self._model = model

    def __call__(self) -> None:
        comfy.sample.sample(
            self._model, self._noise, STEPS, 4.0, "euler", "normal", self._positive,
            self._negative, torch.zeros_like(self._noise), disable_pbar=True)  # fmt: skip

    def peak(self) -> float:
        release_freed_memory()
        return peak_mib(self)


def main() -> None:
    torch.manual_seed(0)
    with torch.inference_mode():
        model = apply_motion_module(small_sd15(), small_motion_module())
        print(
            f"{FRAMES} frames of {8 * LATENT} px in {STEPS} step with CFG, {model.load_device}; "
            f"pictures at {SHOWN}; without any, or an ordinary ControlNet, and then SparseCtrl"
        )
        none, net = Sampling(model), Sampling(model, ordinary())
        print(f"none, ordinary      {take_turns(none, net, TURNS)}", flush=True)
        peaks = {"none": none.peak(), "ordinary": net.peak()}
        for kind in SparseKind:
            own = Sampling(model, sparse(kind))
            print(f"none, {kind.value:13} {take_turns(none, own, TURNS)}", flush=True)
            print(f"ordinary, {kind.value:9} {take_turns(net, own, TURNS)}", flush=True)
            peaks[kind.value] = own.peak()
        print("MiB beyond the models: " + ", ".join(f"{k} {v:.0f}" for k, v in peaks.items()))
