"""CameraCtrl: the encoder, the block and whole runs, against references written by hand.

The encoder is held to 1e-5 of its maps' deviation, blocks and runs to 1e-4, as in test_parity:
the same products in another order. Without the camera the difference is 1e-2 and more.
"""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false
# pyright: reportIndexIssue=false, reportOptionalMemberAccess=false

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from adn_testing import camera_files, camera_oracle, tiny
from adn_testing.temporal import animated, block_by_hand, call_of, run_block
from animatediff_native.conditions.camera_control import CameraControl, with_camera
from animatediff_native.conditions.camera_encoder import first_weights
from animatediff_native.conditions.camera_files import camera_patcher, read_camera_control
from animatediff_native.conditions.camera_poses import along
from animatediff_native.conditions.camera_rays import camera_rays
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.config import Site
from animatediff_native.motion.frame_strengths import FrameStrengths, WrongLength
from animatediff_native.motion.free_long import FreeLong
from animatediff_native.samplers.views import Views
from animatediff_native.samplers.windows import Schedule, WindowPlan
from animatediff_native.training.clip_set import Batch
from animatediff_native.training.session import training_session
from animatediff_native.training.settings import Precision

TOLERANCE = 1e-4
PATH = along("tilt left", 40, 1.5, previous=along("pan up", 40, 2.0))
LEVEL = {"down": lambda level: level, "up": lambda level: 3 - level}

inference = pytest.mark.usefixtures("inference")


@pytest.fixture(scope="module")
def plain():
    return tiny.model_that_ran()


def patcher_of(tensors):
    return camera_patcher(read_camera_control(tensors, "camera.safetensors"))


def with_path(plain, path, patcher, version="v3", **options):
    module = tiny.motion_module(version)
    effect = CameraControl(patcher, path, **options)
    return apply_motion_module(plain, with_camera(module, effect, "camera.safetensors"))


def relative_error(a, b):
    return ((a - b).abs().max() / b.std()).item()


