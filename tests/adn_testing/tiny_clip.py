"""The host's SD1.5 text encoder at a fiftieth of the width, with its own tokenizer."""

from types import SimpleNamespace

import comfy.hooks
import comfy.sd
import comfy.sd1_clip
import torch

from .tiny import CONTEXT_DIM, fill_randomly

CONFIG = {
    "model_name": "clip_l", "hidden_size": CONTEXT_DIM, "intermediate_size": 32, "num_hidden_layers": 3,
    "num_attention_heads": 2, "hidden_act": "quick_gelu", "vocab_size": 49408, "eos_token_id": 49407,
    "max_position_embeddings": 77, "layer_norm_eps": 1e-5, "projection_dim": CONTEXT_DIM,
}  # fmt: skip
LAYER = "clip_l.transformer.text_model.encoder.layers.1.mlp.fc2.weight"


class _Encoder(comfy.sd1_clip.SDClipModel):
    def __init__(self, device="cpu", dtype=None, model_options=None):
        super().__init__(device=device, dtype=dtype, textmodel_json_config=dict(CONFIG))


def clip(seed: int = 0) -> comfy.sd.CLIP:
    """Seeded random weights in float32."""
    target = SimpleNamespace(
        params={"clip_model": _Encoder},
        clip=comfy.sd1_clip.SD1ClipModel,
        tokenizer=comfy.sd1_clip.SD1Tokenizer,
    )
    made = comfy.sd.CLIP(target, model_options={"dtype": torch.float32})
    fill_randomly(made.cond_stage_model, seed)
    return made


def hooks(strengths: dict[float, float]) -> comfy.hooks.HookGroup:
    """A LoRA on one layer, with a strength from each percent of the sampling on."""
    generator = torch.Generator().manual_seed(9)
    up, down = torch.randn(CONTEXT_DIM, 2, generator=generator), torch.randn(2, 32, generator=generator)
    group = comfy.hooks.HookGroup()
    hook = comfy.hooks.WeightHook(strength_model=1.0, strength_clip=1.0)
    hook.weights = {}
    hook.weights_clip = {LAYER: ("diff", (up @ down,))}
    hook.need_weight_init = False
    hook.hook_keyframe = comfy.hooks.HookKeyframeGroup()
    for percent, strength in strengths.items():
        hook.hook_keyframe.add(comfy.hooks.HookKeyframe(strength=strength, start_percent=percent))
    group.add(hook)
    return group
