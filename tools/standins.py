"""Model files with random weights in true file formats, for tests with a server.

    python -m tools.standins    in the host's environment, with ADN_HOST set

They have the keys of SD1.5 and of a v2 motion module, with a UNet an eighth of the size that the
host still recognises as SD1.5. They are made once, under .dev/standins.
"""

import importlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tools import stamps
from tools.paths import DEV, MIB, REPO, ToolError

FOLDER = DEV / "standins"
RECIPE = ("standin_checkpoint.py", "standin_motion.py")


@dataclass(frozen=True)
class StandIns:
    checkpoint: Path = FOLDER / "sd15.standin.safetensors"
    motion_module: Path = FOLDER / "mm_sd_v15_v2.standin.safetensors"

    @property
    def stamp(self) -> Path:
        return self.checkpoint.with_suffix(".stamp")

    def are_current(self) -> bool:
        made = self.checkpoint.is_file() and self.motion_module.is_file()
        return made and stamps.is_current(self.stamp, _recipe_key())


def _recipe_key() -> str:
    sources = [Path(__file__).with_name(name).read_text(encoding="utf-8") for name in RECIPE]
    return stamps.fingerprint(sources)


def ensure(tree: Path) -> StandIns:
    """The stand-in files, made first if there are none, in a process that imports the host."""
    standins = StandIns()
    if not standins.are_current():
        print(f"Making stand-in models with random weights in {FOLDER} (once)", flush=True)
        command = [sys.executable, "-m", "tools.standins"]
        environ = {**os.environ, "ADN_HOST": str(tree)}
        done = subprocess.run(command, cwd=REPO, env=environ, capture_output=True, text=True)
        if done.returncode != 0:
            raise ToolError(f"Making the stand-in models failed:\n{done.stdout}{done.stderr}")
    return standins


def _make(standins: StandIns) -> None:
    from tools.standin_checkpoint import SMALL_CHANNEL_MULT, checkpoint
    from tools.standin_motion import motion_module

    FOLDER.mkdir(parents=True, exist_ok=True)
    _save(motion_module(SMALL_CHANNEL_MULT), standins.motion_module)
    _save(checkpoint(), standins.checkpoint)
    stamps.write(standins.stamp, _recipe_key())


def _save(weights: dict, file: Path) -> None:
    """Under a name of its own first, so that no reader sees half a file."""
    from safetensors.torch import save_file

    staged = file.with_name(f"{file.name}.{os.getpid()}")
    save_file(weights, staged)
    staged.replace(file)
    print(f"{file.name}: {len(weights)} tensors, {file.stat().st_size / MIB:.0f} MiB")


def main() -> None:
    from tools.host_imports import enter

    tree = Path(os.environ["ADN_HOST"])
    enter(tree)
    importlib.import_module("comfy.cli_args").args.cpu = True
    _make(StandIns())


if __name__ == "__main__":
    main()
