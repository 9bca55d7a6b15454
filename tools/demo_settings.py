"""What the demo is asked to make: environment variables over the workflow's own values."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tools import workflow
from tools.client import Prompt
from tools.paths import ToolError

# What a CPU computes in about two minutes with a full-size UNet.
CPU_WIDTH, CPU_HEIGHT, CPU_STEPS = 128, 128, 4


@dataclass
class DemoSettings:
    """None: as the workflow has it (or, for files, a stand-in)."""

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
        return cls(
            checkpoint=_file("CHECKPOINT"),
            motion_module=_file("MOTION_MODULE"),
            prompt=os.environ.get("PROMPT") or None,
            width=_number("WIDTH"),
            height=_number("HEIGHT"),
            frames=_number("FRAMES"),
            steps=_number("STEPS"),
            seed=_number("SEED"),
        )

    @property
    def uses_standins(self) -> bool:
        return self.checkpoint is None or self.motion_module is None

    def shrink_for_cpu(self) -> None:
        """Small sizes wherever the developer named none."""
        self.width = self.width or CPU_WIDTH
        self.height = self.height or CPU_HEIGHT
        self.steps = self.steps or CPU_STEPS

    def apply_to(self, prompt: Prompt, checkpoint: str, motion_module: str) -> None:
        """Fills the graph in; the two files are given by the names the server knows them under."""
        workflow.set_inputs(prompt, "CheckpointLoaderSimple", {"ckpt_name": checkpoint})
        workflow.set_inputs(prompt, "ADN_LoadMotionModule", {"motion_module": motion_module})
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
