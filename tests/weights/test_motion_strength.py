"""Motion strength by frame, area, step and block, against slow loops.

Tolerance where two ways are compared: the same sums in another order over up to 21 blocks of fp32
and three steps, as in test_parity; a strength at the wrong frame or pixel shows as 1e-2 and more.
"""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from adn_testing import tiny
from adn_testing.probes import windowed
from adn_testing.traces import model_trace
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.block_factors import factor_of, read_block_factors
from animatediff_native.motion.effects import Effect
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.motion.frame_strengths import given_strengths
from animatediff_native.motion.keyframes import read_keyframes, read_step_keyframes
from animatediff_native.motion.motion_strength import (
    Kind,
    StrengthField,
    constant_strength,
    strength_effects,
)
from animatediff_native.samplers import context_handler
from animatediff_native.samplers.windows import Schedule, WindowPlan
from comfy_api.torch_helpers import set_torch_compile_wrapper

pytestmark = pytest.mark.usefixtures("inference")

FRAMES, SIZE = 8, 8
TOLERANCE = 1e-4
RAMP = [i / (FRAMES - 1) for i in range(FRAMES)]
OUTPUT, ATTENTION = Kind.OUTPUT, Kind.ATTENTION


@pytest.fixture(scope="module")
def plain():
    return tiny.model_that_ran()


def animated(plain, *fields, version="v2", strength=1.0, effects=()):
    module = tiny.motion_module(version)
    module = replace(module, effects=(*effects, *strength_effects(fields)))
    return apply_motion_module(plain, module, strength * constant_strength(fields))


def relative_error(a, b):
    return ((a - b).abs().max() / b.std()).item()


def area(frames=1, size=64, seed=0):
    """Smooth, so that scaling it in two ways gives the same."""
    generator = torch.Generator().manual_seed(seed)
    small = torch.rand(frames, 1, 4, 4, generator=generator)
    return F.interpolate(small, size=(size, size), mode="bilinear")[:, 0]


