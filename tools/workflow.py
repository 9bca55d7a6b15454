"""The shipped workflows: their names, and reading and filling in those in API format."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.client import Prompt
from tools.paths import REPO

WORKFLOWS = REPO / "workflows"
API_WORKFLOWS = WORKFLOWS / "api"
WIDTH = 80  # of the files' lines, where they can be broken
# By the names of the files in API format, what the template browser calls them, in its order.
TITLES = {
    "text_to_video": "Text to video",
    "prompt_travel": "Prompt travel",
    "motion_lora": "Camera movement",
    "motion_lora_combined": "Two camera movements at once",
    "motion_lora_ramp": "Camera movement that begins slowly",
    "camera_path": "Camera on a path",
    "looped_clip": "Seamless loop",
    "ping_pong": "Forth and back",
    "video_to_video": "Video to video",
    "video_to_video_depth": "Video to video with its depth",
    "long_clip_depth": "Long clip that follows depth",
    "two_controlnets": "Depth and outlines together",
    "inpainting": "Part of a picture made anew",
    "image_to_video_sparsectrl": "Image to video with SparseCtrl",
    "first_and_last_frame": "First frame to last frame",
    "scribble_to_video": "Sketches to video",
    "image_to_video_pia": "Image to video with PIA",
    "image_to_video_animatelcm": "Image to video in four steps",
    "masked_motion": "Motion in one area",
    "motion_ramp": "Motion that begins slowly",
    "lora_by_frame": "LoRA that comes in",
    "control_fades": "ControlNet that fades",
    "prompt_blend": "Two prompts that blend",
    "guidance_by_step": "CFG by step",
    "noise_layer": "Noise by frame and area",
    "freeinit": "Steadier with FreeInit",
    "free_long": "Long clip with FreeLong",
    "views": "Long clip with Views",
    "stretched_positions": "Long clip with stretched positions",
    "long_clip_in_parts": "Long clip in parts",
    "domain_adapter": "Domain adapter compared",
    "train_motion_lora": "Train a MotionLoRA",
    "style_blend": "Style blended in",
    "video_to_video_compared": "Video to video compared",
    "upscale_long_clip": "Long clip made larger",
    "cinemagraph": "Cinemagraph",
    "video_inpainting": "Part of a video made anew",
    "video_outpainting": "Video made wider",
    "space_time": "Frames shared for speed",
    "follow_a_path": "Along a path",
    "two_paths": "Two things on two paths",
    "motion_from_video": "Motion from a video",
    "path_with_first_frame": "Picture along a path",
}


def page_file(name: str, ending: str = "json") -> Path:
    """The same workflow as the page saves it, or its picture: the browser shows the file's name."""
    number = list(TITLES).index(name) + 1
    return WORKFLOWS / f"AnimateDiff {number:02} - {TITLES[name]}.{ending}"


def dumps(value: Any, indent: int = 0) -> str:
    """JSON with what is short on one line."""
    flat = _flat(value)
    if len(flat) + indent <= WIDTH and (indent or not isinstance(value, dict)):
        return flat
    inside, end = "\n" + " " * (indent + 2), "\n" + " " * indent
    if isinstance(value, dict):
        lines = [f"{json.dumps(key)}: {dumps(one, indent + 2)}" for key, one in value.items()]
    elif isinstance(value, list):
        lines = [dumps(one, indent + 2) for one in value]
    else:
        return flat
    signs = "{}" if isinstance(value, dict) else "[]"
    return f"{signs[0]}{inside}{f',{inside}'.join(lines)}{end}{signs[1]}" + "\n" * (not indent)


def _flat(value: Any) -> str:
    if isinstance(value, dict) and value:
        inside = ", ".join(f"{json.dumps(key)}: {_flat(one)}" for key, one in value.items())
        return f"{{ {inside} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_flat, value))}]"
    return json.dumps(value, ensure_ascii=False)


def load(name: str) -> Prompt:
    """The graph in workflows/api/<name>.json."""
    return json.loads((API_WORKFLOWS / f"{name}.json").read_text(encoding="utf-8"))


def node_id(prompt: Prompt, class_type: str, title: str = "") -> str:
    """The id of the only node of a class (and title)."""
    found = [
        key
        for key, node in prompt.items()
        if node["class_type"] == class_type and title in ("", node_title(node))
    ]
    if len(found) != 1:
        raise ValueError(f"expected one {class_type} node {title!r}, found {len(found)}: {found}")
    return found[0]


def node_title(node: dict[str, Any]) -> str:
    return node.get("_meta", {}).get("title", node["class_type"])


def set_inputs(
    prompt: Prompt, class_type: str, values: Mapping[str, object], title: str = ""
) -> None:
    """Sets inputs of the only node of a class (and title); the node must have them already."""
    inputs = prompt[node_id(prompt, class_type, title)]["inputs"]
    unknown = sorted(values.keys() - inputs.keys())
    if unknown:
        raise ValueError(f"{class_type} has no inputs {unknown}, only {sorted(inputs)}")
    inputs.update(values)
