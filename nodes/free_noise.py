"""FreeNoise: noise that a long clip's windows have in common."""

from comfy_api.latest import io

from ..samplers.free_noise import NoiseOrder, noise_order
from ..samplers.windows import Schedule, WindowPlan
from .context_windows import LONGEST
from .folders import CATEGORY
from .search_aliases import search_aliases


class FreeNoise(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_FreeNoise",
            display_name="FreeNoise",
            category=CATEGORY,
            **search_aliases("free noise", "noise type", "sample settings", "shuffle noise"),
            description="Gives the windows of a long clip the same noise in another order, so that "
            "the clip keeps one look. Put it before the sampler; the latent itself stays as it is.",
            inputs=[
                io.Latent.Input("samples", tooltip="The latent of the clip, empty or encoded."),
                io.Int.Input(
                    "context_length",
                    default=16,
                    min=2,
                    max=LONGEST,
                    tooltip="As in Context Windows. 16 where windows are automatic.",
                ),
                io.Int.Input(
                    "context_overlap",
                    default=4,
                    min=0,
                    max=LONGEST,
                    tooltip="As in Context Windows. 4 where windows are automatic.",
                ),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=0xFFFFFFFFFFFFFFFF,
                    control_after_generate=True,
                    tooltip="Shuffles the noise frames. The noise itself is the sampler's.",
                ),
                io.Combo.Input(
                    "schedule",
                    options=[order.value for order in NoiseOrder],
                    default=NoiseOrder.ANY.value,
                    optional=True,
                    tooltip="any: right for every schedule of Context Windows. static: the order "
                    "of the FreeNoise paper, for static windows only.",
                ),
                io.Int.Input(
                    "context_stride",
                    default=1,
                    min=1,
                    max=12,
                    optional=True,
                    tooltip="As in Context Windows, for uniform and looped windows.",
                ),
            ],
            outputs=[
                io.Latent.Output(
                    display_name="samples", tooltip="The same latent, for the sampler."
                )
            ],
        )

    @classmethod
    def execute(cls, samples, context_length, context_overlap, seed,
                schedule=NoiseOrder.ANY.value, context_stride=1) -> io.NodeOutput:  # fmt: skip
        frames = samples["samples"].shape[0]
        plan = WindowPlan(context_length, context_overlap, context_stride, Schedule.LOOPED)
        order = noise_order(plan, frames, NoiseOrder(schedule), seed)
        if order == list(range(frames)):
            return io.NodeOutput(samples)
        numbers = samples.get("batch_index", range(frames))
        return io.NodeOutput({**samples, "batch_index": [numbers[i] for i in order]})


NODES = [FreeNoise]
