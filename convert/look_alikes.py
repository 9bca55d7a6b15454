"""Nodes of other packs that have the name of one of AnimateDiff-Evolved's."""

from collections.abc import Iterable

from .graph import Node
from .their_nodes import is_theirs

COMBINE = "AnimateDiffCombine"  # of both, until AnimateDiff-Evolved's was called ADE_...
ARTVENTUREX = {  # comfyui-animatediff, the other pack of that time
    "AnimateDiffModuleLoader",
    "AnimateDiffLoraLoader",
    "AnimateDiffSampler",
    "AnimateDiffSlidingWindowOptions",
    "ImageSizeAndBatchSize",
    "ImageChunking",
}
FIRST = (
    "AnimateDiffLoader",
    "AnimateDiffLoader_v2",
    "AnimateDiffLoaderLegacy",
    "AnimateDiffUnload",
)
MARK = " of ArtVentureX"


def set_apart(nodes: Iterable[Node]) -> None:
    """Give what is another pack's a name of its own while it is converted: it stays as it is."""
    every = list(nodes)
    types = {node.type for node in every}
    if types.isdisjoint(ARTVENTUREX) or not types.isdisjoint(FIRST):
        return
    for node in every:
        if node.type == COMBINE:
            node.type += MARK


def theirs_or_others(nodes: Iterable[Node]) -> tuple[bool, list[str]]:
    """Whether any node is AnimateDiff-Evolved's, and which types are those of ArtVentureX."""
    types = [node.type for node in nodes]
    others = [kind for kind in types if kind in ARTVENTUREX or kind.endswith(MARK)]
    return any(is_theirs(kind) for kind in types), [*dict.fromkeys(others)]
