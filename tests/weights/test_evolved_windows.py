"""Sampled in AnimateDiff-Evolved's windows, a clip has the frames that its own loop gives.

The loop is written from its rules: per window the model's prediction, added to the frames by weight
with plain indexing, so that of a frame which a window holds twice the last one counts, and divided
by the weights in the end. It takes the same steps as the host's sampler calls it.
"""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import pytest
import torch
from adn_testing import tiny
from adn_testing.incumbent_windows import incumbent_windows
from adn_testing.probes import windowed
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.samplers.fuse import Fuse
from animatediff_native.samplers.windows import Schedule, WindowPlan
from comfy.context_windows import ContextWindowABC

pytestmark = pytest.mark.usefixtures("inference")
LENGTH, OVERLAP = 4, 2


class TheirWindow(ContextWindowABC):
    """What the host and others see of a window, whatever its version keeps beside it."""

    dim = 0

    def __init__(self, chosen):
        self.index_list, self.context_length = chosen, len(chosen)

    def get_tensor(self, full, *_, **__):
        return full[self.index_list]

    def add_window(self, full, to_add):
        raise NotImplementedError


class TheirLoop:
    """A context handler as the host takes one."""

    context_length, dim = LENGTH, 0

    def __init__(self, weights, **options):
        self.weights, self.options = weights, options

    def should_use_context(self, *_):
        return True

    def execute(self, calc_cond_batch, model, conds, x, sigma, model_options):
        sigmas = model_options["transformer_options"]["sample_sigmas"]
        step = int((sigmas - sigma[0]).abs().argmin())
        frames = x.shape[0]
        sums, counts = [torch.zeros_like(x) for _ in conds], torch.zeros(frames, 1, 1, 1)
        for window in incumbent_windows(frames, LENGTH, OVERLAP, step=step, **self.options):
            chosen = list(window)
            options = {
                **model_options["transformer_options"],
                "context_window": TheirWindow(chosen),
            }
            told = {**model_options, "context_handler": None, "transformer_options": options}
            predicted = calc_cond_batch(model, conds, x[chosen], sigma[chosen], told)
            weight = torch.tensor(self.weights(window, frames)).reshape(-1, 1, 1, 1)
            for total, part in zip(sums, predicted, strict=True):
                total[chosen] += part * weight
            counts[chosen] += weight
        return [total / counts for total in sums]


def pyramid(window, frames):
    return [1.0, 2.0, 2.0, 1.0]


def flat(window, frames):
    return [1.0] * 4


def overlap_linear(window, frames):
    """torch.linspace(1e-37, 1, 2) up where frame 0 is not in it, down where the last is not."""
    up = [1e-37, 1.0] if min(window) > 0 else [1.0, 1.0]
    return [*up, *([1.0, 1e-37] if max(window) < frames - 1 else [1.0, 1.0])]


KINDS = {
    Schedule.LOOPED: {"closed": True, "shift_to_end": False},
    Schedule.LOOPED_OPEN: {"closed": False, "shift_to_end": False},
    Schedule.UNIFORM_EVOLVED: {"closed": False, "shift_to_end": True},
}


@pytest.fixture(scope="module")
def animated():
    return apply_motion_module(tiny.model(), tiny.motion_module("v2"))


@pytest.mark.parametrize(
    ("schedule", "fuse", "weights", "stride", "frames"),
    [
        (Schedule.LOOPED_OPEN, Fuse.FLAT, flat, 1, 10),  # nearly all that was published
        (Schedule.LOOPED_OPEN, Fuse.PYRAMID, pyramid, 1, 9),
        (Schedule.LOOPED_OPEN, Fuse.OVERLAP_LINEAR, overlap_linear, 1, 11),
        (Schedule.LOOPED_OPEN, Fuse.PYRAMID, pyramid, 2, 8),
        (Schedule.LOOPED_OPEN, Fuse.PYRAMID, pyramid, 2, 6),  # around the clip more than once
        (Schedule.LOOPED, Fuse.PYRAMID, pyramid, 2, 8),
        (Schedule.UNIFORM_EVOLVED, Fuse.PYRAMID, pyramid, 1, 11),
        (Schedule.UNIFORM_EVOLVED, Fuse.OVERLAP_LINEAR, overlap_linear, 1, 10),
        (Schedule.UNIFORM_EVOLVED, Fuse.FLAT, flat, 2, 12),
    ],
)
def test_the_frames_are_those_of_their_loop(animated, schedule, fuse, weights, stride, frames):
    theirs = animated.clone()
    theirs.model_options["context_handler"] = TheirLoop(weights, stride=stride, **KINDS[schedule])
    expected = tiny.sample(theirs, frames=frames, steps=3)
    ours = windowed(animated, WindowPlan(LENGTH, OVERLAP, stride, schedule), fuse)
    found = tiny.sample(ours, frames=frames, steps=3)
    # fp32 rounding through 3 steps, as sums are divided before or after they are added up
    assert (found - expected).abs().max() < 1e-4 * expected.std()
