"""Workflows at the size of a stamp: a quarter of the frames, of 32 pixels, in a step or two.

Windows and overlaps shrink with the clip, so that what was longer than a window still is.
"""

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from PIL import Image
from safetensors.numpy import load

from tools import media
from tools.client import Outputs, Prompt
from tools.server import ComfyServer

SIZE, PART = 32, 4
CLIP_LENGTHS = {"batch_size", "amount", "length"}  # of nodes that make or cut a clip
WINDOW_LENGTHS = {"context_length", "view_length", "local_length"}
LENGTHS = {
    *CLIP_LENGTHS, *WINDOW_LENGTHS, "frames", "frames_per_clip", "positions", "context_overlap",
    "view_overlap",
}  # fmt: skip
SEEDS = {"seed", "noise_seed"}
ADDED = {"left", "top", "right", "bottom"}  # pixels around a picture
SHORTEST_WINDOW = 2
KEY_FRAME = re.compile(r"""^\s*["']?(?P<frame>\d+)["']?\s*:""", re.MULTILINE)
KEY_NUMBER = re.compile(r"(?:^|,)\s*(?P<frame>\d+)\s*:", re.MULTILINE)


def shrink(prompt: Prompt, name: str) -> None:
    """Makes a workflow small, whatever its nodes are. Its seeds come from the name, so that no
    result of another workflow is taken out of the server's cache."""
    steps = 2 if any(map(_is_for_a_part, prompt.values())) else 1
    for node in prompt.values():
        inputs = node["inputs"]
        if node["class_type"] == "SolidMask":
            continue  # masks are made to fit; smaller, one that is a part would be the whole
        for key, value in inputs.items():
            inputs[key] = steps if key == "steps" else _small(key, value, name)
        if node["class_type"] == "ADN_PromptSchedule":
            inputs["text"] = _earlier(inputs["text"], KEY_FRAME)
        if isinstance(inputs.get("keyframes"), str):
            inputs["keyframes"] = _earlier(inputs["keyframes"], KEY_NUMBER)


def _is_for_a_part(node: dict[str, Any]) -> bool:
    """Whether a node takes part in some of the steps only."""
    part = [
        node["inputs"].get(f"{edge}_percent", whole) for edge, whole in (("start", 0), ("end", 1))
    ]
    return part != [0, 1]


def _small(key: str, value: Any, name: str) -> Any:
    if isinstance(value, bool) or not isinstance(value, int):
        return value
    if key in SEEDS:
        return crc32(name.encode()) + value
    if key in ("width", "height"):
        return min(value, SIZE)  # 0 is: as the other side
    if key in ADDED:
        return value // PART**2
    least = SHORTEST_WINDOW if key in WINDOW_LENGTHS else 1
    return max(value // PART, min(value, least)) if key in LENGTHS else value


def _earlier(schedule: str, keys: re.Pattern[str]) -> str:
    """Prompts or numbers at a quarter of their frames; no two come to stand at one frame."""
    found, frames = list(keys.finditer(schedule)), [-1]
    for key in found:
        frames.append(max(int(key["frame"]) // PART, frames[-1] + 1))
    for key, frame in reversed(list(zip(found, frames[1:], strict=True))):
        start, end = key.span("frame")
        schedule = f"{schedule[:start]}{frame}{schedule[end:]}"
    return schedule


def clip_length(prompt: Prompt) -> int:
    """The frames that every clip of a workflow has; of a clip in parts, those of its first one."""
    for node in prompt.values():
        if node["class_type"] == "ADN_ContinueClip":
            return node["inputs"]["frames"]
    found = {
        node["inputs"][key]
        for node in prompt.values()
        for key in CLIP_LENGTHS & node["inputs"].keys()
    }
    if not found:  # a clip that no latent was made for
        found = {node["inputs"]["frames"] for node in prompt.values() if "frames" in node["inputs"]}
    assert len(found) == 1, f"clips of one length were expected, found {sorted(found)}"
    return found.pop()


def check_outputs(server: ComfyServer, prompt: Prompt, outputs: Outputs, frames: int) -> list[str]:
    """Holds what every output node put out against what is due; gives back their classes."""
    info = server.client.object_info()
    ends = [key for key, node in prompt.items() if info[node["class_type"]]["output_node"]]
    if any(node["class_type"] == "ADN_PingPong" for node in prompt.values()):
        frames = max(frames, 2 * frames - 2)
    for key in ends:
        check = CHECKS.get(prompt[key]["class_type"])
        assert check is not None, f"{prompt[key]['class_type']}: tell CHECKS what it puts out"
        check(server, outputs[key], frames)
    return [prompt[key]["class_type"] for key in ends]


def _animation(server: ComfyServer, output: dict[str, Any], frames: int) -> None:
    _is_clip(media.webp_frames(server.base.written_file(output)), frames)


def _video(server: ComfyServer, output: dict[str, Any], frames: int) -> None:
    _is_clip(media.video_frames(server.base.written_file(output)), frames)


def _is_clip(pictures: list[np.ndarray], frames: int) -> None:
    assert media.complaint(pictures) is None
    assert len(pictures) == frames


def _pictures(server: ComfyServer, output: dict[str, Any], frames: int) -> None:
    shown = [Image.open(io.BytesIO(server.client.view(file))) for file in output["images"]]
    assert shown
    for picture in map(np.asarray, shown):
        assert picture.min() != picture.max()


def _latent(server: ComfyServer, output: dict[str, Any], frames: int) -> None:
    (file,) = output["latents"]
    assert load(server.client.view(file))["latent_tensor"].shape[0] == frames


def _text(server: ComfyServer, output: dict[str, Any], frames: int) -> None:
    assert all(text.strip() for text in output["text"])


CHECKS: dict[str, Callable[[ComfyServer, dict[str, Any], int], None]] = {
    "SaveAnimatedWEBP": _animation,
    "SaveVideo": _video,
    "SaveImage": _pictures,
    "PreviewImage": _pictures,
    "PreviewAny": _text,
    "SaveLatent": _latent,
    "ADN_SaveMotionLora": _text,
}


class LogLines:
    """What the server logs from here on."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._from = log.stat().st_size

    def matching(self, pattern: str) -> list[str]:
        with self._log.open("rb") as file:
            file.seek(self._from)
            lines = file.read().decode("utf-8", "replace").splitlines()
        return [line for line in lines if re.search(pattern, line)]
