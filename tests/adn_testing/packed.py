"""What `comfy node pack` takes: the files that git knows, without those that .comfyignore names."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def packed_files() -> list[str]:
    """Paths in the repository, with those that are not committed yet."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("needs git, and a checkout of it: the package is made of the files it knows")
    known = _git("ls-files", "--cached", "--others", "--exclude-standard", "-z")
    excludes = f"core.excludesFile={ROOT / '.comfyignore'}"
    left_out = _git(
        "-c", excludes, "check-ignore", "--no-index", "--stdin", "-z", given="\0".join(known)
    )
    return sorted(name for name in {*known} - {*left_out} if (ROOT / name).is_file())


def _git(*arguments: str, given: str = "") -> list[str]:
    command = ["git", "-C", ROOT, *arguments]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr  # 1: check-ignore found none
    return [name for name in done.stdout.split("\0") if name]
