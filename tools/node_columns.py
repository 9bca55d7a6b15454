"""Which column of a workflow a node stands in, and which stands over which.

From the links: a node stands right of all that it takes from. Where a chain is too long for the
page, some of its nodes stand under the one before (STACKED), and where that does not look well,
HINTS say it by hand.
"""

from collections import defaultdict
from functools import cache
from typing import Any, NamedTuple

from tools.node_sizes import LOADERS, SIZES, TITLE, footer, height

Node = dict[str, Any]
MOST = 6  # columns in a page
# Pairs that may stand in one column, the first above: in the order in which they are put there.
STACKED = (
    ("CreateVideo", "SaveVideo"),
    ("VAEDecode", "CreateVideo"),
    ("VAEDecode", "SaveAnimatedWEBP"),
    ("ImageFromBatch", "SaveImage"),
    ("ImageScale", "VAEEncode"),
    ("ImageStitch", "SaveAnimatedWEBP"),
    ("EmptyLatentImage", "ADN_FreeNoise"),
)
# By workflow: columns of nodes (SHORT) from above, equal types in the order of their ids. A column
# with ^ begins beside the notes, not under them; "/3" is a node that shows a third of its width.
HINTS = {
    "prompt_travel": "C M F | A FN | CW P | PS | K | V W",
    "motion_lora": "C M L | A F | P P | K | V | W",
    "motion_lora_ramp": "C M F | FS | L P P | A | K | V W",
    "camera_path": "C M F | CP DA | CP | CX P P | A | K | V W",
    "looped_clip": "C M F | A P P | CW FN | K | V | W",
    "video_to_video": "LV C M | GV | IB A | SC VE P P | K | V CV SV",
    "video_to_video_depth": "LV LV | GV GV C M | IB IB CL A | SC VE P P | CA CW | K V | CV SV",
    "long_clip_depth": "LV C M | GV F CL A | IB P P FN | CA CW | K V | CV SV",
    "two_controlnets": "LV LV | GV GV C M | IB IB CL A | P P CY CL | CA CA F | K V | CV SV",
    "inpainting": "LI C M | SC A | RI P P | IC | K | V W",
    "image_to_video_sparsectrl": "C M F | LI LS | SF P P | CA DA A | K | V W",
    "first_and_last_frame": "LI C M | LI IM | CI P P | IC A | K | V W",
    "scribble_to_video": "LI C M | LI DA F | LI LS IM | IM SF P P | CA A | K V | W",
    "image_to_video_pia": "C M LI | PX F | A P P | K | V | W",
    "image_to_video_animatelcm": "C M LI | LL IX F | A P P | K | V | W",
    "masked_motion": "C M SM SM | MC F | MS | A P P | K | V W",
    "motion_ramp": "C M F | MS | A P P | K | V | W",
    "lora_by_frame": "C M F | A FS | P P FL | K | V | W",
    "control_fades": "LV C M | GV A F | IB CL P P | CA FS | FC K | V CV SV",
    "prompt_blend": "C M F | A FS | P P FS | P FP FP | CO K | V W",
    "noise_layer": "C M SM SM | MC N N | A F NL | P P UN UN | ^K K | ^V V ST W/2",
    "long_clip_in_parts": "C M F | A CC | P CW | ^PS FN | ^K | ^V IB SI/2 SL",
    "domain_adapter": "C M F | A P P | DA DA DA | ^K K | ^K V V | ^V ST ST W/3",
    "train_motion_lora": "C M LV | A GV P P | IB | T | SML PI",
    "video_to_video_compared": "LV C P | GV IB M P | A SC VE | ^K K | ^K V V | ^V ST ST CV SV/3",
    "upscale_long_clip": "C M F P | A FN | CW P | K | LU K | V W",
    "cinemagraph": "LI C M | CI P P | IC A | K | V PB | W",
    "video_inpainting": "LV LV | GV GV C M | IB IB TM P P | CI A | IC CW | K V | PB CV SV",
    "video_outpainting": "LV C M | GV IB P P | CI A | IC K | V PB | CV SV",
    "follow_a_path": "C M F S | TR | A P P | FT TN | UN K | V W",
    "two_paths": "C M F S | TR | TR | A P P | FT | K | V W",
    "motion_from_video": "LV C M | GV IB SC F | A P P P | RM | K | V W",
    "path_with_first_frame": "C M LS F | LI SF | TR | A S P P | FT CA | K | V W",
}
SHORT = {
    "A": "ADN_ApplyMotionModule", "C": "CheckpointLoaderSimple", "CA": "ControlNetApplyAdvanced",
    "CC": "ADN_ContinueClip", "CI": "ADN_ClipCondition", "CL": "ControlNetLoader",
    "CO": "ConditioningCombine", "CP": "ADN_CameraPath", "CV": "CreateVideo",
    "CW": "ADN_ContextWindows", "CX": "ADN_CameraControl", "CY": "Canny",
    "DA": "ADN_LoadDomainAdapter", "F": "EmptyLatentImage", "FC": "ADN_FrameControlStrength",
    "FL": "ADN_FrameLora", "FN": "ADN_FreeNoise", "FP": "ADN_FramePromptStrength",
    "FS": "ADN_FrameStrengths", "FT": "ADN_FollowTrajectory", "GV": "GetVideoComponents",
    "IB": "ImageFromBatch", "IC": "InpaintModelConditioning", "IM": "ImageBatch",
    "IX": "ADN_I2VImage", "K": "KSampler", "L": "ADN_LoadMotionLora", "LI": "LoadImage",
    "LL": "LoraLoader", "LS": "ADN_LoadSparseCtrl", "LU": "LatentUpscaleBy", "LV": "LoadVideo",
    "M": "ADN_LoadMotionModule", "MC": "MaskComposite", "MS": "ADN_MotionStrength",
    "N": "ADN_FrameNoise", "NL": "ADN_NoiseLayer", "P": "CLIPTextEncode",
    "PB": "ImageCompositeMasked", "PI": "PreviewImage", "PS": "ADN_PromptSchedule",
    "PX": "ADN_PiaImage", "RI": "RepeatImageBatch", "RM": "ADN_ReferenceMotion",
    "S": "PrimitiveStringMultiline", "SC": "ImageScale", "SF": "ADN_SparseFrames",
    "SI": "SaveImage", "SL": "SaveLatent", "SM": "SolidMask", "SML": "ADN_SaveMotionLora",
    "ST": "ImageStitch", "SV": "SaveVideo", "T": "ADN_TrainMotionLora", "TM": "ImageToMask",
    "TN": "ADN_TrajectoryNoise", "TR": "ADN_Trajectory", "UN": "ADN_UseNoise", "V": "VAEDecode",
    "VE": "VAEEncode", "W": "SaveAnimatedWEBP",
}  # fmt: skip


