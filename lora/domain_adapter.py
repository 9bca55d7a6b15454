"""The domain adapter: a LoRA on the UNet's spatial attention that takes in the look of the
video data, so that the motion module need not (Guo et al., "AnimateDiff", section 4.1).

Q = W z + alpha * A B^T z on self- and cross-attention; alpha 1 as in training, 0 removes it.
The host knows its keys, so it is a LoRA like any other once it is unwrapped and checked.
"""

import re

import comfy.lora
import comfy.sd
from comfy.model_patcher import ModelPatcher

from ..motion.detect import require_finite
from ..motion.errors import AnimateDiffError
from ..motion.formats import StateDict, some, unwrap
from ..motion.known_files import LORAS, where_from
from ..motion.recognise import DOMAIN_ADAPTER, kind_of
from ..motion.unet_placement import require_sd15

EXPECTED_ADAPTER = "a domain adapter for SD1.5 such as v3_sd15_adapter.ckpt"
ADAPTER = where_from("v3_sd15_adapter.ckpt")

_PREFIX = re.compile(r"^(?:module\.|unet\.)+")
_HALF = re.compile(r"_lora\.(down|up)\.weight$")
_OTHER = {"down": "up", "up": "down"}


def read_domain_adapter(loaded: object, file: str) -> StateDict:
    """The file's tensors under the names that the host knows, each with its other half."""
    tensors = unwrap(loaded, file, EXPECTED_ADAPTER)
    kind = kind_of(tensors)
    if kind is not DOMAIN_ADAPTER:
        what = f"is {kind.name}" if kind else f"has keys like {some(sorted(tensors))}"
        remedy = kind.remedy(LORAS, ADAPTER) if kind else f"choose another file: {ADAPTER}."
        raise AnimateDiffError(f"'{file}' {what}.", EXPECTED_ADAPTER, remedy)
    tensors = {_PREFIX.sub("", key): tensor for key, tensor in tensors.items()}
    for key, tensor in tensors.items():
        _require_other_half(key, tensor, tensors, file)
    require_finite(tensors, file)
    return tensors


def _require_other_half(key: str, tensor, tensors: StateDict, file: str) -> None:
    match = _HALF.search(key)
    if match is None:
        raise _broken(file, f"{key} is of no known kind")
    other = tensors.get(_HALF.sub(f"_lora.{_OTHER[match[1]]}.weight", key))
    if other is None:
        raise _broken(file, f"{key} has no other half")
    down, up = (tensor, other) if match[1] == "down" else (other, tensor)
    if down.ndim != 2 or up.ndim != 2 or down.shape[0] != up.shape[1]:
        shapes = f"{list(down.shape)} and {list(up.shape)}"
        raise _broken(file, f"the halves of {key} do not go together: {shapes}")


def with_domain_adapter(
    model: ModelPatcher, tensors: StateDict, file: str, strength: float
) -> ModelPatcher:
    """A clone of the model with the adapter at this strength, through the host's LoRA path."""
    require_sd15(model)
    _require_fit(model, tensors, file)
    if strength == 0:
        return model.clone()
    adapted, _ = comfy.sd.load_lora_for_models(model, None, tensors, strength, 0.0)
    return adapted  # type: ignore[return-value]


def _require_fit(model: ModelPatcher, tensors: StateDict, file: str) -> None:
    """The host skips what it has no weight for and logs what does not fit; here it is an error."""
    weights = model.model.state_dict()
    keys = comfy.lora.model_lora_keys_unet(model.model, {})
    for key in tensors:
        if not key.endswith("_lora.down.weight"):
            continue
        name = key.removesuffix("_lora.down.weight")
        down, up = tensors[key], tensors[f"{name}_lora.up.weight"]
        weight = weights.get(keys.get(name, ""))
        if weight is None:
            raise _no_fit(file, f"the model has no {name}")
        if (up.shape[0], down.shape[1]) != tuple(weight.flatten(1).shape):
            wanted, given = list(weight.shape), [up.shape[0], down.shape[1]]
            raise _no_fit(file, f"{name} is {wanted}, the adapter's {given}")


def _no_fit(file: str, what: str) -> AnimateDiffError:
    return AnimateDiffError(
        f"'{file}' does not fit this model: {what}.",
        EXPECTED_ADAPTER,
        "use a full SD1.5 checkpoint and an adapter that was made for SD1.5.",
    )


def _broken(file: str, what: str) -> AnimateDiffError:
    return AnimateDiffError(
        f"'{file}' is not a whole domain adapter: {what}.",
        EXPECTED_ADAPTER,
        "download the file again from its source.",
    )
