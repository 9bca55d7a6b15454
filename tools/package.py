"""The extension importable under a fixed name, whatever the checkout's folder is called."""

import sys
import types

from tools.paths import REPO

NAME = "animatediff_native"


def register() -> None:
    """Registers the package without running its `__init__.py`, which needs a running ComfyUI."""
    package = types.ModuleType(NAME)
    package.__path__ = [str(REPO)]
    sys.modules[NAME] = package
