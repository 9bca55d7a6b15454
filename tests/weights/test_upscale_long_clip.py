"""The template Long clip made larger, on a tiny clip: in every step of its second sampling, the
windows' predictions become the one that is nearest to all of them (MultiDiffusion along time)."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

from typing import NamedTuple

import comfy.sample
import comfy.samplers
import pytest
import torch
from adn_testing import tiny
from adn_testing.probes import windowed
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.samplers.fuse import Fuse
from animatediff_native.samplers.windows import Schedule, WindowPlan

import nodes
from tools import workflow

pytestmark = pytest.mark.usefixtures("inference")
FRAMES, STEPS, CFG = 10, 3, 4.0
TEMPLATE = workflow.load("upscale_long_clip")
CLOSE = 1e-4  # of the deviation: fp32 through another batch


def asked(class_type, title=""):
    return TEMPLATE[workflow.node_id(TEMPLATE, class_type, title)]["inputs"]


class Step(NamedTuple):
    """x, denoised: [F, 4, h, w], what the sampler gave and got."""

    x: torch.Tensor
    sigma: float
    denoised: torch.Tensor


@pytest.fixture(scope="module")
def animated():
    return apply_motion_module(tiny.model(), tiny.motion_module("v2"))


def large_clip(animated, plan, fuse):
    """The template's chain with its own settings; the steps of the second sampling."""
    model = windowed(animated, plan, fuse)
    small = tiny.sample(model, FRAMES, STEPS, CFG)
    upscale = asked("LatentUpscaleBy")
    (large,) = nodes.LatentUpscaleBy().upscale(
        {"samples": small}, upscale["upscale_method"], upscale["scale_by"]
    )
    noted = model.clone()
    steps = []

    def note(args):
        steps.append(Step(args["input"], float(args["sigma"].max()), args["denoised"]))
        return args["denoised"]

    noted.set_model_sampler_post_cfg_function(note)
    size = large["samples"].shape[-1]
    denoise = asked("KSampler", "Large Clip")["denoise"]
    tiny.sample(noted, FRAMES, STEPS, CFG, latent=large["samples"], size=size, denoise=denoise)
    return steps


def window_alone(animated, x, sigma):
    """What the model says of a window's frames as a clip of their own, without Context Windows."""
    said = []

    def once(model, _, sigmas, extra_args=None, **__):
        said.append(model(x, sigmas[:1].expand(len(x)), **extra_args))
        return said[-1]

    comfy.sample.sample_custom(
        animated,
        torch.zeros_like(x),
        CFG,
        comfy.samplers.KSAMPLER(once),
        torch.tensor([sigma, 0.0]),
        tiny.conditioning(1),
        tiny.conditioning(3),
        torch.zeros_like(x),
        disable_pbar=True,
        seed=5,
    )
    return said[-1]


def nearest_to_all(animated, step, windows):
    """argmin over J' of sum_i ||J'[window_i] - Phi(J[window_i])||^2, by a dense solver in fp64."""
    rows, values = [], []
    for window in windows:
        picks = torch.zeros(len(window), FRAMES, dtype=torch.float64)
        picks[torch.arange(len(window)), list(window)] = 1
        rows.append(picks)
        values.append(window_alone(animated, step.x[list(window)], step.sigma).flatten(1).double())
    solution = torch.linalg.lstsq(torch.cat(rows), torch.cat(values)).solution
    return solution.view_as(step.denoised)


def off(step, solution):
    return float((step.denoised - solution).abs().max() / solution.std())


@pytest.mark.parametrize("schedule", [Schedule.STATIC, Schedule.LOOPED])
def test_every_step_is_the_least_squares_solution(animated, schedule):
    plan = WindowPlan(4, 2, schedule=schedule)
    steps = large_clip(animated, plan, Fuse(asked("ADN_ContextWindows")["fuse"]))
    assert len(steps) == STEPS
    for number, step in enumerate(steps):
        solution = nearest_to_all(animated, step, plan.windows(FRAMES, number))
        assert off(step, solution) < CLOSE


def test_other_weights_solve_another_problem(animated):
    """So that the test above can fail."""
    plan = WindowPlan(4, 2)
    step = large_clip(animated, plan, Fuse.PYRAMID)[0]
    assert off(step, nearest_to_all(animated, step, plan.windows(FRAMES, 0))) > 100 * CLOSE


def test_the_template_asks_for_it():
    assert asked("ADN_ContextWindows")["fuse"] == Fuse.FLAT.value
    assert asked("ADN_ContextWindows")["schedule"] == Schedule.STATIC.value
    assert 0.4 <= asked("KSampler", "Large Clip")["denoise"] <= 0.6
