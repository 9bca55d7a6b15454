"""The miniature world in a workflow's place of a checkpoint: weights that come with the project.

Its models (`demo/`) draw one coloured shape in 64 x 64 pixels; they need no download and no GPU.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tools import workflow
from tools.base_directory import BaseDirectory
from tools.client import Prompt

Node = dict[str, Any]
PACK = Path(__file__).parent
WEIGHTS = PACK / "weights"
MOTION_MODULE = WEIGHTS / "miniature_motion.safetensors"
PROMPT = "a red circle on a dark background"
PROMPTS = {"Prompt": PROMPT, "Second Prompt": "a blue circle on a light background"}  # by title
SIZE = 64
CAMERA_MOVES = ("pan_left", "pan_up", "zoom_in", "zoom_out")
CAMERA, PIA = "miniature_camera.safetensors", "miniature_pia.safetensors"
SPARSE = "miniature_sparsectrl_{}.safetensors"
DUSK, ADAPTER = "miniature_lora_dusk.safetensors", "miniature_domain_adapter.safetensors"
INPAINT, STYLED = "miniature_unet_inpaint.safetensors", "Inkpunk-Diffusion-v2.ckpt"
CAMERA_SPEED = 0.8
SUBJECT = " ".join(PROMPT.split()[1:3])  # "red circle"
THING = 0.44  # of the picture: a path's box, as large as a shape
FOLLOWED = 1.0  # strength of what follows a path: the small models need more than the large ones
ADDED = 16  # pixels that a clip grows by at a side
FINER = 4  # times: a miniature's edges
SHOWN_SIZE = 256  # the clip is enlarged before it is saved
SAMPLING = {
    "steps": 20,
    "cfg": 3.0,
    "sampler_name": "dpmpp_2m",
    "scheduler": "sgm_uniform",
}


def is_there() -> bool:
    """Whether the weights that the demo needs were made."""
    return MOTION_MODULE.is_file()


def install(base: BaseDirectory, weights: Path = WEIGHTS) -> None:
    """Make the demo's loader nodes and the miniature files known to the server of a folder."""
    base.add_custom_node("miniature-world", PACK)
    folders = {"lora": "animatediff_motion_lora", "sparsectrl": "controlnet"}
    folders |= dict.fromkeys(("motion", "pia", "camera"), "animatediff_models")
    for file in sorted(weights.glob("*.safetensors")):
        kind = file.stem.removeprefix("miniature_").split("_")[0] if file.name != DUSK else "look"
        base.add_model(folders.get(kind, "loras"), file)


def put_in(prompt: Prompt, weights: Path = WEIGHTS) -> None:
    """Change a workflow's graph so that it runs on the miniature world. Masks are made to fit."""
    for key, node in list(prompt.items()):
        change = CHANGES.get(node["class_type"])
        if node["class_type"] == "CheckpointLoaderSimple":
            _load_world(prompt, key, weights)
        elif change is not None:
            change(node)
        elif node["class_type"] == "VAEDecode":
            _enlarge(prompt, _put_back(prompt, key))
        elif node["class_type"] == "ADN_FrameLora":
            node["inputs"]["lora"] = DUSK if (weights / DUSK).is_file() else ADAPTER


def _take_class(node: Node, class_type: str, title: str, **inputs: object) -> None:
    node.update(class_type=class_type, inputs=inputs, _meta={"title": title})


def _load_world(prompt: Prompt, key: str, weights: Path) -> None:
    """The one for inpainting where there is one; a checkpoint with a style gets that of a LoRA."""
    asked = prompt[key]["inputs"]["ckpt_name"]
    model = "inpaint" if "inpaint" in asked and (weights / INPAINT).is_file() else "plain"
    _take_class(prompt[key], "ADNDemo_LoadMiniatureWorld", "Load Miniature World", model=model)
    if asked == STYLED and (weights / DUSK).is_file():
        with_style = _insert(prompt, [key, 0])
        inputs = {"domain_adapter": DUSK, "strength": 1.0, "model": [key, 0]}
        _take_class(prompt[with_style], "ADN_LoadDomainAdapter", "Style", **inputs)


def _load_control(node: Node) -> None:
    _take_class(node, "ADNDemo_LoadMiniatureControl", "Load Miniature ControlNet")


def _write(node: Node) -> None:
    if not isinstance(node["inputs"]["text"], list):
        node["inputs"]["text"] = PROMPTS.get(workflow.node_title(node), "")


def _write_once(node: Node) -> None:
    """A text that several nodes take."""
    node["inputs"]["value"] = PROMPTS.get(workflow.node_title(node), "")


def _shrink(node: Node) -> None:
    node["inputs"].update(width=SIZE, height=SIZE)


