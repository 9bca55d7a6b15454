"""Trains the miniature world from seeds, stage by stage: `make miniature`.

    python -m demo.miniature [--folder FOLDER] [STAGE ...]

Without names, all stages whose file is not there yet. A stage that was stopped goes on where its
last checkpoint is. At most two hours on two CPU cores.
"""

import argparse
import importlib
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tools.host_imports import enter
from tools.miniature import WEIGHTS
from tools.package import register
from tools.paths import DEV

FOLDER = DEV / "miniature"
SHIPPED_STAGES = ("vae", "unet", "domain_adapter", "motion")


def stages() -> dict[str, Callable]:
    """What makes each file, in the order in which they need each other."""
    from . import recipe

    made = {
        "vae": recipe.make_vae,
        "unet": recipe.make_unet,
        "domain_adapter": recipe.make_domain_adapter,
        "motion": recipe.make_motion,
    }
    for variant in recipe.motion_lora_variants():
        made[variant.name] = variant.make
    return {
        **made,
        "unet_ink": recipe.make_ink,
        "lora_dusk": recipe.make_dusk,
        "control": recipe.make_control,
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m demo.miniature", description=__doc__)
    parser.add_argument("stage", nargs="*", help="names of stages; all by default")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    chosen = parser.parse_args()
    enter_host()
    from .recipe import Workshop

    every = stages()
    unknown = sorted(set(chosen.stage) - set(every))
    if unknown:
        sys.exit(f"error: no stage named {', '.join(unknown)}; there are {', '.join(every)}")
    shop = Workshop(chosen.folder)
    shop.folder.mkdir(parents=True, exist_ok=True)
    for name in chosen.stage or every:
        if shop.file(name).is_file():
            print(f"{name}: is there already ({shop.file(name)})", flush=True)
            continue
        started = time.monotonic()
        every[name](shop, name)
        shop.forget(name)
        print(f"{name}: done in {time.monotonic() - started:.0f} s, {shop.file(name)}", flush=True)
    ship(shop)


def ship(shop) -> None:
    """Put the files of a whole world where the demo finds them; part of one stays here."""
    files = [shop.file(name) for name in SHIPPED_STAGES]
    if all(file.is_file() for file in files):
        WEIGHTS.mkdir(exist_ok=True)
        for file in files:
            shutil.copyfile(file, WEIGHTS / file.name)
        print(f"The demo uses them now: {WEIGHTS}")


def enter_host() -> None:
    """Make the host of ADN_HOST and the extension importable."""
    tree = Path(os.environ["ADN_HOST"])
    enter(tree)
    register()
    import torch

    if not torch.cuda.is_available():
        importlib.import_module("comfy.cli_args").args.cpu = True


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("Stopped; the same command goes on from the last checkpoint.")
