"""A whole clip against a cascade of keyframes and what is between them, on shapes that swing
(Bar-Tal et al., "Lumiere: A Space-Time Diffusion Model for Video Generation", 2024, section 1)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.samplers.beta_schedule import BetaSchedule, set_beta_schedule
from comfy.model_patcher import ModelPatcher
from safetensors.torch import load_file

from . import judge, world
from .aliasing_metric import Swings, best_cascade, swings
from .periodic import PERIODS, STRIDE, WHOLE, swung
from .periodic_module import LAYOUTS, Given, first_layer, module_of
from .recipe_periodic import PREFIX
from .stills import encode
from .studio import Setup, Studio, Wish, wishes

Row = tuple[str, str, str, bool]  # as in demo/measure.py
FIRST_SEED = 9500
KNOWN = 200  # clips of a cascade without fault, for each period


@dataclass(frozen=True)
class Swinging(Setup):
    """layout: of LAYOUTS; period: asked for; given: [F, C, h, w], latents, where the layout has
    given frames."""

    layout: str = "whole"
    period: int = PERIODS[0]
    given: torch.Tensor | None = None


class SwingStudio(Studio):
    """Samples clips with motion modules that are told a period."""

    @cached_property
    def unet(self) -> ModelPatcher:
        return self.shop.unet()

    @cached_property
    def files(self) -> dict[str, dict[str, torch.Tensor]]:
        return {layout: load_file(self.shop.file(PREFIX + layout)) for layout in LAYOUTS}

    def tensors(self, layout: str) -> dict[str, torch.Tensor]:
        return self.files[layout]

    def model(self, setup: Setup) -> ModelPatcher:
        assert isinstance(setup, Swinging)
        layout = LAYOUTS[setup.layout]
        module = module_of(self.module, self.tensors(setup.layout), layout, setup.period)
        if setup.given is not None:
            module = module.with_effect(Given(first_layer(self.unet), layout, setup.given[None]))
        model = apply_motion_module(self.unet, module)
        set_beta_schedule(model, BetaSchedule.LINEAR)
        return model

    def whole(self, asked: list[Wish], period: int) -> torch.Tensor:
        """[clips, WHOLE, 3, H, W]"""
        return self.film(Swinging(period=period), asked, WHOLE)

    def keyframes(self, asked: list[Wish], period: int) -> torch.Tensor:
        """[clips, K, 3, H, W]: those of a clip, and the one behind its end."""
        setup = Swinging(layout="keyframes", period=period)
        return self.film(setup, asked, len(LAYOUTS["keyframes"].times))

    def between(self, asked: list[Wish], period: int, keyframes: torch.Tensor) -> torch.Tensor:
        """[clips, WHOLE, 3, H, W], made around keyframes [clips, K, 3, H, W]."""
        return torch.stack(
            [
                torch.cat(list(self._parts(wish, period, pictures)))
                for wish, pictures in zip(asked, keyframes, strict=True)
            ]
        )

    def _parts(self, wish: Wish, period: int, keyframes: torch.Tensor) -> Iterator[torch.Tensor]:
        """[STRIDE, 3, H, W] from each keyframe to the next, in noise of its own."""
        latents = encode(self.vae, keyframes)
        for number in range(len(keyframes) - 1):
            given = torch.zeros(STRIDE + 1, *latents.shape[1:])
            given[[0, STRIDE]] = latents[number : number + 2].float()
            setup = Swinging(layout="between", period=period, given=given)
            own = wish._replace(seed=wish.seed + 1000 * (number + 1))
            (made,) = self.film(setup, [own], STRIDE + 1)
            yield torch.cat([keyframes[number : number + 1], made[1:-1]])


def drawn_keyframes(asked: list[Wish], period: int) -> torch.Tensor:
    """[clips, K, 3, H, W]: without fault, of clips that nobody has seen."""
    generator = torch.Generator().manual_seed(FIRST_SEED + period)
    scenes = world.random_scenes(len(asked), generator)
    shape, colour, background = torch.tensor([wish[:3] for wish in asked]).T
    scenes = replace(scenes, shape=shape, colour=colour, background=background)
    times = torch.tensor(LAYOUTS["keyframes"].times)
    x = swung(scenes.radius, torch.full((len(asked),), period), times, generator)
    return torch.stack([world.draw(replace(scenes, x=place)) for place in x.T], dim=1)


def places(clips: torch.Tensor) -> torch.Tensor:
    """[N, F], pixels along x."""
    return judge.find(clips.flatten(0, 1)).place[:, 0].unflatten(0, clips.shape[:2])


def aliasing(plain: Studio, seeds: int) -> list[Row]:
    """seeds: clips of each period."""
    studio = SwingStudio(plain.shop)
    generator = torch.Generator().manual_seed(FIRST_SEED)
    found: dict[str, dict[int, Swings]] = {}
    for number, period in enumerate(PERIODS):
        asked = wishes(seeds, FIRST_SEED + 100 * number)
        made = studio.keyframes(asked, period)
        clips = {
            "whole clip": places(studio.whole(asked, period)),
            "cascade": places(studio.between(asked, period, made)),
            "cascade from drawn keyframes": places(
                studio.between(asked, period, drawn_keyframes(asked, period))
            ),
            "cascade without fault, computed": best_cascade(period, KNOWN, True, generator),
            "the same, between keyframes not told": best_cascade(period, KNOWN, False, generator),
        }
        for name, x in clips.items():
            found.setdefault(name, {})[period] = swings(x, period)
    return [row for name, by_period in found.items() for row in _rows(name, by_period)]


def _rows(name: str, found: dict[int, Swings]) -> Iterator[Row]:
    right = [each.right.float().mean().item() for each in found.values()]
    share = sum(right) / len(right)
    target = 0.9 if name == "whole clip" else None
    listed = ", ".join(f"{100 * each:.0f}" for each in right)
    periods = ", ".join(str(period) for period in found)
    yield (
        f"{name}: strongest bin within 1 of the one asked for, of clips; by period ({periods})",
        f"{100 * share:.1f} %; {listed} %",
        ">= 90 %" if target else "",
        not target or share >= target,
    )
    power = torch.cat([each.power for each in found.values()])
    of_one = torch.cat([each.of_one for each in found.values()]).float().mean()
    yield (
        f"{name}: share of the movement that is one swing of that period, mean; 0.8 or more",
        f"{power.mean():.2f}; {100 * of_one:.0f} % of clips",
        "",
        True,
    )
