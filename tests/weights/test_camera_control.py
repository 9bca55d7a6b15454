"""CameraCtrl: the encoder, the block and whole runs, against references written by hand."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false
# pyright: reportIndexIssue=false, reportOptionalMemberAccess=false

import pytest
import torch
from adn_testing import camera_files, tiny
from adn_testing.temporal import animated
from animatediff_native.conditions.camera_control import CameraControl, with_camera
from animatediff_native.conditions.camera_encoder import first_weights
from animatediff_native.conditions.camera_files import camera_patcher, read_camera_control
from animatediff_native.conditions.camera_poses import along
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.training.clip_set import Batch
from animatediff_native.training.session import training_session
from animatediff_native.training.settings import Precision

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
