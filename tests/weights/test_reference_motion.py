"""Reference motion: what it does to a run, and what it leaves."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false
# pyright: reportOptionalMemberAccess=false, reportOptionalOperand=false, reportOperatorIssue=false

import gc
import logging
import weakref

import pytest
import torch
from adn_testing import tiny, tiny_sdxl, tiny_vae
from adn_testing.probes import windowed
from adn_testing.reference import FRAMES, UP_1, Bare
from adn_testing.traces import ProcessTrace, model_trace
from animatediff_native.motion.application import applications
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.config import Site
from animatediff_native.motion.effects import Effect
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.motion.step_range import StepRange
from animatediff_native.samplers.windows import Schedule, WindowPlan
from animatediff_native.training.space_time import new_space_time_module
from animatediff_native.trajectories import reference_motion
from animatediff_native.trajectories.reference_clip import SEED, ReferenceClip, noisy
from animatediff_native.trajectories.reference_maps import RESOLUTION, observed_sites
from animatediff_native.trajectories.reference_motion import (
    KEY,
    NODE,
    ReferenceMotion,
    with_reference_motion,
)
from animatediff_native.trajectories.reference_pass import compare

pytestmark = pytest.mark.usefixtures("inference")

EARLY = StepRange(0.0, 0.6)


@pytest.fixture(scope="module")
def plain():
    return tiny.model_that_ran()


@pytest.fixture(scope="module")
def vae():
    return tiny_vae.vae()


@pytest.fixture(scope="module")
def module():
    return tiny.motion_module()


def pixels(frames=FRAMES, size=64):
    return torch.rand(frames, size, size, 3, generator=torch.Generator().manual_seed(6))


def reference(vae, frames=FRAMES, steps=EARLY, **settings):
    clip = ReferenceClip(pixels(frames), vae, NODE)
    return ReferenceMotion(clip, tiny.conditioning(9), steps=steps, **settings)


def sample(model, frames=FRAMES, **options):
    return tiny.sample(model, frames, **options)


def test_strength_0_and_a_range_without_steps_are_the_plain_bits(plain, module, vae, caplog):
    model = apply_motion_module(plain, module)
    expected = sample(model)
    off = with_reference_motion(model, reference(vae, strength=0.0))
    assert torch.equal(sample(off), expected)
    late = with_reference_motion(model, reference(vae, steps=StepRange(0.999, 1.0)))
    with caplog.at_level(logging.INFO, "animatediff_native"):
        assert torch.equal(sample(late), expected)
    assert "took no part in this run: no step of it lies between" in caplog.text


def test_a_run_is_guided_said_and_over(plain, module, vae, caplog, monkeypatch):
    """One line, the same bits twice, and afterwards nothing: neither maps nor hooks."""
    model = apply_motion_module(plain, module)
    process, before, expected = ProcessTrace(), model_trace(model), sample(model)
    kept = []
    begun = reference_motion._begun

    def noting(*given):
        for run in begun(*given):
            kept.append(weakref.ref(run))
            yield run

    monkeypatch.setattr(reference_motion, "_begun", noting)
    guided = with_reference_motion(model, reference(vae, strength=300.0))
    with caplog.at_level(logging.INFO, "animatediff_native"):
        first = sample(guided)
    said = [record.message for record in caplog.records if NODE in record.message]
    assert len(said) == 1 and "2 steps guided, loss" in said[0]
    assert not torch.equal(first, expected)
    assert torch.equal(sample(guided), first)
    gc.collect()
    assert len(kept) == 2 and not any(run() for run in kept)
    monkeypatch.undo()
    assert torch.equal(sample(model), expected)
    assert model_trace(model) == before
    process.assert_unchanged()


class Failing(Effect):
    """Raises in the n-th call of the last site that is looked at."""

    def __init__(self, call):
        self.left = call

    def attend(self, site, index, attend, q, k, v):
        if site.site == UP_1[-1] and index == 1:
            self.left -= 1
            if not self.left:
                raise RuntimeError("broken")
        return attend(q, k, v)


@pytest.mark.parametrize("call", [3, 4])
def test_an_exception_leaves_nothing(plain, module, vae, call):
    """In the pass over the reference, and in the one with gradients."""
    model = apply_motion_module(plain, module)
    before, expected = model_trace(model), sample(model)
    broken = apply_motion_module(plain, module.with_effect(Failing(call)))
    with pytest.raises(RuntimeError, match="broken"):
        sample(with_reference_motion(broken, reference(vae)))
    assert model_trace(model) == before
    assert torch.equal(sample(model), expected)
    assert not torch.is_grad_enabled() or torch.is_inference_mode_enabled()


def test_windows_are_fused_as_predictions(plain, module, vae, monkeypatch):
    """The gradient of each window alone, in its share of the frames."""
    frames, found = 6, []
    plan = WindowPlan(FRAMES, 2, 1, Schedule.STATIC)
    model = windowed(apply_motion_module(plain, module), plan)
    guided = with_reference_motion(model, reference(vae, frames, steps=StepRange(0.0, 0.3)))
    passed = reference_motion.passed

    def noting(model, conds, x, sigmas, options, call):
        result = passed(model, conds, x, sigmas, options, call)
        found.append((x.clone(), float(sigmas[0]), result.clone()))
        return result

    monkeypatch.setattr(reference_motion, "passed", noting)
    sample(guided, frames, steps=3)
    (clip, *_), (x, sigma, gradient) = found[:2]
    expected = torch.zeros_like(x)
    with Bare(apply_motion_module(plain, module)) as bare:
        schedule = bare.base.model_sampling
        bare.context = tiny.conditioning(9)[0][0]
        windows = [list(window) for window in plan.windows(frames, 0)]
        noted = [
            bare.noted(clip[window], float(schedule.sigma(torch.tensor(400.0))))
            for window in windows
        ]
        bare.context = tiny.conditioning(1)[0][0]
        weights = torch.tensor([min(p, FRAMES - 1 - p) + 1.0 for p in range(FRAMES)])
        total = torch.zeros(frames)
        for window, maps in zip(windows, noted, strict=True):
            given = bare.given(FRAMES)
            renamed = _of_this_use(bare.model, maps)
            one = compare(bare.base, bare.base.apply_model, x[window],
                          torch.full((FRAMES,), sigma), renamed, RESOLUTION, **given)  # fmt: skip
            expected[window] += weights[:, None, None, None] * one.gradient
            total[window] += weights
    expected /= total[:, None, None, None]
    assert (gradient - expected).abs().max() < 1e-4 * expected.std()


def _of_this_use(model, maps):
    id = applications(model)[0].id
    return {place._replace(application=id): strongest for place, strongest in maps.items()}


def test_the_noise_of_the_reference_is_one_for_all_frames():
    latents = torch.zeros(5, 4, 8, 8)
    drawn = noisy(latents, 2.0)
    generator = torch.Generator().manual_seed(SEED)
    assert torch.equal(drawn, 2.0 * torch.randn(5, 4, 8, 8, generator=generator))


def test_a_video_of_another_size_is_resized(plain, module, vae):
    model = apply_motion_module(plain, module)
    clip = ReferenceClip(pixels(size=80)[:, :70], vae, NODE)
    given = ReferenceMotion(clip, tiny.conditioning(9), 100.0, StepRange(0.0, 0.3))
    assert not torch.equal(sample(with_reference_motion(model, given)), sample(model))


@pytest.mark.parametrize("sampler", ["dpmpp_2m", "euler_ancestral", "heun", "lcm", "euler_cfg_pp"])
def test_other_samplers_are_guided(plain, module, vae, sampler):
    model = apply_motion_module(plain, module)
    guided = with_reference_motion(model, reference(vae, strength=100.0, steps=StepRange(0.0, 0.3)))
    ours = sample(guided, steps=2, cfg=1.0, sampler=sampler)
    assert ours.isfinite().all()
    assert not torch.equal(ours, sample(model, steps=2, cfg=1.0, sampler=sampler))


def test_sdxl_is_guided(vae):
    model = apply_motion_module(tiny_sdxl.model(), tiny_sdxl.motion_module("SDXL beta"))
    given = ReferenceMotion(
        ReferenceClip(pixels(), vae, NODE), tiny_sdxl.conditioning(9), 100.0, StepRange(0.0, 0.3)
    )
    guided = tiny_sdxl.sample(with_reference_motion(model, given), FRAMES, steps=2)
    assert guided.isfinite().all()
    assert not torch.equal(guided, tiny_sdxl.sample(model, FRAMES, steps=2))


def test_two_references_both_draw(plain, module, vae):
    model = apply_motion_module(plain, module)
    one = with_reference_motion(model, reference(vae, strength=100.0))
    two = with_reference_motion(one, reference(vae, strength=100.0))
    assert len(two.get_attachment(KEY)) == 2 and len(one.get_attachment(KEY)) == 1
    assert not torch.equal(sample(two), sample(one))


def test_sites_by_kind_of_module(module):
    """A quarter of the latents' size on the way up, whichever level of the file that is."""
    up_0 = [Site("up", 0, index) for index in range(3)]
    assert list(observed_sites(module.config)) == UP_1
    assert list(observed_sites(tiny_sdxl.motion_module("SDXL beta").config)) == up_0
    assert list(observed_sites(tiny_sdxl.motion_module("HotshotXL").config)) == up_0


def test_a_space_time_module_has_no_such_attention(plain, vae):
    module = new_space_time_module(plain, "space_time.safetensors", 1)
    with pytest.raises(AnimateDiffError, match="no attention along the frames where Reference"):
        with_reference_motion(apply_motion_module(plain, module), reference(vae))


def test_errors_before_sampling(plain, module, vae):
    with pytest.raises(AnimateDiffError, match="without a motion module"):
        with_reference_motion(plain, reference(vae))
    model = apply_motion_module(plain, module)
    with pytest.raises(AnimateDiffError, match="the clip has 6 frames, and images of Reference"):
        sample(with_reference_motion(model, reference(vae)), 6)
    early = apply_motion_module(plain, module, end_percent=0.3)
    with pytest.raises(AnimateDiffError, match="timestep 400 of Reference Motion is at"):
        sample(with_reference_motion(early, reference(vae)))
