"""The picture of a prompt schedule: where each prompt is, and how strong."""

import pytest
import torch
from animatediff_native.motion.clip_part import ClipPart
from animatediff_native.samplers.prompt_plot import (
    BAR,
    COLOURS,
    GAP,
    LABEL,
    SIDE,
    TOP,
    plot_prompts,
)
from animatediff_native.samplers.prompt_schedule import Interpolation, blends, schedule_of


def picture(text, frames, how=Interpolation.LINEAR, first=0):
    keys = schedule_of(text, ClipPart(frames, first, first + frames)).keys
    return plot_prompts(keys, blends(keys, frames, how, first), first, how.compounds)


def strength(image, row, frame, frames):
    """How near a bar's colour is to its prompt's own."""
    x = SIDE + int((frame + 0.5) * (image.shape[2] - 2 * SIDE) / frames)
    pixel = image[0, TOP + row * (LABEL + BAR + GAP) + LABEL + 5, x]
    own, none = torch.tensor(COLOURS[row]) / 255, torch.tensor((228, 230, 235)) / 255
    return float(((pixel - none) @ (own - none)) / ((own - none) @ (own - none)))


def test_bars_are_as_strong_as_the_shares():
    image = picture("0: a\n8: b", 16)
    found = [[strength(image, row, frame, 16) for frame in (0, 4, 8, 15)] for row in (0, 1)]
    assert found == [pytest.approx([1, 0.5, 0, 0], abs=0.02), pytest.approx([0, 0.5, 1, 1], abs=0.02)]


def test_what_compounds_fades_sooner():
    image = picture("0: a\n8: b", 16, Interpolation.COMPOUND)
    left = (1 - 1 / 8) * (1 - 2 / 8) * (1 - 3 / 8) * (1 - 4 / 8)
    assert strength(image, 0, 4, 16) == pytest.approx(left, abs=0.02)


@pytest.mark.parametrize(
    ("text", "frames", "first"),
    [("0: a", 1, 0), ("0: 猫が好き\n5: 🏰", 8, 0), ("0: " + "long " * 100, 7020, 0), ("0: a\n300: b", 16, 200)],
)
def test_any_schedule_has_a_picture(text, frames, first):
    image = picture(text, frames, first=first)
    assert image.ndim == 4 and image.min() >= 0 and image.max() <= 1


def test_a_hundred_prompts_stay_a_picture():
    text = "\n".join(f"{i}: prompt {i}" for i in range(100))
    assert picture(text, 100).shape[1] < 1400
