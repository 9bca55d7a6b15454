"""What the page shows of a sampling run, through the host's own progress bar and previews.

ComfyUI 0.3.52, 0.3.75 and 0.33.0 agree in everything that is used here.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import comfy.utils
import latent_preview
import torch

from ..motion.application import applications
from .asking_page import AskingPage, asking_page
from .moving_preview import Decode, MovingPreview, warn_without_preview
from .play_on import stop_playing_on
from .run_progress import ROUND_KEY, Round, RunProgress

LARGEST_SIDE = 256  # pixels, where the host's stills have 512: there are many more of ours

Callback = Callable[[int, torch.Tensor, torch.Tensor, int], Any]


class RunDisplay(NamedTuple):
    """What a run reports to; progress is None where nobody looks."""

    callback: Callback | None
    progress: RunProgress | None


@contextmanager
def run_display(guider, callback: Callback | None, steps: int, quiet: bool) -> Iterator[RunDisplay]:
    """For the length of a run whose own callback shows whole steps and the first frame."""
    stop_playing_on()
    bar = comfy.utils.ProgressBar(steps)
    if callback is None or quiet or bar.hook is None or steps < 1:
        yield RunDisplay(callback, None)
        return
    part: Round = guider.model_options["transformer_options"].get(ROUND_KEY, Round(0, 1))
    progress = RunProgress(steps, part.over_all(bar.update_absolute))
    last = part.index + 1 == part.count
    preview = _preview(guider.model_patcher, progress, last)
    try:
        yield RunDisplay(_behind(callback, progress, preview), progress)
    finally:
        if preview is not None:
            preview.end()
    if preview is not None:
        preview.play_on()


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


def _preview(model, progress: RunProgress, last: bool) -> MovingPreview | None:
    """last: of the node's rounds. None where frames are no clip, where previews are off, and
    where another extension makes them: it may well animate them itself."""
    if not applications(model):
        return None
    try:
        page = asking_page()
        previewer = latent_preview.get_previewer(model.load_device, model.model.latent_format)
    except Exception as error:
        warn_without_preview(error)
        return None
    if previewer is None or type(previewer).__module__ != latent_preview.__name__:
        return None
    decode = _decoder(previewer)
    return MovingPreview(decode, progress, _can_take(page), _to_play_on(page) if last else None)


def _can_take(page: AskingPage | None) -> Callable[[], bool]:
    return lambda: page is None or page.keeps_up


def _to_play_on(page: AskingPage | None) -> AskingPage | None:
    return page if page is not None and page.previews_by_node else None


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
