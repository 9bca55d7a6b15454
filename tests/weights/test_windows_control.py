"""Which ControlNet hint reaches which frame: exact, in every window and without one."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import comfy.controlnet
import pytest
import torch
from adn_testing import probes, tiny
from adn_testing.probes import ProbeAdapter, ProbeControl, numbered, with_control
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.samplers.context_handler import windows_per_call
from animatediff_native.samplers.control_slicing import HintCount
from animatediff_native.samplers.windows import Schedule, WindowPlan

pytestmark = pytest.mark.usefixtures("inference")


@pytest.fixture(scope="module")
def plain():
    return probes.trivial()


def one(frames, log):
    return ProbeControl(numbered(frames), log)


def chained(frames, log):
    return one(frames, log).set_previous_controlnet(one(frames, log))


def adapter(frames, log):
    return ProbeAdapter(numbered(frames), log)


def adapter_before_control(frames, log):
    return one(frames, log).set_previous_controlnet(adapter(frames, log))


KINDS = {f.__name__: f for f in (one, chained, adapter, adapter_before_control)}


@pytest.fixture(params=["batched", "apart"])
def cfg_calls(request, plain, monkeypatch):
    """Whether the host sends cond and uncond through the UNet together; apart for lack of memory."""
    if request.param == "apart":
        monkeypatch.setattr(plain.model, "memory_required", lambda *_, **__: 1e18)
    return request.param


def assert_own_hints(log, frames):
    """Every frame was there, and each time with its own hint."""
    assert log
    for rows, hints in log:
        assert torch.equal(rows, hints)
    assert set(torch.cat([rows for rows, _ in log]).tolist()) == set(range(frames))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("frames", [10, 64, 100])
@pytest.mark.parametrize("schedule", Schedule)
def test_each_frame_gets_its_own_hint(plain, schedule, frames, kind, cfg_calls):
    log = []
    model = probes.windowed(plain, WindowPlan(schedule=schedule))
    probes.sample_numbered(model, frames, **with_control(KINDS[kind](frames, log)))
    assert_own_hints(log, frames)
    largest = max(len(rows) for rows, _ in log)
    assert largest == min(frames, 16) * (2 if cfg_calls == "batched" else 1)


@pytest.mark.parametrize("schedule", [Schedule.UNIFORM, Schedule.LOOPED])
def test_every_second_frame_too(plain, schedule):
    log = []
    model = probes.windowed(plain, WindowPlan(stride=3, schedule=schedule))
    probes.sample_numbered(model, 100, **with_control(one(100, log)))
    assert_own_hints(log, 100)


@pytest.mark.parametrize("kind", KINDS)
def test_two_windows_in_one_call(plain, monkeypatch, kind):
    from animatediff_native.samplers import context_handler

    monkeypatch.setattr(context_handler, "windows_per_call", lambda *_: 2)
    log = []
    model = probes.windowed(plain, WindowPlan(schedule=Schedule.LOOPED))
    probes.sample_numbered(model, 64, **with_control(KINDS[kind](64, log)))
    assert_own_hints(log, 64)
    assert max(len(rows) for rows, _ in log) == 2 * 2 * 16


def test_one_hint_is_shared(plain):
    log = []
    model = probes.windowed(plain, WindowPlan())
    probes.sample_numbered(model, 20, **with_control(ProbeControl(numbered(1), log)))
    assert all((hints == 0).all() for _, hints in log)


@pytest.mark.parametrize("frames", [10, 40], ids=["whole", "in windows"])
@pytest.mark.parametrize("count", [4, 9, 20, 80])
@pytest.mark.parametrize("policy", [HintCount.HOLD, HintCount.LOOP])
def test_another_number_of_hints(plain, frames, count, policy):
    """Also twice as many as frames, which the host would deal out to cond and uncond."""
    log = []
    model = probes.windowed(plain, WindowPlan(), hint_count=policy)
    probes.sample_numbered(model, frames, **with_control(ProbeControl(numbered(count), log)))
    for rows, hints in log:
        wanted = rows % count if policy is HintCount.LOOP else rows.clamp(max=count - 1)
        assert torch.equal(hints, wanted)


@pytest.mark.parametrize("frames", [10, 40])
@pytest.mark.parametrize("count", [9, 20, 80])
def test_another_number_of_hints_is_an_error(plain, frames, count):
    model = probes.windowed(plain, WindowPlan())
    control = ProbeControl(numbered(count), [])
    with pytest.raises(AnimateDiffError, match=f"{count} images?,.* {frames} frames[\\s\\S]*hold"):
        probes.sample_numbered(model, frames, **with_control(control))


def test_the_users_controls_stay_as_they_are(plain):
    """Same tensors, nothing cached, and what the host prepared for the run cleaned up."""
    log = []
    control = chained(40, log)
    hints, extra = control.cond_hint_original, [torch.ones(40, 1, 8, 8)]
    control.extra_concat_orig = extra
    model = probes.windowed(plain, WindowPlan(), hint_count=HintCount.HOLD)
    before = {k: v for k, v in vars(control).items() if k != "_modules"}
    probes.sample_numbered(model, 30, **with_control(control))
    after = vars(control)
    assert all(after[key] is value for key, value in before.items())
    assert control.cond_hint_original is hints and control.cond_hint is None
    assert control.timestep_range is None and control.model_sampling_current is None


def test_extra_channels_of_a_control_follow_the_frames(plain):
    """ControlNets with a mask concatenate it to the hint."""
    log = []

    class MaskProbe(probes.ProbeNet):
        def forward(self, x, hint, timesteps, context, **_):
            return super().forward(x, hint[:, 3:], timesteps, context)

    control = ProbeControl(numbered(40), log)
    control.control_model = MaskProbe(log)
    control.extra_concat_orig = [numbered(40, 1)]
    probes.sample_numbered(probes.windowed(plain, WindowPlan()), 40, **with_control(control))
    assert_own_hints(log, 40)


@pytest.mark.parametrize("frames", [8, 40])
def test_start_and_end_percent(plain, frames):
    """The same steps with windows as without."""
    log = []
    control = ProbeControl(numbered(frames), log, percents=(0.25, 0.6))
    model = probes.windowed(plain, WindowPlan())
    tiny.sample(model, frames=frames, steps=8, **with_control(control))
    whole = ProbeControl(numbered(8), reference := [], percents=(0.25, 0.6))
    tiny.sample(plain, frames=8, steps=8, **with_control(whole))
    windows = len(WindowPlan().windows(frames))
    assert 0 < len(reference) < 8
    assert len(log) == windows * len(reference)


def test_a_control_of_the_positive_alone(plain):
    log = []
    conds = with_control(ProbeControl(numbered(40), log), negative=tiny.conditioning(3))
    probes.sample_numbered(probes.windowed(plain, WindowPlan()), 40, **conds)
    assert_own_hints(log, 40)


class BuiltForTheRun(ProbeControl):
    """Like a ControlLora: the model is built before a run and gone after it."""

    def __init__(self, hints, log):
        super().__init__(hints, log)
        self.log, self.control_model = log, None

    def pre_run(self, *args):
        super().pre_run(*args)
        self.control_model = probes.ProbeNet(self.log)

    def cleanup(self):
        self.control_model = None
        super().cleanup()


def test_a_control_that_is_built_for_the_run(plain):
    """And cleaned up with it, also where hints had to be fitted."""
    for count in (40, 50):
        log = []
        control = BuiltForTheRun(numbered(count), log)
        model = probes.windowed(plain, WindowPlan(), hint_count=HintCount.HOLD)
        probes.sample_numbered(model, 40, **with_control(control))
        assert_own_hints(log, 40)
        assert control.control_model is None


class Foreign(comfy.controlnet.ControlBase):
    """Like Advanced-ControlNet's: it reads off which frames are sampled, counts the steps, repeats
    its last hint, and has its methods as attributes, where a copy's would still be its own."""

    def __init__(self, hints, log):
        super().__init__()
        self.set_cond_hint(hints)
        self.log, self.calls, self.sub_idxs = log, 0, None
        self.get_control = self._get_control

    def _get_control(self, x_noisy, t, cond, batched_number, transformer_options):
        self.calls += 1
        frames = x_noisy.shape[0] // batched_number
        frames = transformer_options.get("ad_params", {}).get("sub_idxs", range(frames))
        shown = [min(frame, len(self.cond_hint_original) - 1) for frame in frames]
        self.log.append((probes.frames_in(x_noisy, t), torch.tensor(shown * batched_number)))
        rest = self.previous_controlnet
        return rest and rest.get_control(x_noisy, t, cond, batched_number, transformer_options)


