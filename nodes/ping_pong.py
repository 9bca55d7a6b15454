"""A clip that runs back to its beginning."""

import torch
from comfy_api.latest import io

from .folders import CATEGORY
from .search_aliases import search_aliases


class PingPong(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_PingPong",
            display_name="Ping-Pong (boomerang, loop, reverse, AnimateDiff)",
            category=CATEGORY,
            **search_aliases("ADN_PingPong"),
            description="A clip forth and back: any clip becomes one that repeats without a jump.",
            inputs=[
                io.Image.Input("images", tooltip="The frames of a clip, from VAE Decode."),
            ],
            outputs=[
                io.Image.Output(
                    display_name="images",
                    tooltip="The same frames, and behind them those between the ends backwards.",
                )
            ],
        )

    @classmethod
    def execute(cls, images) -> io.NodeOutput:
        return io.NodeOutput(torch.cat([images, images[1:-1].flip(0)]))


NODES = [PingPong]
