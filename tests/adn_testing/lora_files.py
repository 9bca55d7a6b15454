"""MotionLoRAs and domain adapters with seeded random weights, in every published format."""

import torch

from .motion_files import WIDTHS, sites

ATTENTION = tuple(
    f"attention_blocks.{i}.{name}" for i in range(2) for name in ("to_q", "to_k", "to_v", "to_out")
)
FEED_FORWARD = ("ff.net.0.proj", "ff.net.2")
RANK = 4


def weight_key(site: str, name: str) -> str:
    """Key of the weight in the motion network, written from the original files."""
    name = f"{name}.0" if name.endswith("to_out") else name
    return f"{site}.temporal_transformer.transformer_blocks.0.{name}.weight"


def pairs(seed: int = 0, mid_block: bool = True, names=ATTENTION, rank: int = RANK, widths=WIDTHS,
          levels: int = 4) -> dict[tuple[str, str], tuple[torch.Tensor, torch.Tensor]]:  # fmt: skip
    """(down [r, in], up [out, r]) by site and weight; large enough to change the motion."""
    generator = torch.Generator().manual_seed(seed)
    found = {}
    for site, level in sites(mid_block, levels):
        c = widths[level]
        for name in names:
            outs, ins = {"ff.net.0.proj": (8 * c, c), "ff.net.2": (c, 4 * c)}.get(name, (c, c))
            down = torch.randn(rank, ins, generator=generator) * ins**-0.5
            found[site, name] = down, torch.randn(outs, rank, generator=generator) * rank**-0.5
    return found


def official(made) -> dict[str, torch.Tensor]:
    """As guoyww/AnimateDiff publishes them; the feed-forward as MotionDirector adds it."""
    tensors = {}
    for (site, name), halves in made.items():
        block, last = f"{site}.temporal_transformer.transformer_blocks.0.{name}".rsplit(".", 1)
        for half, tensor in zip(("down", "up"), halves, strict=True):
            tensors[f"{block}.processor.{last}_lora.{half}.weight"] = tensor
    return tensors


def _diffusers_name(site: str, name: str) -> str:
    name = name.replace("attention_blocks.0", "attn1").replace("attention_blocks.1", "attn2")
    return f"unet.{site}.transformer_blocks.0.{name}"


def diffusers_legacy(made) -> dict[str, torch.Tensor]:
    tensors = {}
    for (site, name), halves in made.items():
        block, last = _diffusers_name(site, name).rsplit(".", 1)
        for half, tensor in zip(("down", "up"), halves, strict=True):
            tensors[f"{block}.processor.{last}_lora.{half}.weight"] = tensor
    return tensors


def peft(made) -> dict[str, torch.Tensor]:
    tensors = {}
    for (site, name), halves in made.items():
        module = _diffusers_name(site, name)
        module = f"{module}.0" if module.endswith("to_out") else module
        for half, tensor in zip(("A", "B"), halves, strict=True):
            tensors[f"{module}.lora_{half}.weight"] = tensor
    return tensors


def kohya(made, alpha: float = 2.0) -> dict[str, torch.Tensor]:
    """Underscores for dots, and an alpha per pair."""
    tensors = {}
    for (site, name), halves in made.items():
        key = weight_key(site, name).removesuffix(".weight").replace(".", "_")
        for half, tensor in zip(("down", "up"), halves, strict=True):
            tensors[f"lora_unet_{key}.lora_{half}.weight"] = tensor
        tensors[f"lora_unet_{key}.alpha"] = torch.tensor(alpha)
    return tensors


def kohya_diffusers(made, alpha: float = 2.0) -> dict[str, torch.Tensor]:
    """The same over the names of a diffusers MotionAdapter."""
    tensors = {}
    for (site, name), halves in made.items():
        module = _diffusers_name(site, name).removeprefix("unet.").replace(".", "_")
        for half, tensor in zip(("down", "up"), halves, strict=True):
            tensors[f"lora_unet_{module}.lora_{half}.weight"] = tensor
        tensors[f"lora_unet_{module}.alpha"] = torch.tensor(alpha)
    return tensors


def domain_adapter(seed: int = 0, widths=WIDTHS, context: int = 16, rank: int = RANK):
    """As v3_sd15_adapter.ckpt names its tensors: 16 blocks with two attentions of four weights."""
    generator = torch.Generator().manual_seed(seed)
    blocks = [(f"down_blocks.{b}.attentions.{a}", widths[b]) for b in range(3) for a in range(2)]
    blocks += [("mid_block.attentions.0", widths[3])]
    blocks += [
        (f"up_blocks.{b}.attentions.{a}", widths[3 - b]) for b in (1, 2, 3) for a in range(3)
    ]
    tensors = {}
    for block, c in blocks:
        for attention in ("attn1", "attn2"):
            for name in ("to_q", "to_k", "to_v", "to_out"):
                ins = context if attention == "attn2" and name in ("to_k", "to_v") else c
                prefix = f"{block}.transformer_blocks.0.{attention}.processor.{name}_lora"
                down = torch.randn(rank, ins, generator=generator) * ins**-0.5
                tensors[f"{prefix}.down.weight"] = down
                up = torch.randn(c, rank, generator=generator) * rank**-0.5
                tensors[f"{prefix}.up.weight"] = up * 0.3
    return tensors


def motion_lora(seed: int = 0, file: str | None = None, **options):
    """A MotionLoRA in memory, read from the official format."""
    from animatediff_native.lora.chain import MotionLora
    from animatediff_native.lora.formats import read_motion_lora

    name = file or f"lora{seed}.ckpt"
    return MotionLora(name, read_motion_lora(official(pairs(seed, **options)), name))
