"""Makes a short animated clip with a real ComfyUI server: `make demo`.

Without CHECKPOINT=/path/file and MOTION_MODULE=/path/file it uses stand-ins with random weights:
they show that everything works, and moving colours, but no picture. PROMPT, WIDTH, HEIGHT, FRAMES,
STEPS and SEED override the workflow.
"""

import os
import sys
import time
from pathlib import Path

from tools import media, standins, workflow
from tools.base_directory import BaseDirectory
from tools.client import Prompt, PromptRejected
from tools.demo_settings import DemoSettings
from tools.paths import ToolError
from tools.run_events import ExecutionFailed, Progress
from tools.server import ComfyServer, has_accelerator

WORKFLOW = "text_to_video"


def choose_files(settings: DemoSettings, tree: Path) -> tuple[Path, Path]:
    """The checkpoint and the motion module to use: the developer's, or stand-ins."""
    if settings.checkpoint and settings.motion_module:
        return settings.checkpoint, settings.motion_module
    made = standins.ensure(tree)
    print("Using stand-in models with random weights: expect moving colours, not a picture.")
    print(
        "For a real clip: make demo CHECKPOINT=/path/sd15.safetensors MOTION_MODULE=/path/mm.ckpt"
    )
    return settings.checkpoint or made.checkpoint, settings.motion_module or made.motion_module


def build_prompt(settings: DemoSettings, base: BaseDirectory, tree: Path) -> Prompt:
    prompt = workflow.load(WORKFLOW)
    checkpoint, motion_module = choose_files(settings, tree)
    if settings.uses_standins and not has_accelerator():
        settings.shrink_for_cpu()
        print(
            f"No GPU: {settings.width}x{settings.height} pixels and {settings.steps} steps "
            f"instead of the workflow's own (WIDTH=, HEIGHT=, STEPS= override this)."
        )
    settings.apply_to(
        prompt,
        base.add_model("checkpoints", checkpoint),
        base.add_model("animatediff_models", motion_module),
    )
    return prompt


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
    video = base.written_file(outputs[workflow.node_id(prompt, "SaveVideo")])
    print(f"Done in {time.monotonic() - started:.0f} s:")
    check(webp, media.webp_frames(webp))
    check(video, media.video_frames(video))


if __name__ == "__main__":
    try:
        main()
    except (ToolError, PromptRejected, ExecutionFailed) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("Stopped.")
