"""Effects: what takes part in a motion module's calls beside its weights, at eight points.

Bit equality where an effect changes nothing. Where it does what other weights would do, the same
products come in another order: 1e-4 of the deviation, as in test_parity; without the effect the
difference is 1e-2 and more.
"""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from adn_testing import tiny
from adn_testing.probes import windowed
from adn_testing.traces import model_trace
from animatediff_native.motion.apply import apply_motion_module, attach_effect
from animatediff_native.motion.call import Part
from animatediff_native.motion.effects import CallEffects, Effect
from animatediff_native.samplers.windows import Schedule, WindowPlan

pytestmark = pytest.mark.usefixtures("inference")

FRAMES = 8
TOLERANCE = 1e-4


class Nothing(Effect):
    """Uses every point to change nothing, and notes what it is given there."""

    def __init__(self):
        self.runs, self.calls, self.given = [], [], {}

    def for_run(self, run):
        self.runs.append(run)
        return self

    def for_call(self, call):
        self.calls.append(call)
        return self

    def strength(self, site):
        self.given["strength"] = site
        return 1.0

    def before(self, site, x):
        self.given["before"] = x.shape
        return x

    def attentions(self, site, attentions, x, rows):
        self.given["attentions"] = (x.shape, rows)
        return attentions(site, x, rows)

    def attention(self, site, index, attention, x, rows):
        self.given["attention", index] = (x.shape, rows)
        return attention(site, x, rows)

    def rows(self, site, rows):
        self.given["rows"] = rows
        return rows

    def linear(self, site, name, layer, x):
        self.given.setdefault(name, []).append((site.first, site.behind_last, x.shape))
        return layer(x)

    def attend(self, site, index, attend, q, k, v):
        self.given[index] = q.shape
        return attend(q, k, v)

    def after(self, site, x, y):
        self.given["after"] = (x.shape, y.shape)
        return y


@pytest.fixture(scope="module")
def plain():
    return tiny.model_that_ran()


def animated(plain, *effects, version="v2", **options):
    module = replace(tiny.motion_module(version), effects=effects)
    return apply_motion_module(plain, module, **options)


def relative_error(a, b):
    return ((a - b).abs().max() / b.std()).item()


def test_an_effect_that_changes_nothing_gives_the_bits_of_none(plain):
    before, nothing = model_trace(plain), Nothing()
    assert torch.equal(
        tiny.sample(animated(plain, nothing, strength=0.7)),
        tiny.sample(animated(plain, strength=0.7)),
    )
    assert len(nothing.runs) == 1
    assert model_trace(plain) == before


def test_what_each_point_is_given(plain):
    nothing = Nothing()
    tiny.sample(animated(plain, nothing), frames=FRAMES, steps=2)
    call, site = nothing.calls[-1], nothing.given["strength"]
    assert len(nothing.calls) == 2
    assert call.parts == (Part(0, tuple(range(FRAMES))),)
    assert call.frames == call.clip_frames == FRAMES
    assert sorted(call.conds) == [0, 1]
    assert [call.cond_of(clip) for clip in range(3)] == [*call.conds, None]
    assert call.percent == 1.0  # the last step's sigma is the schedule's least
    first = nothing.calls[0]
    sigma = first.model_sampling.percent_to_sigma(first.percent + 1e-6)
    assert sigma == pytest.approx(first.sigma, rel=1e-2)
    assert call.sigma == pytest.approx(float(call.sigmas[0]))
    shape = (2 * FRAMES, 32, site.height, site.width)  # the last site: 32 channels
    assert nothing.given["before"] == shape
    assert nothing.given["after"] == (shape, shape)
    assert nothing.given[0] == nothing.given[1] == (nothing.given[0][0], 8, FRAMES, 4)
    assert nothing.given["attentions"] == ((nothing.given[0][0], FRAMES, 32), None)
    assert nothing.given["attention", 1] == nothing.given["attentions"]
    assert torch.equal(nothing.given["rows"], torch.eye(FRAMES, 32))
    names = {name for name in nothing.given if isinstance(name, str) and "." in name}
    weights = {
        key.partition("temporal_transformer.")[2].removesuffix(".weight")
        for key in tiny.motion_module("v2").patcher.model.state_dict()
    }
    assert names <= weights
    assert len(names) == 2 * 4 + 2  # both attentions, the feed-forward; proj_in and proj_out apart


def test_slices_follow_each_other_and_know_their_parts(plain):
    """Of a block whose pixels are taken in several slices, which cross the parts of a call."""
    nothing = Nothing()
    tiny.sample(animated(plain, nothing), frames=FRAMES, steps=1, size=24)
    seen = nothing.given["proj_in"]
    for before, now in pairwise(seen):
        assert now[0] in (before[1], 0)
        assert now[2][0] == now[1] - now[0]
    if plain.load_device.type == "cpu":  # others take so few pixels at once
        assert any(first > 0 for first, *_ in seen)


