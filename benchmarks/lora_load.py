"""Seconds and memory that 1, 4 and 8 MotionLoRAs of rank 64 add to loading a v2 motion module.

Both sides read files and end with the network on the device: the module as it is, and the
MotionLoRAs on top of a loaded module. Weights are random and stored in fp32.
"""

import tempfile
from pathlib import Path

import comfy.model_management
import torch
from animatediff_native.lora.apply import with_motion_lora
from animatediff_native.lora.chain import LoraUse
from animatediff_native.lora.load import load_motion_lora
from animatediff_native.lora.names import official_names
from animatediff_native.motion.detect import expected_shapes
from animatediff_native.motion.load import MotionModule, load_motion_module
from animatediff_native.motion.network import as_in_files
from safetensors.torch import save_file

from benchmarks.models import motion_module
from benchmarks.peak_memory import MIB, peak_mib, release_freed_memory
from benchmarks.turns import take_turns

RANK, COUNTS = 64, (1, 4, 8)
PROJECTIONS = (".to_q.weight", ".to_k.weight", ".to_v.weight", ".to_out.0.weight")


def attention_shapes(module: MotionModule) -> dict[str, tuple[int, ...]]:
    """The weights that official MotionLoRAs are for."""
    shapes = expected_shapes(module.config)
    return {key: shape for key, shape in shapes.items() if key.endswith(PROJECTIONS)}


def save_lora(path: Path, shapes: dict[str, tuple[int, ...]]) -> None:
    tensors = {}
    for key, (outs, ins) in shapes.items():
        down, up = official_names(key)
        tensors[down] = torch.randn(RANK, ins) * 0.01
        tensors[up] = torch.randn(outs, RANK) * 0.01
    save_file(tensors, path)


def write_files(folder: Path) -> dict[str, tuple[int, ...]]:
    """module.safetensors and lora0 to lora7; returns the shapes of the weights to patch."""
    module = motion_module()
    shapes = attention_shapes(module)
    save_file(as_in_files(module.patcher.model.state_dict()), folder / "module.safetensors")
    for i in range(max(COUNTS)):
        save_lora(folder / f"lora{i}.safetensors", shapes)
    return shapes


def on_device(module: MotionModule) -> MotionModule:
    comfy.model_management.load_models_gpu([module.patcher])
    return module


def with_loras(module: MotionModule, folder: Path, count: int) -> MotionModule:
    """The module on the device with the first MotionLoRAs of the folder."""
    loras = [load_motion_lora(folder / f"lora{i}.safetensors") for i in range(count)]
    return on_device(with_motion_lora(module, tuple(LoraUse(lora, 0.5) for lora in loras)))


def report_memory(module: MotionModule, folder: Path, count: int, shapes: dict) -> None:
    held: list[MotionModule] = []  # to the end of the measurement, as a graph holds it
    device = on_device(module).patcher.load_device
    release_freed_memory()
    growth = peak_mib(lambda: held.append(with_loras(module, folder, count)))
    files = sum((folder / f"lora{i}.safetensors").stat().st_size for i in range(count))
    weights = [4 * outs * ins for outs, ins in shapes.values()]
    kept = sum(weights) if device.type == "cpu" else 0
    print(
        f"{count} MotionLoRAs: peak grows by {growth:.0f} MiB; files {files / MIB:.0f}, "
        f"largest weight {max(weights) / MIB:.1f}, unpatched weights that ComfyUI keeps to undo "
        f"the patches {kept / MIB:.0f}"
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as name, torch.inference_mode():
        folder = Path(name)
        shapes = write_files(folder)
        module = on_device(load_motion_module(folder / "module.safetensors"))
        for count in COUNTS:
            report_memory(module, folder, count, shapes)
        for count in COUNTS:
            turns = take_turns(
                lambda: on_device(load_motion_module(folder / "module.safetensors")),
                lambda count=count: (on_device(module), with_loras(module, folder, count)),
                turns=3,
            )
            print(f"loading the module, and {count} MotionLoRAs on it: {turns}")
