"""What the tests of the page need: a Chromium that the system already has, and a page to test.

    python -m tools.browser    in the host's environment

installs Debian's Chromium where there is none and this user may, and, with FRONTEND=newest in the
environment, the page pinned in tools/frontend-newest.txt, in a folder of its own. The tests drive
the browser with Playwright, whose own browsers are never downloaded.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools import stamps
from tools.environment import pip, requirement_lines
from tools.paths import DEV, REPO, ToolError

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HOW = "install one, on Debian with `apt-get install chromium`"
INSTALL = (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "chromium"])

NEWEST = "newest"
NEWEST_PIN = REPO / "tools" / "frontend-newest.txt"
STATIC = Path("comfyui_frontend_package", "static")


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
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in INSTALL:
        print(f"There is no Chromium on PATH. Running: {' '.join(command)}", flush=True)
        if subprocess.run(command, env=environ, stdin=subprocess.DEVNULL).returncode != 0:
            raise ToolError(f"`{' '.join(command)}` failed (its message is above).")


def chosen_page() -> Path | None:
    """The folder of the page that FRONTEND names, installed if need be; None: the host's own."""
    chosen = os.environ.get("FRONTEND") or ""
    if chosen not in ("", NEWEST):
        raise ToolError(f"FRONTEND={chosen} is not known: {NEWEST}, or leave it out.")
    if not chosen:
        return None
    (requirement,) = (line.split()[0] for line in requirement_lines(NEWEST_PIN))
    folder = DEV / requirement.replace("==", "-")
    key = stamps.fingerprint(NEWEST_PIN.read_text(encoding="utf-8"))
    if not stamps.is_current(folder / "page.stamp", key):
        print(f"Installing the page {requirement} into {folder}", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
        options = ("--no-deps", "--no-compile", "--require-hashes", "--target", folder)
        pip(Path(sys.executable), "install", *options, "-r", NEWEST_PIN)
        stamps.write(folder / "page.stamp", key)
    return folder / STATIC


if __name__ == "__main__":
    try:
        print(f"Browser: {ensure()}")
        print(f"Page: {chosen_page() or 'the one that the host brings'}")
    except ToolError as error:
        sys.exit(f"error: {error}")
