"""How much room nodes take in the page: measured in a browser, in both ways that it draws them.

Heights are those of a node's body without its title bar, the larger of the two, with this pack's
badge. Nodes that are not listed here have to be, before a workflow with them can be arranged.
"""

from typing import Any, NamedTuple

TITLE = 30  # pixels: the bar above a node's position
FOOTER = 26  # under a node of the newer kind that names a file which is not there
NARROWEST = 225  # no node of the newer kind is narrower


class Size(NamedTuple):
    """width: as wide as is good to read. grown: its height when it shows what it does, after a run
    or in one. shows: its height has its own width added, for a square picture."""

    width: int
    height: int
    grown: int = 0
    shows: bool = False


LOADERS = {  # by node type, the inputs that name a model file
    "CheckpointLoaderSimple": "ckpt_name",
    "ADN_LoadMotionModule": "motion_module",
    "ADN_LoadMotionLora": "motion_lora",
    "ADN_LoadDomainAdapter": "domain_adapter",
    "ADN_FrameLora": "lora",
    "ADN_LoadSparseCtrl": "sparsectrl",
    "ADN_CameraControl": "camera_control",
    "ControlNetLoader": "control_net_name",
    "LoraLoader": "lora_name",
}
INPUT_FILES = {"LoadVideo", "LoadImage"}
SIZES = {
    "ADN_ApplyMotionModule": Size(270, 226, 240),
    "ADN_CameraControl": Size(300, 182),
    "ADN_CameraPath": Size(270, 278, 510),
    "ADN_ClipCondition": Size(270, 374),
    "ADN_ContextWindows": Size(270, 282, 490),
    "ADN_ContinueClip": Size(270, 202, 436),
    "ADN_FollowTrajectory": Size(320, 460),
    "ADN_FrameControlStrength": Size(270, 98, 330),
    "ADN_FrameGuidance": Size(300, 176, 410),
    "ADN_FrameLora": Size(300, 134, 366),
    "ADN_FrameNoise": Size(270, 234),
    "ADN_FramePromptStrength": Size(270, 78, 312),
    "ADN_FrameStrengths": Size(300, 210, 440),
    "ADN_FreeInit": Size(270, 190, 250),
    "ADN_FreeLong": Size(270, 142),
    "ADN_FreeNoise": Size(270, 228, 476),
    "ADN_I2VImage": Size(260, 130),
    "ADN_LoadDomainAdapter": Size(300, 114),
    "ADN_LoadMotionLora": Size(300, 218),
    "ADN_LoadMotionModule": Size(300, 114),
    "ADN_LoadSparseCtrl": Size(300, 114),
    "ADN_MotionStrength": Size(300, 340, 640),
    "ADN_NoiseLayer": Size(270, 238),
    "ADN_PiaImage": Size(270, 178),
    "ADN_PingPong": Size(225, 58),
    "ADN_PromptSchedule": Size(340, 380, 620),
    "ADN_ReferenceMotion": Size(270, 254),
    "ADN_SaveMotionLora": Size(300, 122),
    "ADN_SpaceTime": Size(270, 142),
    "ADN_SparseFrames": Size(270, 202),
    "ADN_StretchPositions": Size(270, 170),
    "ADN_TrainMotionLora": Size(340, 680, 880),
    "ADN_Trajectory": Size(300, 430, 0, True),
    "ADN_TrajectoryNoise": Size(270, 214),
    "ADN_UseNoise": Size(225, 78),
    "ADN_Views": Size(270, 170, 400),
    "CLIPTextEncode": Size(300, 100),
    "Canny": Size(225, 90),
    "CheckpointLoaderSimple": Size(300, 102),
    "ConditioningCombine": Size(225, 54),
    "ControlNetApplyAdvanced": Size(260, 198),
    "ControlNetLoader": Size(300, 62),
    "CreateVideo": Size(225, 82),
    "EmptyLatentImage": Size(240, 118),
    "GetVideoComponents": Size(225, 74),
    "ImageBatch": Size(225, 54),
    "ImageCompositeMasked": Size(225, 158),
    "ImageFromBatch": Size(225, 90),
    "ImageScale": Size(225, 146),
    "ImageStitch": Size(240, 166),
    "ImageToMask": Size(225, 62),
    "InpaintModelConditioning": Size(260, 142),
    "KSampler": Size(280, 300, 580),
    "LatentUpscaleBy": Size(225, 90),
    "LoadImage": Size(280, 326),
    "LoadLatent": Size(225, 86),
    "LoadVideo": Size(260, 304),
    "LoraLoader": Size(300, 138),
    "MaskComposite": Size(225, 138),
    "ModelMergeSimple": Size(240, 82),
    "PreviewImage": Size(400, 320),
    "PrimitiveStringMultiline": Size(300, 100),
    "RepeatImageBatch": Size(225, 62),
    "RepeatLatentBatch": Size(225, 62),
    "SaveAnimatedWEBP": Size(340, 184, 0, True),
    "SaveImage": Size(340, 72, 0, True),
    "SaveLatent": Size(240, 94),
    "SaveVideo": Size(340, 128, 0, True),
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
    """Left, top, right and bottom of a node as it opens, its title bar and footer included."""
    (left, top), (width, tall) = node["pos"], node["size"]
    return left, top - TITLE, left + width, top + tall + footer(node["type"])


def room(node: dict[str, Any]) -> tuple[float, float, float, float]:
    """The same of all that it comes to take."""
    left, top, right, bottom = box(node)
    grown = SIZES[node["type"]].grown if node["type"] in SIZES else 0
    return left, top, right, max(bottom, node["pos"][1] + grown + footer(node["type"]))
