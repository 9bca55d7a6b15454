"""The host's step caches along windows: each window gets back what was its own."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false
# pyright: reportOptionalSubscript=false

from uuid import uuid4

import pytest
import torch
from adn_testing import tiny
from adn_testing.probes import windowed
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.samplers.frame_window import FrameWindow
from animatediff_native.samplers.slicing import sliced_conds
from animatediff_native.samplers.windows import Schedule, WindowPlan
from comfy.patcher_extension import WrappersMP

pytestmark = pytest.mark.usefixtures("inference")


@pytest.fixture(scope="module")
def easycache():
    """The node of hosts that have it, at a threshold that skips every step it can."""
    module = pytest.importorskip("comfy_extras.nodes_easycache")
    return lambda model: module.EasyCacheNode.execute(model, 3.0, 0.0, 1.0, False)[0]


class Watched:
    """A model with the cache, and for each UNet call what it added: [(frames, cond), added, ran]."""

    def __init__(self, model, easycache):
        self.calls, self._ran = [], False
        model = model.clone()
        model.add_wrapper_with_key(WrappersMP.DIFFUSION_MODEL, "before the cache", self._outside)
        self.model = easycache(model)
        self.model.add_wrapper_with_key(WrappersMP.DIFFUSION_MODEL, "behind it", self._inside)

    def _outside(self, executor, x, *args, **kwargs):
        before, self._ran = x.clone(), False
        out = executor(x, *args, **kwargs)
        options = args[-1] if isinstance(args[-1], dict) else kwargs["transformer_options"]
        conds = options["cond_or_uncond"]
        frames = tuple(options["context_window"].index_list)
        for cond, added in zip(conds, (out - before).chunk(len(conds)), strict=True):
            self.calls.append(((frames, cond), added, self._ran))
        return out

    def _inside(self, executor, *args, **kwargs):
        self._ran = True
        return executor(*args, **kwargs)


@pytest.mark.parametrize("schedule", [Schedule.STATIC, Schedule.UNIFORM, Schedule.LOOPED])
def test_easycache_adds_what_these_frames_had(easycache, schedule):
    """Where it skips a call: also with windows that move, which come back steps later."""
    animated = apply_motion_module(tiny.model(), tiny.motion_module("v3"))
    watched = Watched(windowed(animated, WindowPlan(4, 2, schedule=schedule)), easycache)
    tiny.sample(watched.model, frames=8, steps=6)
    own, skipped = {}, 0
    for key, added, ran in watched.calls:
        if ran:
            own[key] = added
        else:
            # x + added - x rounds
            assert torch.allclose(added, own[key], rtol=1e-3, atol=1e-4)
            skipped += 1
    assert skipped or schedule is not Schedule.STATIC


def test_a_conditioning_has_an_id_per_window():
    """The same in every step, and not that of another conditioning."""
    ids = [uuid4(), uuid4()]
    conds = [[{"uuid": identity}] for identity in ids]

    def of(*windows):
        return [entries[0]["uuid"] for entries in sliced_conds(conds, FrameWindow(windows, 9))]

    first, other, both = of((0, 1, 2)), of((1, 2, 3)), of((0, 1, 2), (1, 2, 3))
    assert of((0, 1, 2)) == first
    assert len({*ids, *first, *other, *both}) == 8
    assert sliced_conds([[{"uuid": "a"}]], FrameWindow([(0, 1)], 4)) == [[{"uuid": "a"}]]