def _shrink_clip(node: Node) -> None:
    """What is added around the pictures is a part of the world's size: they get narrower."""
    added = {side: ADDED for side in ("left", "top", "right", "bottom") if node["inputs"][side]}
    across, down = (
        ADDED * len(added.keys() & sides) for sides in ({"left", "right"}, {"top", "bottom"})
    )
    node["inputs"].update(width=SIZE - across, height=SIZE - down, **added)
    node["inputs"]["feather"] //= FINER


def _sample(node: Node) -> None:
    node["inputs"].update(SAMPLING)


def _guide(node: Node) -> None:
    node["inputs"]["cfg"] = SAMPLING["cfg"]


def _load_module(node: Node) -> None:
    pia = re.match("pia|.*i2v", node["inputs"]["motion_module"])
    node["inputs"]["motion_module"] = PIA if pia else MOTION_MODULE.name


def _begin_with_picture(node: Node) -> None:
    """There is no miniature AnimateLCM-I2V: PIA stands in."""
    links = {name: node["inputs"][name] for name in ("motion_module", "image", "vae")}
    _take_class(node, "ADN_PiaImage", "PIA Image", motion="large motion", image_frame=0, **links)


def _load_sparse_ctrl(node: Node) -> None:
    kind = "scribble" if "scribble" in node["inputs"]["sparsectrl"] else "rgb"
    node["inputs"]["sparsectrl"] = SPARSE.format(kind)


def _go_slowly(node: Node) -> None:
    """The miniature world's wall is near."""
    node["inputs"]["speed"] *= CAMERA_SPEED


def _load_camera(node: Node) -> None:
    """Its pictures are square, and so are those that the path is of."""
    node["inputs"].update(camera_control=CAMERA, width=SIZE, height=SIZE)


def _draw(node: Node) -> None:
    _shrink(node)
    node["inputs"]["box"] = THING


def _follow(node: Node) -> None:
    node["inputs"].update(subject=SUBJECT, strength=FOLLOWED)


def _move_as(node: Node) -> None:
    """As in demo.measure_reference."""
    node["inputs"]["strength"] = FOLLOWED


def _load_adapter(node: Node) -> None:
    node["inputs"]["domain_adapter"] = ADAPTER


def _load_motion_lora(node: Node) -> None:
    """The movement of the same name, where there is one."""
    asked = node["inputs"]["motion_lora"].lower().replace("_", "")
    found = (move for move in CAMERA_MOVES if move.replace("_", "") in asked)
    name = next(found, CAMERA_MOVES[0])
    node["inputs"]["motion_lora"] = f"miniature_lora_{name}.safetensors"


CHANGES: dict[str, Callable[[Node], None]] = {
    "ControlNetLoader": _load_control,
    "CLIPTextEncode": _write,
    "PrimitiveStringMultiline": _write_once,
    "EmptyLatentImage": _shrink,
    "ImageScale": _shrink,
    "KSampler": _sample,
    "ADN_CameraControl": _load_camera,
    "ADN_CameraPath": _go_slowly,
    "ADN_ClipCondition": _shrink_clip,
    "ADN_FollowTrajectory": _follow,
    "ADN_FrameGuidance": _guide,
    "ADN_LoadMotionModule": _load_module,
    "ADN_LoadMotionLora": _load_motion_lora,
    "ADN_I2VImage": _begin_with_picture,
    "ADN_LoadDomainAdapter": _load_adapter,
    "ADN_LoadSparseCtrl": _load_sparse_ctrl,
    "ADN_ReferenceMotion": _move_as,
    "ADN_Trajectory": _draw,
}


def _put_back(prompt: Prompt, decoder: str) -> str:
    """The node that puts the decoded frames into their source, or the decoder."""
    takes = (key for key, node in prompt.items() if node["inputs"].get("source") == [decoder, 0])
    return next(takes, decoder)


def _enlarge(prompt: Prompt, decoder: str) -> None:
    """Whatever took the decoded frames takes them four times as large."""
    enlarged = _insert(prompt, [decoder, 0])
    inputs = {"image": [decoder, 0], "upscale_method": "bicubic", "crop": "disabled"}
    inputs |= {"width": SHOWN_SIZE, "height": SHOWN_SIZE}
    _take_class(prompt[enlarged], "ImageScale", "Enlarge", **inputs)


def _insert(prompt: Prompt, output: list) -> str:
    """A new node's id, from which whatever took this output takes the new one's first."""
    key = str(1 + max(map(int, prompt)))
    for node in prompt.values():
        for name, value in node["inputs"].items():
            if value == output:
                node["inputs"][name] = [key, 0]
    prompt[key] = {}
    return key
