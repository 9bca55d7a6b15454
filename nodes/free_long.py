"""FreeLong: a long clip at once, by attention over all of it and over its parts."""

from comfy_api.latest import io

from ..motion.free_long import FreeLong as Blended
from .advanced import advanced
from .context_windows import LONGEST
from .folders import CATEGORY
from .motion_module import MotionModuleIO
from .search_aliases import search_aliases


class FreeLong(io.ComfyNode):
    @classmethod
    @advanced("spatial_cutoff", "temporal_cutoff")
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_FreeLong",
            display_name="FreeLong (long clip, spectral, AnimateDiff)",
            category=CATEGORY,
            **search_aliases("ADN_FreeLong"),
            description="Samples a long clip at once. Its coarse, slow part comes from attention "
            "over all frames, its detail from attention over their neighbours. Needs memory for "
            "all frames.",
            inputs=[
                MotionModuleIO.Input("motion_module", tooltip="From Load Motion Module."),
                io.Int.Input(
                    "local_length",
                    default=16,
                    min=2,
                    max=LONGEST,
                    tooltip="Neighbours that detail comes from. 16 is what motion modules were "
                    "trained on; at most what the module can see at once. Shorter clips stay as "
                    "they are without this node.",
                ),
                io.Float.Input(
                    "spatial_cutoff",
                    default=0.25,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="How fine across the picture the part from all frames is. 0: nothing "
                    "comes from all frames.",
                ),
                io.Float.Input(
                    "temporal_cutoff",
                    default=0.25,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="How fast along the clip the part from all frames may change. 0: "
                    "nothing comes from all frames.",
                ),
            ],
            outputs=[
                MotionModuleIO.Output(
                    display_name="motion_module",
                    tooltip="The motion module with FreeLong, for Apply Motion Module.",
                )
            ],
        )

    @classmethod
    def execute(cls, motion_module, local_length, spatial_cutoff, temporal_cutoff) -> io.NodeOutput:
        effect = Blended(local_length, spatial_cutoff, temporal_cutoff)
        return io.NodeOutput(motion_module.with_effect(effect))


NODES = [FreeLong]
