"""Tora: the network, the block and trainings, against references written by hand.

The network is held to 1e-5 of its maps' deviation, blocks to 1e-4, as in test_parity.
"""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false
# pyright: reportIndexIssue=false, reportOptionalMemberAccess=false

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from adn_testing import tiny, tora_files, tora_oracle
from adn_testing.temporal import call_of
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.call import SiteCall
from animatediff_native.motion.config import Site
from animatediff_native.motion.effects import CallEffects
from animatediff_native.motion.frame_strengths import FrameStrengths, WrongLength
from animatediff_native.training.clip_set import Batch
from animatediff_native.training.session import training_session
from animatediff_native.training.settings import Precision
from animatediff_native.trajectories.flow import path_flow
from animatediff_native.trajectories.tora_control import ToraControl, with_trajectory
from animatediff_native.trajectories.tora_files import read_trajectory_control, tora_patcher
from animatediff_native.trajectories.tora_network import Design, Structure, first_weights
from animatediff_native.trajectories.trajectory import Trajectory

inference = pytest.mark.usefixtures("inference")
DESIGNS = tora_files.DESIGNS


@pytest.fixture(scope="module")
def plain():
    return tiny.model_that_ran()


def asked(frames=12):
    """Two paths: one on a curve, one that leaves the picture."""
    time = np.linspace(0, 1, frames)
    one = np.stack([0.2 + 0.6 * time, 0.3 + 0.4 * time**2], axis=1)
    other = np.stack([0.7 + 0.6 * time, 0.8 - 0.3 * time], axis=1)
    seen = np.ones((frames, 2), bool)
    return Trajectory(np.stack([one, other], axis=1), seen, np.full((2, 2), 0.3), 64, 64)


def patcher_of(tensors):
    return tora_patcher(read_trajectory_control(tensors, "tora.safetensors"))


def relative_error(a, b):
    return ((a - b).abs().max() / b.std()).item()


def flow_of(path, height, width):
    flow = tora_oracle.flow_by_hand(path.points, path.visible, height, width)
    return torch.from_numpy(flow).float().movedim(-1, 1)


