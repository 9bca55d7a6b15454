"""Windows under the host's samplers: identities, several calls per step, stages, interrupts."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import logging

import comfy.model_management
import pytest
import torch
from adn_testing import probes, tiny
from adn_testing.probes import windowed
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.samplers import context_handler
from animatediff_native.samplers.clip_run import set_automatic_windows, set_windows
from animatediff_native.samplers.context_handler import ContextWindows
from animatediff_native.samplers.fuse import Fuse
from animatediff_native.samplers.windows import Schedule, WindowPlan
from comfy.patcher_extension import WrappersMP

pytestmark = pytest.mark.usefixtures("inference")
SHORT = {"length": 4, "overlap": 2}


@pytest.fixture(scope="module")
def plain():
    return tiny.model()


@pytest.fixture(scope="module")
def animated(plain):
    return apply_motion_module(plain, tiny.motion_module("v3"), strength=0.7)


class AlwaysInWindows(ContextWindows):
    """Takes the path through windows also where one holds the whole clip."""

    def should_use_context(self, *_):
        return True


@pytest.mark.parametrize("fuse", Fuse)
@pytest.mark.parametrize("schedule", Schedule)
def test_one_window_as_long_as_the_clip_is_no_window(animated, schedule, fuse):
    expected = tiny.sample(animated, steps=1)
    plan = WindowPlan(8, 2, schedule=schedule)
    assert torch.equal(tiny.sample(windowed(animated, plan, fuse), steps=1), expected)
    always = animated.clone()
    set_windows(always, AlwaysInWindows(plan, fuse))
    assert torch.equal(tiny.sample(always, steps=1), expected)


@pytest.mark.parametrize("schedule", Schedule)
def test_a_plain_model_does_not_care_about_windows(schedule):
    """Without motion no frame knows another, so a mean of windows is what each one says."""
    plain = probes.trivial()
    for fuse in Fuse:
        result = tiny.sample(windowed(plain, WindowPlan(schedule=schedule), fuse), frames=40)
        # shares sum to 1 up to the rounding of fp32
        assert torch.allclose(result, tiny.sample(plain, frames=40), rtol=1e-4, atol=1e-5)


def test_windows_are_seen_by_the_motion_module(animated):
    """A frame of the first window changes those of its window alone, in one step."""
    plan = WindowPlan(4, 0)
    start = torch.zeros(8, 4, 8, 8)
    changed = start.clone()
    changed[0] += 3.0
    model = windowed(animated, plan)
    a, b = (tiny.sample(model, latent=x, steps=1, denoise=0.6) for x in (start, changed))
    assert not torch.equal(a[3], b[3])
    assert torch.equal(a[4:], b[4:])


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_two_windows_per_call_are_the_same(plain, monkeypatch, version):
    """Also with v1, whose norms pool over the frames of a window."""
    model = apply_motion_module(plain, tiny.motion_module(version))
    model = windowed(model, WindowPlan(4, 2, schedule=Schedule.LOOPED))
    calls = []
    model.add_wrapper_with_key(
        WrappersMP.APPLY_MODEL,
        "probe",
        lambda executor, x, *a, **k: (calls.append(x.shape[0]), executor(x, *a, **k))[1],
    )
    expected = tiny.sample(model, steps=2)
    assert set(calls) == {2 * 4}
    calls.clear()
    monkeypatch.setattr(context_handler, "windows_per_call", lambda *_: 2)
    together = tiny.sample(model, steps=2)
    assert set(calls) == {2 * 2 * 4}
    # batches of another size round differently
    assert torch.allclose(together, expected, rtol=1e-3, atol=1e-3 * expected.std())


def test_as_many_windows_per_call_as_memory_allows(monkeypatch):
    """On an accelerator; a CPU gains nothing and takes one."""
    model = probes.trivial().model
    monkeypatch.setattr(model, "memory_required", lambda shape: shape[0])
    conds, x = [[{}], [{}]], torch.zeros(40, 4, 8, 8)
    assert context_handler.windows_per_call(model, conds, x, 16) == 1
    x = x.to("meta")
    for free, count in ((1000, 2), (97, 2), (96, 1), (10, 1)):
        monkeypatch.setattr(comfy.model_management, "get_free_memory", lambda _, free=free: free)
        assert context_handler.windows_per_call(model, conds, x, 16) == count


@pytest.mark.parametrize("sampler", ["euler", "heun", "dpmpp_2s_ancestral", "uni_pc", "dpmpp_sde"])
@pytest.mark.parametrize("schedule", [Schedule.UNIFORM, Schedule.LOOPED])
def test_samplers_with_several_calls_per_step(animated, sampler, schedule):
    model = windowed(animated, WindowPlan(**SHORT, schedule=schedule))
    result = tiny.sample(model, sampler=sampler, denoise=0.6, steps=2)
    assert torch.isfinite(result).all()
    assert not torch.equal(result, tiny.sample(animated, sampler=sampler, denoise=0.6, steps=2))


def test_calls_between_two_steps_use_the_nearest_steps_windows():
    """heun calls at both ends of a step: a step's windows are those of its sigma."""
    seen = []
    model = windowed(probes.trivial(), WindowPlan(schedule=Schedule.UNIFORM))
    model.add_wrapper_with_key(
        WrappersMP.APPLY_MODEL,
        "probe",
        lambda executor, x, t, *a, **k: (
            seen.append((round(float(t[0]), 3), a[3]["context_window"].index_list[0])),
            executor(x, t, *a, **k),
        )[1],
    )
    tiny.sample(model, frames=40, steps=4, sampler="heun", cfg=1.0)
    starts: dict[float, set] = {}
    for sigma, start in seen:
        starts.setdefault(sigma, set()).add(start)
    plan = WindowPlan(schedule=Schedule.UNIFORM)
    assert list(starts.values()) == [{w[0] for w in plan.windows(40, s)} for s in range(4)]


