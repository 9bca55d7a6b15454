"""Every layout in which motion modules are published, brought to one.

Pure functions on state dicts. The original layout is guoyww/AnimateDiff's, the second is the
MotionAdapter of huggingface/diffusers, the third HotshotXL's. What comes out is, for each site, a
state dict in the names that follow `temporal_transformer.` in the original files.
"""

import re
from collections.abc import Mapping

import torch

from .config import Layout, Site
from .errors import AnimateDiffError, counted
from .keyed_text import shortened
from .known_files import MODULES
from .missing_file import such_as
from .recognise import MOTION_MODULE, FileKind, kind_of

StateDict = dict[str, torch.Tensor]
SiteTensors = dict[Site, StateDict]

EXPECTED_FILE = (
    "a motion module for SD1.5 (v1, v2, v3, AnimateLCM) or SDXL (HotshotXL, AnimateDiff-SDXL "
    "beta), also as a diffusers MotionAdapter"
)

_KEY = re.compile(
    r"(?:module\.|unet\.|motion_module\.)*"  # training checkpoints and exporters add these
    r"(?:(?P<block>down|up)_blocks\.(?P<level>\d+)|mid_block)\."
    r"(?:motion_modules|(?P<hotshot>temporal_attentions))\.(?P<index>\d+)\."
    r"(?P<original>temporal_transformer\.)?(?P<name>.+)",
    re.ASCII | re.DOTALL,
)
_ORIGINAL_NAMES = {
    "attn1": "attention_blocks.0",
    "attn2": "attention_blocks.1",
    "norm1": "norms.0",
    "norm2": "norms.1",
    "norm3": "ff_norm",
    "positional_encoding": "pe",  # HotshotXL
}
BLOCK = "transformer_blocks.0"
SHARED_POSITIONS = f"{BLOCK}.pos_embed.pe"  # diffusers: one table for both attentions

WEIGHT_DTYPES = (  # what files keep weights in, and the network can be stored in
    torch.float64,
    torch.float32,
    torch.float16,
    torch.bfloat16,
    torch.float8_e4m3fn,
    torch.float8_e5m2,
)
MOST_NUMBERS = 2**28  # of one tensor; the largest of those published have 2**24
LONGEST_ITEM = 200  # characters of a key, or of a key and shapes, in a message


def read_sites(loaded: object, file: str) -> tuple[Layout, SiteTensors]:
    """The motion modules of a loaded file, by site, in the original names.

    Raises AnimateDiffError when the file is of another kind, naming the node it belongs to.
    """
    tensors = unwrap(loaded, file, EXPECTED_FILE)
    kind = kind_of(tensors)
    if kind is not None and kind is not MOTION_MODULE:
        remedy = kind.remedy(MODULES, such_as(MODULES))
        raise AnimateDiffError(f"'{file}' is {kind.name}.", EXPECTED_FILE, remedy)
    keys = {key: match for key in tensors if (match := _KEY.fullmatch(key))}
    if not keys:
        raise _no_motion_module(tensors, file)
    require_weights({key: tensors[key] for key in keys}, file)
    return _layout(keys), _by_site(tensors, keys, file)


def of_another_kind(
    tensors: StateDict,
    file: str,
    own: FileKind,
    what: str,
    expected: str,
    folder: str,
    example: str,
) -> AnimateDiffError:
    """For a file that does not hold what the own kind does; example: such a file, in words."""
    kind = kind_of(tensors)
    if kind is None or kind is own:
        return AnimateDiffError(
            f"'{file}' holds no {what}; its keys look like {some(sorted(tensors))}.",
            expected,
            f"choose another file: {example}.",
        )
    return AnimateDiffError(f"'{file}' is {kind.name}.", expected, kind.remedy(folder, example))


def _layout(keys: dict[str, re.Match[str]]) -> Layout:
    if any(match["hotshot"] for match in keys.values()):
        return Layout.HOTSHOT_XL
    original = any(match["original"] for match in keys.values())
    return Layout.ORIGINAL if original else Layout.DIFFUSERS


def _by_site(tensors: StateDict, keys: dict[str, re.Match[str]], file: str) -> SiteTensors:
    sites, twice = SiteTensors(), []
    for key, match in keys.items():
        place = sites.setdefault(_site(match, file), {})
        name = _original_name(match["name"])
        if name in place:
            twice.append(key)
        place[name] = tensors[key]
    if twice:
        raise broken(file, f"it has {counted(len(twice), 'tensor')} twice, such as {some(twice)}")
    return sites


def _site(match: re.Match[str], file: str) -> Site:
    try:
        return Site(match["block"] or "mid", int(match["level"] or 0), int(match["index"]))
    except ValueError as error:  # Python reads no number of more than 4,300 digits
        raise broken(file, f"there is no place {shortened(match[0])}") from error


def unwrap(loaded: object, file: str, expected: str) -> StateDict:
    """The tensors of the first mapping that holds any by name, from the outside in; entries that
    are no tensors are dropped."""
    waiting, seen = [loaded], set[int]()
    while waiting:
        mapping = waiting.pop()
        if not isinstance(mapping, Mapping) or id(mapping) in seen:  # a pickle can hold itself
            continue
        seen.add(id(mapping))
        tensors = {k: v for k, v in mapping.items() if isinstance(k, str) and _has_shape(v)}
        if tensors:
            return tensors
        waiting.extend(reversed(list(mapping.values())))
    raise AnimateDiffError(
        f"'{file}' holds no tensors.", expected, "download the file again from its source."
    )


def _has_shape(value: object) -> bool:
    return isinstance(value, torch.Tensor) and not value.is_nested


def require_weights(tensors: StateDict, file: str) -> None:
    """Raise AnimateDiffError where a tensor is something other than plain weights."""
    odd = [f"{key} ({why})" for key, tensor in tensors.items() if (why := _oddity(tensor))]
    if odd:
        raise AnimateDiffError(
            f"'{file}' holds {counted(len(odd), 'tensor')} other than plain weights: {some(odd)}.",
            "weights as fp32, fp16, bf16 or fp8",
            "download a version that is not quantised, or save it again as fp16 where it was made.",
        )


def _oddity(tensor: torch.Tensor) -> str:
    """What a tensor is other than weights; nothing for weights."""
    if tensor.is_meta:
        return "without its numbers"
    if tensor.dtype not in WEIGHT_DTYPES:
        return str(tensor.dtype).removeprefix("torch.")
    if tensor.layout is not torch.strided:
        return str(tensor.layout).removeprefix("torch.")
    return f"{tensor.numel()} numbers" if tensor.numel() > MOST_NUMBERS else ""


def _original_name(name: str) -> str:
    """A name inside a motion module, other layouts' words replaced by the original ones."""
    return ".".join(_ORIGINAL_NAMES.get(part, part) for part in name.split("."))


def _no_motion_module(tensors: StateDict, file: str) -> AnimateDiffError:
    return AnimateDiffError(
        f"'{file}' holds no motion module; its keys look like {some(sorted(tensors))}.",
        EXPECTED_FILE,
        f"choose another file: {such_as(MODULES)}.",
    )


def some(items: list[str], count: int = 3) -> str:
    """The first few items, and how many more there are."""
    more = f" and {len(items) - count} more" if len(items) > count else ""
    return ", ".join(shortened(item, LONGEST_ITEM) for item in items[:count]) + more


def broken(file: str, what: str) -> AnimateDiffError:
    """The error of a file that is a motion module, but not a whole one."""
    return AnimateDiffError(
        f"'{file}' is not a whole motion module: {what}.",
        EXPECTED_FILE,
        "download the file again from its source, or convert it with the tool that made it.",
    )