class SlowOutput(Effect):
    """x + s (T(x) - x), number by number; values: [F, H, W] by frame of the clip, blocks by name."""

    def __init__(self, values, blocks=()):
        self.values, self.blocks = values, dict(blocks)

    def for_call(self, call):
        self.call = call
        return self

    def after(self, site, x, y):
        out = torch.empty_like(x)
        factor = factor_of(self.blocks, site.site)
        scaled = F.interpolate(self.values[None], size=x.shape[-2:], mode="bilinear")[0]
        for entry in range(len(x)):
            part = self.call.parts[(entry // self.call.frames) % len(self.call.parts)]
            frame = part.frames[entry % self.call.frames]
            for row in range(x.shape[2]):
                for column in range(x.shape[3]):
                    s = scaled[frame, row, column] * factor
                    before, behind = x[entry, :, row, column], y[entry, :, row, column]
                    out[entry, :, row, column] = before * (1 - s) + s * behind
        return out


class SlowAttention(Effect):
    """softmax(s_j q k_j / sqrt(d)) v, frame by frame and pixel by pixel."""

    def __init__(self, values):
        self.values = values

    def for_call(self, call):
        self.call = call
        return self

    def attend(self, site, index, attend, q, k, v):
        out = torch.empty_like(v)
        size = (site.height, site.width)
        scaled = F.interpolate(self.values[None], size=size, mode="bilinear")[0]
        for number in range(len(q)):
            sequence = site.first + number
            part = self.call.parts[(sequence // site.pixels) % len(self.call.parts)]
            row, column = divmod(sequence % site.pixels, site.width)
            s = torch.stack([scaled[frame, row, column] for frame in part.frames])
            logits = torch.einsum("hid,hjd->hij", q[number], k[number]) * q.shape[-1] ** -0.5
            out[number] = torch.einsum("hij,hjd->hid", (logits * s).softmax(-1), v[number])
        return out


def over(values):
    """[F, 4, 4] of one number per frame."""
    return torch.tensor(values)[:, None, None].expand(-1, 4, 4)


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_everything_one_gives_the_bits_of_none(plain, version):
    before = model_trace(plain)
    ones = [
        StrengthField(
            1.0,
            kind,
            read_keyframes("0: 1, 7: 1"),
            given_strengths([1.0] * FRAMES),
            read_step_keyframes("0: 1"),
            read_block_factors("up: 1"),
        )
        for kind in Kind
    ]
    with_area = [StrengthField(1.0, kind, area=area(), outside=1.0) for kind in Kind]
    expected = tiny.sample(animated(plain, version=version, strength=0.7))
    for fields in (ones, with_area, [StrengthField(), StrengthField(kind=ATTENTION)]):
        found = tiny.sample(animated(plain, *fields, version=version, strength=0.7))
        assert torch.equal(found, expected)
    assert model_trace(plain) == before


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize(
    "field",
    [
        StrengthField(0.0),
        StrengthField(1.0, keyframes=read_keyframes("0: 0")),
        StrengthField(1.0, frames=given_strengths([0.0] * FRAMES)),
        StrengthField(1.0, steps=read_step_keyframes("0: 0")),
        StrengthField(1.0, blocks=read_block_factors("down: 0, mid: 0, up: 0")),
        StrengthField(0.0, area=area()),
        StrengthField(1.0, area=torch.zeros(1, 16, 16)),
    ],
    ids=["number", "keyframes", "list", "steps", "blocks", "area", "black"],
)
def test_everything_zero_gives_the_plain_models_bits(plain, version, field):
    found = tiny.sample(animated(plain, field, version=version))
    assert torch.equal(found, tiny.sample(plain))


def test_a_constant_is_the_strength_of_the_node(plain):
    fields = StrengthField(0.5), StrengthField(1.4, frames=given_strengths(0.5))
    assert constant_strength(fields) == pytest.approx(0.35)
    assert torch.equal(
        tiny.sample(animated(plain, *fields)), tiny.sample(animated(plain, strength=0.5 * 0.7))
    )


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_output_strength_against_a_slow_loop(plain, version):
    fields = [
        StrengthField(0.9, area=area(FRAMES), outside=0.2),
        StrengthField(1.0, keyframes=read_keyframes("1: 0.3, 6: 1.2")),
        StrengthField(1.0, frames=given_strengths(RAMP), blocks=read_block_factors("up.1: 0.5")),
    ]
    ramp = fields[1].by_frame(FRAMES)
    assert ramp is not None
    by_frame = ramp * torch.tensor(RAMP)
    values = (0.2 + area(FRAMES) * 0.7) * by_frame[:, None, None]
    slow = SlowOutput(values, {"up.1": 0.5})
    wanted = tiny.sample(animated(plain, effects=(slow,), version=version))
    found = tiny.sample(animated(plain, *fields, version=version))
    assert relative_error(found, wanted) <= TOLERANCE
    assert relative_error(tiny.sample(animated(plain, version=version)), wanted) > 1e-2


def test_attention_strength_against_a_slow_loop(plain):
    fields = [
        StrengthField(1.6, ATTENTION, area=area(), outside=0.5),
        StrengthField(1.0, ATTENTION, frames=given_strengths(RAMP)),
    ]
    values = (0.5 + area() * 1.1) * torch.tensor(RAMP)[:, None, None]
    wanted = tiny.sample(animated(plain, effects=(SlowAttention(values),)))
    found = tiny.sample(animated(plain, *fields))
    assert relative_error(found, wanted) <= TOLERANCE
    assert relative_error(tiny.sample(animated(plain)), wanted) > 1e-2


@pytest.mark.parametrize("per_call", [1, 2])
@pytest.mark.parametrize("slow", [SlowOutput, SlowAttention])
def test_in_windows_frames_are_the_clips(plain, monkeypatch, per_call, slow):
    monkeypatch.setattr(context_handler, "windows_per_call", lambda *_: per_call)
    kind = OUTPUT if slow is SlowOutput else ATTENTION
    plan = WindowPlan(4, 2, 1, Schedule.LOOPED)
    field = StrengthField(1.0, kind, area=area(FRAMES), frames=given_strengths(RAMP))
    values = area(FRAMES) * torch.tensor(RAMP)[:, None, None]
    wanted = tiny.sample(windowed(animated(plain, effects=(slow(values),)), plan))
    found = tiny.sample(windowed(animated(plain, field), plan))
    assert relative_error(found, wanted) <= TOLERANCE


def test_two_modules_each_have_their_own(plain):
    half = StrengthField(0.5, area=torch.ones(1, 8, 8), outside=0.5)
    first, second = tiny.motion_module("v2"), tiny.motion_module("v3", 1)
    by_number = apply_motion_module(apply_motion_module(plain, first, 0.5), second, 1.0)
    own = replace(first, effects=strength_effects([half]))
    by_field = apply_motion_module(apply_motion_module(plain, own), second)
    assert relative_error(tiny.sample(by_field), tiny.sample(by_number)) <= TOLERANCE


def test_cond_and_uncond_in_one_call_or_apart(plain):
    field = StrengthField(1.0, area=area(FRAMES), frames=given_strengths(RAMP))
    model = animated(plain, field)
    apart = tiny.sample(
        model, positive=tiny.conditioning(1, timestep_start=999.0), cfg=4.0
    )  # other hooks keep them in calls of their own on hosts that batch by them
    assert torch.isfinite(apart).all()
    both = tiny.sample(model, cfg=1.0)
    slow = animated(plain, effects=(SlowOutput(area(FRAMES) * torch.tensor(RAMP)[:, None, None]),))
    assert relative_error(both, tiny.sample(slow, cfg=1.0)) <= TOLERANCE


def test_steps_are_those_of_the_sampling(plain):
    """Off from the middle on is as with end_percent there."""
    module = tiny.motion_module("v2")
    half = apply_motion_module(plain, module, 1.0, 0.0, 0.5)
    held = StrengthField(1.0, steps=read_step_keyframes("0: 1 hold, 0.5: 0"))
    assert torch.equal(tiny.sample(animated(plain, held), steps=6), tiny.sample(half, steps=6))


@pytest.mark.parametrize("name", ["down", "mid", "up.3", "down.0.1"])
def test_blocks(plain, name):
    """A block of strength 0 is as without what it adds."""

    class Without(Effect):
        def after(self, site, x, y):
            return x if factor_of({name: 0.0}, site.site) == 0 else y

    field = StrengthField(1.0, blocks=read_block_factors(f"{name}: 0"))
    wanted = tiny.sample(animated(plain, effects=(Without(),)))
    assert torch.equal(tiny.sample(animated(plain, field)), wanted)
    assert not torch.equal(tiny.sample(animated(plain)), wanted)


def test_where_an_area_is_black_each_frame_is_as_without_the_module(plain):
    """The temporal blocks alone; what the UNet's convolutions carry over is another matter."""
    left = torch.zeros(1, 8, 8)
    left[..., :4] = 1.0
    given = {}

    class Noted(Effect):
        def after(self, site, x, y):
            given[site.site, "x"], given[site.site, "y"] = x, y
            return y

    tiny.sample(animated(plain, StrengthField(1.0, area=left), effects=(Noted(),)), steps=1)
    for (site, which), y in given.items():
        x = given[site, "x"]
        if which == "y" and y.shape[-1] == 8:
            assert torch.equal(y[..., 4:], x[..., 4:])
            assert not torch.equal(y[..., :4], x[..., :4])


@pytest.mark.parametrize(
    ("field", "said"),
    [
        (StrengthField(frames=given_strengths([1.0, 0.5])), "2 values for a clip of 8 frames"),
        (StrengthField(area=torch.ones(5, 8, 8)), "5 masks for a clip of 8 frames"),
        (StrengthField(keyframes=read_keyframes("-9: 0.5")), "before a clip of 8 frames"),
    ],
)
def test_wrong_lengths_are_said_before_sampling(plain, field, said):
    calls = []
    model = animated(plain, field)
    model.set_model_unet_function_wrapper(lambda run, args: calls.append(1))
    with pytest.raises(AnimateDiffError, match=said):
        tiny.sample(model, frames=FRAMES)
    assert not calls


def test_keyframes_that_count_from_the_end(plain):
    """Their frames are known when the clip is, and its length does not matter before."""
    relative = animated(plain, StrengthField(keyframes=read_keyframes("0:(0.2), 50%: 0.9, -1: 0")))
    absolute = animated(plain, StrengthField(keyframes=read_keyframes("0: 0.2, 4: 0.9, 7: 0")))
    assert torch.equal(tiny.sample(relative, frames=8), tiny.sample(absolute, frames=8))


def test_the_log_says_so(plain, caplog):
    with caplog.at_level("INFO", "animatediff_native"):
        tiny.sample(animated(plain, StrengthField(area=area(), steps=read_step_keyframes("0: 1"))))
    assert "output strength by area, step" in caplog.text


def test_compiled_where_nothing_is_scheduled(plain):
    """A number alone leaves no effect behind, so that a compiled model stays one."""
    model = animated(plain, StrengthField(0.5))
    compiled = model.clone()
    set_torch_compile_wrapper(compiled, backend="eager", keys=["diffusion_model"])
    assert relative_error(tiny.sample(compiled, steps=1), tiny.sample(model, steps=1)) <= TOLERANCE
