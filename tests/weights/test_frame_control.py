"""ControlNet strength by frame: each frame as the host makes it with that frame's strength."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false
# pyright: reportOptionalMemberAccess=false

import copy

import comfy.cldm.cldm
import comfy.controlnet
import pytest
import torch
from adn_testing import control, probes, tiny
from adn_testing.probes import ProbeAdapter, ProbeControl, numbered
from adn_testing.unet_call import relative_error
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.samplers.control_slicing import copied_control
from animatediff_native.samplers.control_strength import FrameControlStrength
from animatediff_native.samplers.frame_control import with_control_strengths
from animatediff_native.samplers.frame_window import FrameWindow
from animatediff_native.samplers.windows import Schedule, WindowPlan

pytestmark = pytest.mark.usefixtures("inference")
FRAMES = 10
RAMP = [0.3 * frame - 1 for frame in range(FRAMES)]
TOLERANCE = 1e-4  # of the deviation
LINEAR_UP = comfy.controlnet.StrengthType.LINEAR_UP


@pytest.fixture(scope="module")
def plain():
    return probes.trivial()


def one(frames=FRAMES, strength=0.8):
    return ProbeControl(numbered(frames), [], strength=strength)


def shared_hint():
    return ProbeControl(numbered(1), [])


def adapter():
    return ProbeAdapter(numbered(FRAMES), [])


def chained():
    return one().set_previous_controlnet(adapter())


def grown():
    """Whose residuals are multiplied by powers of the strength."""
    made = one()
    made.strength_type = LINEAR_UP
    return made


KINDS = {f.__name__: f for f in (one, shared_hint, adapter, chained, grown)}


def conditionings(net):
    made = probes.with_control(net)
    return [made["positive"], made["negative"]]


def sampled(model, conds, frames=FRAMES, **options):
    return tiny.sample(
        model, frames=frames, steps=2, positive=conds[0], negative=conds[1], **options
    )


def at_strength(model, kind, factor, **options):
    """The whole clip with the host's one strength times factor."""
    net = kind()
    net.strength = net.strength * factor
    return sampled(model, conditionings(net), **options)


def frames_apart(model, kind, values, **options):
    return torch.stack(
        [at_strength(model, kind, value, **options)[i] for i, value in enumerate(values)]
    )


@pytest.mark.parametrize("calls", ["batched", "apart"])
@pytest.mark.parametrize("kind", KINDS)
def test_each_frame_as_with_the_hosts_strength(plain, kind, calls, monkeypatch):
    if calls == "apart":
        monkeypatch.setattr(plain.model, "memory_required", lambda *_, **__: 1e18)
    conds = with_control_strengths(conditionings(KINDS[kind]()), RAMP)
    got = sampled(probes.windowed(plain, WindowPlan(FRAMES, 2)), conds)
    expected = frames_apart(plain, KINDS[kind], RAMP)
    assert relative_error(got, expected) < TOLERANCE
    assert relative_error(got, at_strength(plain, KINDS[kind], 1.0)) > 0.01
    assert torch.equal(sampled(plain, conds), got)  # a model without windows or motion


@pytest.mark.parametrize("per_call", [1, 2])
@pytest.mark.parametrize("schedule", Schedule)
@pytest.mark.parametrize("kind", KINDS)
def test_in_windows_by_the_clips_frames(plain, kind, schedule, per_call, monkeypatch):
    from animatediff_native.samplers import context_handler

    monkeypatch.setattr(context_handler, "windows_per_call", lambda *_: per_call)
    conds = with_control_strengths(conditionings(KINDS[kind]()), RAMP)
    model = probes.windowed(plain, WindowPlan(4, 2, schedule=schedule))
    expected = frames_apart(plain, KINDS[kind], RAMP)
    assert relative_error(sampled(model, conds), expected) < TOLERANCE


@pytest.mark.parametrize("kind", KINDS)
def test_one_strength_for_all_is_the_hosts_bits(plain, kind):
    expected = at_strength(plain, KINDS[kind], 0.7)
    for values in ([0.7], [0.7] * FRAMES):
        conds = with_control_strengths(conditionings(KINDS[kind]()), values)
        assert torch.equal(sampled(plain, conds), expected)


