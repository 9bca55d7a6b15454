"""Every published format of a MotionLoRA, brought to one: pairs by weight of the network.

Pure functions on state dicts. What is checked here needs no motion module: halves, ranks,
shapes, finite numbers, and that the file is a MotionLoRA at all.
"""

import logging
import math
from collections.abc import Callable, Mapping

import torch

from ..motion.config import Site
from ..motion.detect import require_finite
from ..motion.errors import AnimateDiffError, counted
from ..motion.formats import StateDict, some, unwrap
from ..motion.known_files import MOTION_LORAS
from ..motion.missing_file import such_as
from ..motion.recognise import MOTION_LORA, kind_of
from .names import WEIGHTS, Target, in_motion_module, parse
from .pairs import LowRank

log = logging.getLogger("animatediff_native")

EXPECTED_LORA = (
    "a MotionLoRA (keys of the official files, diffusers, PEFT, MotionDirector or kohya)"
)
ScaleOf = Callable[[int], float]  # from a rank; for pairs without an alpha of their own


def official_scale(_rank: int) -> float:
    """Official files add up @ down as it is, undivided by the rank."""
    return 1.0


def read_motion_lora(
    loaded: object, file: str, default_scale: ScaleOf = official_scale
) -> dict[str, LowRank]:
    """The pairs of a loaded file, by key of the motion network's state dict.

    Raises AnimateDiffError for anything that is not a whole, finite MotionLoRA.
    """
    tensors = unwrap(loaded, file, EXPECTED_LORA)
    _refuse_other_kinds(tensors, file)
    parts = _collect(tensors, file)
    halves = {f"{t.key}, {role}": x for t, each in parts.items() for role, x in each.items()}
    require_finite({k: x for k, x in halves.items() if not k.endswith("alpha")}, file)
    pairs = {target: _pair(target, each, default_scale, file) for target, each in parts.items()}
    _check_channels(pairs, file)
    return {target.key: pair for target, pair in pairs.items()}


def _refuse_other_kinds(tensors: StateDict, file: str) -> None:
    kind = kind_of(tensors)
    if kind is MOTION_LORA:
        return
    if kind is not None:
        remedy = kind.remedy(MOTION_LORAS, such_as(MOTION_LORAS))
        raise AnimateDiffError(f"'{file}' is {kind.name}.", EXPECTED_LORA, remedy)
    raise _no_motion_lora(tensors, file)


def _collect(tensors: StateDict, file: str) -> dict[Target, StateDict]:
    """`down`, `up` and `alpha` of every target, paired by name."""
    parts: dict[Target, StateDict] = {}
    elsewhere, unknown = 0, []
    for key, tensor in tensors.items():
        part = parse(key)
        if part is not None and part.role not in parts.setdefault(part.target, {}):
            parts[part.target][part.role] = tensor
        elif in_motion_module(key):
            unknown.append(key)
        else:
            elsewhere += 1
    if unknown:
        what = f"it has {counted(len(unknown), 'tensor')} of no known name, or twice"
        raise _broken(file, f"{what}: {some(sorted(unknown))}")
    if not parts:
        raise _no_motion_lora(tensors, file)
    if elsewhere:
        log.warning(
            "AnimateDiff: %s of %s not used here: not for a motion module. If that part is wanted, "
            "copy the file to models/loras, press R, and choose it in ComfyUI's Load LoRA as well.",
            counted(elsewhere, "tensor"),
            file,
        )
    return parts


def _pair(target: Target, parts: StateDict, default_scale: ScaleOf, file: str) -> LowRank:
    missing = [half for half in ("down", "up") if half not in parts]
    if missing:
        raise _broken(file, f"{target.key} has no {' and no '.join(missing)} half")
    if min(parts["down"].ndim, parts["up"].ndim) < 2:
        raise _broken(file, f"the halves of {target.key} are no matrices")
    down, up = parts["down"].flatten(1), parts["up"].flatten(1)  # some save them as 1x1 convs
    rank = down.shape[0]
    if up.shape[1] != rank:
        raise _broken(file, f"the ranks of {target.key} disagree: down {rank}, up {up.shape[1]}")
    if rank == 0:
        raise _broken(file, f"the halves of {target.key} have rank 0")
    if 0 in (down.shape[1], up.shape[0]):
        raise _broken(file, f"the halves of {target.key} are for no channels")
    if "alpha" in parts:
        return LowRank(down, up, _alpha(target, parts["alpha"], file) / rank)
    return LowRank(down, up, default_scale(rank))


def _alpha(target: Target, alpha: torch.Tensor, file: str) -> float:
    if alpha.numel() != 1:
        raise _broken(file, f"the alpha of {target.key} is no number but {alpha.numel()} of them")
    try:
        number = float(alpha)
    except (RuntimeError, ValueError, TypeError):  # complex, without contents
        number = math.nan
    if not math.isfinite(number):
        raise _broken(file, f"the alpha of {target.key} is no number")
    return number


def _check_channels(pairs: Mapping[Target, LowRank], file: str) -> None:
    """Every pair of a site must be for the same number of channels."""
    widths: dict[Site, int] = {}
    for target, pair in pairs.items():
        outs, ins = WEIGHTS[target.weight]
        width = widths.setdefault(target.site, pair.shape[1] // ins)
        if pair.shape != (outs * width, ins * width):
            wanted = f"[{outs * width}, {ins * width}]"
            raise _broken(file, f"{target.key} is for {list(pair.shape)} where {wanted} is needed")


def _no_motion_lora(tensors: StateDict, file: str) -> AnimateDiffError:
    return AnimateDiffError(
        f"'{file}' holds no MotionLoRA; its keys look like {some(sorted(tensors))}.",
        EXPECTED_LORA,
        f"choose another file: {such_as(MOTION_LORAS)}.",
    )


def _broken(file: str, what: str) -> AnimateDiffError:
    return AnimateDiffError(
        f"'{file}' is not a whole MotionLoRA: {what}.",
        EXPECTED_LORA,
        "download the file again from its source, or convert it with the tool that made it.",
    )
