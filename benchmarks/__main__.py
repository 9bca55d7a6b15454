"""`python -m benchmarks [name ...]`: run all measurements but the soak, or the named ones; what
measures footage takes its files and settings behind its name, as in `trajectory_error clip.mp4`."""

import argparse
import importlib
import os
import sys
from pathlib import Path

from tools import host_imports, package
from tools.paths import DEV

BENCHMARKS = (
    "step_time",
    "attention",
    "motion_strength",
    "seams",
    "long_clips",
    "control_hints",
    "conditions",
    "lora_load",
    "frame_lora",
    "frame_sharing",
    "image_motion",
    "follow_trajectory",
    "reference_motion",
    "training",
)
ON_REQUEST = ("soak",)  # takes far longer than all the others
OF_FOOTAGE = ("trajectory_error",)  # alone, and the rest of the line is theirs
KNOWN = BENCHMARKS + ON_REQUEST


def main() -> None:
    if sys.argv[1:2] and sys.argv[1] in OF_FOOTAGE:
        _enter_host()
        importlib.import_module(f"benchmarks.{sys.argv[1]}").main(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(KNOWN + OF_FOOTAGE))
    names = parser.parse_args().names or BENCHMARKS
    unknown = set(names) - set(KNOWN)
    if unknown:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(KNOWN)}")
    _enter_host()
    for name in names:
        print(f"== {name}", flush=True)
        importlib.import_module(f"benchmarks.{name}").main()


def _enter_host() -> None:
    host_imports.enter(Path(os.environ.get("ADN_HOST") or DEV / "host"))
    package.register()
    if host_imports.torch_is_cpu_only():
        importlib.import_module("comfy.cli_args").args.cpu = True


if __name__ == "__main__":
    main()
