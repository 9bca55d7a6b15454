"""One training of a MotionLoRA, from what the node was given to the MotionLoRA and its losses.

Everything that can be wrong is looked for before anything takes long: first the model and the
settings, then the clips, then their latents.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import comfy.model_management
import comfy.utils
import torch
from comfy.model_management import throw_exception_if_processing_interrupted as stop_if_cancelled

from ..lora.chain import MotionLora
from ..motion.application import applications
from .augment import flips
from .clip_set import ClipSet
from .curve import ends, loss_curve
from .encode import clear_device, encode_clips, require_vae, vae_encoder
from .footage import find_footage
from .motion_lora import (
    MotionLoraTraining,
    require_frames,
    start_from,
    the_motion_network,
)
from .motion_lora_job import AUTO, MotionLoraJob
from .preview import LARGEST_SIDE, Preview
from .prompts import Prompts, read_prompts
from .rescue import NewFile, run_and_keep
from .session import require_trainable
from .settings import Precision

log = logging.getLogger("animatediff_native")


class Trained(NamedTuple):
    """curve: an IMAGE, [1, H, W, 3]."""

    lora: MotionLora
    losses: list[float]
    curve: torch.Tensor


@dataclass(frozen=True)
class TrainingReport:
    """What a training is and what came of it, in two lines of the log; clips are counted with their
    mirrored copies."""

    module: str  # file and version
    clips: int
    mirrored: bool
    frames: int
    width: int
    height: int
    rank: int
    steps: int
    precision: Precision

    def __str__(self) -> str:
        mirrored = " (half of them mirrored)" if self.mirrored else ""
        return (
            f"training a MotionLoRA on {self.module}: {self.clips} clips{mirrored} of "
            f"{self.frames} frames, {self.width}x{self.height}, rank {self.rank}, "
            f"{self.steps} steps, {self.precision.value}"
        )

    def done(self, losses: Sequence[float], seconds: float) -> str:
        return (
            f"trained a MotionLoRA on {self.module}: {len(losses)} steps in {seconds:.0f} s, "
            f"loss {ends(losses)}"
        )


def run_motion_lora(job: MotionLoraJob, new_file: NewFile) -> Trained:
    """new_file: where to keep what was trained so far, should the training end early."""
    start, settings = _checked(job), job.settings(_precision(job))
    clips = _clips(job)
    clear_device()
    training = MotionLoraTraining(job.model, clips, job.rank, settings, start)
    report = _report(job, clips, settings.precision)
    log.info("AnimateDiff: %s", report)
    began = time.monotonic()
    run = _Run(job, training)
    run_and_keep(training, run.all_steps, new_file)
    log.info("AnimateDiff: %s", report.done(run.losses, time.monotonic() - began))
    lora = training.result(f"trained MotionLoRA ({job.steps} steps, seed {job.seed})")
    return Trained(lora, run.losses, run.curve)


def _checked(job: MotionLoraJob) -> MotionLora | None:
    """What to go on from; AnimateDiffError for everything that needs no pixels to be wrong."""
    require_trainable(job.model)
    require_frames(job.frames_per_clip, the_motion_network(job.model))
    require_vae(job.vae, job.model)
    return start_from(job.continue_from, job.model, job.rank)


def _clips(job: MotionLoraJob) -> ClipSet:
    prompts = _prompts(job)
    footage = find_footage(job.images, job.video_folder, job.frames_per_clip, job.frame_stride)
    prompts.of_clips(len(footage.names))
    mirrored, hidden = flips(job.augmentation), job.hidden_motion > 0
    passes = (3 if mirrored else 2) * (2 if hidden else 1)
    bar = comfy.utils.ProgressBar(len(footage.names) * passes)

    def on_clip() -> None:
        stop_if_cancelled()
        bar.update(1)

    stills = [] if hidden else None
    pixels = footage.cropped(job.augmentation, job.width, job.height, on_clip, stills)
    encode = vae_encoder(job.vae, job.model)
    return encode_clips(pixels, footage.names, prompts, encode, mirrored, on_clip, stills or ())


def _prompts(job: MotionLoraJob) -> Prompts:
    width = job.model.model.model_config.unet_config["context_dim"]
    return read_prompts(job.positive, job.negative, width)


def _precision(job: MotionLoraJob) -> Precision:
    if job.precision != AUTO:
        return Precision(job.precision)
    fast = comfy.model_management.should_use_bf16(job.model.load_device)
    return Precision.BF16 if fast else Precision.FP32


def _report(job: MotionLoraJob, clips: ClipSet, precision: Precision) -> TrainingReport:
    (application,) = applications(job.model)
    return TrainingReport(
        f"{application.file} ({application.config.version.value})",
        len(clips),
        flips(job.augmentation),
        clips.frames,
        job.width,
        job.height,
        job.rank,
        job.steps,
        precision,
    )


class _Run:
    """All steps, with progress, previews and the chance to cancel."""

    def __init__(self, job: MotionLoraJob, training: MotionLoraTraining):
        self.job = job
        self.training = training
        self.bar = comfy.utils.ProgressBar(job.steps)
        self.losses: list[float] = []
        self.curve = torch.zeros(0)

    def all_steps(self) -> None:
        every = self.job.sample_every or self.job.steps
        while self.training.step < self.job.steps:
            with self.training.session() as trainer:
                trainer.run(self._next_multiple(every), lambda _: self._on_step())
                self.losses = trainer.losses
            if self.job.sample_every and self.training.step % every == 0:
                self._show()
        self.curve = loss_curve(self.losses)

    def _next_multiple(self, every: int) -> int:
        return (self.training.step // every + 1) * every

    def _on_step(self) -> None:
        self.bar.update_absolute(self.training.step, self.job.steps)
        stop_if_cancelled()

    def _show(self) -> None:
        """A preview, outside of the session: the model is an ordinary one for it."""
        job = self.job
        shape = self.training.clips.latents.shape[1:]
        preview = Preview(self.training.model, job.vae, job.positive, job.negative, shape, job.seed)
        with self.training.attached():
            picture = preview.sample(stop_if_cancelled)
        clear_device()
        shown = ("JPEG", picture, LARGEST_SIDE)
        self.bar.update_absolute(self.training.step, self.job.steps, shown)
