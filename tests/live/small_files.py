"""Small files with random contents, under the very names that workflows ask for.

A shipped workflow names the files that its users have. On a test's server stand-ins lie in their
places, in the formats of the real ones, so that a workflow runs with its names as they are.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from zlib import crc32

import comfy.cldm.cldm
import comfy.ops
import numpy as np
import torch
from adn_testing import camera_files, image_files, lora_files, motion_files, sparse_files
from PIL import Image
from safetensors.torch import load_file, save_file

from tools import media
from tools.client import Prompt
from tools.server import ComfyServer
from tools.standin_checkpoint import SMALL_CHANNEL_MULT, SMALL_UNET, random_state_dict
from tools.standins import StandIns

Tensors = dict[str, torch.Tensor]
SIZE, FRAMES = 64, 24  # of a picture's side, and of a video
WIDTHS = tuple(SMALL_UNET["model_channels"] * mult for mult in SMALL_CHANNEL_MULT)
CONTEXT_DIM = SMALL_UNET["context_dim"]
FIRST_CONV = "model.diffusion_model.input_blocks.0.0.weight"
MASK_CHANNELS = 5  # of an inpainting checkpoint: the mask, and the picture around it as latents
SUFFIXES = (
    "ckpt", "safetensors", "pth", "pt", "bin", "png", "jpg", "jpeg", "webp", "gif", "mp4", "webm",
    "mov", "wav", "mp3",
)  # fmt: skip
IS_FILE = re.compile(rf".+\.({'|'.join(SUFFIXES)})$", re.IGNORECASE)
OF_PICTURES = {image_files.pia: r"\bpia\b", image_files.i2v: "i2v"}
VERSIONS = {"v1": r"mm_sd_v1[45]\.|temporaldiff", "v3": "v3_sd15", "AnimateLCM": "lcm"}


class SmallFiles:
    """Makes what is missing in a server's folders, and takes it away at the end."""

    def __init__(self, server: ComfyServer, standins: StandIns) -> None:
        self._base = server.base.path
        self._standins = standins
        self._made: list[Path] = []
        self._makers: Mapping[str, tuple[str, Callable[[Path], None]]] = {
            "ckpt_name": ("models/checkpoints", self._checkpoint),
            "motion_module": ("models/animatediff_models", self._motion_module),
            "motion_lora": ("models/animatediff_motion_lora", motion_lora),
            "domain_adapter": ("models/loras", domain_adapter),
            "lora": ("models/loras", unet_lora),
            "lora_name": ("models/loras", unet_lora),
            "control_net_name": ("models/controlnet", controlnet),
            "sparsectrl": ("models/controlnet", sparsectrl),
            "camera_control": ("models/animatediff_models", camera_control),
            "image": ("input", picture),
            "file": ("input", video),
        }

    def put(self, prompt: Prompt) -> None:
        """The files that a workflow in API format names."""
        for node in prompt.values():
            for name, value in node["inputs"].items():
                if isinstance(value, str) and IS_FILE.match(value):
                    assert name in self._makers, (
                        f"{node['class_type']}.{name} is {value!r}: tell SmallFiles how to make one"
                    )
                    self.add(name, value)

    def add(self, kind: str, name: str) -> str:
        """A file for an input of this name; gives the file's name back."""
        folder, make = self._makers[kind]
        file = self._base / folder / name
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            make(file)
            self._made.append(file)
        return name

    def remove(self) -> None:
        for file in self._made:
            file.unlink(missing_ok=True)

    def _checkpoint(self, file: Path) -> None:
        if "inpaint" in file.name:
            save(inpainting(load_file(self._standins.checkpoint)), file)
        else:
            self._linked(self._standins.checkpoint, file)

    def _motion_module(self, file: Path) -> None:
        """Of the kind or version that the name says."""
        for made, name in OF_PICTURES.items():
            if re.search(name, file.name, re.IGNORECASE):
                save(made(widths=WIDTHS), file)
                return
        said = (v for v, name in VERSIONS.items() if re.search(name, file.name, re.IGNORECASE))
        version = next(said, "v2")
        if version == "v2":
            self._linked(self._standins.motion_module, file)
        else:
            tensors = motion_files.original(version, widths=WIDTHS)
            save({key: tensor.half() for key, tensor in tensors.items()}, file)

    @staticmethod
    def _linked(standin: Path, file: Path) -> None:
        if file.suffix == standin.suffix:
            file.symlink_to(standin)
        else:
            save(load_file(standin), file)


