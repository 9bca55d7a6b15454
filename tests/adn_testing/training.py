"""The three stages of training on the tiny model, all called alike."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false

from collections.abc import Callable
from typing import Any, NamedTuple

import comfy.model_management
import torch
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.load import MotionModule
from animatediff_native.samplers.beta_schedule import BetaSchedule, set_beta_schedule
from animatediff_native.training.clip_set import Batch, ClipSet
from animatediff_native.training.domain_adapter import DomainAdapterTraining
from animatediff_native.training.motion_lora import MotionLoraTraining
from animatediff_native.training.motion_module import MotionModuleTraining, new_motion_module
from animatediff_native.training.objective import noise_loss
from animatediff_native.training.session import training_session
from animatediff_native.training.settings import Precision, TrainingSettings
from animatediff_native.training.trainer import Trainer

from . import tiny
from .traces import model_trace

FRAMES, RANK = 4, 4
Watch = Callable[[Trainer], object]  # called before the first step and after every one


def clip_set(clips: int = 2, frames: int = FRAMES, seed: int = 0) -> ClipSet:
    """Random latents, and a prompt for each clip."""
    generator = torch.Generator().manual_seed(seed)
    return ClipSet(
        torch.randn(clips, frames, 4, 8, 8, generator=generator),
        torch.randn(clips, 7, tiny.CONTEXT_DIM, generator=generator),
        torch.arange(clips),
        torch.randn(7, tiny.CONTEXT_DIM, generator=generator),
    )


def linear(model):
    """A clone with the schedule of motion modules."""
    clone = model.clone()
    set_beta_schedule(clone, BetaSchedule.AUTO)
    return clone


def animated(model, module: MotionModule):
    """With the motion module and its schedule."""
    return linear(apply_motion_module(model, module))


def train_motion_lora(
    model, module: MotionModule, settings: TrainingSettings, watch: Watch, **options
):
    """options: as MotionLoraTraining takes them."""
    moving = animated(model, module)
    training = MotionLoraTraining(moving, clip_set(), RANK, settings, **options)
    with training.session() as trainer:
        watch(trainer)
        trainer.run(on_step=watch)
    return training.result("trained")


def train_domain_adapter(model, _: MotionModule, settings: TrainingSettings, watch: Watch):
    return DomainAdapterTraining(model, clip_set(), RANK, settings).run(watch, watch)


def train_motion_module(
    model, _: MotionModule, settings: TrainingSettings, watch: Watch, **options
):
    """options: as new_motion_module takes them."""
    new = new_motion_module(model, "new", seed=1, **options)
    return MotionModuleTraining(model, new, clip_set(), settings).run(watch, watch)


STAGES = {
    "MotionLoRA": train_motion_lora,
    "domain adapter": train_domain_adapter,
    "motion module": train_motion_module,
}


def fixed_call(
    clips: ClipSet, count: int = 2, seed: int = 5
) -> tuple[Batch, torch.Tensor, torch.Tensor]:
    """The same clips, noise and timesteps at every call, for a NoisePredictor."""
    generator = torch.Generator().manual_seed(seed)
    batch = clips.draw(count, 0.0, generator)
    noise = torch.randn(batch.latents.shape, generator=generator)
    return batch, noise, torch.randint(1000, (count,), generator=generator)


@torch.no_grad()
def evaluated(trainer: Trainer, calls: int = 4) -> float:
    """The mean loss over fixed clips, noise and timesteps, which luck has no part in."""
    losses = []
    for seed in range(calls):
        batch, noise, t = fixed_call(trainer.clips, seed=seed)
        losses.append(noise_loss(trainer.predict(batch, noise, t), noise).item())
    return sum(losses) / calls


def predicted(model, clips: ClipSet) -> torch.Tensor:
    """The noise that a model predicts in the fixed call."""
    session = training_session(model, Precision.FP32, False, clips.frames)
    with session as predict, torch.no_grad():
        return predict(*fixed_call(clips))


def noised(clean: torch.Tensor, noise: torch.Tensor, timestep: int) -> torch.Tensor:
    """sqrt(abar) x0 + sqrt(1 - abar) eps of the linear schedule, whose betas are written out."""
    abar = 1.0
    for step in range(timestep + 1):
        abar *= 1 - (0.00085 + (0.012 - 0.00085) * step / 999)
    return abar**0.5 * clean + (1 - abar) ** 0.5 * noise


def surroundings(model, module: MotionModule) -> list:
    """Bits, places in memory, modules and their attributes, hooks, and flags of autograd, after
    the host took back what clones had patched."""
    patchers = (model, module.patcher)
    comfy.model_management.load_models_gpu(patchers)
    flags = [
        (name, p.requires_grad, p.grad is None, p.is_inference(), p.data_ptr())
        for patcher in patchers
        for name, p in patcher.model.named_parameters()
    ]
    return [*map(model_trace, patchers), flags]


class Look(NamedTuple):
    """A training between two steps; loss and predicted noise of fixed calls."""

    loss: float
    weights: dict[str, torch.Tensor]
    predicted: torch.Tensor
    clips: ClipSet


class Run(NamedTuple):
    """A training's beginning and end, and its surroundings before and after it."""

    first: Look
    last: Look
    before: list
    after: list
    result: Any


@torch.no_grad()
def look(trainer: Trainer) -> Look:
    weights = {name: p.detach().clone() for name, p in trainer.parameters.items()}
    seen = trainer.predict(*fixed_call(trainer.clips))
    return Look(evaluated(trainer), weights, seen, trainer.clips)


def run_of(stage: Callable, model, module: MotionModule, settings: TrainingSettings) -> Run:
    looks: list[Look] = []

    def watch(trainer: Trainer) -> None:
        if trainer.step in (0, settings.steps):
            looks.append(look(trainer))

    before = surroundings(model, module)
    result = stage(model, module, settings, watch)
    first, last = looks
    return Run(first, last, before, surroundings(model, module), result)
