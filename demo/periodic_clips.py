"""Clips of shapes that swing, and what of them a model is shown."""

import torch
from animatediff_native.training.clip_set import Batch, ClipSet
from comfy.taesd.taesd import TAESD

from . import clips
from .conditioned import ConditionedBatch
from .periodic import LOOP, loops


class SwingingClips(ClipSet):
    """Loops, of which a batch shows some frames, from any of the loop's on; condition: the periods
    [clips].

    times: [F], frames from the first one shown.
    """

    def __init__(self, whole: ClipSet, periods: torch.Tensor, times: tuple[int, ...]):
        super().__init__(whole.latents, whole.contexts, whole.prompt_of, whole.no_prompt)
        self.periods = periods
        self.times = torch.tensor(times)

    @property
    def frames(self) -> int:
        return len(self.times)

    def draw(self, clips: int, text_dropout: float, generator: torch.Generator) -> Batch:
        whole = super().draw(clips, text_dropout, generator)
        begin = torch.randint(LOOP, (clips, 1), generator=generator)
        shown = (begin + self.times) % LOOP
        return whole._replace(latents=whole.latents[torch.arange(clips)[:, None], shown])

    def batch(self, picked: torch.Tensor, context: torch.Tensor) -> Batch:
        return ConditionedBatch(*super().batch(picked, context), self.periods[picked])  # type: ignore[return-value]


def data(vae: TAESD, count: int, seed: int, times: tuple[int, ...]) -> SwingingClips:
    """Clips of the stills' quality."""
    frames, periods = loops(count, torch.Generator().manual_seed(seed))
    return SwingingClips(clips.drawn(vae, frames), periods, times)
