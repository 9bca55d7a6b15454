"""Prompts that change along a clip."""

from comfy_api.latest import io, ui

from ..motion.errors import AnimateDiffError
from ..samplers.prompt_frames import per_frame, same_length
from ..samplers.prompt_schedule import (
    Interpolation,
    blends,
    read_schedule,
    schedule_text,
    with_common_parts,
)
from .context_windows import LONGEST
from .folders import CATEGORY
from .search_aliases import search_aliases

EXAMPLE = '0: "a castle in spring"\n16: "a castle in autumn"'


class PromptSchedule(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_PromptSchedule",
            display_name="Prompt Schedule",
            category=CATEGORY,
            **search_aliases("prompt travel", "batch prompt schedule", "prompt scheduling", "fizz"),
            description="Prompts at frames of a clip, as a conditioning with one entry per frame.",
            inputs=[
                io.Clip.Input("clip", tooltip="The text encoder of the checkpoint."),
                io.String.Input(
                    "text",
                    multiline=True,
                    default=EXAMPLE,
                    tooltip='One prompt per line, as in 16: "a castle in autumn", or JSON as in '
                    '{"16": "a castle in autumn"}. Frames count from 0.',
                ),
                io.Int.Input(
                    "frames",
                    default=16,
                    min=1,
                    max=LONGEST,
                    tooltip="How many frames the clip has: batch_size of the latent.",
                ),
                io.String.Input(
                    "prefix", default="", tooltip="Stands before every prompt, with a comma."
                ),
                io.String.Input(
                    "suffix", default="", tooltip="Stands behind every prompt, with a comma."
                ),
                io.Combo.Input(
                    "interpolation",
                    options=[interpolation.value for interpolation in Interpolation],
                    default=Interpolation.LINEAR.value,
                    tooltip="linear: from one prompt to the next, little by little. hold: each "
                    "prompt stays until the next.",
                ),
            ],
            outputs=[
                io.Conditioning.Output(
                    display_name="conditioning", tooltip="One embedding per frame."
                ),
                io.String.Output(
                    display_name="schedule",
                    tooltip="What every frame gets, as text, for Preview Any.",
                ),
            ],
        )

    @classmethod
    def execute(cls, clip, text, frames, prefix, suffix, interpolation) -> io.NodeOutput:
        how = Interpolation(interpolation)
        keys = with_common_parts(read_schedule(text, frames), prefix, suffix)
        encoded = [encode(clip, key.prompt) for key in keys]
        mixed = blends(keys, frames, how)
        embedding = per_frame(same_length([tokens for tokens, _ in encoded]), mixed)
        pooled = [pooled for _, pooled in encoded if pooled is not None]
        extra = {"pooled_output": per_frame(pooled, mixed)} if len(pooled) == len(keys) else {}
        schedule = schedule_text(keys, frames, how)
        return io.NodeOutput([[embedding, extra]], schedule, ui=ui.PreviewText(schedule))


def encode(clip, prompt: str):
    """[1, tokens, dim] and, where the text encoder has one, the pooled [1, dim]."""
    if clip is None:
        raise AnimateDiffError(
            "the checkpoint came without a text encoder.",
            "a CLIP model",
            "use a full SD1.5 checkpoint, or load its text encoder with Load CLIP.",
        )
    return clip.encode_from_tokens(clip.tokenize(prompt), return_pooled=True)


NODES = [PromptSchedule]
