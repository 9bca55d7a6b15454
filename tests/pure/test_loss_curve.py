"""The loss curve: what it averages, where its numbers lie, and that it can be drawn of anything."""

import itertools
import math

import numpy as np
import pytest
import torch
from animatediff_native.motion.plot import FAINT, HEIGHT, STRONG, WIDTH, ticks
from animatediff_native.training.curve import Ends, ends, loss_curve, running_mean


def noisy(count, seed=0):
    """Falls from about 0.3 to 0.1, with single values all over the place."""
    generator = torch.Generator().manual_seed(seed)
    falling = torch.linspace(0.3, 0.1, count)
    return (falling * 2 * torch.rand(count, generator=generator)).tolist()


def colour(image, wanted):
    """Pixels that are nearly of this colour; [HEIGHT, WIDTH]."""
    return ((image[0] * 255 - torch.tensor(wanted)).abs().amax(-1) < 40).numpy()


@pytest.mark.parametrize("count", [1, 2, 3, 6, 7, 20, 500, 5000])
def test_an_image_of_any_number_of_losses(count):
    image = loss_curve(noisy(count))
    assert image.shape == (1, HEIGHT, WIDTH, 3) and image.dtype == torch.float32
    assert image.min() >= 0 and image.max() <= 1
    assert colour(image, STRONG).any()


@pytest.mark.parametrize("loss", [0.0, 1e-12, 0.25, 1e6])
def test_losses_that_are_all_the_same(loss):
    assert colour(loss_curve([loss] * 30), STRONG).any()


def test_one_loss_beyond_all_others_does_not_flatten_the_rest():
    losses = noisy(500)
    with_outlier = [*losses[:250], 1e3, *losses[251:]]
    rows = np.flatnonzero(colour(loss_curve(losses), FAINT).any(1))
    squeezed = np.flatnonzero(colour(loss_curve(with_outlier), FAINT).any(1))
    assert len(rows) > HEIGHT / 2
    assert colour(loss_curve(with_outlier), STRONG).any() and len(squeezed) > HEIGHT / 4


def test_a_falling_loss_falls_in_the_picture():
    strong = colour(loss_curve([1 - i / 500 for i in range(500)]), STRONG)
    columns = np.flatnonzero(strong.any(0))
    heights = [np.flatnonzero(strong[:, column]).mean() for column in columns]
    assert all(a <= b + 1 for a, b in itertools.pairwise(heights))
    assert heights[-1] - heights[0] > HEIGHT / 2


def test_the_running_mean_by_hand():
    losses = [float(i % 3) for i in range(40)]
    mean = running_mean(losses)  # two steps to either side of each
    assert len(mean) == 40
    assert mean[0] == pytest.approx(np.mean(losses[:3]))
    assert mean[20] == pytest.approx(np.mean(losses[18:23]))
    assert mean[39] == pytest.approx(np.mean(losses[37:]))


@pytest.mark.parametrize(
    ("losses", "expected", "words"),
    [
        ([0.5], Ends(0.5, 0.5, 1), "0.5 at first, 0.5 at last"),
        ([3.0, 2.0, 1.0], Ends(3.0, 1.0, 1), "3 at first, 1 at last"),
        ([1.0] * 10 + [2.0] * 10, Ends(1.0, 2.0, 2), "1 at first, 2 at last (means of 2 steps)"),
    ],
)
def test_first_and_last(losses, expected, words):
    assert ends(losses) == expected
    assert str(ends(losses)) == words


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.0, 0.59, [0, 0.1, 0.2, 0.3, 0.4, 0.5]),
        (1, 500, [100, 200, 300, 400, 500]),
        (0.101, 0.119, [0.105, 0.11, 0.115]),
    ],
)
def test_ticks_are_round(low, high, expected):
    assert ticks(low, high) == pytest.approx(expected)


@pytest.mark.parametrize("high", [1e-9, 0.37, 1.0, 7.7, 123456.0])
def test_a_handful_of_ticks_inside(high):
    found = ticks(0.0, high)
    assert 3 <= len(found) <= 7
    assert all(0 <= tick <= high or math.isclose(tick, high) for tick in found)
