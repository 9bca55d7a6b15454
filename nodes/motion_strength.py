"""How strongly a motion module takes part: by frame, area, step and block."""

import torch
from comfy_api.latest import io

from ..motion.block_factors import factor_of, read_block_factors
from ..motion.config import sd15_sites
from ..motion.frame_strengths import given_strengths
from ..motion.keyframes import last_frame, read_keyframes, read_step_keyframes, values_along
from ..motion.motion_strength import Kind, StrengthField
from .advanced import advanced
from .folders import CATEGORY
from .plot import on_node, plot, plot_steps
from .search_aliases import search_aliases

MotionStrengthIO = io.Custom("ADN_MOTION_STRENGTH")
STRONGEST = 10.0
FRAMES = 16  # that a plot shows where nothing says how many there are


class MotionStrength(io.ComfyNode):
    @classmethod
    @advanced("step_keyframes", "blocks", "outside", "stretch_area")
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ADN_MotionStrength",
            display_name="Motion Strength (scale multival, AnimateDiff)",
            category=CATEGORY,
            **search_aliases("ADN_MotionStrength"),
            description="How strongly a motion module takes part, by frame, area, step of the "
            "sampling and block; for Apply Motion Module. All that is given is multiplied.",
            inputs=[*_number(), *_texts(), *_outside_and_sockets()],
            outputs=[
                MotionStrengthIO.Output(
                    display_name="motion_strength",
                    tooltip="This strength and those of previous, for Apply Motion Module or the "
                    "next Motion Strength.",
                ),
                io.Image.Output(
                    display_name="plot", tooltip="The strength along the clip, as a picture."
                ),
            ],
        )

    @classmethod
    def execute(
        cls, strength, kind, keyframes, step_keyframes, blocks, outside,
        area=None, frame_strengths=None, previous=(), stretch_area=False,
    ) -> io.NodeOutput:  # fmt: skip
        field = StrengthField(
            strength,
            Kind(kind),
            read_keyframes(keyframes) if keyframes.strip() else (),
            given_strengths(frame_strengths, node="Motion Strength"),
            read_step_keyframes(step_keyframes) if step_keyframes.strip() else (),
            read_block_factors(blocks),
            _area(area, stretch_area),
            outside,
        )
        picture = torch.cat(_plots(field))
        return io.NodeOutput((*(previous or ()), field), picture, ui=on_node(picture, cls))


def _number() -> list[io.Input]:
    return [
        io.Float.Input(
            "strength",
            default=1.0,
            min=0.0,
            max=STRONGEST,
            step=0.01,
            tooltip="1 leaves the motion module as it is.",
        ),
        io.Combo.Input(
            "kind",
            options=[kind.value for kind in Kind],
            default=Kind.OUTPUT.value,
            tooltip="output: how much of the motion module is added; 0 is none, each frame a "
            "picture of its own. attention: how sharply each frame chooses the frames that it "
            "follows; more is larger, wilder motion, less is calmer, and 0 holds the picture "
            "still. AnimateDiff-Evolved calls the first effect and the second scale.",
        ),
    ]


def _texts() -> list[io.Input]:
    return [
        io.String.Input(
            "keyframes",
            default="",
            multiline=True,
            tooltip="Factors by frame, such as 0: 0.0, 15: 1.0, with straight lines between; "
            "8: 0.5 hold keeps its value until the next one. Empty: 1.",
        ),
        io.String.Input(
            "step_keyframes",
            default="",
            multiline=True,
            tooltip="Factors by how far the sampling is, from 0 to 1, such as 0: 1.0 hold, "
            "0.5: 0.3. Empty: 1.",
        ),
        io.String.Input(
            "blocks",
            default="",
            multiline=True,
            tooltip="Factors by block of the UNet, such as down: 0.5, up.3: 0, mid: 1. The most "
            "exact name counts: up.3.1 before up.3 before up. Empty: 1.",
        ),
    ]


def _outside_and_sockets() -> list[io.Input]:
    return [
        io.Float.Input(
            "outside",
            default=0.0,
            min=0.0,
            max=STRONGEST,
            step=0.01,
            tooltip="With an area: the strength where it is black. Between black and white it "
            "lies between this and strength.",
        ),
        io.Mask.Input(
            "area",
            optional=True,
            tooltip="Where strength holds: one mask, or one for every frame, of any size.",
        ),
        io.Float.Input(
            "frame_strengths",
            optional=True,
            force_input=True,
            tooltip="Factors by frame as a list, as many as the clip has frames; from Frame "
            "Strengths or another node that makes lists of numbers.",
        ),
        MotionStrengthIO.Input(
            "previous",
            optional=True,
            tooltip="From another Motion Strength: both are multiplied.",
        ),
        io.Boolean.Input(
            "stretch_area",
            default=False,
            optional=True,
            tooltip="The area's darkest place counts as black and its lightest as white, over all "
            "of its masks.",
        ),
    ]


def _area(area: torch.Tensor | None, stretch: bool) -> torch.Tensor | None:
    if area is None:
        return None
    masks = area.reshape(-1, *area.shape[-2:])
    low, high = masks.aminmax()
    return (masks - low) / (high - low) if stretch and high > low else masks


def _plots(field: StrengthField) -> list[torch.Tensor]:
    """One for everything that the strength differs by."""
    found = []
    if field.steps:
        found.append(plot_steps(field.steps, field.strength, "Strength by step"))
    if field.blocks:
        values = [field.strength * factor_of(field.blocks, site) for site in sd15_sites(True)]
        found.append(plot(values, "Strength by block: down, mid, up", "block, in their order"))
    if not found or field.keyframes or field.frames:
        found.insert(0, plot(_by_frame(field), f"Strength by frame ({field.kind.value})"))
    return found


def _by_frame(field: StrengthField) -> list[float]:
    last = last_frame(field.keyframes)
    given = len(field.frames.values) if field.frames is not None else 0
    frames = given if given > 1 else max(last + 1, 2 if last else FRAMES)
    factors = [field.strength] * frames
    if field.keyframes:
        factors = [
            a * b for a, b in zip(factors, values_along(field.keyframes, frames), strict=True)
        ]
    if field.frames is not None:
        factors = [a * b for a, b in zip(factors, field.frames.over(frames), strict=True)]
    return factors


NODES = [MotionStrength]
