"""The clip as an animation on the sampler's node, while it is sampled.

Every frame goes to the page as a preview picture of the host's own kind, one after the other at
the clip's pace. An animated PNG per step would be one message instead of many, but the page
draws its pictures on a canvas, and a browser draws only the first frame of an animation there.
"""

import logging
import time
from collections.abc import Callable
from typing import Any

import torch
from comfy.model_management import (
    InterruptProcessingException,
    interrupt_current_processing,
    processing_interrupted,
)

from .asking_page import AskingPage
from .clip_player import ClipPlayer
from .play_on import play_on
from .run_progress import RunProgress

log = logging.getLogger("animatediff_native")

PACE = 8  # frames per second, which motion modules were trained on
MOST_FRAMES = 24
SHORTEST_PAUSE = 0.5  # seconds between two decodings
SHARE = 1 / 20  # of the run's time that decoding may take
LONGEST_LAST = 1.0  # seconds that the clip of the last step may take, for which others wait
LONGEST_PLAY = 60.0  # seconds without new ones: a page may keep every picture that it was sent

Decode = Callable[[torch.Tensor], Any]


def spread(frames: int, most: int = MOST_FRAMES) -> list[int]:
    """Up to `most` frames of a clip, evenly spread from the first on."""
    count = min(frames, most)
    return [index * frames // count for index in range(count)]


def warn_without_preview(error: Exception) -> None:
    log.warning("AnimateDiff: no moving preview in this run: %s: %s", type(error).__name__, error)


class MovingPreview:
    """The previews of one sampling run. What goes wrong here ends them, not the run.

    decode: [1, C, h, w] to what the host's progress bar takes as a preview, None for no preview;
    can_take: whether the page keeps up with the pictures; page: where the clip can play on after
    the run, None where it cannot.
    """

    def __init__(
        self,
        decode: Decode,
        progress: RunProgress,
        can_take: Callable[[], bool],
        page: AskingPage | None = None,
    ):
        self._decode = decode
        self._progress = progress
        self._can_take = can_take
        self._page = page
        self._clip: tuple[list, float] | None = None  # pictures, and seconds for each
        self._cost = 0.0  # seconds that decoding the clip took
        self._player = ClipPlayer(self._show_from_thread, LONGEST_PLAY)
        self._next_due = 0.0
        self._failed = False

    def after_step(self, step: int) -> None:
        """Behind the host's own preview of the first frame, and before anything else is shown.

        That of the last step is final: the node keeps it.
        """
        if step + 1 == self._progress.steps:
            self._player.rest()
        else:
            self._attempt(self._show)

    def take(self, step: int, x0: torch.Tensor) -> None:
        """The clip as it is after a step, if it is time for that; x0: [F, C, h, w]."""
        if len(x0) < 2:
            return
        if step + 1 == self._progress.steps:
            if self._page is not None and self._cost <= LONGEST_LAST:
                self._attempt(lambda: self._decode_all(x0))
        elif time.monotonic() >= self._next_due:
            self._attempt(lambda: self._decode_and_play(x0))

    def end(self) -> None:
        self._player.join()

    def play_on(self) -> None:
        """After a run that did not fail, on the page that waits for what is made of it."""
        if self._page is not None and self._clip is not None and not self._failed:
            play_on(self._page, *self._clip)

    def _decode_and_play(self, x0: torch.Tensor) -> None:
        if self._decode_all(x0) and self._clip is not None:
            self._player.play(*self._clip)
            self._show()

    def _decode_all(self, x0: torch.Tensor) -> bool:
        """Whether there are pictures."""
        began = time.monotonic()
        shown = spread(len(x0))
        pictures = [self._decode(x0[index : index + 1]) for index in shown]
        self._cost = time.monotonic() - began
        self._next_due = began + max(SHORTEST_PAUSE, self._cost / SHARE)
        if None in pictures:
            return False
        self._clip = pictures, len(x0) / len(shown) / PACE
        return True

    def _show(self) -> None:
        with self._progress.lock:
            picture = self._player.current
            if picture is not None:
                self._progress.send(picture)

    def _show_from_thread(self) -> None:
        """The host's hook takes an interrupt, which is meant for the sampler: give it back."""
        if processing_interrupted() or not self._can_take():
            return
        try:
            self._attempt(self._show)
        except InterruptProcessingException:
            interrupt_current_processing()

    def _attempt(self, action: Callable[[], Any]) -> None:
        if self._failed:
            return
        try:
            action()
        except InterruptProcessingException:
            raise
        except Exception as error:
            self._failed = True
            self._player.stop()
            warn_without_preview(error)
