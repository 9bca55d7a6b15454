"""Several uses of one motion module on one model.

Clones of a patcher share one network, and the host loads the weight patches of one clone at a
time: of two clones with other patches in the same run, one would get the other's weights.
"""

from collections.abc import Sequence

from comfy.model_patcher import ModelPatcher

from .config import MotionConfig
from .extras import attach_extras, extras_of
from .load import build_patcher


def patcher_beside(
    patcher: ModelPatcher, config: MotionConfig, others: Sequence[ModelPatcher]
) -> ModelPatcher:
    """A clone of the patcher that can run beside the others, which may share its network.

    The clone shares the network too, unless one of them changes what it computes.
    """
    sharing = [other for other in others if other.model is patcher.model]
    if sharing and any(_changes_network(each) for each in (patcher, *sharing)):
        return _with_own_network(patcher, config)
    return patcher.clone()


def _changes_network(patcher: ModelPatcher) -> bool:
    return bool(patcher.patches or extras_of(patcher))


def _with_own_network(patcher: ModelPatcher, config: MotionConfig) -> ModelPatcher:
    """The same weights, patches and extras around another network."""
    # the first of a key's patches is the weight as it was before any was applied
    weights = {key: first[0] for key, (first, *_) in patcher.get_key_patches().items()}
    separate = build_patcher(config, weights)
    for key, patches in patcher.patches.items():
        for strength, patch, strength_model, *_ in patches:
            separate.add_patches({key: patch}, strength, strength_model)
    attach_extras(separate, extras_of(patcher))
    return separate
