"""What the stages of the miniature world have in common: they say how far they are."""

import time


class Progress:
    """Says every fiftieth of the way how far it is, what the loss is and how long is left."""

    def __init__(self, name: str, steps: int):
        self.name = name
        self.steps = steps
        self.done = self.begun = 0
        self.mean = None
        self.started = time.monotonic()

    def resume(self, done: int) -> None:
        """Go on after so many steps."""
        print(f"{self.name}: goes on after step {done}", flush=True)
        self.done = self.begun = done

    def step(self, loss: float) -> None:
        self.done += 1
        self.mean = loss if self.mean is None else 0.98 * self.mean + 0.02 * loss
        if self.done % max(1, self.steps // 50) == 0 or self.done == self.steps:
            passed = time.monotonic() - self.started
            left = passed / (self.done - self.begun) * (self.steps - self.done)
            print(
                f"{self.name}: step {self.done} of {self.steps}, loss {self.mean:.4f}, "
                f"{passed:.0f} s passed, {left:.0f} s left",
                flush=True,
            )
