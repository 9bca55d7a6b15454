"""SparseCtrl's encoder: the host's ControlNet that sees pictures and mask, and no latents."""

from collections.abc import Mapping
from typing import Any

import comfy.ops
import comfy.utils
import torch
from comfy.cldm.cldm import ControlNet
from comfy.ldm.modules.diffusionmodules.openaimodel import TimestepEmbedSequential
from comfy.ldm.modules.diffusionmodules.util import timestep_embedding
from torch import nn

from ..motion.config import DOWN_LEVELS, DOWN_SITES, HEADS
from ..motion.network import TABLE, MotionNetwork, as_in_files
from ..motion.positions import sinusoidal_positions
from .sparse_files import ATTENTION_LEVELS, HINT, POSITIONS, SparseConfig, SparseKind

Residuals = dict[str, list[torch.Tensor]]
Files = dict[str, torch.Tensor]


class SparseEncoder(ControlNet):
    """For every frame of a call residuals of the UNet's way down and of its middle.

    The official networks set the noisy latent to zero, so that frames without a picture see
    nothing but the text and, through the motion modules, each other.
    """

    def __init__(
        self,
        config: SparseConfig,
        ops: Any = comfy.ops.disable_weight_init,
        dtype: torch.dtype = torch.float32,
        device: Any = None,
    ):
        seen, first = config.kind.channels + 1, config.widths[0]
        super().__init__(
            hint_channels=seen, operations=ops, dtype=dtype, device=device, **unet_layout(config)
        )
        self.config = config
        if config.kind is SparseKind.RGB:
            self.input_hint_block = TimestepEmbedSequential(
                ops.conv_nd(2, seen, first, 3, padding=1, dtype=dtype, device=device)
            )

    def forward(  # type: ignore[override]
        self,
        x: Any,
        hint: torch.Tensor,
        timesteps: torch.Tensor,
        context: torch.Tensor,
        rows: torch.Tensor | None = None,
        transformer_options: dict[str, Any] | None = None,
        **_: Any,
    ) -> Residuals:
        """hint: [n, 5, h, w] of latents or [n, 4, 8h, 8w] of pixels, the mask last; rows: for
        each of the call's frames which of the n it has (None: the first has the first);
        timesteps: [(conds F)]; context: [(conds F), tokens, C]; x is not looked at."""
        options = {} if transformer_options is None else transformer_options
        emb = self.time_embed(timestep_embedding(timesteps, self.model_channels).to(hint.dtype))
        seen = self.input_hint_block(hint, emb, context)
        nothing = seen.new_zeros([1, self.in_channels, *seen.shape[2:]])
        h = seen + self.input_blocks[0](nothing, emb, context)
        h = h if rows is None else h[rows]
        output = [self.zero_convs[0](h, emb, context)]
        for block, zero_conv in zip(self.input_blocks[1:], self.zero_convs[1:], strict=True):
            h = block(h, emb, context, options)
            output.append(zero_conv(h, emb, context))
        h = self.middle_block(h, emb, context, options)
        return {"middle": [self.middle_block_out(h, emb, context)], "output": output}

    def take(self, tensors: Mapping[str, torch.Tensor]) -> None:
        """The tensors of a file, under diffusers' names."""
        names = names_in_files(self.config)
        self.load_state_dict({names[key]: tensor for key, tensor in tensors.items()})


def unet_layout(config: SparseConfig) -> dict[str, Any]:
    """The arguments of the host's UNetModel and ControlNet, SD1.5's but for the widths."""
    first = config.widths[0]
    return {
        "image_size": 32,
        "in_channels": 4,
        "model_channels": first,
        "channel_mult": [c // first for c in config.widths],
        "num_res_blocks": [DOWN_SITES] * DOWN_LEVELS,
        "transformer_depth": [1] * (ATTENTION_LEVELS * DOWN_SITES) + [0] * DOWN_SITES,
        "transformer_depth_middle": 1,
        "transformer_depth_output": [1] * 9 + [0] * 3,
        "context_dim": config.context,
        "num_heads": HEADS,
        "use_spatial_transformer": True,
        "use_linear_in_transformer": False,
        "legacy": False,
    }


def names_in_files(config: SparseConfig) -> dict[str, str]:
    """From the names in files to those of the encoder; some of them it does not have."""
    names = comfy.utils.unet_to_diffusers(unet_layout(config))
    layers = {"controlnet_mid_block": "middle_block_out.0"}
    stored = DOWN_LEVELS * (DOWN_SITES + 1)
    layers |= {f"controlnet_down_blocks.{n}": f"zero_convs.{n}.0" for n in range(stored)}
    if config.kind is SparseKind.RGB:
        layers[HINT] = "input_hint_block.0"
    else:
        seen = ["conv_in", *(f"blocks.{n}" for n in range(6)), "conv_out"]
        # the host has an activation after each, as a layer of its own
        layers |= {f"{HINT}.{name}": f"input_hint_block.{2 * n}" for n, name in enumerate(seen)}
    for x in ("weight", "bias"):
        names |= {f"{theirs}.{x}": f"{ours}.{x}" for theirs, ours in layers.items()}
    return names


def in_files(encoder: SparseEncoder, motion: MotionNetwork) -> Files:
    """All tensors of a SparseCtrl, as a file has them."""
    state = encoder.state_dict()
    names = {ours: theirs for theirs, ours in names_in_files(encoder.config).items()}
    return {**{names[key]: tensor for key, tensor in state.items()},
            **as_in_files(motion.state_dict())}  # fmt: skip


def new_sparse_ctrl(
    unet: nn.Module, kind: SparseKind, seed: int, positions: int = POSITIONS
) -> tuple[SparseEncoder, MotionNetwork]:
    """Networks to be trained, in fp32 on the CPU: the UNet's weights where it has the same, and
    last layers of zero, so that they change nothing yet."""
    config = config_beside(unet, kind, positions)
    with torch.inference_mode(False), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder, motion = SparseEncoder(config), MotionNetwork(config.motion, torch.nn)
        for module in encoder.modules():
            _initialise(module)
        own, given = encoder.state_dict(), unet.state_dict()
        copied = {k: v for k, v in given.items() if k in own and own[k].shape == v.shape}
        encoder.load_state_dict(copied, strict=False)
        last = [*encoder.zero_convs, encoder.middle_block_out, encoder.input_hint_block[-1]]
        last += [motion.at(site).proj_out for site in config.motion.sites]
        for parameter in (p for layer in last for p in layer.parameters()):
            nn.init.zeros_(parameter)
    for key, table in motion.state_dict().items():
        if key.endswith(TABLE):
            table.copy_(sinusoidal_positions(*table.shape)[0])
    return encoder, motion


def config_beside(unet: nn.Module, kind: SparseKind, positions: int = POSITIONS) -> SparseConfig:
    """Of a SparseCtrl that fits this UNet."""
    state = unet.state_dict()
    widths = tuple(
        state[f"input_blocks.{3 * level + 1}.0.out_layers.3.weight"].shape[0]
        for level in range(DOWN_LEVELS)
    )
    to_k = "input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"
    return SparseConfig(kind, widths, state[to_k].shape[1], positions)


def _initialise(module: nn.Module) -> None:
    """As torch does; the host's layers leave it out."""
    kinds: tuple[Any, ...] = (nn.Conv2d, nn.Linear, nn.GroupNorm, nn.LayerNorm)
    for kind in kinds:
        if isinstance(module, kind):
            kind.reset_parameters(module)
