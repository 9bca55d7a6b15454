"""The loader of the miniature world, in place of a checkpoint loader."""

import os
from pathlib import Path

import comfy.sd
import comfy.utils
from comfy_api.latest import ComfyExtension, io

from . import control
from .models import load_unet
from .text import MiniatureText
from .world import BACKGROUND_NAMES, COLOURS, SHAPES

WEIGHTS = Path(os.environ.get("ADN_MINIATURE") or Path(__file__).with_name("weights"))
MODELS = {
    "plain": "miniature_unet",
    "ink": "miniature_unet_ink",
    "inpaint": "miniature_unet_inpaint",
}


class LoadMiniatureWorld(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        there = [name for name, file in MODELS.items() if _file(file).is_file()]
        return io.Schema(
            node_id="ADNDemo_LoadMiniatureWorld",
            display_name="Load Miniature World",
            category="AnimateDiff/demo",
            description="A tiny SD1.5-layout model that draws one coloured shape, 64 x 64 pixels. "
            f"It knows {', '.join(SHAPES)}; {', '.join(COLOURS)}; and "
            f"{', '.join(BACKGROUND_NAMES)} background.",
            inputs=[
                io.Combo.Input(
                    "model",
                    options=there,
                    tooltip="plain: the base model. ink: one fine-tuned on dark colours on paper. "
                    "inpaint: one for inpainting, with mask and masked image as channels.",
                )
            ],
            outputs=[
                io.Model.Output(display_name="model"),
                io.Clip.Output(display_name="clip"),
                io.Vae.Output(display_name="vae"),
            ],
        )

    @classmethod
    def execute(cls, model) -> io.NodeOutput:
        vae = comfy.sd.VAE(sd=comfy.utils.load_torch_file(str(_file("miniature_vae"))))
        return io.NodeOutput(load_unet(_file(MODELS[model])), MiniatureText(), vae)


class LoadMiniatureControl(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADNDemo_LoadMiniatureControl",
            display_name="Load Miniature ControlNet",
            category="AnimateDiff/demo",
            description="Steers the miniature world: the shape is drawn where the hint is white.",
            outputs=[io.ControlNet.Output(display_name="control_net")],
        )

    @classmethod
    def execute(cls) -> io.NodeOutput:
        return io.NodeOutput(control.load(_file("miniature_control")))


def _file(name: str) -> Path:
    return WEIGHTS / f"{name}.safetensors"


class MiniatureWorldExtension(ComfyExtension):
    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        loaders: list[type[io.ComfyNode]] = [LoadMiniatureWorld]
        if _file("miniature_control").is_file():  # which does not come with the project
            loaders.append(LoadMiniatureControl)
        return loaders
