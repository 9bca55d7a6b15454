"""The noise schedules: published sigmas, the host's own tables, and models patched by others."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import math

import comfy.model_sampling
import pytest
import torch
from adn_testing import tiny, tiny_sdxl
from animatediff_native.motion.config import Version
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.nodes.motion_module import ApplyMotionModule
from animatediff_native.samplers.beta_schedule import (
    BetaSchedule,
    set_beta_schedule,
    sigmas_of,
    timesteps_of,
    trained_with,
)
from comfy_extras import nodes_model_advanced

# diffusers' DDIM / Euler tables as published: sigma at timesteps 249, 499, 749, 999
TABLE = {
    BetaSchedule.SCALED_LINEAR: (0.693, 1.613, 4.082, 14.615),
    BetaSchedule.LINEAR: (0.867, 2.276, 6.557, 25.146),
}


@pytest.mark.parametrize("schedule", TABLE)
def test_published_sigmas(schedule):
    sigmas = sigmas_of(schedule)
    assert sigmas.shape == (1000,)
    for timestep, expected in zip((249, 499, 749, 999), TABLE[schedule], strict=True):
        assert sigmas[timestep].item() == pytest.approx(expected, abs=5e-4)  # printed digits
    assert sigmas[0].item() == pytest.approx(0.02917, abs=5e-6)


@pytest.mark.parametrize(
    ("schedule", "host_name"),
    [(BetaSchedule.SCALED_LINEAR, "linear"), (BetaSchedule.LINEAR, "sqrt_linear")],
)
def test_the_host_computes_the_same(schedule, host_name):
    host = comfy.model_sampling.ModelSamplingDiscrete()
    host._register_schedule(beta_schedule=host_name, linear_start=0.00085, linear_end=0.012)
    # fp32 rounding of the host's table
    assert torch.allclose(sigmas_of(schedule).float(), host.sigmas, rtol=1e-6)


def betas_by_hand(schedule, t):
    """Of the papers: SD's between 0.00085 and 0.012 (or 0.020), in the root, straight, or as a
    root; the cosine ones from abar(t) = cos((t / T + 0.008) / 1.008 pi / 2)^2, capped at 0.999."""
    share, low, high = t / 999, 0.00085, 0.012
    straight = low + (high - low) * share
    if schedule in (BetaSchedule.COSINE, BetaSchedule.SQUARED_COSINE):
        abar = [math.cos(((t + i) / 1000 + 0.008) / 1.008 * math.pi / 2) ** 2 for i in (0, 1)]
        return min(0.999, 1 - abar[1] / abar[0])
    if schedule is BetaSchedule.LINEAR_I2V:
        return low + (0.014 - low) * share
    if schedule is BetaSchedule.SDXL:
        return (low**0.5 + (0.020**0.5 - low**0.5) * share) ** 2
    return straight**0.5 if schedule is BetaSchedule.SQRT else straight


@pytest.mark.parametrize(
    "schedule",
    [
        BetaSchedule.SDXL,
        BetaSchedule.SQRT,
        BetaSchedule.COSINE,
        BetaSchedule.SQUARED_COSINE,
        BetaSchedule.LINEAR_I2V,
    ],
)
def test_other_schedules_by_hand(schedule):
    left, expected = 1.0, []
    for t in range(1000):
        left *= 1 - betas_by_hand(schedule, t)
        expected.append(((1 - left) / left) ** 0.5)
    by_hand = torch.tensor(expected, dtype=torch.float64)
    assert torch.allclose(sigmas_of(schedule), by_hand, rtol=1e-4)  # the host has it in fp32
    sampling = patched(schedule)
    assert torch.allclose(sampling.sigmas.double(), by_hand, rtol=1e-4)
    again = tiny.model()
    set_beta_schedule(again, schedule)
    assert torch.equal(patched(schedule, again).sigmas, sampling.sigmas), "twice is once"


def test_the_average_of_sigmas_with_lcm_too():
    """Half of both at every timestep, and at the 50 of LCM's table."""
    mean = (sigmas_of(BetaSchedule.LINEAR) + sigmas_of(BetaSchedule.SCALED_LINEAR)) / 2
    assert torch.allclose(patched(BetaSchedule.AVERAGE).sigmas, mean.float(), rtol=1e-6)
    lcm = patched(BetaSchedule.AVERAGE, sampling_node("lcm"))
    assert isinstance(lcm, nodes_model_advanced.LCM)
    assert torch.allclose(lcm.sigmas, mean[19::20].float(), rtol=1e-6)


def test_lcm_of_100_timesteps():
    """Every tenth timestep, LCM's denoising, whatever was there."""
    for model in (tiny.model(), sampling_node("lcm"), sampling_node("v_prediction")):
        sampling = patched(BetaSchedule.LCM_100, model)
        assert isinstance(sampling, nodes_model_advanced.LCM)
        table = sigmas_of(BetaSchedule.SCALED_LINEAR)[9::10].float()
        assert torch.allclose(sampling.sigmas, table, rtol=1e-6)
        assert sampling.timestep(sampling.sigma_max).item() == 999
        assert sampling.timestep(table[3]).item() == 39


