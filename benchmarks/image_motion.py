"""What a picture costs: seconds of a UNet call over 16 frames at 128 px with PIA and AnimateLCM-I2V
beside the same motion modules without a picture, and the numbers that they add and keep."""

from dataclasses import replace

import comfy.model_management
import torch
from animatediff_native.conditions.i2v import I2VImage
from animatediff_native.conditions.pia import PiaImage
from animatediff_native.conditions.picture import Picture
from animatediff_native.motion.application import applications
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.beside import shapes_beside
from animatediff_native.motion.config import Version
from animatediff_native.motion.run import RUNS_KEY, MotionRuns

from benchmarks.models import motion_module, sd15
from benchmarks.step_time import FRAMES, LATENT, unet_call
from benchmarks.turns import take_turns

KINDS = {
    Version.PIA: (Version.V1, PiaImage),
    Version.ANIMATE_LCM_I2V: (Version.ANIMATE_LCM, I2VImage),
}


class Encoded:
    """Stands for the VAE, which runs before the first step."""

    def spacial_compression_encode(self):
        return 8

    def encode(self, pixels):
        return torch.randn(1, 4, LATENT, LATENT)


def with_picture(plain, version):
    """Of full size: the motion module without a picture on the model, and with one."""
    base, effect_class = KINDS[version]
    module = motion_module(base)
    config = replace(module.config, version=version)
    beside = {k: torch.randn(shape) * 0.02 for k, shape in shapes_beside(config).items()}
    pixels = torch.rand(1, 8 * LATENT, 8 * LATENT, 3)
    effect = effect_class(beside, Picture(pixels, Encoded(), "benchmark"))
    seen = replace(module, config=config, beside=beside, effects=(effect,))
    numbers = sum(weight.numel() for weight in effect.companion.model.parameters())
    return apply_motion_module(plain, module), apply_motion_module(plain, seen), numbers


def in_a_run(model):
    """A call of the model in a sampling run that keeps what it made."""
    call = unet_call(model)
    runs = MotionRuns((FRAMES, 4, LATENT, LATENT))
    (run,) = [runs.of(application, ()) for application in applications(model)]
    options = model.model_options["transformer_options"]

    def step():
        options[RUNS_KEY] = runs
        call()
        options.pop(RUNS_KEY)

    return step, run


def kept(run) -> int:
    """Numbers that the run keeps on the device."""
    made = [each for value in run._kept.values() for each in value]
    return sum(tensor.numel() for tensor in made)


def main() -> None:
    with torch.inference_mode():
        plain = sd15()
        for version in KINDS:
            without, seen, numbers = with_picture(plain, version)
            for model in (without, seen):
                comfy.model_management.load_models_gpu(
                    [model, *model.get_nested_additional_models()]
                )
            (base, _), (other, run) = in_a_run(without), in_a_run(seen)
            print(f"{version.value}: {take_turns(base, other)}")
            print(f"  its network has {numbers:,} numbers; a run keeps {kept(run):,}")
