"""Graphs with schedules of FizzNodes in them, and what these give out by frame, in a slow loop."""

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

from .ade import read

DATA = Path(__file__).parents[1] / "data" / "fizz"
NAMES = sorted(path.stem for path in DATA.glob("*.json"))
NODE = "20"
TEXTS = '"0": "a", "8": "b"'


def read_fizz(name: str) -> dict[str, Any]:
    return json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))


def with_schedule(node_type: str, output: int = 0, **inputs: Any) -> dict[str, Any]:
    """An API graph of 16 frames, whose positive prompt is such a node's."""
    graph = read("gen1_api")
    given = {"text": TEXTS, "clip": ["1", 1]}
    if node_type.endswith("LatentInput"):
        given |= {"num_latents": ["4", 0], "print_output": False}
    graph[NODE] = {"class_type": node_type, "inputs": {**given, **inputs}}
    graph["5"]["inputs"]["positive"] = [NODE, output]
    return graph


def fizz_frames(text: str, frames: int, before: str = "", behind: str = "") -> list[tuple]:
    """By frame: the prompt, the one it changes into, and the weight of the first; for both sides.
    Written from what FizzNodes 1.0.2 does, frame by frame, for texts without formulas."""
    inside = re.sub(r",\s*}", "}", "{" + text.replace("\n", "") + "}")
    prompts = json.loads(inside)
    found = []
    for side in (0, 1):
        whole = {}
        for at, prompt in prompts.items():
            parts = [[*part.split("--neg"), ""][side] for part in (before, prompt, behind)]
            joined = " ".join(parts)
            whole[int(at)] = joined[:-1] if joined.endswith("0") else joined
        found.append([_at(sorted(whole.items()), frame, frames) for frame in range(frames)])
    return list(zip(*found, strict=True))


def _at(keys: list[tuple[int, str]], frame: int, frames: int) -> tuple[str, str, float]:
    keys = [(min(0, keys[0][0]), keys[0][1]), *keys, (max(frames, keys[-1][0] + 1), keys[-1][1])]
    for (start, old), (end, new) in pairwise(keys):
        if start <= frame < end:
            share = (frame - start) / (end - start)
            return " ".join(old.split()), " ".join(new.split()), 1 - share
    raise AssertionError(frame)
