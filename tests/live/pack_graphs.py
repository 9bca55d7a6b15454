"""Graphs with nodes of other packs between ours, and the small files that those nodes read."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import load
from safetensors.torch import save_file
from small_files import CONTEXT_DIM, WIDTHS

from tools.client import Message, Outputs, Prompt
from tools.server import ComfyServer
from tools.standins import StandIns

Link = list[Any]  # a node's id and the number of its output
FRAMES, WINDOW, SIZE, STEPS = 16, 8, 64, 2
EMBEDDING, TOKENS, ATTENTIONS = 1024, 4, 16  # of an IPAdapter for SD1.5
HOSTS, ADVANCED = "ControlNetApplyAdvanced", "ACN_AdvancedControlNetApply_v2"
LOADERS = {
    HOSTS: ("ControlNetLoader", "control_net_name"),
    ADVANCED: ("ACN_ControlNetLoaderAdvanced", "cnet"),
}


class ClipGraph:
    """A clip, or some frames of it with the noise that they have in the whole clip.

    Graphs that are alike but for `run` (up to 1000) give the same, and none of it comes out of the
    server's cache.
    """

    def __init__(
        self, standins: StandIns, first: int = 0, frames: int = FRAMES, size: int = SIZE, run=0
    ) -> None:
        self.prompt: Prompt = {}
        self.first, self.frames = first, frames
        self._motion_module = standins.motion_module.name
        loaded = self.add("CheckpointLoaderSimple", ckpt_name=standins.checkpoint.name)
        self.model, self.clip, self.vae = (out(loaded, index) for index in range(3))
        self.positive = self.add("CLIPTextEncode", clip=self.clip, text="a lake")
        self.negative = self.add("CLIPTextEncode", clip=self.clip, text="rain")
        zeros = self.add("EmptyLatentImage", width=size, height=size, batch_size=FRAMES)
        zeros = self.add("LatentMultiply", samples=zeros, multiplier=run / 100)
        self.latent = self._part("LatentFromBatch", samples=zeros)

    def add(self, class_type: str, **inputs: Any) -> Link:
        """A further node; the link to its first output."""
        key = str(len(self.prompt))
        self.prompt[key] = {"class_type": class_type, "inputs": inputs}
        return [key, 0]

    def _part(self, class_type: str, **inputs: Any) -> Link:
        return self.add(class_type, batch_index=self.first, length=self.frames, **inputs)

    def animate(self) -> None:
        module = self.add("ADN_LoadMotionModule", motion_module=self._motion_module)
        self.model = self.add(
            "ADN_ApplyMotionModule", model=self.model, motion_module=module, strength=1.0,
            beta_schedule="auto", start_percent=0.0, end_percent=1.0,
        )  # fmt: skip

    def cut(self, overlap: int = 0) -> None:
        """Into windows; without an overlap each of them is a clip by itself."""
        self.model = self.add(
            "ADN_ContextWindows", model=self.model, context_length=WINDOW,
            context_overlap=overlap, context_stride=1, schedule="static", fuse="pyramid",
        )  # fmt: skip

    def control(self, apply: str, net: str, video: str, strength=1.0, **more: Any) -> None:
        """A ControlNet in front of those that are there, with a picture per frame."""
        loader, name = LOADERS[apply]
        pictures = self.add("GetVideoComponents", video=self.add("LoadVideo", file=video))
        applied = self.add(
            apply, positive=self.positive, negative=self.negative, strength=strength,
            control_net=self.add(loader, **{name: net}), start_percent=0.0, end_percent=1.0,
            image=self._part("ImageFromBatch", image=pictures), **more,
        )  # fmt: skip
        self.positive, self.negative = applied, out(applied, 1)

    def adapt(self, adapter: str, embeds: str) -> None:
        """IPAdapter with an embedding per frame."""
        self.model = self.add(
            "IPAdapterEmbedsBatch", model=self.model, weight=1.0, weight_type="linear",
            ipadapter=self.add("IPAdapterModelLoader", ipadapter_file=adapter),
            pos_embed=self.add("IPAdapterLoadEmbeds", embeds=embeds),
            neg_embed=self.add("IPAdapterLoadEmbeds", embeds="zeros.ipadpt"),
            start_at=0.0, end_at=1.0, embeds_scaling="V only",
        )  # fmt: skip

    def sample(self, steps: int = STEPS, denoise: float = 1.0) -> Link:
        return self.add(
            "KSampler", model=self.model, positive=self.positive, negative=self.negative,
            latent_image=self.latent, sampler_name="euler", scheduler="normal", seed=5,
            steps=steps, cfg=4.0, denoise=denoise,
        )  # fmt: skip

    def decoded(self, samples: Link) -> Link:
        return self.add("VAEDecode", samples=samples, vae=self.vae)

    def latents(self, server: ComfyServer) -> np.ndarray:
        """Samples; [F, 4, h, w]."""
        saved, _ = self.add("SaveLatent", samples=self.sample(), filename_prefix="packs")
        return latents_of(server, server.client.run(self.prompt)[saved])


def out(link: Link, index: int) -> Link:
    """Another output of the same node."""
    return [link[0], index]


def latents_of(server: ComfyServer, saved: dict[str, Any]) -> np.ndarray:
    (file,) = saved["latents"]
    latents = load(server.client.view(file))["latent_tensor"]
    assert np.isfinite(latents).all()
    return latents


def watch(server: ComfyServer, prompt: Prompt, extra: dict) -> tuple[Outputs, list[Message]]:
    """A run from a page whose workflow has this under `extra`; and all that the page is told."""
    told: list[Message] = []
    workflow = {"extra_pnginfo": {"workflow": {"extra": extra}}}
    return server.client.watch(prompt, told.append, extra=workflow), told


def ipadapter(file: Path) -> None:
    """Random weights in the file format of IPAdapter for SD1.5."""
    generator = torch.Generator().manual_seed(8)
    tokens = TOKENS * CONTEXT_DIM
    tensors = {
        "image_proj.proj.weight": torch.randn(tokens, EMBEDDING, generator=generator) * 0.1,
        "image_proj.proj.bias": torch.zeros(tokens),
        "image_proj.norm.weight": torch.ones(CONTEXT_DIM),
        "image_proj.norm.bias": torch.zeros(CONTEXT_DIM),
    }
    for index in range(ATTENTIONS):
        for name in ("to_k_ip", "to_v_ip"):
            weight = torch.randn(WIDTHS[0], CONTEXT_DIM, generator=generator)
            tensors[f"ip_adapter.{2 * index + 1}.{name}.weight"] = weight * CONTEXT_DIM**-0.5
    file.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, file)


def embeds(folder: Path) -> None:
    """Random embeddings of pictures, one per frame, those of the second window, and zeros."""
    made = torch.randn(FRAMES, EMBEDDING, generator=torch.Generator().manual_seed(9))
    contents = {"all": made, "second": made[WINDOW:].clone(), "zeros": torch.zeros(1, EMBEDDING)}
    folder.mkdir(parents=True, exist_ok=True)
    for name, tensor in contents.items():
        torch.save(tensor, folder / f"{name}.ipadpt")