def test_float64_is_for_the_cpu_alone():
    """Some devices have none."""
    sigmas = sigmas_of(BetaSchedule.LINEAR).float().to("meta")
    seen = []

    class Watched(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            if func is torch.Tensor.double:
                seen.append("double before cpu")
            if func is torch.Tensor.cpu:
                return sigmas_of(BetaSchedule.LINEAR).float()
            return super().__torch_function__(func, types, args, kwargs or {})

    assert timesteps_of(sigmas.as_subclass(Watched)) is not None
    assert seen == []


def patched(schedule, model=None):
    model = (model or tiny.model()).clone()
    set_beta_schedule(model, schedule)
    return model.get_model_object("model_sampling")


def test_auto_is_linear_and_keep_is_nothing():
    model = tiny.model()
    assert patched(BetaSchedule.AUTO, model).sigma_max == pytest.approx(25.146, abs=1e-3)
    assert patched(BetaSchedule.KEEP, model) is model.get_model_object("model_sampling")
    stock = model.get_model_object("model_sampling").sigmas
    assert torch.allclose(patched(BetaSchedule.SCALED_LINEAR, model).sigmas, stock, rtol=1e-6)


@pytest.mark.parametrize(
    ("version", "schedule"),
    [
        ("SDXL beta", BetaSchedule.SDXL),
        ("HotshotXL", BetaSchedule.SCALED_LINEAR),  # SDXL's own
        ("v3", BetaSchedule.LINEAR),
        ("AnimateLCM", BetaSchedule.LINEAR),
    ],
)
def test_auto_is_what_the_motion_module_was_trained_with(version, schedule):
    """Apply Motion Module gives it to the model."""
    sdxl = version in ("SDXL beta", "HotshotXL")
    files = tiny_sdxl if sdxl else tiny
    model, module = files.model(), files.motion_module(version)
    before = model.get_model_object("model_sampling").sigmas.clone()
    for choice in (BetaSchedule.AUTO, schedule):
        out = ApplyMotionModule.execute(model, module, 1.0, choice.value, 0.0, 1.0)
        sigmas = out.args[0].get_model_object("model_sampling").sigmas
        assert torch.allclose(sigmas, sigmas_of(schedule).float(), rtol=1e-6)
    same = torch.allclose(sigmas, before, rtol=1e-6)
    assert same is (version == "HotshotXL")
    assert torch.equal(model.get_model_object("model_sampling").sigmas, before)


def test_auto_of_animate_lcm_from_a_picture():
    assert trained_with(Version.ANIMATE_LCM_I2V) is BetaSchedule.LINEAR_I2V


def test_the_original_model_keeps_its_schedule():
    model = tiny.model()
    before = model.get_model_object("model_sampling").sigmas.clone()
    patched(BetaSchedule.LINEAR, model)
    assert torch.equal(model.get_model_object("model_sampling").sigmas, before)


def sampling_node(name):
    """ModelSamplingDiscrete as a user has it in the graph before ours."""
    return nodes_model_advanced.ModelSamplingDiscrete().patch(tiny.model(), name, False)[0]


def test_a_distilled_table_keeps_its_timesteps():
    """LCM samples at 50 of the 1000 timesteps: those timesteps, at linear sigmas."""
    model = sampling_node("lcm")
    sampling = patched(BetaSchedule.AUTO, model)
    assert type(sampling) is type(model.get_model_object("model_sampling"))
    steps = torch.arange(19, 1000, 20)
    assert torch.allclose(sampling.sigmas, sigmas_of(BetaSchedule.LINEAR)[steps].float(), rtol=1e-6)
    assert sampling.timestep(sampling.sigma_max).item() == 999


def test_a_prediction_type_of_another_node_stays():
    sampling = patched(BetaSchedule.AUTO, sampling_node("v_prediction"))
    assert isinstance(sampling, comfy.model_sampling.V_PREDICTION)
    assert sampling.sigma_max == pytest.approx(25.146, abs=1e-3)


def test_twice_is_once():
    model = tiny.model()
    set_beta_schedule(model, BetaSchedule.AUTO)
    assert patched(BetaSchedule.AUTO, model).sigma_max == pytest.approx(25.146, abs=1e-3)
    assert patched(BetaSchedule.SCALED_LINEAR, model).sigma_max == pytest.approx(14.615, abs=1e-3)


def test_an_unknown_schedule_is_kept_by_auto_and_refused_otherwise(caplog):
    model = nodes_model_advanced.ModelSamplingDiscrete().patch(tiny.model(), "eps", True)[0]
    before = model.get_model_object("model_sampling").sigmas.clone()
    assert torch.equal(patched(BetaSchedule.AUTO, model).sigmas, before)
    assert "keep" in caplog.text
    with pytest.raises(AnimateDiffError, match="keep"):
        patched(BetaSchedule.LINEAR, model)


def sampled(model):
    return tiny.sample(model, steps=1, cfg=1.0)


@pytest.mark.parametrize("sampling", ["lcm", "eps", "v_prediction"])
def test_a_schedule_that_another_node_replaced_is_said(sampling, caplog):
    from animatediff_native.motion.apply import apply_motion_module
    from animatediff_native.samplers.clip_run import set_automatic_windows

    animated = apply_motion_module(tiny.model(), tiny.motion_module("v2"))
    set_beta_schedule(animated, BetaSchedule.AUTO)
    set_automatic_windows(animated, 32)
    sampled(animated)
    assert "replaced the noise schedule" not in caplog.text
    (replaced,) = nodes_model_advanced.ModelSamplingDiscrete().patch(animated, sampling, False)
    sampled(replaced)
    assert "replaced the noise schedule after Apply Motion Module" in caplog.text
    assert "before Apply Motion Module" in caplog.text
    assert "14.61" in caplog.text
