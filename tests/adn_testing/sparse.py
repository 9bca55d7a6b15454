"""A SparseCtrl of the tiny model's widths, a VAE that counts, and slow references."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false
# pyright: reportIndexIssue=false, reportOptionalMemberAccess=false

import importlib
from functools import cache

import comfy.cldm.cldm
import comfy.controlnet
import torch
from animatediff_native.conditions.sparse_files import read_sparse_ctrl
from animatediff_native.conditions.sparse_load import sparse_ctrl
from animatediff_native.motion.call_frames import windows_in

from . import sparse_files, tiny

SCALE = 0.18215  # of SD1.5's latents


class CountingVae:
    """Encodes by mean colours of 8 x 8 pixels; notes how many pictures it was given each time."""

    def __init__(self):
        self.frames = []

    def encode(self, pixels):
        """[n, H, W, 3] to [n, 4, H / 8, W / 8]."""
        self.frames.append(pixels.shape[0])
        return self.of(pixels.movedim(-1, 1))

    @staticmethod
    def of(images):
        small = torch.nn.functional.avg_pool2d(2 * images - 1, 8)
        return 5 * torch.cat([small, small.mean(dim=1, keepdim=True)], dim=1)


@cache
def tensors(kind: str) -> dict[str, torch.Tensor]:
    return sparse_files.original(kind, seed=4)


def loaded(kind: str = "rgb", motion_strength: float = 1.0, **changed):
    """As Load SparseCtrl gives it out; of the file, or with other tensors."""
    return _made(kind, motion_strength) if not changed else _new(kind, motion_strength, changed)


@cache
def _made(kind, motion_strength):
    return _new(kind, motion_strength, {})


@cache
def _oracle(kind):
    return sparse_files.diffusers_model(tensors(kind), kind)


def _new(kind, motion_strength, changed):
    name = f"v3_sd15_sparsectrl_{kind}.ckpt"
    file = read_sparse_ctrl({**tensors(kind), **changed}, name)
    return sparse_ctrl(file, name, motion_strength)


def hints(frames: int, shown, size: int = 64, seed: int = 5) -> torch.Tensor:
    """As Sparse Frames gives them out: [F, size, size, 4]."""
    generator = torch.Generator().manual_seed(seed)
    made = torch.zeros(frames, size, size, 4)
    for frame in shown:
        coarse = torch.rand(1, 3, 8, 8, generator=generator)
        fine = torch.nn.functional.interpolate(coarse, (size, size), mode="bilinear")
        made[frame] = torch.cat([fine[0].movedim(0, -1), torch.ones(size, size, 1)], dim=-1)
    return made


def applied(control, images, strength=1.0, percents=(0.0, 1.0), vae=None, conds=None):
    """Positive and negative, as the host's own Apply ControlNet makes them."""
    node = importlib.import_module("nodes").ControlNetApplyAdvanced()
    positive, negative = conds or (tiny.conditioning(1), tiny.conditioning(3))
    made = node.apply_controlnet(positive, negative, control, images, strength, *percents, vae=vae)
    return {"positive": made[0], "negative": made[1]}


def control_of(conds):
    return conds["positive"][0][1]["control"]


def depth_net(seed: int = 6):
    """The host's ControlNet of the tiny model's widths, with random weights."""
    layout = {k: v for k, v in tiny.UNET_CONFIG.items() if k != "out_channels"}
    net = comfy.cldm.cldm.ControlNet(**layout, hint_channels=3, dtype=torch.float32, device="cpu")
    tiny.fill_randomly(net, seed)
    return comfy.controlnet.ControlNet(net, load_device=torch.device("cpu"))


