"""AnimateDiff Native: motion modules for ComfyUI. Registration, nothing else."""

from comfy_api.latest import ComfyExtension, io

from .nodes import motion_module
from .nodes.folders import register_folders

WEB_DIRECTORY = "./web"

register_folders()


class AnimateDiffNative(ComfyExtension):
    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return [*motion_module.NODES]


async def comfy_entrypoint() -> AnimateDiffNative:
    """The host's entry point for V3 extensions."""
    return AnimateDiffNative()


__all__ = ["WEB_DIRECTORY", "comfy_entrypoint"]
