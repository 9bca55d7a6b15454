"""How far a sampling run is: in steps, and in steps x windows where a clip is cut into windows."""

import threading
from collections.abc import Callable
from typing import Any, NamedTuple

ROUND_KEY = "animatediff_native_round"  # in transformer_options, for the length of a round
Send = Callable[[int, int, Any], None]  # value, total, preview


class Round(NamedTuple):
    """One of several samplings that are one run to whoever waits, counted from 0."""

    index: int
    count: int

    def over_all(self, send: Send) -> Send:
        """Where all rounds are, from where this one is."""

        def send_over_all(value: int, total: int, preview: Any) -> None:
            send(self.index * total + value, self.count * total, preview)

        return send_over_all

    def callback(self, callback: Callable[..., Any] | None) -> Callable[..., Any] | None:
        """The host's, which is told the step and how many there are."""
        if callback is None:
            return None

        def on_step(step: int, x0: Any, x: Any, total_steps: int) -> Any:
            return callback(self.index * total_steps + step, x0, x, self.count * total_steps)

        return on_step


class RunProgress:
    """Counts for the host's progress bar, and never back.

    The host itself reports whole steps of a total in steps; this one counts finer and agrees
    with it at every step. lock: held by whoever reports, so that no message overtakes another.
    """

    def __init__(self, steps: int, send: Send):
        self.steps = steps
        self.value = 0
        self.lock = threading.RLock()
        self._send = send
        self._windows = 0  # of the run's first model call; 0 until then
        self._step = 0  # whole steps so far
        self._seen = 0  # windows since the last whole step
        self._usual = 0  # windows that the step before took

    def __deepcopy__(self, memo: dict) -> "RunProgress":
        """Itself: it hangs in the model's options, which other nodes may copy in a run."""
        return self

    @property
    def total(self) -> int:
        return self.steps * (self._windows or 1)

    def windows_done(self, count: int, of: int) -> None:
        """So many windows more, of a model call that takes `of`.

        A sampler can call the model more than once per step, which only the step before tells:
        until then, the second call finds its step full.
        """
        with self.lock:
            self._windows = self._windows or of
            self._seen += count
            expected = max(self._usual, of)
            part = self._windows * min(self._seen, expected) // expected
            self._advance(self._step * self._windows + part)
            self.send()

    def step_done(self, step: int) -> None:
        """After the host has reported this step, counted from 0."""
        with self.lock:
            self._step = max(self._step, min(step + 1, self.steps))
            self._usual, self._seen = self._seen, 0
            self._advance(self._step * (self._windows or 1))

    def send(self, preview: Any = None) -> None:
        """Tell the host where the run is, with a picture if there is one."""
        with self.lock:
            self._send(self.value, self.total, preview)

    def _advance(self, value: int) -> None:
        self.value = max(self.value, min(value, self.total))
