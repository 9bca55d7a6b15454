"""The browser that the tests of the page run in: a Chromium that the system already has.

    python3 -m tools.chromium    installs Debian's where there is none and this user may

Needs the standard library only. The tests drive it with Playwright, whose own browsers are never
downloaded.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools.paths import ToolError

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HOW = "install one, on Debian with `apt-get install chromium`"
INSTALL = (["apt-get", "update"], ["apt-get", "install", "-y", "chromium"])


def find() -> Path | None:
    """The first Chromium on PATH."""
    found = (shutil.which(name) for name in NAMES)
    return next((Path(path) for path in found if path), None)


def ensure() -> Path:
    """A Chromium, installed first if there is none."""
    browser = find()
    if browser is None:
        _install()
        browser = find()
    if browser is None:
        raise ToolError(f"There is no Chromium on PATH ({', '.join(NAMES)}): {HOW}.")
    return browser


def _install() -> None:
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        return
    for command in INSTALL:
        print(f"There is no Chromium on PATH. Running: {' '.join(command)}", flush=True)
        if subprocess.run(command).returncode != 0:
            raise ToolError(f"`{' '.join(command)}` failed (its message is above).")


if __name__ == "__main__":
    try:
        print(f"Browser: {ensure()}")
    except ToolError as error:
        sys.exit(f"error: {error}")
