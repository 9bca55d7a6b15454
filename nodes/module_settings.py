"""What can be changed in a loaded motion module before it is applied: positions and weights."""

from comfy_api.latest import io

from ..motion.adjusted_weights import Weights, with_adjusted_weights
from ..motion.stretched_positions import stretched
from .advanced import advanced
from .context_windows import LONGEST
from .folders import CATEGORY
from .motion_module import MotionModuleIO
from .search_aliases import search_aliases

MOST = 10.0


class StretchPositions(io.ComfyNode):
    @classmethod
    @advanced("rows", "first_row", "added")
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_StretchPositions",
            display_name="Stretch Positions (adjust PE, AnimateDiff)",
            category=CATEGORY,
            **search_aliases("ADN_StretchPositions"),
            description="Stretches a motion module's position table, so that it sees more frames "
            "at once than it was made for, at the price of slower motion.",
            inputs=[
                MotionModuleIO.Input("motion_module", tooltip="From Load Motion Module."),
                io.Int.Input(
                    "positions",
                    default=32,
                    min=0,
                    max=LONGEST,
                    tooltip="How many positions there are afterwards: the most frames that the "
                    "motion module can then see at once. 0: as many as the rows, and `added`.",
                ),
                io.Int.Input(
                    "rows",
                    default=0,
                    min=0,
                    max=LONGEST,
                    tooltip="How many of the table's own rows they are made of. 0: all. 16: those "
                    "that motion modules were trained on.",
                ),
                io.Int.Input(
                    "first_row",
                    default=0,
                    min=0,
                    max=LONGEST,
                    tooltip="The first of these rows.",
                ),
                io.Int.Input(
                    "added",
                    default=0,
                    min=0,
                    max=LONGEST,
                    optional=True,
                    tooltip="Where positions is 0: how many there are more than rows, whatever "
                    "table the motion module has.",
                ),
            ],
            outputs=[
                MotionModuleIO.Output(
                    display_name="motion_module",
                    tooltip="The motion module with the other positions, for Apply Motion Module.",
                )
            ],
        )

    @classmethod
    def execute(cls, motion_module, positions, rows, first_row, added=0) -> io.NodeOutput:
        effect = stretched(motion_module.table_length, positions, rows, first_row, added)
        return io.NodeOutput(motion_module.with_effect(effect) if effect else motion_module)


class AdjustWeights(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_AdjustWeights",
            display_name="Adjust Motion Weights (model, AnimateDiff)",
            category=CATEGORY,
            **search_aliases("ADN_AdjustWeights"),
            description="Changes a motion module's weights: (weight + add) x multiply. For "
            "experiments, and for workflows of AnimateDiff-Evolved that do so.",
            inputs=[
                MotionModuleIO.Input("motion_module", tooltip="From Load Motion Module."),
                io.Combo.Input(
                    "weights",
                    options=[weights.value for weights in Weights],
                    default=Weights.ALL.value,
                    tooltip="Which weights. attention: query, key, value, out and its bias. other: "
                    "all but those of the attention and the positions.",
                ),
                io.Float.Input(
                    "add", default=0.0, min=-MOST, max=MOST, step=0.000001, round=False,
                    tooltip="Is added to every number of the weights.",
                ),
                io.Float.Input(
                    "multiply", default=1.0, min=-MOST, max=MOST, step=0.000001, round=False,
                    tooltip="By which the sum is multiplied.",
                ),
            ],
            outputs=[
                MotionModuleIO.Output(
                    display_name="motion_module",
                    tooltip="The motion module with these weights, for Apply Motion Module.",
                )
            ],
        )  # fmt: skip

    @classmethod
    def execute(cls, motion_module, weights, add, multiply) -> io.NodeOutput:
        return io.NodeOutput(with_adjusted_weights(motion_module, Weights(weights), add, multiply))


NODES = [StretchPositions, AdjustWeights]
