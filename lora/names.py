"""How files name the halves of a pair, and which weight of a motion network they mean.

Official MotionLoRA (guoyww/AnimateDiff), diffusers before and since PEFT, MotionDirector and
kohya-style trainers differ in prefixes, separators and in the words around the weight's name.
The place (`up_blocks.1.motion_modules.0`) and the weight's own name are the same in all.
"""

import re
from typing import NamedTuple

from ..motion.config import Site

BLOCK = "transformer_blocks.0"
# weights of a temporal transformer that a LoRA can be for: (out, in), in channels of the site
WEIGHTS: dict[str, tuple[int, int]] = {
    "proj_in": (1, 1),
    **{
        f"{BLOCK}.attention_blocks.{i}.{name}": (1, 1)
        for i in range(2)
        for name in ("to_q", "to_k", "to_v", "to_out.0")
    },
    f"{BLOCK}.ff.net.0.proj": (8, 1),
    f"{BLOCK}.ff.net.2": (1, 4),
    "proj_out": (1, 1),
}

_PLACE = re.compile(
    r"(?:^|[._])(?:(?P<block>down|up)_blocks[._](?P<level>\d+)|mid_block)"
    r"[._]motion_modules[._](?P<index>\d+)[._](?:temporal_transformer[._])?(?P<rest>.+)",
    re.ASCII | re.DOTALL,
)
_HALF = re.compile(
    r"(?P<name>.+?)(?:_lora\.|\.lora\.|\.lora_linear_layer\.|\.lora_)"
    r"(?P<half>down|up|A|B)(?:\.default)?(?:\.weight)?"
)
_ALPHA = re.compile(r"(?P<name>.+?)(?:_lora)?\.alpha")
_MOST_DIGITS = 4  # of a level or an index
_HALVES = {"down": "down", "A": "down", "up": "up", "B": "up"}


def _spellings(weight: str) -> set[str]:
    """The names of a weight that occur, in either layout, with underscores for all separators."""
    original = weight.replace(".", "_")
    words = {"attention_blocks_0": "attn1", "attention_blocks_1": "attn2"}
    diffusers = original
    for ours, theirs in words.items():
        diffusers = diffusers.replace(ours, theirs)
    return {s for name in (original, diffusers) for s in (name, name.removesuffix("_0"))}


_BY_SPELLING = {spelling: weight for weight in WEIGHTS for spelling in _spellings(weight)}


class Target(NamedTuple):
    """A weight of a motion network."""

    site: Site
    weight: str  # a key of WEIGHTS

    @property
    def key(self) -> str:
        """Its key in the network's state dict, which has the original layout."""
        return f"{self.site.key}.temporal_transformer.{self.weight}.weight"


class Part(NamedTuple):
    """What one tensor of a file is: the `down`, the `up` or the `alpha` of a pair."""

    target: Target
    role: str


def in_motion_module(key: str) -> bool:
    """Whether a key names something in a motion module, whatever it is."""
    return _PLACE.search(key) is not None


def parse(key: str) -> Part | None:
    """What a tensor of this name is; None where it is no part of a pair of a motion module."""
    place = _PLACE.search(key)
    if place is None:
        return None
    named = _HALF.fullmatch(place["rest"]) or _ALPHA.fullmatch(place["rest"])
    if named is None or max(len(place["level"] or ""), len(place["index"])) > _MOST_DIGITS:
        return None
    weight = _BY_SPELLING.get(named["name"].replace(".", "_").replace("processor_", ""))
    if weight is None:
        return None
    site = Site(place["block"] or "mid", int(place["level"] or 0), int(place["index"]))
    return Part(Target(site, weight), _HALVES.get(named.groupdict().get("half", ""), "alpha"))


def official_names(key: str) -> tuple[str, str]:
    """Names of the `down` and the `up` half for a weight of the network, as official files have
    them; for weights that official files leave out, by the same rule."""
    place, name = key.removesuffix(".weight").removesuffix(".0").rsplit(".", 1)
    return tuple(f"{place}.processor.{name}_lora.{half}.weight" for half in ("down", "up"))  # type: ignore[return-value]
