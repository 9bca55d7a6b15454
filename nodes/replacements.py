"""Telling newer hosts which of AnimateDiff-Evolved's nodes one of ours, or of theirs, stands for.

A host uses a replacement only where the old node is not installed. It maps single nodes, and reads
every input that a mapping names, so an optional one that is not connected would stop it with a
KeyError: of the incumbent's nodes only those with nothing but widgets can be told. Whole workflows
are converted by `convert`.
"""

from typing import Any

import comfy_api.latest as host

REPLACEMENTS: tuple[dict[str, Any], ...] = (
    {
        "old_node_id": "ADE_LoadAnimateDiffModel",
        "new_node_id": "ADN_LoadMotionModule",
        "old_widget_ids": ["model_name"],
        "input_mapping": [{"new_id": "motion_module", "old_id": "model_name"}],
        "output_mapping": [{"new_idx": 0, "old_idx": 0}],
    },
    {
        "old_node_id": "ADE_EmptyLatentImageLarge",
        "new_node_id": "EmptyLatentImage",
        "old_widget_ids": ["width", "height", "batch_size"],
        "input_mapping": [
            {"new_id": name, "old_id": name} for name in ("width", "height", "batch_size")
        ],
        "output_mapping": [{"new_idx": 0, "old_idx": 0}],
    },
)


async def register_replacements() -> None:
    """Register them with hosts that know replacements; with the others this does nothing, and
    neither without a running server, which is where a host keeps them."""
    make = getattr(host.io, "NodeReplace", None)
    registry = getattr(host.ComfyAPI(), "node_replacement", None)
    if make is None or registry is None or not _server_is_there():
        return
    for replacement in REPLACEMENTS:
        await registry.register(make(**replacement))


def _server_is_there() -> bool:
    from server import PromptServer  # as late as the host itself looks for it

    return getattr(PromptServer, "instance", None) is not None
