"""What a space-time U-Net costs and gives beside AnimateDiff's layout, trained alike; and what deep
levels that share frames untrained cost in exactness. Rows as in measure.py."""

from dataclasses import replace

import torch
from animatediff_native.training.session import training_session
from animatediff_native.training.settings import Precision
from torch.utils.flop_counter import FlopCounterMode

from . import clips
from .studio import Setup, Studio, Wish, wishes
from .track import Track

Row = tuple[str, str, str, bool]
LAYOUT, SPACE_TIME = "AnimateDiff's layout", "space-time"
SETUPS = {LAYOUT: Setup(module="motion_short"), SPACE_TIME: Setup(module="space_time")}
WITHIN = 1.1  # times AnimateDiff's layout
FEWER = 0.25  # of the arithmetic, at least
MEASURED = "mean error of pixels; arithmetic saved; jitter; net displacement; shape, of frames"
UNSEEN, TIMESTEPS = 32, (50, 200, 350, 500, 650, 800, 950)


def space_time(studio: Studio, seeds: int) -> list[Row]:
    asked = wishes(seeds, 12000)
    losses = {name: _loss(studio, setup) for name, setup in SETUPS.items()}
    films = {name: studio.film(setup, asked) for name, setup in SETUPS.items()}
    jitters = {name: Track(found).jitter.median().item() for name, found in films.items()}
    work = {name: _work(studio, setup) for name, setup in SETUPS.items()}
    saved = 1 - work[SPACE_TIME] / work[LAYOUT]
    return [
        _beside("loss on clips that were not trained on", losses, ".4f"),
        _beside("jitter (second differences of places), median", jitters, ".2f", " px"),
        ("UNet call with it: arithmetic saved of that with AnimateDiff's layout",
         f"{100 * saved:.0f} %", ">= 25 %", saved >= FEWER),
        *(row for name, found in films.items() for row in _kept(studio, name, found, asked)),
    ]  # fmt: skip


def frames_shared(studio: Studio, seeds: int) -> list[Row]:
    """With the motion module as it is, untrained for it."""
    asked = wishes(seeds, 12000)
    plain = studio.film(Setup(), asked)
    whole = _work(studio, Setup())
    rows: list[Row] = []
    for levels in range(4):
        setup = Setup(shared=levels)
        found = studio.film(setup, asked) if levels else plain
        error = (found - plain).abs().mean().item()
        saved = 1 - _work(studio, setup) / whole
        shape, _ = studio.obeyed(found, asked)
        track = Track(found)
        told = (
            f"{error:.3f}; {100 * saved:.0f} %; {track.jitter.median():.2f} px; "
            f"{track.way:.1f} px; {100 * shape:.0f} %"
        )
        rows.append((f"{levels} levels: {MEASURED}", told, "", True))
    same = torch.equal(studio.film(Setup(shared=0), asked[:2]), plain[:2])
    return [*rows, ("0 levels: the clip without", "same" if same else "another", "same", same)]


def _beside(name: str, values: dict[str, float], form: str, unit: str = "") -> Row:
    told = ", ".join(f"{who} {value:{form}}{unit}" for who, value in values.items())
    ratio = values[SPACE_TIME] / values[LAYOUT]
    return (f"{name}: {told}; times AnimateDiff's", f"{ratio:.2f}", f"<= {WITHIN:g}",
            ratio <= WITHIN)  # fmt: skip


def _kept(studio: Studio, name: str, found: torch.Tensor, asked: list[Wish]) -> list[Row]:
    shape, colour = studio.obeyed(found, asked)
    way, target = Track(found).way, ">= 90 %" if name == SPACE_TIME else ""
    told = f"{100 * shape:.0f} %, {100 * colour:.0f} %"
    return [
        (f"{name}: shape and colour, of frames", told, target, not target or shape >= 0.9),
        (f"{name}: net displacement, median", f"{way:.1f} px", ">= 6" if target else "",
         not target or way >= 6),
    ]  # fmt: skip


def _loss(studio: Studio, setup: Setup) -> float:
    """The loss of the training, over clips, noise and timesteps that are the same for all."""
    data = clips.videos(studio.vae, UNSEEN, seed=98)
    model = studio.model(replace(setup, adapter=1.0))
    generator = torch.Generator().manual_seed(99)
    total = 0.0
    with training_session(model, Precision.FP32, False) as predict, torch.no_grad():
        for number in range(UNSEEN):
            batch = data.batch(torch.tensor([number]), data.contexts[data.prompt_of[[number]]])
            noise = torch.randn(batch.latents.shape, generator=generator)
            t = torch.tensor([TIMESTEPS[number % len(TIMESTEPS)]])
            total += (predict(batch, noise, t) - noise).square().mean().item()
    return total / UNSEEN


def _work(studio: Studio, setup: Setup) -> float:
    """Multiplications and additions of a UNet call of one clip."""
    model = studio.model(replace(setup, adapter=0.0))
    data = clips.videos(studio.vae, 1, seed=98)
    batch = data.batch(torch.tensor([0]), data.contexts[data.prompt_of[[0]]])
    noise = torch.randn(batch.latents.shape)
    counter = FlopCounterMode(display=False)
    with training_session(model, Precision.FP32, False) as predict, torch.no_grad(), counter:
        predict(batch, noise, torch.tensor([500]))
    return counter.get_total_flops()
