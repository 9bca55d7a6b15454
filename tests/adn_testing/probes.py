"""Clips whose every frame can be told from what reaches the model, and ControlNets that note it."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportOptionalSubscript=false

import comfy.controlnet
import comfy.sample
import torch
from animatediff_native.samplers.clip_run import set_windows
from animatediff_native.samplers.context_handler import ContextWindows

from . import tiny

EFFECT = 0.02  # of a hint's number on the residual: enough to change pictures
Log = list[tuple[torch.Tensor, torch.Tensor]]  # per call: frames of the batch, hints they got


class TrivialUnet(torch.nn.Module):
    """Stands for the UNet where only what reaches it matters; free of charge."""

    dtype = torch.float32

    def forward(self, x, timesteps, context, control=None, **_):
        added = control["middle"][0] if control and control["middle"] else 0.0
        return 0.1 * x[:, :4] + 0.01 * context.mean(dim=(1, 2))[:, None, None, None] + added


def trivial(**config):
    """An SD1.5 model around a UNet that computes next to nothing."""
    model = tiny.model(
        channel_mult=[1],
        num_res_blocks=[1],
        transformer_depth=[1],
        transformer_depth_output=[1, 1],
        **config,
    )
    model.model.diffusion_model = TrivialUnet()
    return model


def windowed(model, plan, fuse=None, **settings):
    """A clone of the model with these windows."""
    model = model.clone()
    fuse = {} if fuse is None else {"fuse": fuse}
    set_windows(model, ContextWindows(plan, **fuse, **settings))
    return model


def numbered(count: int, channels: int = 3, size: int = 64) -> torch.Tensor:
    """[count, channels, size, size] filled with 1, 2, 3 ..."""
    return torch.arange(1.0, count + 1)[:, None, None, None].repeat(1, channels, size, size)


def frames_in(x: torch.Tensor, sigmas: torch.Tensor) -> torch.Tensor:
    """Which frame each row of a model call is, in the first step of `sample_numbered`."""
    return (x[:, 0, 0, 0] / (1 + sigmas**2).sqrt()).round().long() - 1


def sample_numbered(model, frames: int, cfg: float = 4.0, positive=None, negative=None, **options):
    """One step from noise that numbers the frames."""
    return comfy.sample.sample(
        model,
        numbered(frames, 4, 8),
        1,
        cfg,
        "euler",
        "normal",
        tiny.conditioning(1) if positive is None else positive,
        tiny.conditioning(3) if negative is None else negative,
        torch.zeros(frames, 4, 8, 8),
        seed=5,
        disable_pbar=True,
        **options,
    )


def with_control(control, positive=None, negative=None) -> dict:
    """The two conditionings with one control, as ControlNetApplyAdvanced makes them."""
    extra = {"control": control, "control_apply_to_uncond": False}
    return {
        "positive": positive or tiny.conditioning(1, **extra),
        "negative": negative or tiny.conditioning(3, **extra),
    }


class ProbeNet(torch.nn.Module):
    """Notes frames and hints; its one residual is a function of the hint."""

    dtype = torch.float32

    def __init__(self, log: Log):
        super().__init__()
        self.log = log

    def forward(self, x, hint, timesteps, context, **_):
        # the host hands over x / sqrt(1 + sigma^2)
        shown = hint[:, 0, 0, 0].expand(x.shape[0])
        self.log.append((x[:, 0, 0, 0].round().long() - 1, shown.long() - 1))
        residual = EFFECT * shown[:, None, None, None]
        return {"middle": [residual.clone()], "output": [], "input": []}


class ProbeControl(comfy.controlnet.ControlNet):
    """The host's ControlNet around a probe."""

    def __init__(self, hints: torch.Tensor, log: Log, strength=1.0, percents=(0.0, 1.0)):
        super().__init__(control_model=None)
        self.control_model = ProbeNet(log)
        self.set_cond_hint(hints, strength, percents)

    def get_models(self):
        return comfy.controlnet.ControlBase.get_models(self)


class ProbeAdapterNet(torch.nn.Module):
    unshuffle_amount = 8

    def forward(self, hint):
        residual = EFFECT * hint[:, :1, :1, :1]
        return {"input": [], "middle": [residual], "output": []}


class ProbeAdapter(comfy.controlnet.T2IAdapter):
    """The host's T2I-Adapter, which caches what it computed from its hints."""

    def __init__(self, hints: torch.Tensor, log: Log):
        super().__init__(ProbeAdapterNet(), 3, 8, "nearest-exact", torch.device("cpu"))
        self.set_cond_hint(hints)
        self.log = log

    def get_control(self, x_noisy, t, *args, **kwargs):
        control = super().get_control(x_noisy, t, *args, **kwargs)
        computed = (self.control_input["middle"][0][:, 0, 0, 0] / EFFECT).round().long() - 1
        self.log.append((frames_in(x_noisy, t), computed.expand(x_noisy.shape[0])))
        return control
