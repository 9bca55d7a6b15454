"""The miniature world's text encoder: it knows a dozen words.

It answers to what CLIPTextEncode and the other text nodes call on a CLIP, so that all nodes
around it are the ordinary ones.
"""

import re

import torch

from . import world

CONTEXT_DIM = 32
SLOTS = (world.SHAPES, world.COLOURS, world.BACKGROUND_NAMES)
SEED = 11
ENCODER = "miniature"  # as "l" and "g" of the host's text encoders

Tokens = dict[str, list[list[tuple[str, float]]]]


def _table() -> dict[str, torch.Tensor]:
    """A fixed vector per word, and one per slot that no word of the prompt fills."""
    words = ["<begin>", *(f"<no {slot}>" for slot in range(len(SLOTS)))]
    words += [word for slot in SLOTS for word in slot]
    generator = torch.Generator().manual_seed(SEED)
    vectors = torch.randn(len(words), CONTEXT_DIM, generator=generator)
    return dict(zip(words, vectors, strict=True))


TABLE = _table()


def tokens(text: str) -> tuple[str, ...]:
    """One token per slot, whatever the order of the words; other words say nothing here."""
    words = re.findall(r"[a-z]+", text.lower())
    filled = (
        next((word for word in words if word in slot), f"<no {index}>")
        for index, slot in enumerate(SLOTS)
    )
    return ("<begin>", *filled)


def embed(text: str) -> torch.Tensor:
    """[tokens, CONTEXT_DIM]"""
    return torch.stack([TABLE[token] for token in tokens(text)])


class MiniatureText:
    """What travels over a CLIP link."""

    def tokenize(self, text: str, **_options) -> Tokens:
        """In the host's form: by encoder, of every section of a text its tokens with weights."""
        return {ENCODER: [[(token, 1.0) for token in tokens(text)]]}

    def encode_from_tokens(self, found: Tokens, return_pooled: bool = False, **_options):
        """[1, tokens, CONTEXT_DIM], and that there is no pooled output where it is asked for."""
        ((*section,),) = found[ENCODER]
        embedding = torch.stack([TABLE[token] for token, _ in section])[None]
        return (embedding, None) if return_pooled else embedding

    def encode_from_tokens_scheduled(self, found: Tokens, **_options) -> list:
        """CONDITIONING: one embedding for all steps."""
        return [[self.encode_from_tokens(found), {}]]
