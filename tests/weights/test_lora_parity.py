"""MotionLoRAs against diffusers: its PEFT loader on its MotionAdapter, in fp32.

Tolerance as in test_parity: 1e-4 of the output's standard deviation, for the same sums in
another order.
"""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import pytest
import torch
from adn_testing import lora_files, motion_files, oracle, tiny
from adn_testing.unet_call import noise_of, relative_error
from animatediff_native.lora.apply import with_motion_lora
from animatediff_native.lora.chain import LoraUse, MotionLora
from animatediff_native.lora.formats import read_motion_lora
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.detect import read_motion_module
from animatediff_native.motion.load import MotionModule, build_patcher

TOLERANCE = 1e-4
FRAMES = 8


def names_of(kind):
    return lora_files.ATTENTION + (lora_files.FEED_FORWARD if kind == "all" else ())


def motion(version):
    tensors = motion_files.original(version, seed=3)
    config, complete = read_motion_module(dict(tensors), version)
    return tensors, MotionModule(version, config, build_patcher(config, complete))


@pytest.fixture(scope="module")
def plain():
    return tiny.model()


@pytest.mark.parametrize("kind", ["attention", "all"])
@pytest.mark.parametrize("version", ["v2", "v3"])
def test_equals_diffusers_own_loading(plain, version, kind):
    tensors, module = motion(version)
    with torch.inference_mode():
        reference = oracle.motion_unet(plain.model.diffusion_model, tensors, 32)
    chain, x, context = [], tiny.noise(FRAMES), tiny.conditioning(1)[0][0]
    for seed, strength in ((1, 0.7), (2, -0.3)):
        made = lora_files.pairs(seed, mid_block=version == "v2", names=names_of(kind))
        file = lora_files.peft(made)
        reference.load_lora_adapter(dict(file), prefix="unet", adapter_name=f"a{seed}")
        read = MotionLora(f"a{seed}", read_motion_lora(file, f"a{seed}"))
        chain.append(LoraUse(read, strength))
    reference.set_adapters(["a1", "a2"], [0.7, -0.3])
    model = apply_motion_module(plain, with_motion_lora(module, tuple(chain)))
    with torch.inference_mode():
        for timestep in (999, 500, 1):
            theirs = oracle.predict(reference, x, timestep, context, FRAMES)
            mine = noise_of(model, x, timestep, context, 1, FRAMES)
            assert relative_error(mine, theirs) <= TOLERANCE
        bare = noise_of(apply_motion_module(plain, module), x, 500, context, 1, FRAMES)
        assert relative_error(bare, oracle.predict(reference, x, 500, context, FRAMES)) > 1e-2
