"""What the page shows of a sampling run, through the host's own progress bar and previews.

ComfyUI 0.3.52, 0.3.75 and 0.33.0 agree in everything that is used here.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import comfy.utils
import latent_preview
import torch

from ..motion.application import applications
from .moving_preview import Decode, MovingPreview, warn_without_preview
from .run_progress import ROUND_KEY, Round, RunProgress

LARGEST_SIDE = 256  # pixels, where the host's stills have 512: there are many more of ours
MOST_WAITING = 3  # messages that one preview makes

Callback = Callable[[int, torch.Tensor, torch.Tensor, int], Any]


class RunDisplay(NamedTuple):
    """What a run reports to; progress is None where nobody looks."""

    callback: Callback | None
    progress: RunProgress | None


@contextmanager
def run_display(guider, callback: Callback | None, steps: int, quiet: bool) -> Iterator[RunDisplay]:
    """For the length of a run whose own callback shows whole steps and the first frame."""
    bar = comfy.utils.ProgressBar(steps)
    if callback is None or quiet or bar.hook is None or steps < 1:
        yield RunDisplay(callback, None)
        return
    part: Round = guider.model_options["transformer_options"].get(ROUND_KEY, Round(0, 1))
    progress = RunProgress(steps, part.over_all(bar.update_absolute))
    preview = _preview(guider.model_patcher, progress)
    try:
        yield RunDisplay(_behind(callback, progress, preview), progress)
    finally:
        if preview is not None:
            preview.end()


def _behind(callback: Callback, progress: RunProgress, preview: MovingPreview | None) -> Callback:
    """The host's callback as it is, then ours."""

    def on_step(step: int, x0: torch.Tensor, x: torch.Tensor, total_steps: int) -> Any:
        with progress.lock:
            result = callback(step, x0, x, total_steps)
            progress.step_done(step)
            if preview is not None:
                preview.after_step(step)
        if preview is not None:
            preview.take(step, x0)
        return result

    return on_step


def _preview(model, progress: RunProgress) -> MovingPreview | None:
    """None where frames are no clip, where previews are off, and where another extension makes
    them: it may well animate them itself."""
    if not applications(model):
        return None
    try:
        previewer = latent_preview.get_previewer(model.load_device, model.model.latent_format)
    except Exception as error:
        warn_without_preview(error)
        return None
    if previewer is None or type(previewer).__module__ != latent_preview.__name__:
        return None
    return MovingPreview(_decoder(previewer), progress, _page_keeps_up)


def _decoder(previewer: latent_preview.LatentPreviewer) -> Decode:
    """What the host's own callback makes of a frame: format, picture, and how large to send it.
    None where an extension keeps it from that."""

    def decode(x0: torch.Tensor) -> Any:
        preview = previewer.decode_latent_to_preview_image("JPEG", x0)
        if preview is None:
            return None
        kind, picture, largest = preview
        return kind, picture, min(largest, LARGEST_SIDE)

    return decode


def _page_keeps_up() -> bool:
    """Whether the server has sent what it was given. On a slow line it has not, and whatever is
    added now would delay all that comes after it."""
    server = sys.modules.get("server")
    instance = getattr(getattr(server, "PromptServer", None), "instance", None)
    return instance is None or instance.messages.qsize() <= MOST_WAITING
