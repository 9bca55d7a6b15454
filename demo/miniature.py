"""Trains the miniature world from seeds, stage by stage: `make miniature`.

    python -m demo.miniature [--folder FOLDER] [STAGE ...]

Without names, all stages whose file is not there yet, side by side where they do not need each
other. A stage that was stopped goes on where its last checkpoint is. About four hours on two idle
CPU cores.
"""

import argparse
import importlib
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tools.host_imports import enter
from tools.package import register
from tools.paths import DEV

from .graphs import CAMERA_MOVES, WEIGHTS
from .schedule import StageFailed, run_all, start_module

FOLDER = DEV / "miniature"
SHIPPED_STAGES = (
    *("vae", "unet", "domain_adapter", "motion"),
    *(f"lora_{move}" for move in CAMERA_MOVES),
)


class Stage(NamedTuple):
    make: Callable
    needs: tuple[str, ...]


def stages() -> dict[str, Stage]:
    """What makes each file, and which files it takes; the longest chain first."""
    from . import (
        recipe,
        recipe_edits,
        recipe_images,
        recipe_periodic,
        recipe_space_time,
        recipe_trajectories,
    )

    made = {
        "vae": Stage(recipe.make_vae, ()),
        "unet": Stage(recipe.make_unet, ("vae",)),
        "domain_adapter": Stage(recipe.make_domain_adapter, ("unet",)),
        "motion": Stage(recipe.make_motion, ("domain_adapter",)),
    }
    for stage in recipe.motion_lora_stages():
        made[stage.name] = Stage(stage.make, (stage.after or "motion",))
    for stage in recipe_trajectories.stages():
        made[stage.name] = Stage(stage.make, (stage.after or recipe_trajectories.FLOW,))
    return {
        **made,
        "unet_ink": Stage(recipe.make_ink, ("unet",)),
        "unet_inpaint": Stage(recipe_edits.make_unet_inpaint, ("unet",)),
        "lora_dusk": Stage(recipe.make_dusk, ("unet",)),
        "control": Stage(recipe.make_control, ("unet",)),
        "pia": Stage(recipe_images.make_pia, ("motion",)),
        "space_time": Stage(recipe_space_time.make_space_time, ("domain_adapter",)),
        "motion_short": Stage(recipe_space_time.make_motion_short, ("domain_adapter",)),
        "camera_begun": Stage(recipe_images.make_camera_begun, ("motion",)),
        "camera_longer": Stage(recipe_images.make_camera_longer, ("camera_begun",)),
        "camera_longest": Stage(recipe_images.make_camera_longest, ("camera_longer",)),
        "camera_surer": Stage(recipe_images.make_camera_surer, ("camera_longest",)),
        "camera": Stage(recipe_images.make_camera, ("camera_surer",)),
        "sparsectrl_rgb_begun": Stage(recipe_images.make_sparse_rgb_begun, ("motion",)),
        "sparsectrl_rgb": Stage(recipe_images.make_sparse_rgb, ("sparsectrl_rgb_begun",)),
        "sparsectrl_scribble": Stage(recipe_images.make_sparse_scribble, ("sparsectrl_rgb",)),
        recipe_trajectories.FLOW: Stage(recipe_trajectories.make_flow, ("motion",)),
        "trajectory": Stage(
            recipe_trajectories.make_best, (f"trajectory_{recipe_trajectories.BEST.value}",)
        ),
        **dict.fromkeys(recipe_periodic.NAMES, Stage(recipe_periodic.make, ("motion",))),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m demo.miniature", description=__doc__)
    parser.add_argument("stage", nargs="*", help="names of stages, made one by one; all by default")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    chosen = parser.parse_args()
    enter_host()
    from .recipe import Workshop

    every = stages()
    unknown = sorted(set(chosen.stage) - set(every))
    if unknown:
        sys.exit(f"error: no stage named {', '.join(unknown)}; there are {', '.join(every)}")
    shop = Workshop(chosen.folder.resolve())
    shop.folder.mkdir(parents=True, exist_ok=True)
    if chosen.stage:
        for name in chosen.stage:
            _make(shop, name, every[name])
    else:
        _make_all(shop, every)
        ship(shop)


def _make(shop, name: str, stage: Stage) -> None:
    if shop.file(name).is_file():
        print(f"{name}: is there already ({shop.file(name)})", flush=True)
        return
    started = time.monotonic()
    stage.make(shop, name)
    shop.forget(name)
    print(f"{name}: done in {time.monotonic() - started:.0f} s, {shop.file(name)}", flush=True)


def _make_all(shop, every: dict[str, Stage]) -> None:
    """Each in a process of its own, side by side where they do not need each other."""
    started = time.monotonic()
    done = {name for name in every if shop.file(name).is_file()}
    if done:
        print(f"There already, in {shop.folder}: {', '.join(sorted(done))}", flush=True)

    def start(name: str, threads: int):
        return start_module("demo.miniature", "--folder", str(shop.folder), name, threads=threads)

    needs = {name: stage.needs for name, stage in every.items()}
    try:
        run_all(needs, done, os.cpu_count() or 1, start)
    except StageFailed as failure:
        sys.exit(f"error: {failure}")
    print(f"All stages are done, in {(time.monotonic() - started) / 60:.0f} minutes.")


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
