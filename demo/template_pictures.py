"""Draws the pictures of the template browser: `python -m demo.template_pictures [NAME ...]`.

Every workflow runs on a real server with the models of the miniature world, and the frames that it
saves become its picture in workflows/. The models are those of `make miniature`, or of the folder
that ADN_MINIATURE names; where there are none, those that come with the project, which are all but
the ControlNet.
"""

import io
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from tools import media, workflow
from tools.base_directory import BaseDirectory
from tools.client import Prompt
from tools.paths import DEV, ToolError
from tools.server import ComfyServer

from . import graphs, world

TRAINED = DEV / "miniature"
CONTROL = "miniature_control.safetensors"
SIDE = 512  # pixels of a picture
FRAMES = 64  # of the videos that workflows take
BRUSH = 25  # pixels: side of the brush that paints the mask of inpainting over a shape
LEFT_SEED = 40  # its circle moves on the left
SCHEDULE = (
    '0: "a red circle"\n16: "a yellow square"\n32: "a green triangle"\n47: "a blue cross"',
    "on a dark background",
)


def main() -> None:
    names = sys.argv[1:] or sorted(file.stem for file in workflow.API_WORKFLOWS.glob("*.json"))
    weights = models_for(names)
    os.environ["ADN_MINIATURE"] = str(weights)
    base = BaseDirectory(DEV / "pictures")
    graphs.install(base, weights)
    with ComfyServer(Path(os.environ["ADN_HOST"]), base) as server:
        write_inputs(base.path / "input")
        for name in names:
            picture = workflow.page_file(name, "jpg")
            sheet(pictures_of(server, name, weights)).save(picture, quality=88)
            print(picture, flush=True)


def models_for(names: list[str]) -> Path:
    """The folder of models that has what these workflows need."""
    folder = Path(os.environ.get("ADN_MINIATURE") or TRAINED).resolve()
    if (folder / CONTROL).is_file():
        return folder
    steered = [name for name in names if _has_control(workflow.load(name))]
    if steered:
        raise ToolError(f"{', '.join(steered)}: no {CONTROL} in {folder}. Run make miniature.")
    return folder if (folder / graphs.MOTION_MODULE.name).is_file() else graphs.WEIGHTS


def _has_control(prompt: Prompt) -> bool:
    return any(node["class_type"] == "ControlNetLoader" for node in prompt.values())


def pictures_of(server: ComfyServer, name: str, weights: Path) -> list[list[np.ndarray]]:
    """What a workflow shows, clip by clip; a single picture is a clip of one frame."""
    prompt = workflow.load(name)
    graphs.put_in(prompt, weights)
    use_our_words(prompt)
    outputs = server.client.run(prompt)
    clips = [
        media.webp_frames(server.base.written_file(outputs[key]))
        for key, node in prompt.items()
        if node["class_type"] == "SaveAnimatedWEBP"
    ]
    return clips or _pictures(server, prompt, outputs)


def _pictures(server: ComfyServer, prompt: Prompt, outputs: dict) -> list[list[np.ndarray]]:
    """Saved pictures: many are a clip, one for each node are clips of one frame."""
    return [
        [picture(server.client.view(file)) for file in files]
        for key, node in prompt.items()
        if node["class_type"] in ("SaveImage", "PreviewImage")
        and (files := outputs.get(key, {}).get("images"))
    ]


def picture(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def use_our_words(prompt: Prompt) -> None:
    """Prompts and sizes that the miniature world knows, in the nodes that only some have."""
    for node in prompt.values():
        inputs = node["inputs"]
        if node["class_type"] == "ADN_PromptSchedule":
            inputs["text"], inputs["suffix"] = SCHEDULE
            inputs["prefix"] = ""
        elif node["class_type"] == "ADN_MotionStrength" and "area" in inputs:
            workflow.set_inputs(prompt, "KSampler", {"seed": LEFT_SEED})
        elif node["class_type"] == "ADN_ContinueClip":
            workflow.set_inputs(prompt, "EmptyLatentImage", {"batch_size": 48})
        elif node["class_type"] == "ADN_TrainMotionLora":
            inputs.update(width=world.SIZE, height=world.SIZE, steps=100, rank=8)


def sheet(clips: list[list[np.ndarray]]) -> Image.Image:
    """Four frames of one clip, or a row for each of several."""
    columns = 1 if len(clips[0]) == 1 else max(2, len(clips))
    count = columns if len(clips) > 1 else columns**2
    chosen = [
        clip[round(place)]
        for clip in clips
        for place in np.linspace(0, len(clip) - 1, min(count, len(clip)))
    ]
    cell = SIDE // columns
    picture = Image.new("RGB", (SIDE, SIDE), "white")
    for number, frame in enumerate(chosen):
        row, column = divmod(number, columns)
        place = (column * cell, row * cell)
        picture.paste(Image.fromarray(frame).resize((cell, cell), Image.Resampling.BICUBIC), place)
    return picture


def write_inputs(folder: Path) -> None:
    """A video of a moving shape, the silhouettes of it, and a picture with a part to be redrawn."""
    folder.mkdir(parents=True, exist_ok=True)
    named = {
        "shape": world.SHAPES.index("circle"),
        "colour": world.COLOURS.index("yellow"),
        "background": world.BACKGROUND_NAMES.index("dark"),
    }
    chosen = {name: torch.tensor([index]) for name, index in named.items()}
    path = world.random_clips(1, torch.Generator().manual_seed(4), FRAMES)
    scenes = [replace(one, **chosen) for one in path]
    drawn = torch.cat([world.draw(one) for one in scenes])
    covered = torch.cat([world.silhouettes(one) for one in scenes])[:, None].expand_as(drawn)
    for name, frames in (("input", drawn), ("depth", covered)):
        media.write_video(folder / f"{name}.mp4", _pixels(frames))
    around = torch.nn.functional.max_pool2d(covered[:1, :1], BRUSH, 1, BRUSH // 2)
    picture = _pixels(torch.cat([drawn[:1], 1 - around], dim=1))[0]  # no alpha: to be redrawn
    Image.fromarray(picture, "RGBA").save(folder / "example.png")


def _pixels(frames: torch.Tensor) -> np.ndarray:
    return frames.mul(255).byte().permute(0, 2, 3, 1).numpy()


if __name__ == "__main__":
    try:
        main()
    except ToolError as error:
        sys.exit(f"error: {error}")