class Graph:
    def __init__(self, nodes: list[Node], links: list[list[Any]]) -> None:
        self.nodes = {node["id"]: node for node in nodes}
        self.before: dict[int, set[int]] = defaultdict(set)
        self.after: dict[int, set[tuple[int, int]]] = defaultdict(set)  # with the socket
        for _, origin, _, target, socket, _ in links:
            self.before[target].add(origin)
            self.after[origin].add((target, socket))

    def type(self, key: int) -> str:
        return self.nodes[key]["type"]


class Column(NamedTuple):
    """beside: it begins beside the notes; shares: by node id, how much of its width one shows."""

    nodes: list[Node]
    beside: bool = False
    shares: dict[int, float] = {}


def columns_of(graph: Graph, name: str = "") -> list[Column]:
    return hinted(graph, HINTS[name]) if name in HINTS else list(map(Column, computed(graph)))


def hinted(graph: Graph, hint: str) -> list[Column]:
    waiting = defaultdict(list)
    for key in sorted(graph.nodes, reverse=True):
        waiting[graph.type(key)].append(graph.nodes[key])
    columns = []
    for text in hint.split("|"):
        words = [word.partition("/") for word in text.replace("^", "").split()]
        nodes = [waiting[SHORT[short]].pop() for short, _, _ in words]
        shares = {
            node["id"]: 1 / int(part)
            for node, (_, _, part) in zip(nodes, words, strict=True)
            if part
        }
        columns.append(Column(nodes, "^" in text, shares))
    left = [node["type"] for nodes in waiting.values() for node in nodes]
    if left:
        raise ValueError(f"no place for {left}")
    return columns


def computed(graph: Graph) -> list[list[Node]]:
    for count in range(len(STACKED) + 1):
        first = _earliest(graph, STACKED[:count])
        if max(first.values()) < MOST:
            break
    columns: list[list[int]] = [[] for _ in range(max(first.values()) + 1)]
    place = dict(first)
    moving = _movable(graph, first)
    for key in first:
        if not any(key in group for group in moving):
            columns[first[key]].append(key)
    for group in moving:
        earliest = max(first[key] for key in group)
        latest = min(place[after] for key in group for after, _ in graph.after[key]) - 1
        chosen = min(range(earliest, latest + 1), key=lambda i: (_tall(graph, columns[i]), i))
        columns[chosen] += group
        place |= dict.fromkeys(group, chosen)
    return [[graph.nodes[key] for key in _in_order(graph, column)] for column in columns]


def _earliest(graph: Graph, stacked: tuple) -> dict[int, int]:
    @cache
    def column(key: int) -> int:
        return max(
            (column(x) + ((graph.type(x), graph.type(key)) not in stacked)
             for x in graph.before[key]), default=0
        )  # fmt: skip

    return {key: column(key) for key in graph.nodes}


def _movable(graph: Graph, first: dict[int, int]) -> list[list[int]]:
    """Nodes that need not stand as far left as they can, equal ones together, the last first."""
    groups: dict[tuple, list[int]] = defaultdict(list)
    for key in graph.nodes:
        after = graph.after[key]
        file = graph.type(key) in LOADERS and "ADN" in graph.type(key)
        if after and not file and min(first[x] for x, _ in after) - 1 > first[key]:
            groups[graph.type(key), first[key]].append(key)
    return sorted(groups.values(), key=lambda group: -first[group[0]])


def _tall(graph: Graph, column: list[int]) -> float:
    types = [graph.type(key) for key in column]
    return sum(
        max(height(one, SIZES[one].width), SIZES[one].grown) + footer(one) + TITLE + 60
        for one in types
    )


def _in_order(graph: Graph, column: list[int]) -> list[int]:
    """By the sockets through which nodes reach the end: so wires cross the least."""

    @cache
    def path(key: int) -> tuple[int, ...]:
        return min(((*path(x), socket) for x, socket in graph.after[key]), default=())

    @cache
    def under(key: int) -> int:
        return max((under(x) + 1 for x in graph.before[key] & set(column)), default=0)

    return sorted(sorted(column, key=path), key=under)
