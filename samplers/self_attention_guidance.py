"""ComfyUI's Self-Attention Guidance along a clip that is cut into windows.

The node records the middle block's attention in one UNet call and, after guidance, blurs every
frame by it. In windows each recording is one window's. So its function is called right after
each window, for that window alone, and what it adds is fused as the predictions are.
"""

from typing import Any

import torch

from ..motion.attention_guidance import GUIDANCE, POST_CFG, looks_at_attention
from ..motion.errors import AnimateDiffError
from .frame_window import WindowCall


class WindowedGuidance:
    """Stands in the place of the node's function for the length of a run."""

    def __init__(self, function: Any):
        self._function = function
        self._added: torch.Tensor | None = None  # [F, C, h, w], by all windows so far

    def __call__(self, args: dict[str, Any]) -> torch.Tensor:
        """What the host calls, after guidance of the whole clip."""
        added, self._added = self._added, None
        if added is None:
            raise AnimateDiffError(
                f"{GUIDANCE} on a clip that is cut into windows, with a guider that has no plain "
                "pair of a positive and a negative prompt.",
                "a guider with these two, as KSampler and CFGGuider have",
                "use one of them, or PerturbedAttentionGuidance, or set context_length of the "
                "node Context Windows to the whole clip.",
            )
        return args["denoised"] + added

    def begin(self, x: torch.Tensor) -> None:
        """Before the windows of a model call."""
        self._added = torch.zeros_like(x)

    def after(self, call: WindowCall, args: dict[str, Any]) -> None:
        """While the recording is this window's. What the node adds to a prediction of nothing
        is what it adds to any."""
        if self._added is not None:
            nothing = torch.zeros_like(args["input"])
            call.add(self._added, self._function({**args, "denoised": nothing}))


def by_window(model_options: dict[str, Any]) -> None:
    """Let the node's function, if a run's own options have it, follow the windows."""
    functions = model_options.get(POST_CFG, [])
    if any(map(looks_at_attention, functions)):
        model_options[POST_CFG] = [
            WindowedGuidance(function) if looks_at_attention(function) else function
            for function in functions
        ]


def windowed_guidance(model_options: dict[str, Any]) -> list[WindowedGuidance]:
    return [f for f in model_options.get(POST_CFG, []) if isinstance(f, WindowedGuidance)]
