"""Ordinary LoRA files for the checkpoint, read by the host's own functions.

What the host merges with one strength is here taken apart by layer, where that is possible: a
LoRA whose part in a layer is its strength times a difference that does not depend on the weight.
"""

import logging
from collections.abc import Mapping
from typing import Any, NamedTuple

import comfy.lora
import comfy.lora_convert
import torch
from comfy.model_patcher import ModelPatcher
from comfy.weight_adapter import WeightAdapterBase

from ..motion.detect import require_finite
from ..motion.errors import AnimateDiffError
from ..motion.formats import StateDict, some, unwrap
from ..motion.known_files import LORAS
from ..motion.recognise import DOMAIN_ADAPTER, SPATIAL_LORA, kind_of
from .domain_adapter import read_domain_adapter
from .layer_update import FullDiff, LowRankDiff, can_run

log = logging.getLogger("animatediff_native")

EXPECTED_LORA = "a LoRA file for the checkpoint, as ComfyUI's Load LoRA takes it"
TEXT_ENCODER = ("lora_te", "text_encoder", "text_encoders.", "lycoris_te")
LINEAR = ("loha", "lokr")  # adapters that are linear in their strength, beside "lora"


class SpatialLora(NamedTuple):
    """A file's tensors without those of the text encoder."""

    file: str
    tensors: StateDict


class LayerLora(NamedTuple):
    """Of one layer: a pair of narrow matrices, or what the host makes a difference of."""

    low_rank: LowRankDiff | None = None
    patches: Mapping[str, Any] | None = None  # of its "weight" and "bias"


def read_lora(loaded: object, file: str, model: ModelPatcher) -> SpatialLora:
    """AnimateDiffError for a file that holds nothing for this model."""
    tensors = unwrap(loaded, file, EXPECTED_LORA)
    if kind_of(tensors) is DOMAIN_ADAPTER:
        tensors = read_domain_adapter(loaded, file)
    names = comfy.lora.model_lora_keys_unet(model.model, {})
    tensors = comfy.lora_convert.convert_lora(tensors)
    if not comfy.lora.load_lora(tensors, names, log_missing=False):
        raise _nothing_for_this_model(tensors, file)
    require_finite(tensors, file)
    return SpatialLora(file, _without_text_encoder(tensors, file, names))


def _nothing_for_this_model(tensors: StateDict, file: str) -> AnimateDiffError:
    kind = kind_of(tensors)
    if kind is None:
        what = f"has keys like {some(sorted(tensors))}"
        remedy = "choose another file of models/loras."
    elif kind in (SPATIAL_LORA, DOMAIN_ADAPTER):
        what, remedy = "is a LoRA without weights for this model", "load one for this model."
    else:
        what, remedy = f"is {kind.name}", kind.remedy(LORAS, "a LoRA for the checkpoint")
    return AnimateDiffError(f"'{file}' {what}.", EXPECTED_LORA, remedy)


def _without_text_encoder(tensors: StateDict, file: str, names: Mapping[str, Any]) -> StateDict:
    unknown = [key for key in tensors if not _is_named(key, names)]
    text = {key for key in unknown if key.startswith(TEXT_ENCODER)}
    if text:
        log.info(
            "AnimateDiff: %s also holds a LoRA for the text encoder, which is not by frame. To "
            "have it, load the file with the Load LoRA node that has a clip input too, with "
            "strength_model 0.",
            file,
        )
    others = sorted(set(unknown) - text)
    if others:
        log.warning(
            "AnimateDiff: %d of the %d tensors of %s have no place in this model: %s.",
            len(others),
            len(tensors),
            file,
            some(others),
        )
    return {key: tensor for key, tensor in tensors.items() if key not in set(unknown)}


def _is_named(key: str, names: Mapping[str, Any]) -> bool:
    while "." in key:
        key = key.rpartition(".")[0]
        if key in names or key.removesuffix("_lora") in names:
            return True
    return False


