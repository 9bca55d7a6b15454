"""Hints of ControlNets and T2I-Adapters in windows: prepared once per run, to the same bits."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false
# pyright: reportOptionalMemberAccess=false

import gc
import weakref
from contextlib import contextmanager

import comfy.controlnet
import comfy.utils
import pytest
import torch
from adn_testing import probes, tiny
from adn_testing.probes import with_control
from animatediff_native.samplers import kept_hints
from animatediff_native.samplers.context_handler import RUN_KEY
from animatediff_native.samplers.kept_hints import KeptHints
from animatediff_native.samplers.windows import Schedule, WindowPlan
from comfy.patcher_extension import WrappersMP

pytestmark = pytest.mark.usefixtures("inference")
FRAMES, STEPS = 10, 4


class Adapter(torch.nn.Module):
    """Counts the frames that it is run for."""

    unshuffle_amount = 8

    def __init__(self):
        super().__init__()
        self.frames = 0
        self.conv = torch.nn.Conv2d(3, 2, 3, padding=1)
        tiny.fill_randomly(self, 3)

    def forward(self, hint):
        self.frames += hint.shape[0]
        residual = 0.1 * self.conv(hint).mean(dim=(2, 3), keepdim=True)
        return {"input": [], "middle": [residual[:, :1], None, residual[:, 1:]], "output": []}


def hints(frames=FRAMES):
    """Of another size than the clip, so that they have to be resized."""
    return torch.rand(frames, 3, 40, 48, generator=torch.Generator().manual_seed(1))


def adapter(shown):
    control = comfy.controlnet.T2IAdapter(Adapter(), 3, 8, "bilinear", torch.device("cpu"))
    return control.set_cond_hint(shown, 0.7)


def net(shown):
    return probes.ProbeControl(100 * shown, [], strength=0.8)


def both(shown):
    return net(shown).set_previous_controlnet(adapter(shown))


def sampled(control, plan=None, **options):
    model = probes.windowed(probes.trivial(), plan or WindowPlan(4, 2))
    return tiny.sample(model, frames=FRAMES, steps=STEPS, **with_control(control), **options)


@pytest.fixture
def not_kept(monkeypatch):
    """A function: from now on nothing is."""

    @contextmanager
    def in_use(self, window):
        yield lambda *_: None

    return lambda: monkeypatch.setattr(KeptHints, "in_use", in_use)


@pytest.mark.parametrize("shared", [False, True], ids=["a hint per frame", "one hint"])
@pytest.mark.parametrize("kind", [net, adapter, both])
@pytest.mark.parametrize("schedule", Schedule)
def test_the_same_bits(schedule, kind, shared, not_kept):
    plan, shown = WindowPlan(4, 2, schedule=schedule), hints(1 if shared else FRAMES)
    kept = sampled(kind(shown), plan)
    not_kept()
    assert torch.equal(kept, sampled(kind(shown), plan))
    assert not torch.equal(kept, sampled(kind(shown.flip(-1).roll(3, 0) * 2), plan))


@pytest.mark.parametrize("part", ["area", "apart"])
def test_the_same_bits_where_calls_differ(part, not_kept, monkeypatch):
    """Two sizes of one control in one call, and cond and uncond apart."""
    control = both(hints())
    conds = with_control(control)
    if part == "area":
        conds["positive"] = conds["positive"] + tiny.conditioning(
            4, area=(4, 8, 0, 0), control=control, control_apply_to_uncond=False
        )
    model = probes.windowed(probes.trivial(), WindowPlan(4, 2))
    if part == "apart":
        monkeypatch.setattr(model.model, "memory_required", lambda *_, **__: 1e18)
    kept = tiny.sample(model, frames=FRAMES, steps=STEPS, **conds)
    not_kept()
    assert torch.equal(kept, tiny.sample(model, frames=FRAMES, steps=STEPS, **conds))


def counted(monkeypatch):
    """Frames that the host resizes."""
    resized, upscale = [], comfy.utils.common_upscale

    def count(samples, *args):
        resized.append(samples.shape[0])
        return upscale(samples, *args)

    monkeypatch.setattr(comfy.utils, "common_upscale", count)
    return resized


@pytest.mark.parametrize("schedule", Schedule)
def test_once_per_run(schedule, monkeypatch):
    """In the first step, whose windows hold every frame; also where windows move."""
    plan = WindowPlan(4, 2, schedule=schedule)
    first_step = sum(map(len, plan.windows(FRAMES)))
    resized, control = counted(monkeypatch), both(hints())
    network = control.previous_controlnet.t2i_model
    sampled(control, plan)
    assert FRAMES <= sum(resized) <= 2 * first_step  # by a net and an adapter
    assert FRAMES <= network.frames <= 2 * first_step  # for cond and uncond
    seen = network.frames
    sampled(control, plan)
    assert network.frames == 2 * seen, "what is kept goes with the run"


def test_nothing_outlives_the_run():
    runs = []
    model = probes.windowed(probes.trivial(), WindowPlan(4, 2))
    model.add_wrapper_with_key(
        WrappersMP.APPLY_MODEL,
        "probe",
        lambda executor, *a, **k: (
            runs.append(weakref.ref(a[5][RUN_KEY].hints)),
            executor(*a, **k),
        )[1],
    )
    control = both(hints())
    network = control.previous_controlnet.t2i_model
    tiny.sample(model, frames=FRAMES, steps=1, **with_control(control))
    gc.collect()
    assert runs and all(run() is None for run in runs)
    assert control.previous_controlnet.t2i_model is network
    assert control.cond_hint is None and control.previous_controlnet.control_input is None


def test_what_takes_too_much_memory_is_made_anew(monkeypatch):
    control = both(hints())
    kept = sampled(control)
    monkeypatch.setattr(kept_hints, "MOST_MEMORY", 0)
    resized, network = counted(monkeypatch), control.previous_controlnet.t2i_model
    network.frames = 0
    assert torch.equal(sampled(control), kept)
    through = STEPS * sum(map(len, WindowPlan(4, 2).windows(FRAMES)))
    assert sum(resized) == 2 * through and network.frames == 2 * through
