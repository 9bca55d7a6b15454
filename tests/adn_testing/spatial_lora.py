"""LoRA files for the tiny model's UNet, in the kinds that people share, with seeded weights."""

import comfy.lora
import torch

RANK = 3


def weights_of(model, part: str = "transformer_blocks") -> dict[str, torch.Size]:
    """By kohya's name, the shapes of the UNet's weights whose name has this part, norms aside."""
    state = model.model.state_dict()
    names = comfy.lora.model_lora_keys_unet(model.model, {})
    by_weight = {key: name for name, key in names.items() if name.startswith("lora_unet_")}
    return {
        name: state[key].shape
        for key, name in by_weight.items()
        if part in key and key in state and state[key].ndim > 1
    }


def kohya(shapes, seed: int = 0, alpha: float | None = 2.0, rank: int = RANK, scale: float = 0.3):
    """LoRA of linear layers and, with the kernel in the first half, of convolutions (LoCon)."""
    draw = _Draw(seed)
    tensors = {}
    for name, (out, *ins) in shapes.items():
        beyond = [1] * (len(ins) - 1)
        tensors[f"{name}.lora_down.weight"] = draw(rank, *ins)
        tensors[f"{name}.lora_up.weight"] = scale * draw(out, rank, *beyond)
        if alpha is not None:
            tensors[f"{name}.alpha"] = torch.tensor(alpha)
    return tensors


def locon_with_mid(shapes, seed: int = 0):
    """The kernel between two convolutions of 1x1."""
    draw = _Draw(seed)
    tensors = {}
    for name, (out, ins, *kernel) in shapes.items():
        tensors[f"{name}.lora_down.weight"] = draw(RANK, ins, 1, 1)
        tensors[f"{name}.lora_mid.weight"] = draw(RANK, RANK, *kernel)
        tensors[f"{name}.lora_up.weight"] = 0.3 * draw(out, RANK, 1, 1)
        tensors[f"{name}.alpha"] = torch.tensor(2.0)
    return tensors


def loha(shapes, seed: int = 0):
    draw = _Draw(seed)
    tensors = {}
    for name, shape in shapes.items():
        for half in ("w1", "w2"):
            tensors[f"{name}.hada_{half}_a"] = draw(shape[0], RANK)
            tensors[f"{name}.hada_{half}_b"] = draw(RANK, shape[1:].numel())
        tensors[f"{name}.alpha"] = torch.tensor(1.0)
    return tensors


def lokr(shapes, seed: int = 0):
    draw = _Draw(seed)
    tensors = {}
    for name, (out, ins, *kernel) in shapes.items():
        tensors[f"{name}.lokr_w1"] = draw(2, 2)
        tensors[f"{name}.lokr_w2"] = 0.3 * draw(out // 2, ins // 2, *kernel)
    return tensors


def diff(shapes, seed: int = 0):
    """Differences as they are, of weights and biases."""
    draw = _Draw(seed)
    tensors = {}
    for name, shape in shapes.items():
        tensors[f"{name}.diff"] = 0.3 * draw(*shape)
        tensors[f"{name}.diff_b"] = 0.3 * draw(shape[0])
    return tensors


def text_encoder():
    name = "lora_te_text_model_encoder_layers_0_mlp_fc1"
    return {
        f"{name}.lora_down.weight": torch.ones(2, 4),
        f"{name}.lora_up.weight": torch.ones(4, 2),
    }


class _Draw:
    """Normal numbers scaled by fan-in."""

    def __init__(self, seed: int):
        self._generator = torch.Generator().manual_seed(seed)

    def __call__(self, *shape: int) -> torch.Tensor:
        drawn = torch.randn(*shape, generator=self._generator)
        return drawn * torch.Size(shape[1:]).numel() ** -0.5