def ksampler_advanced(model, latent, stages, sampler="euler"):
    import nodes

    latent = {"samples": latent}
    for i, (start, end) in enumerate(stages):
        latent = nodes.KSamplerAdvanced().sample(
            model,
            "enable" if i == 0 else "disable",
            7,
            steps=4,
            cfg=4.0,
            sampler_name=sampler,
            scheduler="normal",
            positive=tiny.conditioning(1),
            negative=tiny.conditioning(3),
            latent_image=latent,
            start_at_step=start,
            end_at_step=end,
            return_with_leftover_noise="enable" if i < len(stages) - 1 else "disable",
        )[0]
    return latent["samples"]


def test_ksampler_advanced_in_two_stages(animated):
    """static windows do not depend on the step, so two stages are one run."""
    model = windowed(animated, WindowPlan(**SHORT))
    latent = torch.zeros(8, 4, 8, 8)
    once = ksampler_advanced(model, latent, [(0, 1000)])
    twice = ksampler_advanced(model, latent, [(0, 2), (2, 1000)])
    # only the scaling of the latent between the stages rounds
    assert torch.allclose(twice, once, rtol=1e-3, atol=1e-4 * once.std())


def test_moving_windows_in_two_stages(animated):
    model = windowed(animated, WindowPlan(**SHORT, schedule=Schedule.LOOPED))
    latent = torch.zeros(8, 4, 8, 8)
    assert torch.isfinite(ksampler_advanced(model, latent, [(0, 2), (2, 1000)], "heun")).all()


def test_looped_is_a_loop():
    """Rotating the noise of a loop by whole windows rotates the clip."""
    import comfy.sample

    model = windowed(
        apply_motion_module(tiny.model(), tiny.motion_module("v3")),
        WindowPlan(4, 2, schedule=Schedule.LOOPED),
    )
    noise = tiny.noise(8)

    def run(noise):
        return comfy.sample.sample(
            model, noise, 1, 4.0, "euler", "normal", tiny.conditioning(1), tiny.conditioning(3),
            torch.zeros(8, 4, 8, 8), disable_pbar=True)  # fmt: skip

    turned = run(noise.roll(2, 0))
    assert torch.allclose(turned.roll(-2, 0), run(noise), rtol=1e-3, atol=1e-3)


