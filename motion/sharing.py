"""Several uses of one motion module on one model.

Clones of a patcher share one network, and the host loads the weight patches of one clone at a
time: of two clones with other patches in the same run, one would get the other's weights.
"""

import uuid
from collections.abc import Sequence

from comfy.model_patcher import ModelPatcher

from .config import MotionConfig
from .load import build_patcher
from .network import as_in_files


def patcher_beside(
    patcher: ModelPatcher, config: MotionConfig, others: Sequence[ModelPatcher]
) -> ModelPatcher:
    """A clone of the patcher that can run beside the others, which may share its network.

    The clone shares the network too, unless weight patches change what one of them computes.
    """
    sharing = [other for other in others if other.model is patcher.model]
    if sharing and any(each.patches for each in (patcher, *sharing)):
        return _with_own_network(patcher, config)
    return clone_beside(patcher)


def clone_beside(patcher: ModelPatcher) -> ModelPatcher:
    """A clone for one use, which shares the network."""
    clone = patcher.clone()
    if hasattr(clone, "clone_base_uuid"):
        # by which newer hosts find what a clone is on another device: one for every use
        clone.clone_base_uuid = uuid.uuid4()  # type: ignore[attr-defined]
    return clone


def _with_own_network(patcher: ModelPatcher, config: MotionConfig) -> ModelPatcher:
    """The same weights and patches around another network."""
    # the first of a key's patches is the weight as it was before any was applied
    weights = {key: first[0] for key, (first, *_) in patcher.get_key_patches().items()}
    separate = build_patcher(config, as_in_files(weights))
    for key, patches in patcher.patches.items():
        for strength, patch, strength_model, *_ in patches:
            separate.add_patches({key: patch}, strength, strength_model)
    return separate
