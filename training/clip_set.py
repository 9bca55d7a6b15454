"""What is trained on: clips as latents, each with its prompt's embedding, all computed before."""

from typing import NamedTuple

import torch


class Batch(NamedTuple):
    """latents: [clips, frames, C, h, w]; context: [clips, tokens, D]; still: like latents."""

    latents: torch.Tensor
    context: torch.Tensor
    still: torch.Tensor | None = None


class ClipSet:
    """Clips of one size and length.

    latents: [N, F, C, h, w], in the model's own scale; contexts: [M, tokens, D];
    prompt_of: [N], which context each clip has; no_prompt: [tokens, D], the context that stands
    for no prompt, None where there is none; still: like latents, the same clips with the camera
    held still, where that is known.
    """

    def __init__(
        self,
        latents: torch.Tensor,
        contexts: torch.Tensor,
        prompt_of: torch.Tensor,
        no_prompt: torch.Tensor | None = None,
        still: torch.Tensor | None = None,
    ):
        self.latents = latents
        self.contexts = contexts
        self.prompt_of = prompt_of
        self.no_prompt = no_prompt
        self.still = still

    def __len__(self) -> int:
        return len(self.latents)

    @property
    def frames(self) -> int:
        return self.latents.shape[1]

    def single_frames(self) -> "ClipSet":
        """Every frame as a clip of its own, for the image loss."""
        prompt_of = self.prompt_of.repeat_interleave(self.frames)
        return ClipSet(
            self.latents.flatten(0, 1)[:, None], self.contexts, prompt_of, self.no_prompt
        )

    def draw(self, clips: int, text_dropout: float, generator: torch.Generator) -> Batch:
        """Random clips, each without its prompt by the chance of text_dropout."""
        picked = torch.randint(len(self), (clips,), generator=generator)
        dropped = torch.rand(clips, generator=generator) < text_dropout
        context = self.contexts[self.prompt_of[picked]]
        if self.no_prompt is not None and dropped.any():
            context = context.clone()
            context[dropped] = self.no_prompt
        return self.batch(picked, context)

    def batch(self, picked: torch.Tensor, context: torch.Tensor) -> Batch:
        """picked: [clips]; context: [clips, tokens, D]."""
        still = None if self.still is None else self.still[picked].float()
        return Batch(self.latents[picked].float(), context, still)