@pytest.mark.parametrize("frames", [10, 40], ids=["whole", "in windows"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_foreign_control_and_the_hosts_in_a_row(plain, kind, frames):
    """The host's in front of it and behind it; it is itself, and keeps its place."""
    first, middle, last = [], [], []
    behind = KINDS[kind](frames, last)
    foreign = Foreign(numbered(frames), middle).set_previous_controlnet(behind)
    front = one(frames, first).set_previous_controlnet(foreign)
    model = probes.windowed(plain, WindowPlan())
    sampled = probes.sample_numbered(model, frames, **with_control(front))
    for log in (first, middle, last):
        assert_own_hints(log, frames)
    assert foreign.calls == len(middle)
    assert foreign.previous_controlnet is behind and front.previous_controlnet is foreign
    native = one(frames, []).set_previous_controlnet(KINDS[kind](frames, []))
    assert torch.equal(sampled, probes.sample_numbered(model, frames, **with_control(native)))


@pytest.mark.parametrize("frames", [10, 40])
def test_a_foreign_control_repeats_its_hints_by_its_own_rule(plain, frames):
    log = []
    model = probes.windowed(plain, WindowPlan())
    probes.sample_numbered(model, frames, **with_control(Foreign(numbered(2), log)))
    for rows, hints in log:
        assert torch.equal(hints, rows.clamp(max=1))


def test_a_wrong_number_of_hints_behind_a_foreign_control(plain):
    """An error that leaves the row as it was, or fitted by the policy."""
    log = []
    behind = one(9, log)
    foreign = Foreign(numbered(40), []).set_previous_controlnet(behind)
    with pytest.raises(AnimateDiffError, match=r"9 images.* 40 frames"):
        model = probes.windowed(plain, WindowPlan())
        probes.sample_numbered(model, 40, **with_control(foreign))
    assert foreign.previous_controlnet is behind
    model = probes.windowed(plain, WindowPlan(), hint_count=HintCount.LOOP)
    probes.sample_numbered(model, 40, **with_control(foreign))
    assert all(torch.equal(hints, rows % 9) for rows, hints in log)


def test_a_foreign_control_gets_one_window_per_call():
    """It knows a frame by its number, which is in a call once."""
    conds = [[{}], [{"control": one(40, []).set_previous_controlnet(Foreign(numbered(40), []))}]]
    assert windows_per_call(None, conds, torch.empty(40, 4, 8, 8, device="meta"), 16) == 1
