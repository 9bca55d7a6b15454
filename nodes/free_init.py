"""FreeInit: a clip is sampled again from noise that keeps its slow part."""

from comfy_api.latest import io

from ..samplers.free_init import FreeInit as Settings
from ..samplers.free_init import LowPass
from ..samplers.noise_run import use_free_init
from .advanced import advanced
from .folders import CATEGORY
from .search_aliases import search_aliases

FARTHEST_SEED = 2**53 - 1  # what a page can count exactly


class FreeInit(io.ComfyNode):
    @classmethod
    @advanced("spatial_cutoff", "temporal_cutoff", "order", "seed_offset")
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_FreeInit",
            display_name="FreeInit (iteration opts, flicker, AnimateDiff)",
            category=CATEGORY,
            **search_aliases("ADN_FreeInit"),
            description="Samples a clip several times. Every round starts from noise that keeps "
            "the slow, coarse part of the round before, so that the clip flickers less. Takes as "
            "many times longer as there are rounds.",
            inputs=[
                io.Model.Input("model", tooltip="The animated model, with or without windows."),
                io.Int.Input(
                    "iterations",
                    default=3,
                    min=1,
                    max=20,
                    tooltip="How often the clip is sampled. 1 turns FreeInit off.",
                ),
                io.Combo.Input(
                    "filter",
                    options=[kind.value for kind in LowPass],
                    default=LowPass.BUTTERWORTH.value,
                    tooltip="How the noise falls from what is kept to what is new. butterworth: "
                    "by order. gaussian: softly. ideal: at once.",
                ),
                io.Float.Input(
                    "spatial_cutoff",
                    default=0.25,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="How fine the shapes are that are kept, as a part of the finest. 0 "
                    "keeps nothing.",
                ),
                io.Float.Input(
                    "temporal_cutoff",
                    default=0.25,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="How fast the changes are that are kept, as a part of the fastest. 0 "
                    "keeps nothing.",
                ),
                io.Int.Input(
                    "order",
                    default=4,
                    min=1,
                    max=16,
                    tooltip="butterworth only: how steeply it falls. Low is near gaussian, high "
                    "near ideal.",
                ),
                io.Int.Input(
                    "seed_offset",
                    default=1,
                    min=-FARTHEST_SEED,
                    max=FARTHEST_SEED,
                    tooltip="Added to the sampler's seed with every round, for the new noise.",
                ),
            ],
            outputs=[
                io.Model.Output(
                    display_name="model",
                    tooltip="The model with FreeInit, for a sampler that samples the whole clip "
                    "from noise.",
                )
            ],
        )

    @classmethod
    def execute(cls, model, iterations, filter, spatial_cutoff, temporal_cutoff, order,
                seed_offset) -> io.NodeOutput:  # fmt: skip
        settings = Settings(
            iterations, LowPass(filter), spatial_cutoff, temporal_cutoff, order, seed_offset
        )
        return io.NodeOutput(use_free_init(model, settings))


NODES = [FreeInit]
