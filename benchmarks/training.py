"""What a training step of a MotionLoRA costs: seconds and peak memory with gradient checkpointing,
over those without.

One step is a forward, a backward and AdamW over a MotionLoRA of rank 64 on a v2 motion module and
a clip of 16 frames: at 256 px in bf16 on an accelerator, at 64 px in fp32 on a CPU. The peak is
that of a training's first step, with everything that it makes to stay: beyond the loaded models,
and on an accelerator in all.
"""

import comfy.model_management
import torch
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.training.clip_set import ClipSet
from animatediff_native.training.motion_lora import MotionLoraTraining
from animatediff_native.training.settings import Precision, TrainingSettings

from benchmarks.models import motion_module, sd15
from benchmarks.peak_memory import MIB, peak_mib, release_freed_memory
from benchmarks.turns import Turns, seconds

FRAMES, RANK, TURNS = 16, 64, 3
TOKENS, CONTEXT_DIM = 77, 768


def random_clip(latent: int, context_dim: int) -> ClipSet:
    """One clip of noise with a random prompt; latent: side of its latents."""
    generator = torch.Generator().manual_seed(1)
    return ClipSet(
        torch.randn(1, FRAMES, 4, latent, latent, generator=generator),
        torch.randn(1, TOKENS, context_dim, generator=generator),
        torch.zeros(1, dtype=torch.long),
    )


def step(training: MotionLoraTraining) -> float:
    """Seconds of the next one, without those of loading the model for it."""
    with training.session() as trainer:
        return seconds(lambda: trainer.run(until=trainer.step + 1))


def begun(model, clips: ClipSet, settings: TrainingSettings) -> tuple[MotionLoraTraining, float]:
    """A training after its first step, and the MiB at the peak beyond what was there before."""
    made: list[MotionLoraTraining] = []

    def begin() -> None:
        made.append(MotionLoraTraining(model, clips, RANK, settings))
        step(made[0])

    release_freed_memory()
    peak = peak_mib(begin)
    return made[0], peak


def described_peak(peak: float, loaded: float) -> str:
    in_all = f", {loaded + peak:.0f} MiB in all" if torch.cuda.is_available() else ""
    return f"peak {peak:.0f} MiB beyond the loaded models{in_all}"


def compare(model, clips: ClipSet, precision: Precision) -> None:
    """Both sides, turn by turn."""
    comfy.model_management.load_models_gpu([model, *model.get_nested_additional_models()])
    loaded = torch.cuda.memory_allocated() / MIB if torch.cuda.is_available() else 0.0
    trainings, peaks = [], []
    for checkpointing in (False, True):
        settings = TrainingSettings(1 + TURNS, precision=precision, checkpointing=checkpointing)
        training, peak = begun(model, clips, settings)
        trainings.append(training)
        peaks.append(peak)
        name = f"checkpointing {'on' if checkpointing else 'off'}"
        print(f"{name}: {described_peak(peak, loaded)}", flush=True)
    turns = Turns([], [])
    for _ in range(TURNS):
        turns.base.append(step(trainings[0]))
        turns.other.append(step(trainings[1]))
    print(f"a step, checkpointing off and on: {turns}; peak ratio {peaks[1] / peaks[0]:.3f}")


def main() -> None:
    with torch.inference_mode():
        model = apply_motion_module(sd15(), motion_module())
        accelerated = model.load_device.type != "cpu"
        latent = 32 if accelerated else 8
        precision = Precision.BF16 if accelerated else Precision.FP32
        print(
            f"MotionLoRA of rank {RANK}, {FRAMES} frames, {8 * latent} px, {precision.value}, "
            f"{model.load_device}"
        )
        compare(model, random_clip(latent, CONTEXT_DIM), precision)
