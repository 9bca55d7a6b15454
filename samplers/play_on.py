"""The clip goes on moving on the sampler's node until its prompt has a result.

The host's progress bar would count on for a node that has ended, so the pictures go to the page
without it, as pictures for that node.
"""

import logging
import threading
import time
from collections.abc import Sequence
from typing import Any

from comfy.model_management import processing_interrupted

from .asking_page import AskingPage
from .clip_player import ClipPlayer

log = logging.getLogger("animatediff_native")

LONGEST = 60.0  # seconds: a page may keep every picture that it was sent


class _PlayedOn:
    """Ends by itself with the prompt, and keeps no picture then."""

    def __init__(self, page: AskingPage, pictures: Sequence[Any], seconds: float):
        self._page = page
        self._until = time.monotonic() + LONGEST
        self._player = ClipPlayer(self._show_from_thread, float("inf"))
        self._player.play(pictures, seconds)

    def end(self) -> None:
        self._player.stop()
        self._player.rest()

    def _show_from_thread(self) -> None:
        try:
            if self._is_over():
                self.end()
                return
            picture = self._player.current
            if picture is not None and self._page.keeps_up:
                self._page.preview(picture)
        except Exception as error:
            self.end()
            log.debug("AnimateDiff: the preview ends: %s: %s", type(error).__name__, error)

    def _is_over(self) -> bool:
        late = time.monotonic() > self._until
        return late or processing_interrupted() or not self._page.still_waits


_lock = threading.Lock()
_playing: _PlayedOn | None = None


def play_on(page: AskingPage, pictures: Sequence[Any], seconds: float) -> None:
    """Each picture for so many seconds, again and again, until the prompt ends or another run
    begins; never in two places at once."""
    global _playing
    stop_playing_on()
    with _lock:
        _playing = _PlayedOn(page, pictures, seconds)


def stop_playing_on() -> None:
    global _playing
    with _lock:
        if _playing is not None:
            _playing.end()
        _playing = None
