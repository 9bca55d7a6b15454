"""A step with an ordinary LoRA by frame, against one without and one with the host's constant LoRA.

The LoRA is on all attention and feed-forward layers of SD1.5's UNet, at full width.
"""

import comfy.model_management
import comfy.sd
import torch
from animatediff_native.lora.frame_lora import KEY, FrameLoraRun, with_frame_lora
from animatediff_native.lora.spatial import read_lora

from benchmarks.models import sd15
from benchmarks.step_time import FRAMES, LATENT, unet_call
from benchmarks.turns import take_turns

RANKS = (16, 32)
LAYER = "transformer_blocks.0."


def lora_file(model, rank: int) -> dict[str, torch.Tensor]:
    """Seeded, small enough to leave activations as they are, in half precision as files are."""
    generator = torch.Generator().manual_seed(0)
    tensors = {}
    for key, weight in model.model.state_dict().items():
        if LAYER in key and key.endswith(".weight") and weight.ndim == 2:
            name = key.removesuffix(".weight")
            down = torch.randn(rank, weight.shape[1], generator=generator) * 0.01
            up = torch.randn(weight.shape[0], rank, generator=generator) * 0.01
            tensors[f"{name}.lora_down.weight"] = down.half()
            tensors[f"{name}.lora_up.weight"] = up.half()
    return tensors


def by_frame(model, tensors: dict[str, torch.Tensor]):
    """A clone with the LoRA growing along the clip, as in the middle of a run."""
    ramp = [frame / FRAMES for frame in range(FRAMES)]
    patched = with_frame_lora(model, read_lora(tensors, "random LoRA", model), ramp)
    patched.model_options["transformer_options"][KEY] = FrameLoraRun(FRAMES)
    return patched


def main() -> None:
    with torch.inference_mode():
        plain = sd15()
        comfy.model_management.load_models_gpu([plain])
        print(f"{FRAMES} frames, {8 * LATENT} px, {plain.load_device}, {plain.model_dtype()}")
        base = unet_call(plain)
        for rank in RANKS:
            tensors = lora_file(plain, rank)
            call = unet_call(by_frame(plain, tensors))
            print(f"rank {rank}, {len(tensors) // 2} layers")
            print(f"  without, and by frame: {take_turns(base, call)}", flush=True)
        merged = comfy.sd.load_lora_for_models(plain, None, tensors, 0.5, 0.0)[0]
        comfy.model_management.load_models_gpu([merged])  # so that both run on its weights
        print(f"  the host's constant LoRA, and by frame: {take_turns(unet_call(merged), call)}")


if __name__ == "__main__":
    main()
