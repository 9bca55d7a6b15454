"""Noise by frame: kinds, layers, and noise for samplers that have no input for it."""

from comfy_api.latest import io

from ..samplers.frame_noise import LARGEST_SEED, NoiseKind, NoiseMix, read_seeds
from ..samplers.frame_noise import NoiseLayer as Layer
from ..samplers.noise_run import frame_noise, use_noise
from .advanced import advanced
from .clip_part import first_frame_input
from .context_windows import LONGEST
from .folders import CATEGORY
from .free_noise import OF_THESE
from .search_aliases import search_aliases


class FrameNoise(io.ComfyNode):
    @classmethod
    @advanced("first_frame")
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_FrameNoise",
            display_name="Noise by Frame (noise type, seeds, AnimateDiff)",
            category=CATEGORY,
            **search_aliases("ADN_FrameNoise"),
            description="Noise for a clip: a seed for every frame, the same noise in all frames, "
            "or noise of which frames have a part in common. For SamplerCustomAdvanced, or for "
            "any sampler through Noise for KSampler.",
            inputs=[
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=LARGEST_SEED,
                    control_after_generate=True,
                    tooltip="As in KSampler: the same seed gives the same noise.",
                ),
                io.Combo.Input(
                    "kind",
                    options=[kind.value for kind in NoiseKind],
                    default=NoiseKind.INDEPENDENT.value,
                    tooltip="independent: as KSampler draws it. seed per frame: every frame as a "
                    "picture of its own seed. constant: the same noise in all frames. repeated: "
                    "again from the first frame after context_length frames. common: a part of "
                    "the noise is the same in all frames. none: no noise.",
                ),
                io.String.Input(
                    "seeds",
                    default="",
                    tooltip="seed per frame only: a seed for every frame, such as 5, 6, 7. Empty: "
                    "seed, seed + 1, seed + 2 ...",
                ),
                io.Int.Input(
                    "context_length",
                    default=16,
                    min=1,
                    max=LONGEST,
                    tooltip="repeated only: after how many frames the noise begins again.",
                ),
                io.Float.Input(
                    "share",
                    default=0.5,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="common only: how much of the noise all frames have in common. 0 is "
                    "independent, 1 the same noise in all frames.",
                ),
                first_frame_input(OF_THESE),
            ],
            outputs=[
                io.Noise.Output(
                    display_name="noise",
                    tooltip="For SamplerCustomAdvanced, Noise Layer or Noise for KSampler.",
                )
            ],
        )

    @classmethod
    def execute(cls, seed, kind, seeds, context_length, share, first_frame=0) -> io.NodeOutput:
        noise = frame_noise(
            seed=seed,
            kind=NoiseKind(kind),
            seeds=read_seeds(seeds),
            context_length=context_length,
            share=share,
            first_frame=first_frame,
        )
        return io.NodeOutput(noise)


class NoiseLayer(io.ComfyNode):
    @classmethod
    @advanced("balance")
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_NoiseLayer",
            display_name="Noise Layer (add noise, mix noise, AnimateDiff)",
            category=CATEGORY,
            **search_aliases("ADN_NoiseLayer"),
            description="Puts one noise over another: in some frames, in an area, or by weight. "
            "For layers over layers put one node behind the other.",
            inputs=[
                io.Noise.Input("noise", tooltip="The noise beneath."),
                io.Noise.Input("layer", tooltip="The noise that is put over it."),
                io.Combo.Input(
                    "mix",
                    options=[mix.value for mix in NoiseMix],
                    default=NoiseMix.REPLACE.value,
                    tooltip="replace: the layer alone. add: the noise plus weight times the "
                    "layer. weighted: (1 - weight x balance) times the noise plus weight times "
                    "the layer. normalized: a mix by weight that is as strong as either.",
                ),
                io.Float.Input(
                    "weight",
                    default=0.5,
                    min=-10.0,
                    max=10.0,
                    step=0.001,
                    tooltip="How much of the layer, for all but replace.",
                ),
                io.Int.Input(
                    "first_frame",
                    default=0,
                    min=-LONGEST,
                    max=LONGEST,
                    tooltip="The first frame that gets the layer. Negative: from the end.",
                ),
                io.Int.Input(
                    "last_frame",
                    default=-1,
                    min=-LONGEST,
                    max=LONGEST,
                    tooltip="The last frame that gets the layer. -1: the clip's last one.",
                ),
                io.Mask.Input(
                    "area",
                    optional=True,
                    tooltip="Where the layer is: white. One mask, or one per frame of the clip, "
                    "in any size.",
                ),
                io.Float.Input(
                    "balance",
                    default=1.0,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    optional=True,
                    tooltip="weighted only: how much of weight is taken from the noise beneath.",
                ),
            ],
            outputs=[
                io.Noise.Output(
                    display_name="noise",
                    tooltip="Both together, for SamplerCustomAdvanced, another Noise Layer or "
                    "Noise for KSampler.",
                )
            ],
        )

    @classmethod
    def execute(cls, noise, layer, mix, weight, first_frame, last_frame, area=None,
                balance=1.0) -> io.NodeOutput:  # fmt: skip
        layered = Layer(noise, layer, NoiseMix(mix), weight, first_frame, last_frame, area, balance)
        return io.NodeOutput(layered)


class UseNoise(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_UseNoise",
            display_name="Noise for KSampler (custom noise, AnimateDiff)",
            category=CATEGORY,
            **search_aliases("ADN_UseNoise"),
            description="Any sampler of this model that adds noise takes this noise in place of "
            "its own. The sampler's seed stays for what it draws at its steps.",
            inputs=[
                io.Model.Input("model", tooltip="The model for the sampler, animated or not."),
                io.Noise.Input(
                    "noise", tooltip="From Noise by Frame, Noise Layer or ComfyUI's RandomNoise."
                ),
            ],
            outputs=[
                io.Model.Output(
                    display_name="model",
                    tooltip="The model with this noise, for KSampler and other samplers.",
                )
            ],
        )

    @classmethod
    def execute(cls, model, noise) -> io.NodeOutput:
        return io.NodeOutput(use_noise(model, noise))


NODES = [FrameNoise, NoiseLayer, UseNoise]
