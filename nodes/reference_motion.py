"""Motion taken from a video."""

from comfy_api.latest import io

from ..motion.step_range import StepRange
from ..trajectories.reference_clip import ReferenceClip
from ..trajectories.reference_motion import NODE, ReferenceMotion, with_reference_motion
from .folders import CATEGORY
from .search_aliases import search_aliases


class ApplyReferenceMotion(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_ReferenceMotion",
            display_name="Reference Motion (motion from a video, MotionClone, AnimateDiff)",
            category=CATEGORY,
            **search_aliases("ADN_ReferenceMotion"),
            description="Takes the motion of a video, and nothing of its looks, for the clip that "
            "is sampled. Nothing is trained.",
            inputs=[
                io.Model.Input(
                    "model", tooltip="The animated model, from Apply Motion Module or behind it."
                ),
                io.Image.Input(
                    "images",
                    tooltip="The video whose motion is taken: as many frames as the clip has, or "
                    "more, of which the first ones count. Resized to the size of the clip, and "
                    "cropped around its middle where its shape is another.",
                ),
                io.Vae.Input("vae", tooltip="The checkpoint's VAE, which encodes the video."),
                io.Conditioning.Input(
                    "conditioning",
                    tooltip="The prompt of the video, from CLIPTextEncode. An empty text is what "
                    "the authors use.",
                ),
                io.Float.Input(
                    "strength",
                    default=1.0,
                    min=0.0,
                    max=100.0,
                    step=0.05,
                    tooltip="How strongly the motion is drawn to the video's, whatever number of "
                    "steps. 1 is the authors' setting for a camera's motion, 2.7 for objects'. 0 "
                    "leaves it alone.",
                ),
                *_percents(),
                io.Int.Input(
                    "timestep",
                    default=400,
                    min=1,
                    max=999,
                    optional=True,
                    tooltip="How much noise the video has when its motion is looked at, of 1000: "
                    "more shows coarser motion.",
                ),
            ],
            outputs=[
                io.Model.Output(
                    display_name="model", tooltip="The model whose clips move as the video does."
                )
            ],
        )

    @classmethod
    def execute(
        cls, model, images, vae, conditioning, strength, start_percent, end_percent, timestep=400
    ) -> io.NodeOutput:
        clip = ReferenceClip(images, vae, NODE)
        steps = StepRange(start_percent, end_percent)
        reference = ReferenceMotion(clip, conditioning, strength, steps, timestep)
        return io.NodeOutput(with_reference_motion(model, reference))


def _percents() -> list[io.Input]:
    named = {"start_percent": (0.0, "begins"), "end_percent": (0.3, "ends")}
    return [
        io.Float.Input(
            name,
            default=default,
            min=0.0,
            max=1.0,
            step=0.01,
            tooltip=f"Where in the sampling this {what}, as a share from 0 to 1. Each step in "
            "between takes the time of about two.",
        )
        for name, (default, what) in named.items()
    ]


NODES = [ApplyReferenceMotion]
