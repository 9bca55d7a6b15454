"""A long clip in parts, each of which goes on where the one before ends."""

from comfy_api.latest import io

from ..samplers.clip_in_parts import ClipParts, part_of
from ..samplers.windows_plot import plot_parts
from .context_windows import LONGEST
from .folders import CATEGORY
from .plot import on_node
from .search_aliases import search_aliases

MOST_PARTS = 10_000


class ContinueClip(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_ContinueClip",
            display_name="Continue Clip (long video in parts, AnimateDiff)",
            category=CATEGORY,
            **search_aliases("ADN_ContinueClip"),
            description="One part of a long clip: its frames of the clip's latent, the first of "
            "them kept from the part before. For clips that are too long for one run.",
            inputs=[
                io.Latent.Input(
                    "latent",
                    tooltip="The latent of the whole clip, empty or encoded: its batch_size is "
                    "the length of all parts together.",
                ),
                io.Int.Input(
                    "part",
                    default=0,
                    min=0,
                    max=MOST_PARTS,
                    tooltip="Which part this is. 0 is the first.",
                ),
                io.Int.Input(
                    "frames",
                    default=128,
                    min=2,
                    max=LONGEST,
                    tooltip="How many frames are sampled in one part, the context included. The "
                    "last part has what is left.",
                ),
                io.Int.Input(
                    "context_frames",
                    default=8,
                    min=0,
                    max=LONGEST,
                    tooltip="How many frames at the end of the part before are shown again at the "
                    "beginning of this one. They are kept as they are.",
                ),
                io.Latent.Input(
                    "previous",
                    optional=True,
                    tooltip="What the sampler made of the part before, all of it. Not needed in "
                    "part 0.",
                ),
            ],
            outputs=[
                io.Latent.Output(
                    display_name="latent",
                    tooltip="The part's latent, for FreeNoise or the sampler, with a noise mask "
                    "that keeps the context.",
                ),
                io.Int.Output(
                    display_name="first_frame",
                    tooltip="Which frame of the clip the part begins at, for first_frame of "
                    "Prompt Schedule, Frame Strengths and FreeNoise.",
                ),
                io.Int.Output(
                    display_name="total_frames",
                    tooltip="How many frames the clip has, for total_frames of the same nodes.",
                ),
                io.Int.Output(
                    display_name="context_frames",
                    tooltip="How many frames at the beginning are those of the part before: 0 in "
                    "part 0. For batch_index of ImageFromBatch, which leaves them out.",
                ),
            ],
        )

    @classmethod
    def execute(cls, latent, part, frames, context_frames, previous=None) -> io.NodeOutput:
        total = latent["samples"].shape[0]
        parts = ClipParts(total, frames, context_frames)
        made = part_of(latent, parts, part, previous)
        numbers = parts.of(part).start, total, context_frames if part else 0
        return io.NodeOutput(made, *numbers, ui=on_node(plot_parts(parts, part), cls))


NODES = [ContinueClip]
