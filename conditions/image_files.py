"""Files by which a picture becomes a video: which of them a user has. No weight is read.

A safetensors file tells its keys and shapes in its header; a pickle is told by its name. LoRAs are
told by their names alone, since there can be thousands of them.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from ..motion.file_start import LONGEST_HEADER, SAFETENSORS
from ..motion.known_files import (
    CHECKPOINTS,
    CONTROLNETS,
    LORAS,
    MODULES,
    known_file,
    own_name,
    where_from,
)

FOLDERS = (MODULES, CONTROLNETS, CHECKPOINTS, LORAS)
Files = Mapping[str, Sequence[tuple[str, Path]]]  # of each folder, names and where they are


class Kind(NamedTuple):
    """A kind of file. keys: patterns, each found in some line "key [shape]" of such a file;
    without: one that is in none; name: a pattern of its name in small letters; anywhere: it is
    looked for in other folders than its own too; example: one to get."""

    title: str
    folder: str
    example: str
    name: str
    keys: tuple[str, ...] = ()
    without: str = ""
    anywhere: bool = True

    @property
    def where(self) -> str:
        """The example, where it can be had, and where it belongs."""
        name = where_from(self.example) if known_file(self.example) else self.example
        return f"{name} into models/{self.folder}"


_MOTION = r"motion_modules[._]"
_SD15 = r"^model\.diffusion_model\..*attn2\.to_k\.weight \[\d+, 768\]"

SPARSE_RGB = Kind("SparseCtrl RGB", CONTROLNETS, "v3_sd15_sparsectrl_rgb.ckpt",
                  r"sparse.?c.*rgb", (_MOTION, r"cond_embedding\.weight \[\d+, 5, "))  # fmt: skip
SPARSE_SCRIBBLE = Kind("SparseCtrl scribble", CONTROLNETS, "v3_sd15_sparsectrl_scribble.ckpt",
                       r"sparse.?c.*scribble",
                       (_MOTION, r"cond_embedding\.conv_in\.weight \[\d+, 4, "))  # fmt: skip
CAMERA = Kind("CameraCtrl", MODULES, "CameraCtrl.ckpt", r"camera.?ctrl", (r"qkv_merge",))
PIA = Kind("PIA", MODULES, "pia.ckpt", r"(?<![a-z])pia(?![a-z])",
           (_MOTION, r"(^|\.)conv_in\.weight \[\d+, 9, "))  # fmt: skip
I2V = Kind("AnimateLCM-I2V", MODULES, "AnimateLCM_sd15_i2v.ckpt", r"lcm.*i2v(?!.*lora)",
           (r"^(module\.)?img_encoder\.",))  # fmt: skip
V3 = Kind("a v3 motion module", MODULES, "v3_sd15_mm.ckpt", r"v3.*mm|mm.*v3",
          (_MOTION, r"\.pe \[1, 32, "), without=r"mid_block", anywhere=False)  # fmt: skip
MODULE = Kind("a motion module", MODULES, "v3_sd15_mm.ckpt", r"^(?!.*(xl|hotshot))", (_MOTION,),
              anywhere=False)  # fmt: skip
INPAINTING = Kind("an inpainting checkpoint", CHECKPOINTS, "sd-v1-5-inpainting.ckpt",
                  r"^(?!.*(xl|flux|sd2|512-inp)).*inpaint",
                  (_SD15, r"^model\.diffusion_model\.input_blocks\.0\.0\.weight \[\d+, 9, "),
                  anywhere=False)  # fmt: skip
CHECKPOINT = Kind("a checkpoint", CHECKPOINTS, "v1-5-pruned-emaonly-fp16.safetensors",
                  r"^(?!.*(xl|flux|sd2|sd3|512-inp))", (_SD15,), anywhere=False)  # fmt: skip
ADAPTER = Kind("the domain adapter", LORAS, "v3_sd15_adapter.ckpt", r"v3.*adapter|adapter.*v3",
               anywhere=False)  # fmt: skip
KINDS = (
    SPARSE_RGB,
    SPARSE_SCRIBBLE,
    CAMERA,
    I2V,
    PIA,
    V3,
    MODULE,
    INPAINTING,
    CHECKPOINT,
    ADAPTER,
)  # the specific before the general


class Found(NamedTuple):
    """A file, and the folder in which it is."""

    kind: Kind
    folder: str
    name: str

    @property
    def in_place(self) -> bool:
        return self.folder == self.kind.folder


def find(files: Files) -> list[Found]:
    """What can be told apart, in the order of the folders."""
    of_each = ((folder, name, path) for folder in FOLDERS for name, path in files.get(folder, ()))
    kinds = ((kind_of(folder, name, path), folder, name) for folder, name, path in of_each)
    return [Found(kind, folder, name) for kind, folder, name in kinds if kind is not None]


def kind_of(folder: str, name: str, path: Path) -> Kind | None:
    """By the header where there is one, which knows better than the name."""
    kinds = [kind for kind in KINDS if kind.folder == folder or (kind.anywhere and folder != LORAS)]
    lines = None if folder == LORAS else header_lines(path)
    if lines is None:
        last = own_name(name).lower()
        return next((kind for kind in kinds if re.search(kind.name, last)), None)
    return next((kind for kind in kinds if kind.keys and _holds(kind, lines)), None)


def _holds(kind: Kind, lines: str) -> bool:
    def there(pattern: str) -> bool:
        return re.search(pattern, lines, re.MULTILINE) is not None

    return all(map(there, kind.keys)) and not (kind.without and there(kind.without))


def header_lines(path: Path) -> str | None:
    """Lines "key [shape]" of a safetensors file; None for all others, and for what is none."""
    if path.suffix.lower() not in SAFETENSORS:
        return None
    with suppress(OSError, ValueError, RecursionError, TypeError, KeyError, AttributeError):
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(size)) if size <= LONGEST_HEADER else {}
        return "\n".join(_lines(header.items()))
    return None


def _lines(tensors: Iterable[tuple[str, dict]]) -> Iterable[str]:
    return (f"{key} {list(value['shape'])}" for key, value in tensors if key != "__metadata__")