def save(tensors: Tensors, file: Path) -> None:
    """In the format that the name says."""
    if file.suffix == ".safetensors":
        save_file(tensors, file)
    else:
        torch.save(tensors, file)


def inpainting(tensors: Tensors) -> Tensors:
    """The checkpoint with a UNet that takes the channels of a mask too."""
    conv = tensors[FIRST_CONV]
    generator = torch.Generator().manual_seed(6)
    more = torch.randn(conv.shape[0], MASK_CHANNELS, *conv.shape[2:], generator=generator)
    return {**tensors, FIRST_CONV: torch.cat([conv, more.to(conv) * conv.std()], dim=1)}


def motion_lora(file: Path) -> None:
    """With the official keys, for v2; every name has other weights."""
    made = lora_files.pairs(seed=crc32(file.name.encode()), widths=WIDTHS)
    save(lora_files.official(made), file)


def domain_adapter(file: Path) -> None:
    save(lora_files.domain_adapter(widths=WIDTHS, context=CONTEXT_DIM), file)


def unet_lora(file: Path) -> None:
    """An ordinary LoRA for one weight of the UNet."""
    key = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q"
    generator = torch.Generator().manual_seed(7)
    down, up = (torch.randn(4, WIDTHS[0], generator=generator) * 0.1 for _ in range(2))
    save({f"{key}.lora_down.weight": down, f"{key}.lora_up.weight": up.T.contiguous()}, file)


def controlnet(file: Path) -> None:
    """In the file format of ControlNet 1.1."""
    layout = {k: v for k, v in SMALL_UNET.items() if k != "out_channels"}
    net = comfy.cldm.cldm.ControlNet(
        **layout,
        hint_channels=3,
        device="meta",
        operations=comfy.ops.disable_weight_init,
    )
    weights = random_state_dict(net, torch.Generator().manual_seed(5))
    save({f"control_model.{key}": value for key, value in weights.items()}, file)


def sparsectrl(file: Path) -> None:
    """For pictures or for sketches, as the name says."""
    kind = "scribble" if "scribble" in file.name.lower() else "rgb"
    save(sparse_files.original(kind, widths=WIDTHS, context=CONTEXT_DIM), file)


def camera_control(file: Path) -> None:
    """A pickle as the authors save it, or one state dict."""
    tensors = camera_files.flat(widths=WIDTHS)
    if file.suffix == ".safetensors":
        save(tensors, file)
    else:
        torch.save(camera_files.of_two(tensors), file)


def picture(file: Path) -> None:
    """Colours that change across it, and in the middle a hole, which ComfyUI takes as a mask."""
    ramp = np.linspace(0, 255, SIZE, dtype=np.uint8)
    x, y = np.meshgrid(ramp, ramp)
    alpha = np.full_like(x, 255)
    alpha[SIZE // 4 : 3 * SIZE // 4, SIZE // 4 : 3 * SIZE // 4] = 0
    Image.fromarray(np.stack([x, y, 255 - x, alpha], axis=-1)).save(file)


def video(file: Path, frames: int = FRAMES) -> None:
    """A bright bar that moves to the right, over a ground that brightens in every frame."""
    pictures = []
    for i in range(frames):
        picture = np.full((SIZE, SIZE, 3), 160 * i // frames, dtype=np.uint8)
        left = i * (SIZE - 8) // frames
        picture[:, left : left + 8] = 255
        pictures.append(picture)
    media.write_video(file, pictures)