def test_a_part_for_every_sequence():
    from animatediff_native.motion.call import MotionCall, SiteCall
    from animatediff_native.motion.config import Site

    parts = (Part(0, (0, 1)), Part(0, (2, 3)), Part(1, (0, 1)))
    call = MotionCall(None, 2, parts, 4, (1, 0), torch.ones(1), None)
    site = SiteCall(call, Site("up", 0, 0), 2, 3, CallEffects([]))
    by_hand = [(sequence // 6) % 3 for sequence in range(36)]
    for first in range(0, 36, 5):
        at = site.part(first, min(first + 5, 36))
        found = [None] * (at.behind_last - at.first)
        for which, part in at.by_part():
            found[which] = [part] * len(found[which])
        assert found == by_hand[first : first + 5]


class ScaledQueries(Effect):
    def linear(self, site, name, layer, x):
        return layer(x) * 1.5 if name.endswith("to_q") else layer(x)


class ScaledKeys(Effect):
    def attend(self, site, index, attend, q, k, v):
        return attend(q, k * 1.5, v)


def test_queries_or_keys_are_as_with_other_weights(plain):
    expected = tiny.motion_module("v2")
    for name, weight in expected.patcher.model.named_parameters():
        if name.endswith("to_q.weight"):
            weight.mul_(1.5)
    wanted = tiny.sample(apply_motion_module(plain, expected))
    for effect in (ScaledQueries(), ScaledKeys()):
        assert relative_error(tiny.sample(animated(plain, effect)), wanted) <= TOLERANCE
    assert relative_error(tiny.sample(animated(plain)), wanted) > 1e-2


class Strength(Effect):
    def __init__(self, value):
        self.value = value

    def strength(self, site):
        return self.value


def test_strengths_are_factors(plain):
    half = tiny.sample(animated(plain, strength=0.5))
    assert torch.equal(tiny.sample(animated(plain, Strength(0.5))), half)
    assert torch.equal(tiny.sample(animated(plain, Strength(2.0), Strength(0.25))), half)
    by_frame = torch.full((1, FRAMES, 1, 1, 1), 0.5)
    error = relative_error(tiny.sample(animated(plain, Strength(by_frame))), half)
    assert error <= TOLERANCE
    assert torch.equal(tiny.sample(animated(plain, Strength(0.0))), tiny.sample(plain))


class BlockUndone(Effect):
    """What goes in comes out, whatever the block adds."""

    def after(self, site, x, y):
        return x


class Shifted(Effect):
    """The first norm takes a constant out again."""

    def before(self, site, x):
        return x + 3.0

    def after(self, site, x, y):
        return y - 3.0


def test_before_and_after_a_block(plain):
    assert torch.equal(tiny.sample(animated(plain, BlockUndone())), tiny.sample(plain))
    shifted = tiny.sample(animated(plain, Shifted()))
    assert relative_error(shifted, tiny.sample(animated(plain))) <= 1e-3


def test_the_later_effect_is_around_the_earlier(plain):
    order = []

    class Named(Effect):
        def __init__(self, name):
            self.name = name

        def linear(self, site, name, layer, x):
            order.append(self.name)
            return layer(x)

    tiny.sample(animated(plain, Named("first"), Named("second")), steps=1)
    assert order[:4] == ["second", "first"] * 2


def test_an_effect_of_the_model_is_in_all_its_motion_modules(plain):
    """Whether they are applied before it or behind; the models that it was made of stay without."""
    module = tiny.motion_module("v2")
    nothing = Nothing()
    before = attach_effect(apply_motion_module(plain, module), nothing)
    both = apply_motion_module(before, tiny.motion_module("v1"))
    tiny.sample(both, steps=2)
    assert [run.application.file for run in nothing.runs] == ["v2.safetensors", "v1.safetensors"]
    assert len(nothing.calls) == 4
    half = tiny.sample(animated(plain, strength=0.5))
    ahead = apply_motion_module(attach_effect(plain, Strength(0.5)), module)
    behind = attach_effect(apply_motion_module(plain, module), Strength(0.5))
    assert torch.equal(tiny.sample(ahead), half)
    assert torch.equal(tiny.sample(behind), half)
    assert torch.equal(tiny.sample(apply_motion_module(plain, module)), tiny.sample(animated(plain)))


def test_an_effect_of_a_model_without_motion_does_nothing(plain):
    nothing = Nothing()
    assert torch.equal(tiny.sample(attach_effect(plain, nothing)), tiny.sample(plain))
    assert not nothing.runs


def test_frames_in_windows_are_the_clips(plain):
    nothing = Nothing()
    plan = WindowPlan(4, 2, 1, Schedule.STATIC)
    tiny.sample(windowed(animated(plain, nothing), plan), frames=FRAMES, steps=1)
    frames = [part.frames for call in nothing.calls for part in call.parts]
    assert frames == [(0, 1, 2, 3), (2, 3, 4, 5), (4, 5, 6, 7)]
    assert {call.clip_frames for call in nothing.calls} == {FRAMES}
    assert len(nothing.runs) == 1


def test_a_run_is_found_again_after_the_options_were_copied(plain):
    import copy

    nothing = Nothing()
    model = animated(plain, nothing)

    def copied(apply_model, args):
        c = {**args["c"], "transformer_options": copy.deepcopy(args["c"]["transformer_options"])}
        return apply_model(args["input"], args["timestep"], **c)

    model.set_model_unet_function_wrapper(copied)
    tiny.sample(model, steps=3)
    (run,) = nothing.runs
    assert run.report.calls == 3
