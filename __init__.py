"""AnimateDiff Native: motion modules for ComfyUI. Registration, nothing else."""

from comfy_api.latest import ComfyExtension, io

from .nodes import (
    camera,
    clip_condition,
    context_windows,
    continue_clip,
    domain_adapter,
    follow_trajectory,
    frame_control,
    frame_guidance,
    frame_lora,
    frame_prompt,
    free_init,
    free_long,
    free_noise,
    image_motion,
    module_settings,
    motion_lora,
    motion_module,
    motion_strength,
    noise,
    noise_schedule,
    ping_pong,
    prompt_schedule,
    reference_motion,
    space_time,
    sparse_ctrl,
    training,
    trajectory,
    trajectory_control,
    views,
)
from .nodes.convert_route import register_route
from .nodes.folders import register_folders
from .nodes.node_messages import show_messages_on_nodes
from .nodes.replacements import register_replacements

WEB_DIRECTORY = "./web"

register_folders()


class AnimateDiffNative(ComfyExtension):
    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return [
            *motion_module.NODES,
            *motion_strength.NODES,
            *module_settings.NODES,
            *free_long.NODES,
            *views.NODES,
            *space_time.NODES,
            *context_windows.NODES,
            *continue_clip.NODES,
            *free_noise.NODES,
            *noise.NODES,
            *noise_schedule.NODES,
            *free_init.NODES,
            *prompt_schedule.NODES,
            *ping_pong.NODES,
            *sparse_ctrl.NODES,
            *clip_condition.NODES,
            *image_motion.NODES,
            *camera.NODES,
            *trajectory.NODES,
            *follow_trajectory.NODES,
            *trajectory_control.NODES,
            *reference_motion.NODES,
            *motion_lora.NODES,
            *domain_adapter.NODES,
            *frame_lora.NODES,
            *frame_control.NODES,
            *frame_prompt.NODES,
            *frame_guidance.NODES,
            *training.NODES,
        ]


async def comfy_entrypoint() -> AnimateDiffNative:
    """The host's entry point for V3 extensions; older ones do not call `on_load`."""
    register_route()
    show_messages_on_nodes()
    await register_replacements()
    return AnimateDiffNative()


__all__ = ["WEB_DIRECTORY", "comfy_entrypoint"]