@inference
@pytest.mark.parametrize("size", [(8, 8), (5, 7)])
def test_the_extractor_by_hand(size):
    tensors = tora_files.tensors()
    flow = flow_of(asked(5), *(8 * side for side in size))
    ours = patcher_of(tensors).model(flow)
    expected = tora_oracle.features(tensors, flow)
    assert len(ours) == 4 and ours[1].shape[-2:] == (-(-size[0] // 2), -(-size[1] // 2))
    for mine, by_hand in zip(ours, expected, strict=True):
        assert mine.shape == by_hand.shape and relative_error(mine, by_hand) <= 1e-5


def at_a_call(call, effect, height, width):
    """The effect in a call of latents of this size, with the call that knows its network."""
    call = replace(call, companions={effect.companion: effect.companion.model})
    joined = effect.for_run(SimpleNamespace(frames=call.clip_frames)).for_call(call)
    joined.entry(call, torch.zeros(1, 32, height, width))
    return call, joined


def goes_in(call, site, x, joined, view=None):
    """What goes into the site's block in place of x."""
    at = SiteCall(call, site, x.shape[-2], x.shape[-1], CallEffects([joined]), view=view)
    return at.before(x)


@inference
@pytest.mark.parametrize("strengths", [None, (1.0, 0.0, 0.5, 2.0, 0.3)])
@pytest.mark.parametrize(
    ("site", "size"), [(Site("down", 0, 1), (3, 5)), (Site("up", 1, 2), (2, 2))]
)
@pytest.mark.parametrize("design", DESIGNS)
def test_a_block_by_hand(plain, design, site, size, strengths):
    """Two conditionings of two windows of a clip."""
    frames, tensors, path = 4, tora_files.tensors(design), asked()
    level = site.level if site.block == "down" else 3 - site.level
    factors = None if strengths is None else FrameStrengths(strengths, WrongLength.ERROR)
    effect = ToraControl(patcher_of(tensors), path, 0.8, factors)
    latent = [side * 2**level for side in size]
    call, joined = at_a_call(call_of(plain, frames, conds=2, parts=2), effect, *latent)
    channels = call.network.config.channels[site]
    x = torch.randn(16, channels, *size, generator=torch.Generator().manual_seed(4))
    expected = []
    for number, clip in enumerate(x.split(frames)):
        own = call.parts[number % 2].frames
        flow = flow_of(path.at(own), *(8 * side for side in latent))
        seen = tora_oracle.features(tensors, flow)[level]
        added = tora_oracle.added(tensors, design, site, clip, seen)
        e = torch.tensor([0.8 * (strengths or [1.0] * 5)[frame] for frame in own])
        expected.append(clip + e[:, None, None, None] * added)
    result = goes_in(call, site, x, joined)
    assert relative_error(result - x, torch.cat(expected) - x) <= 1e-4
    assert (result - x).std() > 1e-2


@inference
def test_the_mid_block_sees_no_paths(plain):
    call = call_of(plain, 4, conds=1)
    call, joined = at_a_call(call, ToraControl(patcher_of(tora_files.tensors()), asked()), 8, 8)
    x = torch.randn(4, 128, 1, 1)
    assert goes_in(call, Site("mid", 0, 0), x, joined) is x


@inference
def test_some_of_the_frames_and_another_size(plain):
    """Where deep levels share frames, and where a node has the UNet work at another size."""
    effect = ToraControl(patcher_of(tora_files.tensors("channels")), asked())
    call, joined = at_a_call(call_of(plain, 6, conds=1), effect, 16, 16)
    site, x = Site("down", 1, 0), torch.randn(6, 64, 8, 8)
    whole = goes_in(call, site, x, joined)
    some = goes_in(call, site, x[::2], joined, view=(0, 2, 4))
    assert relative_error(some, whole[::2]) <= 1e-5
    small = goes_in(call, site, x[..., :4, :4].contiguous(), joined)
    assert small.shape == (6, 64, 4, 4) and not torch.equal(small, x[..., :4, :4])


def with_paths(plain, path, patcher, version="v3", **options):
    module = tiny.motion_module(version)
    effect = ToraControl(patcher, path, **options)
    return apply_motion_module(plain, with_trajectory(module, effect, "tora.safetensors"))


@inference
@pytest.mark.parametrize("design", DESIGNS)
def test_paths_change_the_clip_and_nothing_asked_does_not(plain, design):
    without = tiny.sample(apply_motion_module(plain, tiny.motion_module("v3")))
    patcher = patcher_of(tora_files.tensors(design))
    assert relative_error(tiny.sample(with_paths(plain, asked(8), patcher)), without) > 1e-2
    fresh = patcher_of(first_weights(Structure(Design(design), (32, 64, 128, 128), 8, 4, 8)))
    assert torch.equal(tiny.sample(with_paths(plain, asked(8), fresh)), without)
    off = with_paths(plain, asked(8), patcher, amount=0.0)
    assert torch.equal(tiny.sample(off), without)
    empty = Trajectory(np.zeros((8, 0, 2)), np.zeros((8, 0), bool), np.zeros((0, 2)), 64, 64)
    assert torch.equal(tiny.sample(with_paths(plain, empty, patcher)), without)


@pytest.mark.parametrize("design", DESIGNS)
def test_a_fresh_network_can_be_trained(design):
    """Through the host's own path, as the other trainings: first the last layers of the fusers
    have a gradient, then all."""
    plain = tiny.model()
    tensors = first_weights(Structure(Design(design), (32, 64, 128, 128), 8, 4, 8))
    with torch.inference_mode(False):
        patcher = tora_patcher(tensors, torch.float32, disable_dynamic=True)
    effect = ToraControl(patcher, asked(4))
    model = apply_motion_module(plain, tiny.motion_module("v3").with_effect(effect))
    network = patcher.model
    batch = Batch(torch.randn(1, 4, 4, 8, 8), torch.randn(1, 7, tiny.CONTEXT_DIM))
    noise, at = torch.randn(1, 4, 4, 8, 8), torch.tensor([500])
    with training_session(model, Precision.FP32, False, 4) as predict:
        network.requires_grad_(True)
        predict(batch, noise, at).pow(2).mean().backward()
        last = [
            parameter
            for fuser in network.fusers.values()
            for name in fuser.last
            for parameter in fuser.get_submodule(name).parameters()
        ]
        assert all(each.grad.abs().sum() > 0 for each in last)
        with torch.no_grad():
            for each in last:
                each -= 0.1 * each.grad / each.grad.norm()
        network.zero_grad()
        effect.trajectory = asked(5)
        predict(batch, noise, at).pow(2).mean().backward()
        assert network.extractor.conv_in.weight.grad.abs().sum() > 0
        network.requires_grad_(False)


def test_the_flow_that_a_window_sees_is_that_of_its_frames():
    path = asked()
    window = path_flow(path.at((4, 6, 8)), 64, 64)
    assert not window[0].any()
    expected = tora_oracle.flow_by_hand(path.points[[4, 6, 8]], path.visible[[4, 6, 8]], 64, 64)
    assert np.abs(window - expected).max() <= 1e-5