def by_layer(lora: SpatialLora, model: ModelPatcher) -> dict[str, LayerLora]:
    """By the path of the layer in the model; AnimateDiffError for what has no strength by frame."""
    names = comfy.lora.model_lora_keys_unet(model.model, {})
    if any(key.endswith(".dora_scale") for key in lora.tensors):
        raise _not_linear(lora.file, "is a DoRA")
    found: dict[str, LayerLora] = {}
    for key, patch in comfy.lora.load_lora(lora.tensors, names, log_missing=False).items():
        if not isinstance(key, str) or not key.endswith((".weight", ".bias")):
            raise _not_linear(lora.file, f"changes a part of {key}")
        path, _, part = key.rpartition(".")
        layer = model.model.get_submodule(path)
        if not can_run(layer):
            raise _not_linear(lora.file, f"changes {path}, a layer of a rare kind")
        _require_linear(patch, lora.file)
        before = found.get(path, LayerLora())
        if part == "weight" and _is_low_rank(patch):
            found[path] = before._replace(low_rank=_low_rank(patch, layer, path, lora.file))
        else:
            found[path] = before._replace(patches={**(before.patches or {}), part: patch})
    return found


def _is_low_rank(patch: Any) -> bool:
    return isinstance(patch, WeightAdapterBase) and patch.name == "lora"


def _require_linear(patch: Any, file: str) -> None:
    if isinstance(patch, WeightAdapterBase):
        if _is_low_rank(patch) and patch.weights[5] is not None:
            raise _not_linear(file, "changes the shape of weights")
        if not _is_low_rank(patch) and patch.name not in LINEAR:
            raise _not_linear(file, f"is of the kind {patch.name}")
    elif patch[0] != "diff":
        raise _not_linear(file, "replaces weights")


def _low_rank(patch: Any, layer: Any, path: str, file: str) -> LowRankDiff:
    """down [r, in, ...] in the shape of the layer's weight, up [out, r, ...]."""
    up, down, alpha, mid = patch.weights[:4]
    shape, rank = layer.weight.shape, down.shape[0]
    scale = 1.0 if alpha is None else alpha / rank
    up, down = up.float().flatten(1) * scale, down.float()
    if mid is not None:  # a convolution with the kernel in the middle
        down = torch.einsum("rskl,si->rikl", mid.float(), down.flatten(1))
    down = down.flatten(1)
    if up.shape != (shape[0], rank) or down.shape != (rank, shape[1:].numel()):
        raise _no_fit(file, f"{path} is {list(shape)}, its {list(up.shape)} and {list(down.shape)}")
    beyond = [1] * (len(shape) - 2)
    return LowRankDiff(down.reshape(rank, *shape[1:]), up.reshape(-1, rank, *beyond))


def full_diff(patches: Mapping[str, Any], layer: Any, path: str, file: str) -> FullDiff:
    """What the host would add to the layer's weight and bias at strength 1, computed by it."""
    made = {}
    for part, patch in patches.items():
        weight = torch.zeros(getattr(layer, part).shape)
        made[part] = comfy.lora.calculate_weight([(1.0, patch, 1.0, None, None)], weight, path)
        if not made[part].any() and _holds_something(patch):  # the host logs why, and goes on
            raise _no_fit(file, f"its part for {path}.{part} could not be computed")
    return FullDiff(made.get("weight"), made.get("bias"))


def _holds_something(patch: Any) -> bool:
    parts = patch.weights if isinstance(patch, WeightAdapterBase) else patch[1]
    return all(part.any() for part in parts if isinstance(part, torch.Tensor))


def _not_linear(file: str, what: str) -> AnimateDiffError:
    return AnimateDiffError(
        f"'{file}' {what}, which has no strength by frame.",
        "a LoRA, LoCon, LoHa or LoKr without weight decomposition",
        "load it with ComfyUI's Load LoRA, with one strength for all frames.",
    )


def _no_fit(file: str, what: str) -> AnimateDiffError:
    return AnimateDiffError(
        f"'{file}' does not fit this model: {what}.",
        EXPECTED_LORA,
        "use a LoRA that was made for this kind of checkpoint.",
    )
