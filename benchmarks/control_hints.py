"""What it saves to prepare the hints of ControlNets once per run, in windows.

A long clip in windows, with hints at the size that users have them, sampled with what the host
makes of them kept for the run and made anew in every window of every step, turn by turn. The UNet
and the ControlNet are small, so that the time of the hints can be seen; the T2I-Adapter has its
full size.
"""

from contextlib import contextmanager
from itertools import product

import comfy.cldm.cldm
import comfy.controlnet
import comfy.model_management
import comfy.sample
import comfy.t2i_adapter.adapter
import torch
from animatediff_native.samplers.clip_run import set_windows
from animatediff_native.samplers.context_handler import RUN_KEY, ContextWindows
from animatediff_native.samplers.frame_window import FrameWindow
from animatediff_native.samplers.kept_hints import KeptHints
from animatediff_native.samplers.windows import Schedule, WindowPlan
from comfy.patcher_extension import WrappersMP

from benchmarks.small_models import CONTEXT_DIM, WIDTHS, conditioning, small_sd15
from benchmarks.turns import take_turns
from tools.sd15_layout import sd15_layout

FRAMES, STEPS, LATENT, HINT = 28, 4, 16, (720, 1280)
TURNS = 3


def small_control(hints: torch.Tensor) -> comfy.controlnet.ControlNet:
    """A ControlNet of the small UNet's width."""
    config = sd15_layout(WIDTHS[0], context_dim=CONTEXT_DIM)
    del config["out_channels"]
    net = comfy.cldm.cldm.ControlNet(**config, hint_channels=3, dtype=torch.float32, device="cpu")
    _fill(net)
    device = comfy.model_management.get_torch_device()
    return comfy.controlnet.ControlNet(net, load_device=device).set_cond_hint(hints)


def adapter(hints: torch.Tensor) -> comfy.controlnet.T2IAdapter:
    """A T2I-Adapter of full size whose residuals are cut to the small UNet's width."""
    net = comfy.t2i_adapter.adapter.Adapter(
        cin=192, channels=[320, 640, 1280, 1280], nums_rb=2, ksize=1, sk=True, use_conv=False
    )
    _fill(net)
    return comfy.controlnet.T2IAdapter(_Cut(net), 3, 8, "nearest-exact").set_cond_hint(hints)


def _fill(net: torch.nn.Module) -> None:
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.normal_(std=0.02)


class _Cut(torch.nn.Module):
    def __init__(self, net: torch.nn.Module):
        super().__init__()
        self.net, self.unshuffle_amount = net, 8

    def forward(self, hint: torch.Tensor) -> dict[str, list]:
        made = self.net(hint)
        return {
            key: [
                None if row is None else row[:, : row.shape[1] * WIDTHS[0] // 320].clone()
                for row in rows
            ]
            for key, rows in made.items()
        }


class AlwaysAnew(KeptHints):
    """Keeps nothing, as if every window came for the first time."""

    @contextmanager
    def in_use(self, window: FrameWindow):
        yield lambda *_: None


def keeping_nothing(executor, guider, sigmas, extra_args, *args, **kwargs):
    """Host wrapper around the sampler, behind the one that begins a run of windows."""
    extra_args["model_options"]["transformer_options"][RUN_KEY].hints = AlwaysAnew()
    return executor(guider, sigmas, extra_args, *args, **kwargs)


class Sampling:
    """Samples the clip with this control; clip: what came out last."""

    clip: torch.Tensor

    def __init__(self, model, control, keep: bool):
        extra = {"control": control, "control_apply_to_uncond": False}
        self._prompts = [[[conditioning(seed)[0][0], extra]] for seed in (1, 2)]
        self._noise = torch.randn(
            FRAMES, 4, LATENT, LATENT, generator=torch.Generator().manual_seed(1)
        )
        self._model = model.clone()
        if not keep:
            self._model.add_wrapper_with_key(
                WrappersMP.SAMPLER_SAMPLE, "benchmark", keeping_nothing
            )

    def __call__(self) -> None:
        self.clip = comfy.sample.sample(
            self._model, self._noise, STEPS, 4.0, "euler", "normal", self._prompts[0],
            self._prompts[1], torch.zeros_like(self._noise), disable_pbar=True)  # fmt: skip


def main() -> None:
    hints = torch.rand(FRAMES, 3, *HINT, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        plain = small_sd15()
        print(
            f"{FRAMES} frames of {8 * LATENT} px in {STEPS} steps, hints of {HINT[1]}x{HINT[0]}, "
            f"{plain.load_device}; made anew, kept, kept to anew"
        )
        for schedule, kind in product((Schedule.STATIC, Schedule.LOOPED), (small_control, adapter)):
            model = plain.clone()
            set_windows(model, ContextWindows(WindowPlan(schedule=schedule)))
            control = kind(hints)
            anew, kept = (Sampling(model, control, keep) for keep in (False, True))
            turns = take_turns(anew, kept, TURNS)
            same = "the same bits" if torch.equal(anew.clip, kept.clip) else "OTHER BITS"
            print(f"{schedule.value:7} {kind.__name__:13} {turns}, {same}", flush=True)
