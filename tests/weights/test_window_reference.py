"""The first window as a reference for the colours of the others."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import pytest
import torch
from adn_testing import tiny
from adn_testing.probes import trivial, windowed
from adn_testing.traces import model_trace
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.motion.step_range import StepRange
from animatediff_native.samplers import context_handler
from animatediff_native.samplers.context_handler import ContextWindows
from animatediff_native.samplers.fuse import Fuse, shares
from animatediff_native.samplers.reference import Reference
from animatediff_native.samplers.windows import Schedule, WindowPlan

pytestmark = pytest.mark.usefixtures("inference")

PLAN = WindowPlan(4, 1)
FRAMES, STEPS = 10, 4


@pytest.fixture(scope="module")
def animated():
    return apply_motion_module(tiny.model_that_ran(), tiny.motion_module("v2"))


def relative_error(a, b):
    return ((a - b).abs().max() / b.std()).item()


class Predictions:
    """Stands for the model: every conditioning's prediction depends on the frame and the window."""

    def __init__(self, conds=2):
        generator = torch.Generator().manual_seed(8)
        self.of_frame = torch.randn(conds, FRAMES, 4, 3, 5, generator=generator)

    def of_window(self, cond, window):
        frames = self.of_frame[cond, list(window)]
        scale = 1 + 0.1 * window[0] + torch.arange(4)[:, None, None]
        return frames * scale + 0.3 * window[-1] + cond

    def __call__(self, model, conds, x, timestep, model_options):
        window = model_options["transformer_options"]["context_window"]
        parts = torch.tensor(window.index_list).split(window.clip_length)
        return [
            torch.cat([self.of_window(cond, part.tolist()) for part in parts])
            for cond in range(len(conds))
        ]


def by_hand(predictions, cond, plan, step, weight):
    """Window by window, channel by channel, in double."""
    windows = plan.windows(FRAMES, step)
    fused = torch.zeros(FRAMES, 4, 3, 5, dtype=torch.float64)
    for window, share in zip(windows, shares(Fuse.PYRAMID, windows, FRAMES, plan), strict=True):
        first = predictions.of_window(cond, windows[0]).double()
        own = predictions.of_window(cond, window).double()
        for place, frame in enumerate(window):
            for channel in range(4):
                mean, wanted = own[:, channel].mean(), first[:, channel].mean()
                ratio = first[:, channel].std() / own[:, channel].std()
                value = own[place, channel]
                value = value + weight * ((value - mean) * ratio + wanted - value)
                fused[frame, channel] += share[place] * value
    return fused.float()


@pytest.mark.parametrize("per_call", [1, 2])
@pytest.mark.parametrize("weight", [0.3, 1.0])
@pytest.mark.parametrize("schedule", [Schedule.STATIC, Schedule.LOOPED])
def test_as_a_slow_loop(animated, schedule, weight, per_call):
    plan = WindowPlan(4, 1, 1, schedule)
    handler = ContextWindows(plan, reference=Reference(weight))
    run = context_handler.WindowRun(per_call)
    sigmas = torch.tensor([10.0, 5.0, 1.0, 0.0])
    told = {"transformer_options": {context_handler.RUN_KEY: run, "sample_sigmas": sigmas}}
    predictions, x = Predictions(), torch.zeros(FRAMES, 4, 3, 5)
    fused = handler.execute(
        predictions, animated.model, [[], []], x, torch.full((FRAMES,), 5.0), told
    )
    for cond in (0, 1):
        expected = by_hand(predictions, cond, plan, 1, weight)
        assert relative_error(fused[cond], expected) <= 1e-5
        assert relative_error(by_hand(predictions, cond, plan, 1, 0.0), expected) > 1e-2


def sampled(model, **reference):
    return tiny.sample(
        windowed(model, PLAN, reference=Reference(**reference)), frames=FRAMES, steps=STEPS
    )


def test_a_weight_of_0_has_the_bits_of_none(animated):
    before = model_trace(animated)
    none = tiny.sample(windowed(animated, PLAN), frames=FRAMES, steps=STEPS)
    assert torch.equal(sampled(animated, weight=0.0), none)
    assert relative_error(sampled(animated, weight=1.0), none) > 1e-2
    assert model_trace(animated) == before


def test_clips_of_one_window_have_the_bits_of_none(animated):
    ours = windowed(animated, WindowPlan(16, 4), reference=Reference(1.0))
    assert torch.equal(tiny.sample(ours), tiny.sample(animated))


def test_only_in_its_part_of_the_sampling():
    model = trivial()
    whole = sampled(model, weight=1.0)
    first = sampled(model, weight=1.0, steps=StepRange(0.0, 0.5))
    second = sampled(model, weight=1.0, steps=StepRange(0.5, 1.0))
    none = sampled(model)
    for one, other in ((whole, first), (whole, second), (first, none), (second, none)):
        assert not torch.equal(one, other)


def test_every_clip_has_its_own_first_window():
    module = tiny.motion_module("v2")
    plain = tiny.model_that_ran()
    noise = tiny.noise(12)
    of_two = windowed(apply_motion_module(plain, module, clips=2), PLAN, reference=Reference(1.0))
    alone = windowed(apply_motion_module(plain, module), PLAN, reference=Reference(1.0))
    parts = torch.cat([predicted(alone, part) for part in noise.split(6)])
    assert relative_error(predicted(of_two, noise), parts) <= 1e-4


def predicted(model, noise):
    import comfy.sample

    return comfy.sample.sample(
        model, noise, 1, 4.0, "euler", "normal", tiny.conditioning(1), tiny.conditioning(3),
        torch.zeros_like(noise), disable_pbar=True, seed=5,
    )  # fmt: skip


def test_the_node_and_the_order_of_the_range(animated):
    from animatediff_native.nodes.context_windows import ContextWindows as Node

    settings = (4, 1, 1, "static", "pyramid")
    (given,) = Node.execute(animated, *settings, reference=0.5, reference_end=0.6).args
    ours = tiny.sample(given, frames=FRAMES, steps=STEPS)
    assert torch.equal(ours, sampled(animated, weight=0.5, steps=StepRange(0.0, 0.6)))
    with pytest.raises(AnimateDiffError, match=r"start_percent is 0.8 and end_percent 0.6"):
        Node.execute(animated, *settings, reference_start=0.8, reference_end=0.6)
