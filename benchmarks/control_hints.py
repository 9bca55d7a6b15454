"""What it saves to prepare the hints of ControlNets once per run, in windows.

A long clip in windows, with hints at the size that users have them, sampled with what the host
makes of them kept for the run and made anew in every window of every step, turn by turn. Networks
that cost nothing stand for the UNet and the ControlNet's, so that the seconds are those of all
else; the T2I-Adapter has a tenth of its width.
"""

from contextlib import contextmanager
from itertools import product

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

from benchmarks.small_models import conditioning, small_sd15
from benchmarks.turns import take_turns

FRAMES, STEPS, LATENT, HINT = 32, 8, 32, (720, 1280)
TURNS = 3


class NoUnet(torch.nn.Module):
    """Costs nothing, so that what is left of a step can be seen."""

    dtype = torch.float32

    def forward(self, x, timesteps, context, control=None, **_):
        return 0.1 * x + (control["middle"][0] if control and control["middle"] else 0.0)


class NoControl(torch.nn.Module):
    """A ControlNet's network that costs nothing."""

    dtype = torch.float32

    def forward(self, x, hint, timesteps, context, **_):
        return {"middle": [hint[:, :1, :1, :1].clone()], "output": [], "input": []}


class SmallAdapter(comfy.t2i_adapter.adapter.Adapter):
    """A T2I-Adapter's at a tenth of the width."""

    def __init__(self):
        super().__init__(
            [32, 64, 128, 128], 2, cin=192, ksize=1, sk=True, use_conv=False, xl=False
        )
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.normal_(std=0.02)

    def forward(self, x: torch.Tensor) -> dict[str, list]:
        smallest = super().forward(x)["input"][0]
        return {"middle": [smallest.mean(dim=(1, 2, 3), keepdim=True)], "output": [], "input": []}


def control_net(hints: torch.Tensor) -> comfy.controlnet.ControlNet:
    device = comfy.model_management.get_torch_device()
    return comfy.controlnet.ControlNet(NoControl(), load_device=device).set_cond_hint(hints)


def t2i_adapter(hints: torch.Tensor) -> comfy.controlnet.T2IAdapter:
    return comfy.controlnet.T2IAdapter(SmallAdapter(), 3, 8, "nearest-exact").set_cond_hint(hints)


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
        self._positive, self._negative = (
            [[conditioning(seed)[0][0], extra]] for seed in (1, 2)
        )
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
            self._model, self._noise, STEPS, 4.0, "euler", "normal", self._positive,
            self._negative, torch.zeros_like(self._noise), disable_pbar=True)  # fmt: skip


def main() -> None:
    hints = torch.rand(FRAMES, 3, *HINT, generator=torch.Generator().manual_seed(2))
    with torch.inference_mode():
        plain = small_sd15()
        plain.model.diffusion_model = NoUnet()
        print(
            f"{FRAMES} frames of {8 * LATENT} px in {STEPS} steps, hints of {HINT[1]}x{HINT[0]}, "
            f"{plain.load_device}; made anew, kept, kept to anew"
        )
        schedules = (Schedule.STATIC, Schedule.LOOPED)
        for schedule, kind in product(schedules, (control_net, t2i_adapter)):
            model = plain.clone()
            set_windows(model, ContextWindows(WindowPlan(schedule=schedule)))
            control = kind(hints)
            anew, kept = (Sampling(model, control, keep) for keep in (False, True))
            turns = take_turns(anew, kept, TURNS)
            same = "the same bits" if torch.equal(anew.clip, kept.clip) else "OTHER BITS"
            print(f"{schedule.value:7} {kind.__name__:13} {turns}, {same}", flush=True)
