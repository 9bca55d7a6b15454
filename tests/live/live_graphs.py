"""Small graphs for a live server, and what they leave behind."""

import io

import numpy as np
from PIL import Image
from safetensors.numpy import load

from tools import workflow
from tools.client import Progress, Prompt
from tools.server import ComfyServer
from tools.standins import StandIns

FRAMES = 8
SIZE = 64
STEPS = 2


def clip_graph(standins: StandIns, steps: int = STEPS) -> Prompt:
    """workflows/api/text_to_video.json at a size that a CPU samples in seconds."""
    prompt = workflow.load("text_to_video")
    workflow.set_inputs(prompt, "CheckpointLoaderSimple", {"ckpt_name": standins.checkpoint.name})
    workflow.set_inputs(
        prompt, "ADN_LoadMotionModule", {"motion_module": standins.motion_module.name}
    )
    size = {"width": SIZE, "height": SIZE, "batch_size": FRAMES}
    workflow.set_inputs(prompt, "EmptyLatentImage", size)
    workflow.set_inputs(prompt, "KSampler", {"steps": steps})
    return prompt


def latent_graph(standins: StandIns, run: int, steps: int = STEPS, animated: bool = True) -> Prompt:
    """The same clip, saved as latents and as lossless pictures.

    Each `run` samples afresh although the server caches results: it multiplies the empty latent,
    which is all zeros, by another number (run is at most 1000).
    """
    prompt = clip_graph(standins, steps)
    del prompt[workflow.node_id(prompt, "SaveAnimatedWEBP")]
    prompt["scale"] = _node(
        "LatentMultiply", samples=_link(prompt, "EmptyLatentImage"), multiplier=run / 100
    )
    workflow.set_inputs(prompt, "KSampler", {"latent_image": ["scale", 0]})
    if not animated:
        workflow.set_inputs(prompt, "KSampler", {"model": _link(prompt, "CheckpointLoaderSimple")})
        del prompt[workflow.node_id(prompt, "ADN_ApplyMotionModule")]
        del prompt[workflow.node_id(prompt, "ADN_LoadMotionModule")]
    samples, images = _link(prompt, "KSampler"), _link(prompt, "VAEDecode")
    prompt["latent"] = _node("SaveLatent", samples=samples, filename_prefix=f"run{run}")
    prompt["pictures"] = _node("SaveImage", images=images, filename_prefix=f"run{run}")
    return prompt


def _node(class_type: str, **inputs: object) -> dict:
    return {"class_type": class_type, "inputs": inputs}


def _link(prompt: Prompt, class_type: str) -> list:
    return [workflow.node_id(prompt, class_type), 0]


def sample(server: ComfyServer, prompt: Prompt) -> tuple[np.ndarray, np.ndarray]:
    """Runs a latent_graph; the latents [F, 4, h, w] and the pictures [F, H, W, 3]."""
    seen: list[Progress] = []
    outputs = server.client.run(prompt, seen.append)
    sampler = workflow.node_id(prompt, "KSampler")
    assert any(step.node == sampler for step in seen), "the server took the result from its cache"
    (latent_file,) = outputs["latent"]["latents"]
    latents = load(server.client.view(latent_file))["latent_tensor"]
    pictures = [server.client.view(file) for file in outputs["pictures"]["images"]]
    return latents, np.stack([np.asarray(Image.open(io.BytesIO(data))) for data in pictures])
