"""The miniature world in a workflow's place of a checkpoint: weights that come with the project.

Its models (`demo/`) draw one coloured shape in 64 x 64 pixels; they need no download and no GPU.
"""

from tools import workflow
from tools.base_directory import BaseDirectory
from tools.client import Prompt
from tools.paths import REPO

PACK = REPO / "demo"
WEIGHTS = PACK / "weights"
MOTION_MODULE = WEIGHTS / "miniature_motion.safetensors"
PROMPT = "a red circle on a dark background"
SIZE = 64
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


def install(base: BaseDirectory) -> None:
    """Make the demo's loader node and the miniature files known to the server of a folder."""
    base.add_custom_node("miniature-world", PACK)
    folders = {"lora": "animatediff_motion_lora", "motion": "animatediff_models"}
    for file in sorted(WEIGHTS.glob("*.safetensors")):
        kind = file.stem.removeprefix("miniature_").split("_")[0]
        base.add_model(folders.get(kind, "loras"), file)


def put_in(prompt: Prompt) -> None:
    """Change a workflow's graph so that it runs on the miniature world."""
    loader = prompt[workflow.node_id(prompt, "CheckpointLoaderSimple")]
    loader.update(class_type="ADNDemo_LoadMiniatureWorld", inputs={"model": "plain"})
    loader["_meta"] = {"title": "Load Miniature World"}
    workflow.set_inputs(prompt, "ADN_LoadMotionModule", {"motion_module": MOTION_MODULE.name})
    workflow.set_inputs(prompt, "EmptyLatentImage", {"width": SIZE, "height": SIZE})
    workflow.set_inputs(prompt, "KSampler", SAMPLING)
    workflow.set_inputs(prompt, "CLIPTextEncode", {"text": PROMPT}, "Prompt")
    workflow.set_inputs(prompt, "CLIPTextEncode", {"text": ""}, "Negative Prompt")
    _enlarge(prompt)


def _enlarge(prompt: Prompt) -> None:
    """Whatever took the decoded frames takes them four times as large."""
    decoded = [workflow.node_id(prompt, "VAEDecode"), 0]
    enlarged = str(1 + max(int(key) for key in prompt))
    for node in prompt.values():
        for name, value in node["inputs"].items():
            if value == decoded:
                node["inputs"][name] = [enlarged, 0]
    prompt[enlarged] = {
        "class_type": "ImageScale",
        "inputs": {
            "image": decoded,
            "upscale_method": "bicubic",
            "width": SHOWN_SIZE,
            "height": SHOWN_SIZE,
            "crop": "disabled",
        },
        "_meta": {"title": "Enlarge"},
    }
