"""The noise schedule of a model, without a motion module."""

from comfy_api.latest import io

from ..samplers.beta_schedule import BetaSchedule, set_beta_schedule
from .folders import CATEGORY
from .plot import on_node, plot
from .search_aliases import search_aliases

MEANT_FOR_MODULES = (BetaSchedule.AUTO, BetaSchedule.KEEP)


class NoiseSchedule(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_NoiseSchedule",
            display_name="Noise Schedule (beta schedule, AnimateDiff)",
            category=CATEGORY,
            **search_aliases("ADN_NoiseSchedule"),
            description="Gives a model another noise schedule. Apply Motion Module has the same "
            "choice: this is for samplers that share its checkpoint without motion.",
            inputs=[
                io.Model.Input("model", tooltip="An SD1.5 or SDXL model, animated or not."),
                io.Combo.Input(
                    "beta_schedule",
                    options=[each.value for each in BetaSchedule if each not in MEANT_FOR_MODULES],
                    default=BetaSchedule.LINEAR.value,
                    tooltip="The betas between noise and picture. ComfyUI calls linear "
                    "'sqrt_linear' and scaled_linear 'linear'.",
                ),
            ],
            outputs=[
                io.Model.Output(
                    display_name="model", tooltip="The model with this schedule, for samplers."
                )
            ],
        )

    @classmethod
    def execute(cls, model, beta_schedule) -> io.NodeOutput:
        scheduled = model.clone()
        set_beta_schedule(scheduled, BetaSchedule(beta_schedule))
        sigmas = getattr(scheduled.get_model_object("model_sampling"), "sigmas", None)
        if sigmas is None:
            return io.NodeOutput(scheduled)
        title = f"Sigma by timestep, up to {float(sigmas.max()):.2f}"
        return io.NodeOutput(scheduled, ui=on_node(plot(sigmas.tolist(), title, "timestep"), cls))


NODES = [NoiseSchedule]
