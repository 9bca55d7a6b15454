"""Model files with random weights in true file formats, for use where no real ones are at hand.

    python -m tools.standins [--small]    in the host's environment, with ADN_HOST set

The full ones have every key and shape of SD1.5 and of a v2 motion module. The small ones, for
tests, have a UNet an eighth of the size that the host still recognises as SD1.5. They are made
once, under .dev/standins.
"""

import argparse
import importlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tools import stamps
from tools.paths import DEV, MIB, REPO, ToolError

FOLDER = DEV / "standins"
RECIPE = ("random_weights.py", "standin_checkpoint.py", "standin_motion.py")


@dataclass(frozen=True)
class StandIns:
    checkpoint: Path
    motion_module: Path

    @classmethod
    def of_size(cls, small: bool) -> "StandIns":
        kind = "small-standin" if small else "standin"
        return cls(FOLDER / f"sd15.{kind}.safetensors", FOLDER / f"mm_sd_v15_v2.{kind}.safetensors")

    @property
    def stamp(self) -> Path:
        return self.checkpoint.with_suffix(".stamp")

    def are_current(self) -> bool:
        made = self.checkpoint.is_file() and self.motion_module.is_file()
        return made and stamps.is_current(self.stamp, _recipe_key())


def _recipe_key() -> str:
    sources = [Path(__file__).with_name(name).read_text(encoding="utf-8") for name in RECIPE]
    return stamps.fingerprint(sources)


def ensure(tree: Path, small: bool = False) -> StandIns:
    """The stand-in files, made first if there are none, in a process that imports the host."""
    standins = StandIns.of_size(small)
    if not standins.are_current():
        print(f"Making stand-in models with random weights in {FOLDER} (once)", flush=True)
        command = [sys.executable, "-m", "tools.standins", *(["--small"] if small else [])]
        environ = {**os.environ, "ADN_HOST": str(tree)}
        done = subprocess.run(command, cwd=REPO, env=environ, capture_output=True, text=True)
        if done.returncode != 0:
            raise ToolError(f"Making the stand-in models failed:\n{done.stdout}{done.stderr}")
    return standins


def _make(standins: StandIns, small: bool) -> None:
    from tools.standin_checkpoint import FULL_CHANNEL_MULT, SMALL_CHANNEL_MULT, checkpoint
    from tools.standin_motion import motion_module

    FOLDER.mkdir(parents=True, exist_ok=True)
    _save(motion_module(SMALL_CHANNEL_MULT if small else FULL_CHANNEL_MULT), standins.motion_module)
    _save(checkpoint(small), standins.checkpoint)
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

    parser = argparse.ArgumentParser(prog="python -m tools.standins")
    parser.add_argument("--small", action="store_true", help="make the small ones, for tests")
    small = parser.parse_args().small
    tree = Path(os.environ["ADN_HOST"])
    enter(tree)
    importlib.import_module("comfy.cli_args").args.cpu = True
    _make(StandIns.of_size(small), small)


if __name__ == "__main__":
    main()