class Slow(comfy.controlnet.ControlBase):
    """Residuals of every window and conditioning by itself, from whatever `one` computes.

    Frames are told by the options alone, as places in the batch; nothing is kept. clip: frames of
    each of several clips."""

    def __init__(self, strength=1.0, clip=None):
        super().__init__()
        self.strength_by_frame, self.clip = strength, clip
        self.sampling = None

    def pre_run(self, model, percent_to_timestep_function):
        super().pre_run(model, percent_to_timestep_function)
        self.sampling = model.model_sampling

    def get_control(self, x_noisy, t, cond, batched_number, transformer_options):
        batch = x_noisy.shape[0] // batched_number
        clip = self.clip or batch
        whole = [tuple(range(first, first + clip)) for first in range(0, batch, clip)]
        parts = windows_in(transformer_options) or whole
        made, first = [], 0
        for _ in range(batched_number):
            for part in parts:
                rows = slice(first, first + len(part))
                first = rows.stop
                frames = list(part)
                timestep = self.sampling.timestep(t)[rows]
                context = cond["c_crossattn"][rows]
                x = self.sampling.calculate_input(t[rows], x_noisy[rows])
                residuals = self.one(x, frames, timestep, context)
                made.append([r * self._strengths(frames) for r in residuals])
        joined = [torch.cat(each) for each in zip(*made, strict=True)]
        control = {"input": [], "middle": joined[-1:], "output": joined[:-1]}
        before = self.previous_controlnet
        if before is None:
            return control
        self.strength = 1.0
        other = before.get_control(x_noisy, t, cond, batched_number, transformer_options)
        return self.control_merge(control, other, None)

    def _strengths(self, frames):
        if isinstance(self.strength_by_frame, float):
            return self.strength_by_frame
        return torch.tensor([self.strength_by_frame[f] for f in frames])[:, None, None, None]


class SlowSparse(Slow):
    """diffusers' SparseControlNetModel, with hints of the latents' size times 8.

    nearest: whether a window without a picture sees the nearest; nothing is added to it else."""

    def __init__(self, kind, images, strength=1.0, clip=None, nearest=True):
        super().__init__(strength, clip)
        self.kind, self.images, self.nearest = kind, images.movedim(-1, 1), nearest
        self.network = _oracle(kind)

    def one(self, x, frames, timestep, context):
        shown = self.images[frames]
        if not shown[:, 3].any() and self.nearest:
            self._with_the_nearest(shown, frames)
        made = self._of_diffusers(x, shown, frames, timestep, context)
        return made if shown[:, 3].any() else [0 * residual for residual in made]

    def _with_the_nearest(self, shown, frames):
        """Puts pictures at the ends of a window, in place."""
        clip = self.clip or len(self.images)
        first = frames[0] // clip * clip
        there = [f for f in range(first, first + clip) if self.images[f, 3].any()]
        away = {end: min((abs(f - frames[end]), f) for f in there) for end in (0, -1)}
        ends = [end for end in away if away[end][0] == min(away.values())[0]]
        if len(ends) == 2 and len(there) == 1:
            ends = [(len(frames) - 1) // 2]
            away[ends[0]] = (0, there[0])
        for end in ends:
            shown[end] = self.images[away[end][1]]

    def _of_diffusers(self, x, shown, frames, timestep, context):
        mask = shown[:, 3:]
        if self.kind == "rgb":
            mask = mask[:, :, ::8, ::8]
            seen = CountingVae.of(shown[:, :3]) * SCALE * mask
        else:
            seen = torch.stack([self._drawing(picture[:3]) for picture in shown])
        down, mid = self.network(
            torch.randn(1, 4, len(frames), *x.shape[2:]),
            timestep[0],
            encoder_hidden_states=context,
            controlnet_cond=seen.transpose(0, 1)[None],
            conditioning_mask=mask.transpose(0, 1)[None],
            return_dict=False,
        )
        return [r.transpose(1, 2).flatten(0, 1) if r.ndim == 5 else r for r in (*down, mid)]

    @staticmethod
    def _drawing(picture):
        grey = picture.mean(dim=0)
        span = grey.max() - grey.min()
        grey = (grey - grey.min()) / span if span > 0 else torch.zeros_like(grey)
        return torch.stack([grey] * 3)


class SlowNet(Slow):
    """An ordinary ControlNet of the host, frame by frame."""

    def __init__(self, control, images, strength=1.0):
        super().__init__(strength)
        self.network, self.images = control.control_model, images.movedim(-1, 1)

    def one(self, x, frames, timestep, context):
        made = []
        for i, frame in enumerate(frames):
            one = self.network(
                x=x[i : i + 1],
                hint=self.images[frame : frame + 1],
                timesteps=timestep[i : i + 1],
                context=context[i : i + 1],
            )
            made.append([*one["output"], *one["middle"]])
        return [torch.cat(each) for each in zip(*made, strict=True)]
