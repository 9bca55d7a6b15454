"""FizzNodes' schedules, which stand in the same files: their versions, and their saved values.

The page fills a list by position, so a file that one version saved and another opened has its
texts one place too early, and a 0 where app_text is now.
"""

from typing import Any

from .graph import Node
from .layouts import CONTROLS, Layout, layouts
from .options import is_number
from .their_nodes import FIZZ_LATENTS

PROMPT = "PromptSchedule"  # of one frame
BATCH = "BatchPromptSchedule"
BATCH_LATENTS = FIZZ_LATENTS
FLOW = "PromptScheduleNodeFlow"
FLOW_END = "PromptScheduleNodeFlowEnd"
BATCH_FLOW_END = "BatchPromptScheduleNodeFlowEnd"
STRING = "StringSchedule"
BATCH_STRING = "BatchStringSchedule"
VALUE = "ValueSchedule"
BATCH_VALUES = "BatchValueSchedule"
BATCH_VALUES_LATENTS = "BatchValueScheduleLatentInput"
CONCATENATE = "StringConcatenate"  # the host has another node of this id
JOIN = "ConcatStringSingle"
IMAGES = "ImagesFromBatchSchedule"
SDXL = (
    "PromptScheduleEncodeSDXL",
    "BatchPromptScheduleEncodeSDXL",
    "BatchPromptScheduleSDXLLatentInput",
)
PROMPTS = (PROMPT, BATCH, BATCH_LATENTS, FLOW_END, BATCH_FLOW_END)
STRINGS = (STRING, BATCH_STRING)
VALUES = (VALUE, BATCH_VALUES, BATCH_VALUES_LATENTS)
HELPERS = (FLOW, CONCATENATE, JOIN)  # of use only to the others

WEIGHTS = ("pw_a", "pw_b", "pw_c", "pw_d")
DEFAULTS: dict[str, Any] = {
    "max_frames": 120,
    "current_frame": 0,
    "start_frame": 0,
    "end_frame": 0,
    "pre_text": "",
    "app_text": "",
    **dict.fromkeys(WEIGHTS, 0),
}
_PW = "pw_a:f pw_b:f pw_c:f pw_d:f"
_TEXTS = "pre_text app_text"


def _versions(first: str, limits: bool = True) -> tuple[Layout, ...]:
    """Of a schedule of prompts, whose first widgets are these. Newer pages have no widgets for
    what has to be connected; `_` is a value of another version in this one's place."""
    between = ("start_frame:i end_frame:i ", "start_frame:i ", "") if limits else ("",)
    found = [f"{first} print_output:b {_TEXTS} {more}{_PW}" for more in between]
    found += [f"{first} {_TEXTS} {_PW}", *(f"{first} print_output:b {more}" for more in between)]
    found += [first, f"{first} print_output:b {_TEXTS}"]
    return layouts(*found, *(f"{first} {_TEXTS} _ {more}{_PW}" for more in between))


LAYOUTS: dict[str, tuple[Layout, ...]] = {
    PROMPT: _versions("text max_frames:i current_frame:i", limits=False)
    + layouts("text max_frames:i print_output:b"),
    BATCH: _versions("text max_frames:i"),
    BATCH_LATENTS: _versions("text"),
    FLOW: layouts("text num_frames:i in_text max_frames:i", "text num_frames:i max_frames:i"),
    FLOW_END: layouts(
        f"max_frames:i print_output:b current_frame:i {_TEXTS} {_PW}",
        f"text max_frames:i print_output:b current_frame:i {_TEXTS} {_PW}",
        f"max_frames:i current_frame:i {_TEXTS} {_PW}",
        f"text max_frames:i current_frame:i {_TEXTS} {_PW}",
        "max_frames:i print_output:b",
    ),
    BATCH_FLOW_END: _versions("max_frames:i") + _versions("text max_frames:i"),
    STRING: _versions("text max_frames:i current_frame:i", limits=False),
    BATCH_STRING: _versions("text max_frames:i", limits=False),
    VALUE: layouts(
        "text max_frames:i current_frame:f print_output:b",
        "text max_frames:i current_frame:f",
        "text max_frames:i print_output:b",
    ),
    BATCH_VALUES: layouts("text max_frames:i print_output:b", "text max_frames:i"),
    BATCH_VALUES_LATENTS: layouts("text print_output:b", "text"),
    CONCATENATE: layouts(
        " ".join(f"frame_{letter}:i" for letter in "abcdefg"),
        " ".join(f"text_{letter} frame_{letter}:i" for letter in "abcdefg"),
        " ".join(f"frame_{letter}:i" for letter in "bcdefg"),
    ),
    JOIN: layouts("string_a string_b"),
}


def is_fizz(node: Node) -> bool:
    """Whether a node is one of those that are read here."""
    if node.type == CONCATENATE:
        return "string_a" not in node.inputs and "string_a" not in node.sockets
    return node.type in LAYOUTS or node.type in (IMAGES, *SDXL)


def named(node: Node) -> dict[str, Any]:
    """A list of saved values by name; nothing where no version of the node had it."""
    saved = (node.raw or {}).get("widgets_values")
    if isinstance(saved, dict):
        return saved
    values = list(saved) if isinstance(saved, list) else []
    while values and not _fit(node.type, values) and values[-1] in ("", None, *CONTROLS):
        values.pop()  # what the page put behind
    return next(iter(_fit(node.type, values)), {})


def _fit(node_type: str, values: list[Any]) -> list[dict[str, Any]]:
    found = (_read(values, layout) for layout in LAYOUTS.get(node_type, ()))
    return [each for each in found if each is not None]


def _read(values: list[Any], layout: Layout) -> dict[str, Any] | None:
    if len(values) != len(layout):
        return None
    if not all(_could_be(v, *pair) for v, pair in zip(values, layout, strict=True)):
        return None
    pairs = zip(layout, values, strict=True)
    return {name: value for (name, _), value in pairs if value is not None and name != "_"}


def _could_be(saved: Any, name: str, kind: str) -> bool:
    """null stands for what a converted widget lost; a 0 can be in app_text's place."""
    if saved is None:
        return True
    if name == "_":
        return saved in (0, "0")
    if kind == "b":
        return isinstance(saved, bool)
    if kind == "t":
        return isinstance(saved, str) or (name == "app_text" and saved == 0 and saved is not False)
    return is_number(saved) and (kind == "f" or float(saved).is_integer())
