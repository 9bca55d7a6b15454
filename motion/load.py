"""From a motion module file to a module that ComfyUI manages."""

import logging
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import comfy.model_management
import comfy.model_patcher
import comfy.utils
import torch

from .application import frames_at_once, table_rows
from .config import MotionConfig, Norms, Version
from .detect import V1_POSITIONS, read_beside, read_motion_module
from .effects import Effect
from .errors import AnimateDiffError
from .file_start import trouble_with
from .formats import EXPECTED_FILE, StateDict
from .managed import managed
from .network import MotionNetwork

log = logging.getLogger("animatediff_native")

_NO_MEMORY = ("out of memory", "allocate memory", "not enough memory")


@dataclass(frozen=True)
class MotionModule:
    """What travels between nodes: the patcher of the network, where it came from, and what takes
    part in its calls beside the weights; beside: what the file has beside its motion modules, as
    beside.py names it."""

    file: str
    config: MotionConfig
    patcher: comfy.model_patcher.ModelPatcher
    effects: tuple[Effect, ...] = ()
    beside: Mapping[str, torch.Tensor] = field(default_factory=dict)

    @property
    def frames_at_once(self) -> int:
        """How many frames it can see at once."""
        return frames_at_once(self.config, self.effects)

    @property
    def table_length(self) -> int:
        """Rows of the position table as its effects make it."""
        return table_rows(self.config, self.effects)

    def with_effect(self, effect: Effect) -> "MotionModule":
        """Also with this effect, around those that it has."""
        return replace(self, effects=(*self.effects, effect))


def load_motion_module(path: str | Path, norms: Norms = Norms.AUTO) -> MotionModule:
    """Load a motion module file; AnimateDiffError for everything that is not one.

    norms: how the module was trained, where the file's structure does not tell it.
    """
    path = Path(path)
    loaded = read_file(path, EXPECTED_FILE)
    config, tensors = read_motion_module(loaded, path.name)
    own = read_beside(loaded, config, path.name)
    config = config.with_norms(norms)
    module = MotionModule(path.name, config, build_patcher(config, tensors), beside=own)
    log.info("AnimateDiff: loaded %s (%s)", module.file, config)
    if norms is Norms.AUTO:
        _say_a_guess(module)
    return module


def _say_a_guess(module: MotionModule) -> None:
    config = module.config
    if config.version is Version.V1 and config.position_length != V1_POSITIONS:
        log.warning(
            "AnimateDiff: %s is built like v1 and v3, which want other norms, and its table of "
            "%d rows is of neither: taken for a fine-tune of v1, with norms over all frames. If "
            "its clips look wrong, set norms of Load Motion Module to 'per frame'.",
            module.file,
            config.position_length,
        )
    elif config.version is Version.V3 and not config.own_table:
        log.warning(
            "AnimateDiff: %s is built like v1 and v3, which want other norms, and holds no table "
            "of positions to tell them apart: taken for v3. If it was exported from v1, set norms "
            "of Load Motion Module to 'over all frames' and stay at 24 frames at once.",
            module.file,
        )


def require_picture(module: MotionModule) -> None:
    """AnimateDiffError, or a warning, where a motion module that begins with a picture has none."""
    version = module.config.version
    if any(effect.picture_for is version for effect in module.effects):
        return
    if version is Version.PIA:
        raise AnimateDiffError(
            f"'{module.file}' is a PIA motion module, which animates a picture, and has none.",
            "a PIA motion module with its picture",
            "put PIA Image between Load Motion Module and Apply Motion Module, with the picture "
            "and the checkpoint's VAE.",
        )
    if version is Version.ANIMATE_LCM_I2V:
        log.warning(
            "AnimateDiff: %s animates a picture, and has none: it runs as an AnimateLCM motion "
            "module. Put AnimateLCM-I2V Image between Load Motion Module and Apply Motion Module "
            "to give it one.",
            module.file,
        )


def read_file(path: Path, expected: str) -> object:
    """Whatever the host's own weights-only loader reads, or an error that names the cause."""
    _refuse_unreadable(path, expected)
    try:
        return comfy.utils.load_torch_file(str(path), safe_load=True)
    except pickle.UnpicklingError as error:
        raise AnimateDiffError(
            f"'{path.name}' is a pickle that holds more than tensors and was not opened, "
            f"because loading it could run code ({_first_line(error)}).",
            "a file of plain tensors",
            "download a .safetensors version, or a later upload of the same file: early uploads "
            "of v3 carried their training configuration and were replaced.",
        ) from error
    except comfy.model_management.OOM_EXCEPTION:
        raise  # the host knows what to do, and says so
    except Exception as error:  # the loaders raise whatever their formats raise
        if out_of_memory(error):
            raise AnimateDiffError(
                f"memory ran out while '{path.name}' was read ({_first_line(error)}).",
                f"free memory for the file, which has {path.stat().st_size / 2**20:.0f} MiB",
                "close other programs, or unload the models that ComfyUI holds (Edit > Unload "
                "Models), and run again. The file itself need not be at fault.",
            ) from error
        raise AnimateDiffError(
            f"'{path.name}' cannot be read ({_first_line(error)}).",
            expected,
            "the file is damaged or has the wrong ending: compare its size with the source and "
            "download it again.",
        ) from error


def out_of_memory(error: BaseException) -> bool:
    """By its class, or by the words of what has none of its own: torch's allocators, the system."""
    if isinstance(error, (MemoryError, comfy.model_management.OOM_EXCEPTION)):
        return True
    said = str(error).lower()
    return isinstance(error, Exception) and any(words in said for words in _NO_MEMORY)


def _refuse_unreadable(path: Path, expected: str) -> None:
    if not path.is_file():
        raise AnimateDiffError(
            f"'{path.name}' is no longer in {path.parent}.",
            "the file that the node names",
            "put it back, or press R to refresh the list and choose another file.",
        )
    trouble = trouble_with(path)
    if trouble:
        raise AnimateDiffError(f"'{path.name}' {trouble.what}.", expected, f"{trouble.remedy}.")


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else repr(error)


def build_patcher(
    config: MotionConfig,
    tensors: StateDict,
    dtype: torch.dtype | None = None,
    disable_dynamic: bool = False,
) -> comfy.model_patcher.ModelPatcher:
    """The network with its weights; see managed.py."""
    return managed(partial(MotionNetwork, config), tensors, dtype, disable_dynamic)
