"""Pictures shown in turn, at a pace that does not depend on whoever makes them."""

import contextvars
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any


class ClipPlayer:
    """Calls `show` from a thread of its own whenever the next picture is due.

    New pictures of a clip take over where the clip is, so that it plays on without a jump.
    longest: seconds after which a clip that got no new pictures pauses.
    """

    def __init__(self, show: Callable[[], None], longest: float):
        self._show = show
        self._longest = longest
        self._pictures: Sequence[Any] = ()
        self._seconds = 1.0
        self._began = self._loaded = time.monotonic()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def play(self, pictures: Sequence[Any], seconds: float) -> None:
        """These pictures from now on, each of them for so many seconds."""
        self._pictures, self._seconds = pictures, seconds
        self._loaded = time.monotonic()
        if self._thread is None and not self._stopped.is_set():
            # the context says which node is running
            context = contextvars.copy_context()
            self._thread = threading.Thread(
                target=context.run, args=(self._run,), name="AnimateDiff preview", daemon=True
            )
            self._thread.start()

    def rest(self) -> None:
        """Nothing to show until there are new pictures."""
        self._pictures = ()

    @property
    def current(self) -> Any:
        """The picture whose turn it is; None where there is none."""
        pictures = self._pictures
        if not pictures:
            return None
        return pictures[int((time.monotonic() - self._began) / self._seconds) % len(pictures)]

    def stop(self) -> None:
        """No further call of `show`; the thread ends by itself."""
        self._stopped.set()

    def join(self) -> None:
        """Stop, and wait until the thread has ended."""
        self.stop()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(self._until_next()):
            if time.monotonic() - self._loaded < self._longest:
                self._show()

    def _until_next(self) -> float:
        return self._seconds - (time.monotonic() - self._began) % self._seconds
