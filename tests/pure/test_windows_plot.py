"""The picture of windows: what is dark where, and that there is one of any clip."""

import pytest
import torch
from animatediff_native.motion.plot import FAINT, GRID, STRONG, WIDTH
from animatediff_native.samplers import windows_plot
from animatediff_native.samplers.clip_in_parts import ClipParts
from animatediff_native.samplers.fuse import Fuse
from animatediff_native.samplers.windows import Schedule, WindowPlan
from animatediff_native.samplers.windows_plot import (
    LABEL,
    SEEN,
    SIDE,
    TOP,
    plot_parts,
    plot_windows,
)

PLAN = WindowPlan(16, 4)


@pytest.fixture
def written(monkeypatch):
    """Title and line below it of the last picture."""
    found = []
    draw = windows_plot.plot_rows
    monkeypatch.setattr(
        windows_plot, "plot_rows", lambda *told: (found.append(told), draw(*told))[1]
    )
    return lambda: found[-1][:2]


def darkness(image, y, frame, frames, colour=STRONG) -> float:
    """0 where the paper of a row is, 1 in its colour."""
    x = SIDE + int((frame + 0.5) * (WIDTH - 2 * SIDE) / frames)
    none, full = torch.tensor(GRID) / 255, torch.tensor(colour) / 255
    pixel = image[0, y, x]
    return float(((pixel - none) @ (full - none)) / ((full - none) @ (full - none)))


def row(number: int, high: int = 40, headings: int = 1) -> int:
    """The middle of a row's pixels."""
    return TOP + headings * LABEL + number * high + high // 2 - 4


def test_rows_are_as_dark_as_the_shares():
    """Frames 0 to 31 in windows from 0, 12 and 16, weighed 1 2 ... 8 8 ... 2 1."""
    image = plot_windows(PLAN, Fuse.PYRAMID, 32, True, "window")
    alone, shared = SEEN + (1 - SEEN), SEEN + (1 - SEEN) * 4 / 5  # of frame 12: 4 of 4 + 1
    first = [darkness(image, row(0), frame, 32) for frame in (0, 12, 20)]
    assert first == [pytest.approx(alone, abs=0.02), pytest.approx(shared, abs=0.02), 0]
    assert darkness(image, row(2), 31, 32) == pytest.approx(alone, abs=0.02)
    assert darkness(image, row(2), 0, 32) == 0


def test_what_it_says(written):
    plot_windows(PLAN, Fuse.PYRAMID, 32, True, "window")
    assert written() == (
        "32 frames in 3 windows",
        "48 frames are computed per step: 1.5 x the clip",
    )
    plot_windows(PLAN, Fuse.PYRAMID, 32, False, "window")
    assert written()[0] == "an example of 32 frames in 3 windows"
    plot_windows(PLAN, Fuse.PYRAMID, 16, True, "window")
    assert written()[0] == "16 frames: one window holds all of them"
    plot_windows(PLAN, Fuse.PYRAMID, 32, False, "view")
    assert written()[1] == "the motion module sees 48 frames per step: 1.5 x the clip"


def test_windows_that_move_are_shown_step_by_step():
    still = plot_windows(PLAN, Fuse.FLAT, 64, True, "window")
    moving = plot_windows(WindowPlan(16, 4, 1, Schedule.UNIFORM), Fuse.FLAT, 64, True, "window")
    assert moving.shape[1] > still.shape[1] + 3 * LABEL


@pytest.mark.parametrize("schedule", Schedule)
@pytest.mark.parametrize("frames", [1, 2, 16, 17, 100, 5000])
@pytest.mark.parametrize("stride", [1, 4])
def test_any_clip_has_a_picture(schedule, frames, stride):
    plan = WindowPlan(16, 15 if frames < 1000 else 4, stride, schedule)
    image = plot_windows(plan, Fuse.RELATIVE, frames, True, "window")
    assert image.ndim == 4 and image.shape[2:] == (WIDTH, 3) and image.shape[1] < 1000
    assert image.min() >= 0 and image.max() <= 1


def test_a_part_among_the_others():
    image = plot_parts(ClipParts(500, 128, 8), 2)
    assert darkness(image, row(2), 300, 500) == pytest.approx(1, abs=0.02)
    assert darkness(image, row(1), 150, 500, FAINT) == pytest.approx(1, abs=0.02)
    assert darkness(image, row(1), 300, 500) == 0


@pytest.mark.parametrize(
    ("parts", "part"), [(ClipParts(100_000, 20, 4), 3000), (ClipParts(8, 8, 0), 0)]
)
def test_any_part_has_a_picture(parts, part):
    assert plot_parts(parts, part).shape[1] < 1000
