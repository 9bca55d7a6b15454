"""Files of any contents: a motion module or MotionLoRA that is whole, or an error in three parts."""

import math

import pytest
import torch
from adn_testing import lora_files, motion_files
from adn_testing.fuzzing import changed, only_our_error, tries
from animatediff_native.lora.formats import read_motion_lora
from animatediff_native.lora.names import WEIGHTS
from animatediff_native.motion.detect import expected_shapes, read_motion_module
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.motion.network import MotionNetwork
from hypothesis import given
from hypothesis import strategies as st

NARROW = (32, 32, 32, 32)
MODULES = {
    version: motion_files.original(version, widths=NARROW)
    for version in ("v1", "v2", "v3", "AnimateLCM")
}
MODULES["diffusers"] = motion_files.diffusers(MODULES["v2"])
MODULES["diffusers, no table"] = motion_files.diffusers(MODULES["v3"], positions=False)

PAIRS = lora_files.pairs(widths=NARROW, names=lora_files.ATTENTION + lora_files.FEED_FORWARD)
FEW = dict(list(PAIRS.items())[:60])
WRITERS = (
    lora_files.official,
    lora_files.diffusers_legacy,
    lora_files.peft,
    lora_files.kohya,
    lora_files.kohya_diffusers,
)
LORAS = {write.__name__: write(FEW) for write in WRITERS}


@pytest.mark.parametrize("name", MODULES)
def test_fuzz_motion_modules(name):
    @tries(60)
    @given(changed(MODULES[name]))
    def check(loaded):
        found = only_our_error(lambda: read_motion_module(loaded, "file.ckpt"), AnimateDiffError)
        if found is not None:
            assert_whole(*found)

    check()


def assert_whole(config, tensors):
    assert {key: tuple(tensor.shape) for key, tensor in tensors.items()} == expected_shapes(config)
    assert all(torch.isfinite(tensor.float()).all() for tensor in tensors.values())
    network = MotionNetwork(config, torch.nn, device="meta")
    network.take(tensors, assign=True)
    assert len(config.sites) in (20, 21) and str(config)


@pytest.mark.parametrize("name", LORAS)
def test_fuzz_motion_loras(name):
    scales = st.sampled_from((1.0, 0.5, 0.0))

    @tries(80)
    @given(changed(LORAS[name]), scales)
    def check(loaded, scale):
        read = lambda: read_motion_lora(loaded, "lora.ckpt", lambda rank: scale / rank)  # noqa: E731
        found = only_our_error(read, AnimateDiffError)
        if found is not None:
            assert found
            for key, pair in found.items():
                assert_pair(key, pair)

    check()


def assert_pair(key, pair):
    """It can be added to a weight of its motion module."""
    name = key.split(".temporal_transformer.")[1].removesuffix(".weight")
    outs, ins = WEIGHTS[name]
    assert pair.shape[0] * ins == pair.shape[1] * outs and min(pair.rank, *pair.shape) > 0
    assert math.isfinite(pair.scale)
    assert torch.isfinite(pair.up.float() @ pair.down.float() * 0).all()
