"""Makes a short animated clip with a real ComfyUI server: `make demo`.

The models are those of the miniature world, which come with the project and draw moving shapes.
CHECKPOINT=/path/file and MOTION_MODULE=/path/file, together, take real ones. PROMPT, WIDTH, HEIGHT,
FRAMES, STEPS and SEED override the workflow.
"""

import os
import sys
import time
from pathlib import Path

from tools import media, standins, workflow
from tools.base_directory import BaseDirectory
from tools.client import ExecutionFailed, Progress, Prompt, PromptRejected
from tools.paths import ToolError
from tools.server import ComfyServer

from . import graphs
from .settings import DemoSettings

WORKFLOW = "text_to_video"


def build_prompt(settings: DemoSettings, base: BaseDirectory, tree: Path) -> Prompt:
    prompt = workflow.load(WORKFLOW)
    if settings.checkpoint and settings.motion_module:
        use_files(prompt, base, settings.checkpoint, settings.motion_module)
    elif not graphs.is_there():
        made = standins.ensure(tree)
        use_files(prompt, base, made.checkpoint, made.motion_module)
        workflow.set_inputs(prompt, "EmptyLatentImage", {"width": 128, "height": 128})
        workflow.set_inputs(prompt, "KSampler", {"steps": 4})
        print("Using stand-in models with random weights: expect moving colours, not a picture.")
        print("`make miniature` trains models that show a moving shape.")
    else:
        graphs.install(base)
        graphs.put_in(prompt)
        print("Using the miniature world's models: one moving shape, 64 x 64 pixels, enlarged.")
        print("For a real clip: make demo CHECKPOINT=/path/sd15.safetensors MOTION_MODULE=/path/mm")
    settings.apply_to(prompt)
    return prompt


def use_files(prompt: Prompt, base: BaseDirectory, checkpoint: Path, motion_module: Path) -> None:
    name = base.add_model("checkpoints", checkpoint)
    workflow.set_inputs(prompt, "CheckpointLoaderSimple", {"ckpt_name": name})
    name = base.add_model("animatediff_models", motion_module)
    workflow.set_inputs(prompt, "ADN_LoadMotionModule", {"motion_module": name})


def show_progress(prompt: Prompt, progress: Progress) -> None:
    node = prompt.get(progress.node)
    if node is not None and progress.maximum > 1:
        title = workflow.node_title(node)
        print(f"  {title}: step {progress.value} of {progress.maximum}", flush=True)


def check(file: Path, frames: list) -> None:
    wrong = media.complaint(frames)
    if wrong:
        raise ToolError(f"{file} is not a moving picture: {wrong}.")
    print(f"{file}  ({len(frames)} frames)")


def main() -> None:
    tree = Path(os.environ["ADN_HOST"])
    base = BaseDirectory()
    prompt = build_prompt(DemoSettings.from_environment(), base, tree)
    started = time.monotonic()
    print(f"Starting ComfyUI (log: {base.log})", flush=True)
    with ComfyServer(tree, base) as server:
        print(f"Running workflows/api/{WORKFLOW}.json", flush=True)
        outputs = server.client.run(prompt, lambda progress: show_progress(prompt, progress))
    webp = base.written_file(outputs[workflow.node_id(prompt, "SaveAnimatedWEBP")])
    print(f"Done in {time.monotonic() - started:.0f} s:")
    check(webp, media.webp_frames(webp))


if __name__ == "__main__":
    try:
        main()
    except (ToolError, PromptRejected, ExecutionFailed) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("Stopped.")
