"""ComfyUI's Self-Attention Guidance, which records the middle block's attention: how to tell it."""

from typing import Any

GUIDANCE = "SelfAttentionGuidance"  # the node's class, in which its function is defined
POST_CFG = "sampler_post_cfg_function"  # where the node puts it, in a model's options


def looks_at_attention(function: Any) -> bool:
    """Whether this is the node's function."""
    return getattr(function, "__qualname__", "").startswith(f"{GUIDANCE}.")
