"""Stands in for torchaudio: newer hosts import it at start-up, and PyPI has no CPU build."""

import importlib.util
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

from tools.environment import requirement_lines, requirement_name


class _Absent(ModuleType):
    """A module that imports, and says what is missing when something of it is used."""

    def __getattr__(self, name: str) -> object:
        raise AttributeError(
            f"{self.__name__}.{name} was asked for, but torchaudio is not installed here"
        )


def ensure(tree: Path) -> None:
    """Puts the stand-in in place if the host in `tree` wants torchaudio and there is none."""
    wanted = (requirement_name(line) for line in requirement_lines(tree / "requirements.txt"))
    if "torchaudio" not in wanted or importlib.util.find_spec("torchaudio") is not None:
        return
    package = _add("torchaudio")
    package.__path__ = []
    for part in ("functional", "transforms"):
        setattr(package, part, _add(f"torchaudio.{part}"))


def _add(name: str) -> ModuleType:
    module = _Absent(name)
    module.__spec__ = ModuleSpec(name, None, is_package=name == "torchaudio")
    sys.modules[name] = module
    return module