@inference
@pytest.mark.parametrize("rows", [16, 4])
@pytest.mark.parametrize(("frames", "height", "width"), [(5, 8, 8), (3, 5, 7), (18, 2, 3)])
def test_the_encoder_by_hand(rows, frames, height, width):
    tensors = camera_files.flat(rows=rows)
    rays = camera_rays(PATH.at(range(frames)), 8 * height, 8 * width)
    ours = patcher_of(tensors).model(rays)
    expected = camera_oracle.encoded(tensors, rays, rows=rows)
    assert len(ours) == 4
    for mine, by_hand in zip(ours, expected, strict=True):
        assert mine.shape == by_hand.shape
        assert relative_error(mine, by_hand) <= 1e-5
    assert ours[1].shape[-2:] == (-(-height // 2), -(-width // 2))  # as the UNet halves


def at_a_call(call, effect, height, width):
    """The effect in a call of latents of this size, with the call that knows its network."""
    call = replace(call, companions={effect.companion: effect.companion.model})
    joined = effect.for_run(SimpleNamespace(frames=call.clip_frames)).for_call(call)
    joined.entry(call, torch.zeros(1, 32, height, width))
    return call, joined


@inference
@pytest.mark.parametrize("strengths", [None, (1.0, 0.0, 0.5, 2.0, 0.3, 1.0, 1.0)])
@pytest.mark.parametrize(
    ("site", "size"),
    [
        (Site("down", 0, 0), (24, 18)),  # several slices, which cross parts of the batch
        (Site("down", 2, 1), (3, 5)),
        (Site("up", 0, 2), (2, 3)),
        (Site("up", 2, 0), (6, 9)),
    ],
)
def test_a_block_by_hand(plain, site, size, strengths):
    frames, tensors = 6, camera_files.flat()
    level = LEVEL[site.block](site.level)
    call = call_of(plain, frames, conds=2, parts=2)
    factors = None if strengths is None else FrameStrengths(strengths, WrongLength.ERROR)
    effect = CameraControl(patcher_of(tensors), PATH, 0.8, factors)
    latent = [side * 2**level for side in size]
    call, joined = at_a_call(call, effect, *latent)
    channels = call.network.config.channels[site]
    x = torch.randn(24, channels, *size, generator=torch.Generator().manual_seed(4))
    maps, e = [], []
    for part in call.parts:
        rays = camera_rays(PATH.at(part.frames), *(8 * side for side in latent))
        seen = camera_oracle.encoded(tensors, rays)[level]
        maps.append(seen.permute(2, 3, 0, 1).flatten(0, 1))
        e.append(0.8 * torch.tensor([(strengths or [1.0] * 7)[frame] for frame in part.frames]))
    both = camera_oracle.both_attentions(tensors, site, maps * 2, e * 2)
    expected = block_by_hand(call, site, x, both)
    assert relative_error(run_block(call, site, x, joined), expected) <= TOLERANCE
    assert relative_error(run_block(call, site, x), expected) > 1e-2


@inference
def test_the_mid_block_sees_no_camera(plain):
    call = call_of(plain, 4, conds=1)
    call, joined = at_a_call(call, CameraControl(patcher_of(camera_files.flat()), PATH), 8, 8)
    x = torch.randn(4, 128, 1, 1)
    site = Site("mid", 0, 0)
    assert torch.equal(run_block(call, site, x, joined), run_block(call, site, x))


@inference
def test_another_size_inside_the_unet(plain):
    """Some nodes have the UNet compute smaller in a part of its blocks."""
    call = call_of(plain, 4, conds=1)
    call, joined = at_a_call(call, CameraControl(patcher_of(camera_files.flat()), PATH), 16, 16)
    x = torch.randn(4, 32, 8, 8)
    site = Site("down", 0, 0)
    assert relative_error(run_block(call, site, x, joined), run_block(call, site, x)) > 1e-3


@inference
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("kind", ["views", "FreeLong"])
def test_beside_effects_that_show_some_frames(plain, kind, first):
    """The camera's maps are of the whole part, positions are those of the frames shown."""
    site, tensors, frames = Site("up", 3, 1), camera_files.flat(), 6
    other = Views(WindowPlan(4, 2, 1, Schedule.STATIC, "view")) if kind == "views" else FreeLong(4)
    effect = CameraControl(patcher_of(tensors), PATH)
    module = tiny.motion_module("v2")
    module = module if first else module.with_effect(other)
    module = with_camera(module, effect, "camera")
    module = module.with_effect(other) if first else module
    assert module.effects == (effect, other)  # the camera is innermost
    call = call_of(plain, frames, conds=1)
    call, joined = at_a_call(call, effect, 3, 4)
    x = torch.randn(frames, 32, 3, 4, generator=torch.Generator().manual_seed(4))
    rays = camera_rays(PATH.at(range(frames)), 24, 32)
    camera = camera_oracle.encoded(tensors, rays)[0].permute(2, 3, 0, 1).flatten(0, 1)
    ours = run_block(call, site, x, joined, other.for_call(call))

    def attended(block, x):  # each window by hand, then their weighted mean
        windows = [(0, 1, 2, 3), (2, 3, 4, 5)]
        weights = torch.tensor([1.0, 2.0, 2.0, 1.0])
        if kind == "views":
            parts = [
                camera_oracle.both_attentions(
                    tensors, site, [camera[:, list(w)]], [torch.ones(4)]
                )(block, x[:, list(w)])
                for w in windows
            ]
            return mean(parts, windows, weights, x)
        for index in range(2):
            n = block.norms[index](x)
            parts = [
                camera_oracle.one_attention(
                    tensors, site, block, index, n[:, list(w)], camera[:, list(w)]
                )
                for w in windows
            ]
            x = x + mean(parts, windows, weights, x)
        return x

    expected = block_by_hand(call, site, x, attended)
    assert relative_error(ours, expected) <= TOLERANCE
    assert relative_error(run_block(call, site, x, other.for_call(call)), expected) > 1e-2


def mean(parts, windows, weights, x):
    out, total = torch.zeros_like(x), torch.zeros(x.shape[1])
    for part, window in zip(parts, windows, strict=True):
        for place, frame in enumerate(window):
            out[:, frame] += weights[place] * part[:, place]
            total[frame] += weights[place]
    return out / total[:, None]


@inference
def test_the_camera_changes_the_clip_and_merges_of_0_do_not(plain):
    path = along("pan left", 8)
    without = tiny.sample(animated(plain, version="v3"))
    seen = tiny.sample(with_path(plain, path, patcher_of(camera_files.flat())))
    assert ((seen - without).abs().max() / without.std()).item() > 1e-2
    zero = {k: t * 0 if "qkv_merge" in k else t for k, t in camera_files.flat().items()}
    assert torch.equal(tiny.sample(with_path(plain, path, patcher_of(zero))), without)
    assert torch.equal(
        tiny.sample(with_path(plain, path, patcher_of(camera_files.flat()), amount=0.0)), without
    )


def test_a_fresh_network_changes_nothing_and_can_be_trained():
    """Through the host's own path, as the other trainings: first the merges have a gradient, then
    the encoder too."""
    plain = tiny.model()
    tensors = first_weights((32, 64, 128, 128))
    with torch.inference_mode(False):
        patcher = camera_patcher(tensors, torch.float32, disable_dynamic=True)
    effect = CameraControl(patcher, along("pan left", 4))
    module = with_camera(tiny.motion_module("v3"), effect, "camera")
    model = apply_motion_module(plain, module)
    network = patcher.model
    batch = Batch(torch.randn(1, 4, 4, 8, 8), torch.randn(1, 7, tiny.CONTEXT_DIM))
    noise, at = torch.randn(1, 4, 4, 8, 8), torch.tensor([500])
    with training_session(model, Precision.FP32, False, 4) as predict:
        network.requires_grad_(True)
        first = predict(batch, noise, at)
        first.pow(2).mean().backward()
        merges = list(network.merges.parameters())
        assert all(each.grad.abs().sum() > 0 for each in merges)
        with torch.no_grad():
            for each in merges:
                each -= 0.1 * each.grad / each.grad.norm()
        effect.path = along("zoom in", 4)
        network.zero_grad()
        second = predict(batch, noise, at)
        second.pow(2).mean().backward()
        encoder = [p for n, p in network.named_parameters() if n.startswith("encoder_conv_in")]
        assert all(each.grad.abs().sum() > 0 for each in encoder)
        assert not torch.equal(first, second)
        network.requires_grad_(False)
    with torch.inference_mode():
        assert torch.equal(
            tiny.sample(with_path(plain, along("zoom in", 8), patcher_of(tensors))),
            tiny.sample(animated(plain, version="v3")),
        )
