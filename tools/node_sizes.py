"""How much room nodes take in the page: measured in a browser, in both ways that it draws them.

A height is the node's body without its title bar, the larger of the two, with this pack's badge and
with what the node comes to show: a preview while sampling, a square clip, a curve. Nodes that are
not listed here have to be, before a workflow with them can be arranged.
"""

from typing import Any, NamedTuple

TITLE = 30  # pixels: the bar above a node's position
FOOTER = 26  # under a node of the newer kind that names a file which is not there
NARROWEST = 225  # no node of the newer kind is narrower


class Size(NamedTuple):
    """width: as wide as is good to read; shows: it grows by its own width, for a square picture."""

    width: int
    height: int
    shows: bool = False


LOADERS = {  # by node type, the inputs that name a model file
    "CheckpointLoaderSimple": "ckpt_name",
    "ADN_LoadMotionModule": "motion_module",
    "ADN_LoadMotionLora": "motion_lora",
    "ADN_LoadDomainAdapter": "domain_adapter",
    "ADN_FrameLora": "lora",
    "ControlNetLoader": "control_net_name",
    "LoraLoader": "lora_name",
}
INPUT_FILES = {"LoadVideo", "LoadImage"}
SIZES = {
    "ADN_ApplyMotionModule": Size(270, 258),
    "ADN_ContextWindows": Size(270, 460),
    "ADN_ContinueClip": Size(270, 202),
    "ADN_FrameControlStrength": Size(270, 98),
    "ADN_FrameGuidance": Size(300, 350),
    "ADN_FrameLora": Size(330, 134),
    "ADN_FrameNoise": Size(270, 234),
    "ADN_FramePromptStrength": Size(270, 78),
    "ADN_FrameStrengths": Size(300, 400),
    "ADN_FreeInit": Size(270, 226),
    "ADN_FreeLong": Size(270, 142),
    "ADN_FreeNoise": Size(270, 254),
    "ADN_LoadDomainAdapter": Size(300, 114),
    "ADN_LoadMotionLora": Size(300, 218),
    "ADN_LoadMotionModule": Size(300, 114),
    "ADN_MotionStrength": Size(300, 560),
    "ADN_NoiseLayer": Size(270, 238),
    "ADN_PingPong": Size(225, 58),
    "ADN_PromptSchedule": Size(340, 580),
    "ADN_SaveMotionLora": Size(300, 122),
    "ADN_StretchPositions": Size(270, 170),
    "ADN_TrainMotionLora": Size(340, 814),
    "ADN_UseNoise": Size(225, 78),
    "ADN_Views": Size(270, 170),
    "CLIPTextEncode": Size(300, 100),
    "Canny": Size(225, 90),
    "CheckpointLoaderSimple": Size(300, 102),
    "ConditioningCombine": Size(225, 54),
    "ControlNetApplyAdvanced": Size(260, 198),
    "ControlNetLoader": Size(300, 62),
    "CreateVideo": Size(225, 82),
    "EmptyLatentImage": Size(240, 118),
    "GetVideoComponents": Size(225, 74),
    "ImageFromBatch": Size(225, 90),
    "ImageScale": Size(225, 146),
    "ImageStitch": Size(240, 166),
    "InpaintModelConditioning": Size(260, 142),
    "KSampler": Size(280, 490),
    "LoadImage": Size(280, 326),
    "LoadLatent": Size(225, 86),
    "LoadVideo": Size(260, 304),
    "LoraLoader": Size(300, 138),
    "MaskComposite": Size(225, 138),
    "PreviewImage": Size(400, 320),
    "RepeatImageBatch": Size(225, 62),
    "RepeatLatentBatch": Size(225, 62),
    "SaveAnimatedWEBP": Size(340, 184, shows=True),
    "SaveImage": Size(340, 72, shows=True),
    "SaveLatent": Size(240, 94),
    "SaveVideo": Size(340, 128, shows=True),
    "SolidMask": Size(240, 118),
    "VAEDecode": Size(225, 54),
    "VAEEncode": Size(225, 54),
}


def height(node_type: str, width: float, share: float = 1) -> int:
    """Of the body that a node of this width is to be saved with, which shows this share of it."""
    size = SIZES[node_type]
    return size.height + (round(width * share) if size.shows else 0)


def footer(node_type: str) -> int:
    return FOOTER if node_type in LOADERS.keys() | INPUT_FILES else 0


def box(node: dict[str, Any]) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of all that a node can take, its title bar included."""
    (left, top), (width, tall) = node["pos"], node["size"]
    return left, top - TITLE, left + width, top + tall + footer(node["type"])
