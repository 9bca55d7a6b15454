"""Runs the templates on the miniature world, and keeps the frames that their pictures show.

Frames are kept in .dev/pictures/frames, so that pictures can be drawn again without a run.
"""

import io
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageSequence

from tools import media, workflow
from tools.base_directory import BaseDirectory
from tools.client import Prompt
from tools.paths import DEV, ToolError
from tools.server import ComfyServer

from . import graphs, world
from .drawing import Frame
from .template_inputs import FRAMES, LAST, Clip, Source, write_inputs

TRAINED = DEV / "miniature"
CONTROL = "miniature_control.safetensors"
KEPT = DEV / "pictures" / "frames"
CONDITIONED = {"ADN_LoadSparseCtrl", "ADN_CameraControl"}  # trained without the domain adapter
SUFFIX = "on a dark background"


@dataclass(frozen=True)
class Scene:
    """What a template is asked for, instead of what it comes with."""

    asked: str  # "colour shape background"
    seed: int
    second: str = ""  # of templates with two prompts
    source: str = ""  # the same of the video or picture that goes in
    path: int = 4  # seed of the way that the video's shape goes
    other: str = ""  # "colour shape" of a second one at the right; the first is then at the left
    frames: int = FRAMES  # of the video that goes in
    ratios: tuple[float, ...] = ()  # of Blend: a run for each
    schedule: tuple[str, ...] = ()  # every 16 frames another, for Prompt Schedule
    beside: str = ""  # a template that does without, and is shown first
    points: str = ""  # of the path, where the template's own does not fit what goes in
    paths: int = 0  # a run for each: the world draws one shape; the second has the second prompt


class Shown(NamedTuple):
    """The frames of a run: clips that came out, and those that went in by name."""

    out: list[Clip]
    inputs: dict[str, Clip]


def words(triple: str) -> str:
    colour, shape, background = triple.split()
    return world.prompt(shape, colour, background)


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


def run_all(scenes: dict[str, Scene], again: bool = False) -> None:
    """Runs the templates that nothing is kept of, or all of them."""
    names = [name for name in scenes if again or not kept_file(name).is_file()]
    if not names:
        return
    weights = models_for(names)
    os.environ["ADN_MINIATURE"] = str(weights)
    base = BaseDirectory(DEV / "pictures")
    graphs.install(base, weights)
    KEPT.mkdir(parents=True, exist_ok=True)
    with ComfyServer(Path(os.environ["ADN_HOST"]), base) as server:
        for name in names:
            scene = scenes[name]
            runs = [run(server, name, one, weights, ratio) for one, ratio in _runs(scene)]
            shown = runs[0]._replace(out=[clip for one in runs for clip in one.out])
            if scene.beside:
                without = run(server, scene.beside, scene, weights)
                shown = shown._replace(out=[*without.out, *shown.out])
            keep(name, shown)
            print(f"{name}: ran", flush=True)


def _runs(scene: Scene) -> list[tuple[Scene, float | None]]:
    """The scene of each run, with the share of Blend."""
    if scene.paths:
        asked = (scene.asked, scene.second)
        return [(replace(scene, asked=asked[n], path=n), None) for n in range(scene.paths)]
    return [(scene, ratio) for ratio in scene.ratios or (None,)]


def _only_path(prompt: Prompt, number: int) -> None:
    """The others ask for nothing."""
    drawn = [node for node in prompt.values() if node["class_type"] == "ADN_Trajectory"]
    for other in drawn[:number] + drawn[number + 1 :]:
        other["inputs"]["points"] = ""


def run(
    server: ComfyServer, name: str, scene: Scene, weights: Path, ratio: float | None = None
) -> Shown:
    prompt = workflow.load(name)
    graphs.put_in(prompt, weights)
    use_scene(prompt, scene)
    if scene.paths:
        _only_path(prompt, scene.path)
    if ratio is not None:
        workflow.set_inputs(prompt, "ModelMergeSimple", {"ratio": ratio})
    source = Source(scene.source, scene.path, scene.other, scene.frames)
    inputs = write_inputs(server.base.path / "input", source) if scene.source else {}
    outputs = server.client.run(prompt)
    return Shown(clips_of(server, prompt, outputs), inputs)