def test_an_interrupt_is_honoured_between_windows():
    model = windowed(probes.trivial(), WindowPlan())
    calls = []

    def interrupt(executor, *args, **kwargs):
        calls.append(1)
        comfy.model_management.interrupt_current_processing(len(calls) == 2)
        return executor(*args, **kwargs)

    model.add_wrapper_with_key(WrappersMP.APPLY_MODEL, "probe", interrupt)
    with pytest.raises(comfy.model_management.InterruptProcessingException):
        tiny.sample(model, frames=100, steps=1, cfg=1.0)
    assert len(calls) == 2
    comfy.model_management.interrupt_current_processing(False)
    calls.clear()
    model.remove_wrappers_with_key(WrappersMP.APPLY_MODEL, "probe")
    assert torch.isfinite(tiny.sample(model, frames=100, steps=1)).all()


def test_memory_is_estimated_for_a_window(plain):
    shapes = []

    def note(executor, model, noise_shape, *args, **kwargs):
        shapes.append(list(noise_shape))
        return executor(model, noise_shape, *args, **kwargs)

    model = windowed(probes.trivial(), WindowPlan())
    model.add_wrapper_with_key(WrappersMP.PREPARE_SAMPLING, "zz_probe", note)
    for frames in (10, 40):
        tiny.sample(model, frames=frames, steps=1)
    assert [shape[0] for shape in shapes] == [10, 16]


def automatic(model, version="v1"):
    module = tiny.motion_module(version)
    model = apply_motion_module(model, module, strength=0.7)
    set_automatic_windows(model, module.config.position_length)
    return model


def test_a_clip_beyond_the_table_is_cut_automatically(plain, caplog):
    caplog.set_level(logging.INFO, logger="animatediff_native")
    tiny.sample(automatic(plain), frames=30, steps=1, cfg=1.0)
    assert (
        "30 frames in static windows of 16 frames, overlap 4, fused by pyramid, automatic"
        in caplog.text
    )
    assert "30 frames in 3 windows" in caplog.text


def test_a_clip_within_the_table_is_not_cut(plain):
    model = automatic(plain, "v3")
    without = apply_motion_module(plain, tiny.motion_module("v3"), strength=0.7)
    assert torch.equal(
        tiny.sample(model, frames=20, steps=1), tiny.sample(without, frames=20, steps=1)
    )


def windows_of(model):
    return model.model_options["context_handler"]


def test_of_two_modules_the_one_that_sees_least_decides():
    model = probes.trivial()
    set_automatic_windows(model, 32)
    set_automatic_windows(model, 24)
    set_automatic_windows(model, 64)
    assert windows_of(model).whole_up_to == 24
    assert [windows_of(model).cuts(n) for n in (24, 25)] == [False, True]
    assert len(model.wrappers[WrappersMP.SAMPLER_SAMPLE]["animatediff_native_clip"]) == 1


def test_automatic_windows_are_never_longer_than_the_table():
    model = probes.trivial()
    set_automatic_windows(model, 3)
    assert (windows_of(model).plan.length, windows_of(model).plan.overlap) == (3, 2)


def test_automatic_windows_give_way():
    """To the user's windows, whichever node comes first, and to any other handler."""
    chosen = ContextWindows(WindowPlan(8))
    model = probes.trivial()
    set_windows(model, chosen)
    set_automatic_windows(model, 32)
    assert windows_of(model) is chosen
    model = probes.trivial()
    set_automatic_windows(model, 32)
    set_windows(model, chosen)
    assert windows_of(model) is chosen
    foreign = object()
    model = probes.trivial()
    model.model_options["context_handler"] = foreign
    set_automatic_windows(model, 32)
    assert windows_of(model) is foreign


def test_windows_longer_than_the_table(plain):
    model = windowed(automatic(plain), WindowPlan(25))
    with pytest.raises(AnimateDiffError, match=r"window has 25 frames.* 24 at once"):
        tiny.sample(model, frames=30, steps=1)


def test_a_stride_too_large_is_capped_and_said(caplog):
    model = windowed(probes.trivial(), WindowPlan(stride=5, schedule=Schedule.LOOPED))
    tiny.sample(model, frames=40, steps=1)
    assert "context_stride of Context Windows is 5, and a clip of 40 frames in windows of 16 has room for 3" in caplog.text
