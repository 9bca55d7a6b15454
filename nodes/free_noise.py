"""FreeNoise: noise that a long clip's windows have in common."""

from comfy_api.latest import io

from ..samplers.free_noise import NoiseOrder, part_order
from ..samplers.windows import Schedule, WindowPlan
from .advanced import advanced
from .clip_part import first_frame_input, total_frames_input
from .context_windows import LONGEST
from .folders import CATEGORY
from .plot import on_node, plot
from .search_aliases import search_aliases

OF_THESE = " The part gets the noise of these frames."


class FreeNoise(io.ComfyNode):
    @classmethod
    @advanced("schedule", "context_stride", "first_frame", "total_frames")
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_FreeNoise",
            display_name="FreeNoise (noise type, long clip, AnimateDiff)",
            category=CATEGORY,
            **search_aliases("ADN_FreeNoise"),
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
                first_frame_input(OF_THESE),
                total_frames_input("or, with a first_frame, a part of one that may go on."),
            ],
            outputs=[
                io.Latent.Output(
                    display_name="samples", tooltip="The same latent, for the sampler."
                )
            ],
        )

    @classmethod
    def execute(cls, samples, context_length, context_overlap, seed,
                schedule=NoiseOrder.ANY.value, context_stride=1, first_frame=0,
                total_frames=0) -> io.NodeOutput:  # fmt: skip
        part = range(first_frame, first_frame + samples["samples"].shape[0])
        plan = WindowPlan(context_length, context_overlap, context_stride, Schedule.LOOPED)
        order = part_order(plan, part, NoiseOrder(schedule), seed, total_frames)
        title = "Each frame's noise: that of which frame"
        shown = on_node(plot(order, title, first=first_frame, line=False), cls)
        if first_frame:  # what a latent says of its frames does not reach those before them
            return io.NodeOutput({**samples, "batch_index": order}, ui=shown)
        if order == list(part):
            return io.NodeOutput(samples, ui=shown)
        numbers = samples.get("batch_index", part)
        return io.NodeOutput({**samples, "batch_index": [numbers[i] for i in order]}, ui=shown)


NODES = [FreeNoise]