def test_ones_are_the_bits_of_none(plain):
    conds = with_control_strengths(conditionings(chained()), [1.0] * FRAMES)
    assert torch.equal(sampled(plain, conds), sampled(plain, conditionings(chained())))


def controlnet():
    """The host's ControlNet at a tenth of the width."""
    config = {k: v for k, v in tiny.UNET_CONFIG.items() if k != "out_channels"}
    net = comfy.cldm.cldm.ControlNet(**config, hint_channels=3, dtype=torch.float32, device="cpu")
    tiny.fill_randomly(net, 4)
    hints = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(6))
    return comfy.controlnet.ControlNet(net).set_cond_hint(hints, 0.5)


def control_lora():
    return control.control_lora(4)


@pytest.mark.parametrize("kind", [controlnet, control_lora])
def test_networks_of_the_host(kind):
    """On the tiny UNet."""
    model, values = tiny.model(), [0.0, 0.4, 1.0, 1.5]
    conds = with_control_strengths(conditionings(kind()), values)
    got = sampled(model, conds, 4)
    expected = frames_apart(model, kind, values, frames=4)
    assert relative_error(got, expected) < TOLERANCE
    assert relative_error(got, at_strength(model, kind, 1.0, frames=4)) > 0.01


def test_with_a_motion_module_and_several_clips():
    """In a batch of two clips each has the list's strengths."""
    values, net = [0.0, 0.4, 1.0, 1.5], controlnet()
    model = apply_motion_module(tiny.model(), tiny.motion_module(), strength=1e-9, clips=2)
    conds = with_control_strengths(conditionings(net), values)
    got = sampled(model, conds, 8)
    twice = [sampled(model, conditionings(_at(net, value)), 8) for value in values]
    expected = torch.stack([twice[frame % 4][frame] for frame in range(8)])
    assert relative_error(got, expected) < TOLERANCE


def _at(net, factor):
    other = copy.copy(net)
    other.strength = net.strength * factor
    return other


@pytest.mark.parametrize(
    "plan", [WindowPlan(FRAMES, 2), WindowPlan(4, 2)], ids=["whole", "windows"]
)
@pytest.mark.parametrize("count", [2, 9, 20])
def test_a_list_of_another_length_is_an_error(plain, plan, count):
    conds = with_control_strengths(conditionings(chained()), [0.5] * count)
    with pytest.raises(AnimateDiffError, match=rf"{count} values .* {FRAMES} frames"):
        sampled(probes.windowed(plain, plan), conds)


def test_a_wrong_length_without_windows_or_motion(plain):
    """Is seen where it cannot be dealt out."""
    conds = with_control_strengths(conditionings(one()), [0.5] * 7)
    with pytest.raises(AnimateDiffError, match=r"7 values, .* 20 frames"):
        sampled(plain, conds)


def test_the_first_of_a_row_keeps_its_strength(plain):
    """Also where it has one by frame itself."""
    behind = with_control_strengths(conditionings(one()), RAMP)[0][0][1]["control"]
    both = ProbeControl(numbered(FRAMES), [], strength=0.5).set_previous_controlnet(behind)
    values = [1.0 / (1 + frame) for frame in range(FRAMES)]
    got = sampled(plain, with_control_strengths(conditionings(both), values))
    for frame, value in enumerate(values):
        front = ProbeControl(numbered(FRAMES), [], strength=0.5 * value)
        front.set_previous_controlnet(one(strength=0.8 * RAMP[frame]))
        assert relative_error(got[frame], sampled(plain, conditionings(front))[frame]) < TOLERANCE


