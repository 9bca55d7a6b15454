"""A tiny SDXL model in memory, its motion modules, and diffusers' animated UNet of the same."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import comfy.sample
import comfy.supported_models
import torch
from animatediff_native.motion.detect import read_motion_module
from animatediff_native.motion.load import MotionModule, build_patcher
from diffusers import MotionAdapter, UNet2DConditionModel, UNetMotionModel
from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint
from diffusers.models.unets.unet_motion_model import AnimateDiffTransformer3D

from . import motion_files, oracle, tiny

WIDTHS = (32, 64, 128)
POOLED, ADM = 1280, 2816  # the host adds 6 numbers of 256 each to the pooled prompt


def model(seed: int = 0, config_class=comfy.supported_models.SDXL, **unet_config):
    """SDXL's block layout at a tenth of the width, with one transformer layer, and two below."""
    layout = {
        "channel_mult": [1, 2, 4],
        "num_res_blocks": [2, 2, 2],
        "transformer_depth": [0, 0, 1, 1, 2, 2],
        "transformer_depth_middle": 2,
        "transformer_depth_output": [0, 0, 0, 1, 1, 1, 2, 2, 2],
        "use_linear_in_transformer": True,
        "num_classes": "sequential",
        "adm_in_channels": ADM,
    }
    return tiny.model(seed, config_class, **{**layout, **unet_config})


def tensors_of(version: str, seed: int = 0, **options) -> dict[str, torch.Tensor]:
    """A file of HotshotXL or of AnimateDiff-SDXL beta, with its names."""
    if version == "SDXL beta":
        return motion_files.original("v3", seed, widths=WIDTHS, **options)
    return motion_files.hotshot(motion_files.original("v1", seed, widths=WIDTHS, **options))


def motion_module(version: str, seed: int = 0, **options) -> MotionModule:
    """A motion module that fits the tiny model, in memory."""
    config, tensors = read_motion_module(tensors_of(version, seed, **options), f"{version}.file")
    return MotionModule(f"{version}.file", config, build_patcher(config, tensors))


def conditioning(seed: int = 1, **extra) -> list:
    """One prompt's conditioning, with its pooled output."""
    pooled = torch.randn(1, POOLED, generator=torch.Generator().manual_seed(seed + 100))
    return tiny.conditioning(seed, pooled_output=pooled, **extra)


def sample(model, frames: int = 8, **options) -> torch.Tensor:
    """What KSampler does with the model, on seeded noise."""
    prompts = {"positive": conditioning(1), "negative": conditioning(3), **options}
    return tiny.sample(model, frames, **prompts)


def motion_unet(unet: torch.nn.Module, version: str, module: dict, frames: int) -> UNetMotionModel:
    """diffusers' animated UNet with the weights of a ComfyUI UNet and of an original motion file.

    HotshotXL's UNet has norms over all frames, and its motion module one frame's; of SDXL beta it
    is the other way round, as diffusers has it.
    """
    plain = UNet2DConditionModel(
        block_out_channels=WIDTHS,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        transformer_layers_per_block=(1, 1, 2),
        cross_attention_dim=tiny.CONTEXT_DIM,
        attention_head_dim=(1, 1, 2),  # heads: the host has them of 64 channels in SDXL
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=256,
        projection_class_embeddings_input_dim=ADM,
    )
    ldm = {f"model.diffusion_model.{k}": v for k, v in unet.state_dict().items()}
    config = {**plain.config, "layers_per_block": 2}
    plain.load_state_dict(convert_ldm_unet_checkpoint(ldm, config=config))
    adapter = MotionAdapter(
        block_out_channels=WIDTHS,
        motion_layers_per_block=2,
        motion_num_attention_heads=8,
        motion_max_seq_length=32,
        use_motion_mid_block=False,
    )
    missing, unexpected = adapter.load_state_dict(
        motion_files.diffusers(module, positions=False), strict=False
    )
    assert not unexpected and all(key.endswith(".pe") for key in missing)
    animated = UNetMotionModel.from_unet2d(plain, adapter).eval()
    animated.add_embedding.load_state_dict(plain.add_embedding.state_dict())  # which it leaves out
    if version == "HotshotXL":
        oracle.pool_resnet_norms(animated, frames)
        for block in animated.modules():
            if isinstance(block, AnimateDiffTransformer3D):
                block.norm = oracle._PerFrame(block.norm)
    return animated


SIZES = (1024.0, 896.0, 0.0, 0.0, 1024.0, 896.0)  # height and width of the picture, crop, target


def adm_of(model, seed: int) -> torch.Tensor:
    """[1, 2816], as the host makes it of a prompt's pooled output and the sizes."""
    pooled = conditioning(seed)[0][1]["pooled_output"]
    return model.model.encode_adm(
        pooled_output=pooled, height=SIZES[0], width=SIZES[1], device="cpu"
    )


def predict(animated, x, timestep: int, context, pooled, frames: int) -> torch.Tensor:
    """x: [(b f), 4, h, w], context: [b, tokens, dim], pooled: [b, 1280]; the shape of x."""
    sizes = torch.tensor(SIZES).expand(len(pooled), -1)
    added = {"text_embeds": pooled, "time_ids": sizes}
    clips = x.unflatten(0, (-1, frames)).transpose(1, 2)
    context = context.repeat_interleave(frames, dim=0)
    with torch.inference_mode():
        out = animated(clips, timestep, encoder_hidden_states=context, added_cond_kwargs=added)
    return out.sample.transpose(1, 2).flatten(0, 1)
