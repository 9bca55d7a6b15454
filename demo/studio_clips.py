"""Clips of one wish that the templates have not: without a motion module, with each camera
movement, and after each round of FreeInit. Kept where the templates' frames are."""

from pathlib import Path

import numpy as np

from .template_runs import Shown, keep, kept, kept_file, models_for

STILL, PLAIN = "studio_still", "studio_plain"
ROUNDS = ("studio_round_1", "studio_round_2", "studio_round_3")
MOVES = ("zoom_in", "zoom_out", "pan_left", "pan_up")
WISH = (1, 5, 0, 3)  # a magenta square on dark, and its seed
STEPS = 20


def names() -> list[str]:
    return [STILL, PLAIN, *ROUNDS, *(f"studio_{move}" for move in MOVES)]


def clips() -> dict[str, list[np.ndarray]]:
    """By name; sampled first where they are not kept."""
    missing = [name for name in names() if not kept_file(name).is_file()]
    if missing:
        _sample(missing, models_for([]))
    return {name: kept(name).out[0] for name in names()}


def _sample(missing: list[str], folder: Path) -> None:
    from .miniature import enter_host

    enter_host()
    from animatediff_native.samplers.free_init import FreeInit

    from . import studio
    from .recipe import Workshop

    studio.STEPS = STEPS
    room = studio.Studio(Workshop(folder))
    for name in missing:
        move = name.removeprefix("studio_")
        loras = ((f"lora_{move}", 1.0),) if move in MOVES else ()
        rounds = FreeInit(ROUNDS.index(name) + 1) if name in ROUNDS else None
        setup = studio.Setup(motion=name != STILL, motion_loras=loras, free_init=rounds)
        (clip,) = room.film(setup, [studio.Wish(*WISH)])
        frames = (clip.permute(0, 2, 3, 1) * 255).byte().numpy()
        keep(name, Shown([list(frames)], {}))
        print(f"{name}: sampled", flush=True)


if __name__ == "__main__":
    clips()
