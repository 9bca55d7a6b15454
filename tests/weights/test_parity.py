"""The animated UNet against independent implementations, in fp32.

Tolerance: 1e-4 of the output's standard deviation. Both sides compute the same sums in
another order; over some 60 layers of fp32 (6e-8 each, growing with depth) that leaves about
1e-5, while a misplaced block, norm or position shows as 1e-2 and more.
"""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import pytest
import torch
from adn_testing import motion_files, oracle, tiny
from adn_testing.unet_call import noise_of, relative_error
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.detect import read_motion_module
from animatediff_native.motion.load import MotionModule, build_patcher

TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def plain():
    return tiny.model()


def animated_pair(plain, version):
    tensors = motion_files.original(version, seed=3)
    config, complete = read_motion_module(dict(tensors), version)
    module = MotionModule(version, config, build_patcher(config, complete))
    reference = oracle.motion_unet(plain.model.diffusion_model, tensors, config.position_length)
    return apply_motion_module(plain, module), reference


@pytest.mark.usefixtures("inference")
@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
@pytest.mark.parametrize("frames", [4, 16, 24])
@pytest.mark.parametrize("conds", [1, 2], ids=["cfg apart", "cfg batched"])
def test_equals_the_independent_implementation(plain, version, frames, conds):
    model, reference = animated_pair(plain, version)
    if version == "v1":
        oracle.pool_resnet_norms(reference, frames)
    x = torch.cat([tiny.noise(frames, seed=i) for i in range(conds)])
    context = torch.cat([tiny.conditioning(i)[0][0] for i in range(conds)])
    for timestep in (999, 500, 1):
        theirs = oracle.predict(reference, x, timestep, context, frames)
        mine = noise_of(model, x, timestep, context, conds, frames)
        assert relative_error(mine, theirs) <= TOLERANCE


@pytest.mark.usefixtures("inference")
def test_the_comparison_can_fail(plain):
    """The per-frame norm, which diffusers pools, is far outside the tolerance."""
    model, reference = animated_pair(plain, "v3")
    for module in reference.modules():
        if isinstance(module, oracle.AnimateDiffTransformer3D):
            module.norm = module.norm.norm
    x, context = tiny.noise(8), tiny.conditioning(1)[0][0]
    theirs = oracle.predict(reference, x, 500, context, 8)
    assert relative_error(noise_of(model, x, 500, context, 1, 8), theirs) > 100 * TOLERANCE
