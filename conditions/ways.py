"""Which way from image to video fits the files that a user has, as a text.

How ways are ranked: those that everything is there for come first. Among these, one picture begins
to move best with a model that was trained for just that (PIA, then AnimateLCM-I2V); for a first and
last frame and for chosen frames SparseCtrl RGB with the v3 motion module that it was trained with
comes first, since it alone knows both the picture and the motion. A checkpoint for inpainting
follows: it sees the given frames, each by itself, and the motion module carries them on. Noise
masks come last: they need no file, but the model never learned to go on from a given frame.
"""

from collections.abc import Mapping
from typing import NamedTuple

from ..motion.config import Version
from .image_files import (
    ADAPTER,
    CAMERA,
    CHECKPOINT,
    I2V,
    INPAINTING,
    MODULE,
    PIA,
    SPARSE_RGB,
    SPARSE_SCRIBBLE,
    V3,
    Files,
    Found,
    Kind,
    find,
)


class Given(NamedTuple):
    """What is connected. inpaints: whether the model takes a mask and a masked image as channels;
    version: of the motion module."""

    inpaints: bool | None = None
    version: str = ""


NOTHING_GIVEN = Given()


class Way(NamedTuple):
    """nodes: their titles with a > between, {} for the names of the files of `needs`."""

    title: str
    needs: tuple[Kind, ...]
    nodes: str


_ANIMATED = "Load Motion Module ({}) > Apply Motion Module"
_SPARSE = (
    f"Load SparseCtrl ({{}}) and Sparse Frames (%s) > Apply ControlNet%s > KSampler; {_ANIMATED}"
)
_CLIP = "Clip Condition (%s) > InpaintModelConditioning (noise_mask %s) > KSampler"


def _sparse(kind: Kind, at: str) -> Way:
    vae = ", with the VAE" if kind is SPARSE_RGB else ""  # scribbles are seen as they are
    return Way(f"{kind.title} with a v3 motion module", (kind, V3), _SPARSE % (at, vae))


def _inpainting(mode: str) -> Way:
    nodes = f"Load Checkpoint ({{}}); {_ANIMATED}; {_CLIP % (mode, 'off')}"
    return Way("a checkpoint for inpainting", (INPAINTING, MODULE), nodes)


def _noise_mask(mode: str) -> Way:
    nodes = f"Load Checkpoint ({{}}); {_ANIMATED}; {_CLIP % (mode, 'on')}"
    return Way("noise masks, with any checkpoint", (CHECKPOINT, MODULE), nodes)


def _image_module(kind: Kind, node: str, sampler: str) -> Way:
    nodes = f"Load Motion Module ({{}}) > {node} > Apply Motion Module > {sampler}"
    return Way(kind.title, (kind, CHECKPOINT), nodes)


_PIA = _image_module(PIA, "PIA Image", "KSampler")
_I2V = _image_module(I2V, "AnimateLCM-I2V Image", "KSampler (lcm, 4 steps, CFG 1)")
_REGIONS = "cinemagraph, inpaint or outpaint"
_CAMERA = Way(
    "CameraCtrl with a v3 motion module",
    (V3, CAMERA),
    "Load Motion Module ({}) > Camera Control ({}) > Apply Motion Module, with Camera Path",
)
WISHES = {
    "One picture begins to move": (
        _PIA, _I2V, _sparse(SPARSE_RGB, "at 0"), _inpainting("first frame"),
        _noise_mask("first frame"),
    ),
    "From a first to a last frame": (
        _sparse(SPARSE_RGB, "at 0, -1"), _inpainting("first and last"),
        _noise_mask("first and last"),
    ),
    "Chosen frames": (
        _sparse(SPARSE_RGB, "at: their frames"), _inpainting("chosen frames"),
        _noise_mask("chosen frames"),
    ),
    "Part of a picture or video is made anew, or it grows": (
        _inpainting(_REGIONS), _noise_mask(_REGIONS),
    ),
    "Scribbles become a video": (_sparse(SPARSE_SCRIBBLE, "at: their frames"),),
    "The camera moves": (_CAMERA,),
}  # fmt: skip


def ways_text(files: Files, given: Given = NOTHING_GIVEN) -> str:
    """For each wish its ways, the best first; before them what is known of what is connected."""
    found = find(files)
    have = _have(found, given)
    wishes = (_wish(title, ways, have, given) for title, ways in WISHES.items())
    return "\n\n".join(filter(None, ("\n".join(_remarks(found, given)), *wishes)))


def _have(found: list[Found], given: Given) -> dict[Kind, str]:
    """Of each kind one file that is where it belongs, or what is connected."""
    have = {one.kind: one.name for one in reversed(found) if one.in_place}
    for special, general in ((V3, MODULE), (INPAINTING, CHECKPOINT)):
        if special in have:
            have.setdefault(general, have[special])
    if given.inpaints is not None:
        have[CHECKPOINT] = "the connected one"
        if given.inpaints:
            have[INPAINTING] = "the connected one"
    if given.version:
        have[MODULE] = "the connected one"
        if given.version == Version.V3.value:
            have[V3] = "the connected one"
    return have


def _remarks(found: list[Found], given: Given) -> list[str]:
    said = []
    if given.inpaints:
        said.append("The model is one for inpainting: it takes a mask and a masked image (9 "
                    "channels). PIA takes no such model.")  # fmt: skip
    elif given.inpaints is not None:
        said.append("The model is none for inpainting (4 channels): it is given frames by noise "
                    "masks.")  # fmt: skip
    if given.version not in ("", Version.V3.value):
        said.append(f"The motion module is {given.version}; SparseCtrl and CameraCtrl were trained "
                    "with v3.")  # fmt: skip
    said += [
        f"{one.name} ({one.kind.title}) is in models/{one.folder}: move it to "
        f"models/{one.kind.folder}."
        for one in found
        if not one.in_place
    ]
    return said


def _wish(title: str, ways: tuple[Way, ...], have: Mapping[Kind, str], given: Given) -> str:
    ranked = sorted(ways, key=lambda way: bool(_missing(way, have, given)))
    lines = [f"{title}:"]
    for number, way in enumerate(ranked, start=1):
        missing = _missing(way, have, given)
        lines.append(f"{number}. {way.title}: {'; '.join(missing) or 'ready'}.")
        lines.append("   " + way.nodes.format(*_names(way, have)) + _adapter(way, have) + ".")
    return "\n".join(lines)


def _missing(way: Way, have: Mapping[Kind, str], given: Given) -> list[str]:
    missing = [f"put {kind.where}" for kind in way.needs if kind not in have]
    if PIA in way.needs and given.inpaints:
        missing.append("take a checkpoint that is none for inpainting")
    if INPAINTING in way.needs and given.inpaints is False and INPAINTING in have:
        missing.append(f"take {have[INPAINTING]} in place of the connected model")
    return missing


def _names(way: Way, have: Mapping[Kind, str]) -> list[str]:
    return [have.get(kind, kind.example) for kind in way.needs]


def _adapter(way: Way, have: Mapping[Kind, str]) -> str:
    """What SparseCtrl was trained beside."""
    sparse = {SPARSE_RGB, SPARSE_SCRIBBLE} & set(way.needs)
    return f"; Load Domain Adapter ({have[ADAPTER]})" if sparse and ADAPTER in have else ""
