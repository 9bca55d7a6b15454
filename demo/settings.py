"""What the demo is asked to make: environment variables over the workflow's own values."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools import workflow
from tools.client import Prompt
from tools.paths import ToolError


@dataclass
class DemoSettings:
    """None: as the workflow has it (or, for the files, the miniature world)."""

    checkpoint: Path | None = None
    motion_module: Path | None = None
    prompt: str | None = None
    width: int | None = None
    height: int | None = None
    frames: int | None = None
    steps: int | None = None
    seed: int | None = None

    @classmethod
    def from_environment(cls) -> "DemoSettings":
        settings = cls(
            checkpoint=_file("CHECKPOINT"),
            motion_module=_file("MOTION_MODULE"),
            prompt=os.environ.get("PROMPT") or None,
            width=_number("WIDTH"),
            height=_number("HEIGHT"),
            frames=_number("FRAMES"),
            steps=_number("STEPS"),
            seed=_number("SEED"),
        )
        if bool(settings.checkpoint) != bool(settings.motion_module):
            raise ToolError(
                "CHECKPOINT and MOTION_MODULE were expected together: a motion module for SD1.5 "
                "fits no model of the miniature world, nor the other way round."
            )
        return settings

    def apply_to(self, prompt: Prompt) -> None:
        """What was asked for, in place of the graph's own."""
        size = {"width": self.width, "height": self.height, "batch_size": self.frames}
        workflow.set_inputs(prompt, "EmptyLatentImage", _given(size))
        workflow.set_inputs(prompt, "KSampler", _given({"steps": self.steps, "seed": self.seed}))
        workflow.set_inputs(prompt, "CLIPTextEncode", _given({"text": self.prompt}), "Prompt")


def _given(values: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}


def _file(name: str) -> Path | None:
    value = os.environ.get(name)
    if not value:
        return None
    path = Path(value).expanduser().absolute()
    if not path.is_file():
        raise ToolError(f"{name}={value} was expected to be a model file, but there is none there.")
    return path


def _number(name: str) -> int | None:
    value = os.environ.get(name)
    if not value:
        return None
    if not value.isdecimal():
        raise ToolError(f"{name}={value} was expected to be a whole number that is not negative.")
    return int(value)
