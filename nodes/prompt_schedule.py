"""Prompts that change along a clip."""

import logging

import torch
from comfy_api.latest import io

from ..motion.clip_part import ClipPart, clip_part
from ..samplers.prompt_encode import conditioning, constant, encoder
from ..samplers.prompt_plot import plot_prompts
from ..samplers.prompt_schedule import Interpolation, Schedule, blends, schedule_of, schedule_text
from .advanced import advanced
from .clip_part import frames_input, part_inputs
from .folders import CATEGORY
from .plot import on_node
from .search_aliases import search_aliases

log = logging.getLogger("animatediff_native")

EXAMPLE = '0: "a castle in spring"\n15: "a castle in autumn"'  # of a clip of 16 frames


class PromptSchedule(io.ComfyNode):
    @classmethod
    @advanced("first_frame", "total_frames")
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_PromptSchedule",
            display_name="Prompt Schedule (batch prompt travel, AnimateDiff)",
            category=CATEGORY,
            **search_aliases("ADN_PromptSchedule"),
            description="Prompts at frames of a clip, as a conditioning with one entry per frame.",
            inputs=[
                io.Clip.Input("clip", tooltip="The text encoder of the checkpoint."),
                *_texts(),
                *part_inputs(),
            ],
            outputs=_outputs(),
        )

    @classmethod
    def execute(
        cls, clip, text, frames=None, prefix="", suffix="",
        interpolation=Interpolation.LINEAR.value, latent=None, first_frame=0, total_frames=0,
    ) -> io.NodeOutput:  # fmt: skip
        how = Interpolation(interpolation)
        part = clip_part(frames, latent, first_frame, total_frames)
        schedule = schedule_of(text, part, prefix, suffix)
        for note in schedule.notes:
            log.warning("AnimateDiff: %s", note)
        encode = encoder(clip)
        positive = conditioning(encode, schedule.keys, schedule.positive, part, how)
        negative = constant(encode, schedule.negative)
        if negative is None:
            negative = conditioning(encode, schedule.keys, schedule.negative, part, how)
        said = schedule_text(schedule.shown, part.frames, how, part.first, schedule.notes)
        return io.NodeOutput(positive, said, negative, ui=on_node(_chart(schedule, part, how), cls))


def _chart(schedule: Schedule, part: ClipPart, how: Interpolation) -> torch.Tensor:
    between = blends(schedule.keys, part.frames, how, part.first)
    return plot_prompts(schedule.keys, between, part.first, how.compounds)


def _texts() -> list[io.Input]:
    return [
        io.String.Input(
            "text",
            multiline=True,
            default=EXAMPLE,
            tooltip='One prompt per line, as in 15: "a castle in autumn", or JSON as in '
            '{"15": "a castle in autumn"}. Frames count from 0; -1 is the last, 50% the middle. '
            "Lines without a frame before or behind all others are part of every prompt. --neg "
            "begins the negative part; a formula in backticks is a number by frame.",
        ),
        frames_input(  # optional, and so what follows is too, or the widgets would change places
            "How many frames the clip has: batch_size of the latent. Not needed where latent is "
            "connected."
        ),
        _affix("prefix", "before"),
        _affix("suffix", "behind"),
        io.Combo.Input(
            "interpolation",
            options=[interpolation.value for interpolation in Interpolation],
            default=Interpolation.LINEAR.value,
            optional=True,
            tooltip="linear: from one prompt to the next, little by little. hold: each prompt "
            "stays until the next. compound: as AnimateDiff-Evolved changes prompts, faster at "
            "first. compound slerp: the same along an arc.",
        ),
    ]


def _affix(name: str, place: str) -> io.Input:
    told = f"Stands {place} every prompt, with a comma."
    return io.String.Input(name, default="", optional=True, tooltip=told)


def _outputs() -> list[io.Output]:
    return [
        io.Conditioning.Output(display_name="conditioning", tooltip="One embedding per frame."),
        io.String.Output(
            display_name="schedule", tooltip="What every frame gets, as text, for Preview Any."
        ),
        io.Conditioning.Output(
            display_name="negative",
            tooltip="What stands behind --neg, in the same way; where nothing does, the empty "
            "prompt.",
        ),
    ]


NODES = [PromptSchedule]