def test_twice_is_the_product(plain):
    values = [0.1 * frame for frame in range(FRAMES)]
    twice = with_control_strengths(with_control_strengths(conditionings(one()), RAMP), values)
    product = [a * b for a, b in zip(RAMP, values, strict=True)]
    once = with_control_strengths(conditionings(one()), product)
    assert relative_error(sampled(plain, twice), sampled(plain, once)) < 1e-6
    with pytest.raises(AnimateDiffError, match=r"3 values, .* 10"):
        with_control_strengths(twice, [1.0, 2.0, 3.0])


def test_the_conditioning_that_goes_in_stays_as_it_is(plain):
    net = chained()
    conds = conditionings(net)
    expected, settings = sampled(plain, conds), [dict(entry[1]) for each in conds for entry in each]
    changed = with_control_strengths(conds, RAMP)
    sampled(plain, changed)
    assert [entry[1] for each in conds for entry in each] == settings
    assert type(net.strength) is float and torch.equal(sampled(plain, conds), expected)
    positive, negative = (each[0][1]["control"] for each in changed)
    assert positive is negative is not net, "one ControlNet, so that the host batches both"
    assert positive.previous_controlnet is net.previous_controlnet


def test_entries_without_a_control_stay(plain):
    net = one()
    conds = conditionings(net)
    conds[0] += tiny.conditioning(7)
    changed = with_control_strengths([conds[0], []], RAMP)
    assert "control" not in changed[0][1][1] and changed[1] == []
    with pytest.raises(AnimateDiffError, match="no ControlNet"):
        with_control_strengths([tiny.conditioning(7)], RAMP)


class Foreign(comfy.controlnet.ControlBase):
    """Chooses its hints itself, and here has none."""

    sub_idxs = None

    def get_control(self, *args):
        return self.previous_controlnet.get_control(*args)


def test_behind_a_control_of_another_pack(plain):
    model = probes.windowed(plain, WindowPlan(4, 2))
    behind = with_control_strengths(conditionings(one()), RAMP)[0][0][1]["control"]
    got = sampled(model, conditionings(Foreign().set_previous_controlnet(behind)))
    assert torch.equal(got, sampled(model, with_control_strengths(conditionings(one()), RAMP)))


def test_controls_of_another_pack_are_an_error():
    net = one()
    net.sub_idxs = None
    with pytest.raises(AnimateDiffError, match="Latent Keyframe"):
        with_control_strengths(conditionings(net), RAMP)


def test_the_strength_survives_copies():
    """Other nodes may copy a conditioning in depth; the host's copy() hands it on."""
    strength = FrameControlStrength(RAMP)
    for copied in (copy.copy(strength), copy.deepcopy(strength)):
        assert isinstance(copied, FrameControlStrength) and torch.equal(copied.rows, strength.rows)
    net = controlnet()
    net.strength = strength
    assert net.copy().strength is strength
    assert float(strength) == max(RAMP)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_rounds_as_with_one_number(dtype):
    residual = torch.randn(20, 3, 2, 2).to(dtype)
    scaled = residual.clone()
    scaled *= FrameControlStrength([value / 3 for value in RAMP])
    expected = residual.clone()
    for row in range(20):
        expected[row] *= RAMP[row % FRAMES] / 3
    assert scaled.dtype is dtype and torch.equal(scaled, expected)


@pytest.mark.skipif(
    not hasattr(comfy.controlnet.ControlBase(), "multigpu_clones"),
    reason="this host has no clones for other devices",
)
def test_clones_for_other_devices_are_made_anew():
    """Those of the ControlNet that went in have its one strength."""
    net = controlnet()
    device = torch.device("cpu", 0)
    net.deepclone_multigpu(device, autoregister=True)
    changed = with_control_strengths([conditionings(net)[0]], [0.1, 0.2, 0.3, 0.4])
    copied = changed[0][0][1]["control"]
    assert not copied.multigpu_clones and net.multigpu_clones
    copied.deepclone_multigpu(device, autoregister=True)
    in_window = copied_control(copied, FrameWindow([(2, 3)], 4).pick, {})
    assert in_window.multigpu_clones[device].strength.rows.tolist() == pytest.approx([0.15, 0.2])
    assert copied.multigpu_clones[device].strength.rows.shape == (4,)
