"""A motion module that is told a period, and given frames, is the same where that says nothing."""

import pytest
import torch
from animatediff_native.motion.network import as_in_files

from demo.aliasing import Swinging, SwingStudio
from demo.graphs import WEIGHTS, is_there
from demo.periodic_module import LAYOUTS, TOLD, new_layers
from demo.recipe import Workshop
from demo.studio import Setup, Studio, wishes

FRAMES = len(LAYOUTS["between"].times)
pytestmark = pytest.mark.skipif(not is_there(), reason="no trained weights: make miniature")


class Untrained(SwingStudio):
    """With layers of zeros, or with others."""

    told = 0.0

    def tensors(self, layout: str) -> dict[str, torch.Tensor]:
        weights = as_in_files(self.module.patcher.model.state_dict())
        layers = new_layers(self.module)
        generator = torch.Generator().manual_seed(1)
        noise = {key: torch.randn(each.shape, generator=generator) for key, each in layers.items()}
        return {**weights, **{key: self.told * each for key, each in noise.items()}}


@pytest.fixture(scope="module")
def studio() -> Untrained:
    return Untrained(Workshop(WEIGHTS))


def test_layers_of_zeros_tell_nothing(studio):
    assert all(key.startswith(f"{TOLD}.") for key in new_layers(studio.module))
    plain = Studio(studio.shop).film(Setup(), wishes(1), FRAMES)
    assert torch.equal(studio.film(Swinging(layout="between"), wishes(1), FRAMES), plain)


def test_another_period_makes_another_clip(studio, monkeypatch):
    monkeypatch.setattr(studio, "told", 0.01)
    one, other = (
        studio.film(Swinging(layout="between", period=period), wishes(1), FRAMES)
        for period in (4, 12)
    )
    assert not torch.equal(one, other)


def test_only_the_latents_of_given_frames_count(studio):
    shown = torch.randn(FRAMES, 4, 8, 8, generator=torch.Generator().manual_seed(2))
    others, ends = shown.clone(), shown.clone()
    others[1:-1] = 0
    ends[0] = 0
    first, second, third = (
        studio.film(Swinging(layout="between", given=given), wishes(1), FRAMES)[:, 1:-1]
        for given in (shown, others, ends)
    )
    assert torch.equal(first, second)
    assert not torch.equal(first, third)