def clips_of(server: ComfyServer, prompt: Prompt, outputs: dict) -> list[Clip]:
    """Every saver's clip; clips that stand side by side in one are taken apart. Without a saver,
    the pictures: many are a clip, one for each node are clips of one frame."""
    for saver, read in (("SaveAnimatedWEBP", played), ("SaveVideo", media.video_frames)):
        found = [key for key, node in prompt.items() if node["class_type"] == saver]
        files = [server.base.written_file(outputs[key]) for key in found]
        clips = [clip for file in files for clip in taken_apart(read(file))]
        if clips:
            return clips
    return [
        [_picture(server.client.view(file)) for file in files]
        for key, node in prompt.items()
        if node["class_type"] in ("SaveImage", "PreviewImage")
        and (files := outputs.get(key, {}).get("images"))
    ]


def played(file: Path) -> Clip:
    """The frames of an animated picture, each as often as it lasts: equal ones are kept as one."""
    with Image.open(file) as image:
        frames, lengths = [], []
        for frame in ImageSequence.Iterator(image):
            frames.append(np.asarray(frame.convert("RGB")))
            lengths.append(frame.info.get("duration", 1))
    times = [round(length / min(lengths)) for length in lengths]
    return [frame for frame, often in zip(frames, times, strict=True) for _ in range(often)]


def taken_apart(clip: Clip) -> list[Clip]:
    """Squares that stand side by side, with room between them or without."""
    side, width = clip[0].shape[:2]
    count = max(1, width // side)
    step = side + (width - count * side) // max(1, count - 1)
    return [[frame[:, n * step : n * step + side] for frame in clip] for n in range(count)]


def _picture(data: bytes) -> Frame:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def use_scene(prompt: Prompt, scene: Scene) -> None:
    """Prompts, seeds and sizes that the miniature world knows, in the nodes that have them."""
    texts = {"Prompt": scene.asked, "Second Prompt": scene.second}
    adapted = not CONDITIONED & {node["class_type"] for node in prompt.values()}
    for node in prompt.values():
        inputs, title = node["inputs"], workflow.node_title(node)
        if node["class_type"] == "CLIPTextEncode" and texts.get(title):
            inputs["text"] = words(texts[title])
        elif node["class_type"] == "PrimitiveStringMultiline" and texts.get(title):
            inputs["value"] = words(texts[title])
        elif node["class_type"] == "KSampler":
            inputs["seed"] = scene.seed
        elif node["class_type"] == "ADN_FollowTrajectory":
            inputs["subject"] = " ".join(scene.asked.split()[:2])
        elif node["class_type"] == "ADN_Trajectory" and scene.points:
            inputs["points"] = scene.points
        elif node["class_type"] in ("ADN_FrameNoise", "ADN_TrajectoryNoise"):
            inputs["seed"] += scene.seed
        elif node["class_type"] == "ADN_PromptSchedule":
            keys = scene.schedule or (" ".join(scene.asked.split()[:2]),)
            places = (0, 16, 32, 47)  # of 48 frames
            lines = [f'{place}: "a {what}"' for place, what in zip(places, keys, strict=False)]
            inputs.update(text="\n".join(lines), suffix=SUFFIX, prefix="")
        elif node["class_type"] == "ADN_LoadDomainAdapter" and not adapted:
            inputs["strength"] = 0.0
        elif node["class_type"] == "LoraLoader":
            inputs.update(lora_name=graphs.ADAPTER, strength_model=0.0, strength_clip=0.0)
        elif title == "Last Frame":
            inputs["image"] = LAST
        elif node["class_type"] == "ADN_ContinueClip":
            workflow.set_inputs(prompt, "EmptyLatentImage", {"batch_size": 48})
        elif node["class_type"] == "ADN_TrainMotionLora":
            inputs.update(width=world.SIZE, height=world.SIZE, steps=100, rank=8)


def kept_file(name: str) -> Path:
    return KEPT / f"{name}.npz"


def keep(name: str, shown: Shown) -> None:
    arrays = {f"out{number}": np.stack(clip) for number, clip in enumerate(shown.out)}
    arrays |= {f"in_{which}": np.stack(clip) for which, clip in shown.inputs.items()}
    np.savez_compressed(kept_file(name), **arrays)  # type: ignore[arg-type]


def kept(name: str) -> Shown:
    with np.load(kept_file(name)) as arrays:
        out = [list(arrays[f"out{n}"]) for n in range(len(arrays.files)) if f"out{n}" in arrays]
        inputs = {key[3:]: list(arrays[key]) for key in arrays.files if key.startswith("in_")}
    return Shown(out, inputs)
