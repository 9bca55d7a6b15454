"""A LoRA by frame where the host runs more than one model: two devices, or two in one guider."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false, reportMissingImports=false

import inspect

import comfy.model_patcher
import comfy.samplers
import pytest
import torch
from adn_testing import spatial_lora, tiny
from adn_testing.guiders import TwoModels
from adn_testing.unet_call import relative_error
from animatediff_native.lora.frame_lora import with_frame_lora
from animatediff_native.lora.spatial import read_lora
from animatediff_native.motion.errors import AnimateDiffError

pytestmark = pytest.mark.usefixtures("inference")
RAMP = [0.0, 0.5, 1.0, -0.7]
TOLERANCE = 1e-4  # of the deviation
SECOND = torch.device("cpu", 0)  # another key than torch.device("cpu")
Patcher = comfy.model_patcher.ModelPatcher


@pytest.fixture(scope="module")
def tensors():
    return spatial_lora.kohya(spatial_lora.weights_of(tiny.model()))


def by_frame(model, tensors, strengths=RAMP):
    return with_frame_lora(model, read_lora(dict(tensors), "a.safetensors", model), strengths)


def tiny_again(disable_dynamic=False):
    return tiny.model()


@pytest.mark.skipif(
    not hasattr(Patcher, "deepclone_multigpu"), reason="this host has no clones for other devices"
)
@pytest.mark.parametrize("before", [True, False], ids=["before the split", "behind it"])
def test_over_two_devices(tensors, before):
    import comfy.multigpu

    def split(model):
        model = model.clone()
        clone = model.deepclone_multigpu(new_load_device=SECOND)
        clone.is_multigpu_base_clone = True
        model.set_additional_models("multigpu", [clone])
        model.match_multigpu_clones()
        comfy.multigpu.GPUOptionsGroup().register(model)
        return model

    plain = tiny.model()
    plain.cached_patcher_init = (tiny_again, ())
    expected = tiny.sample(by_frame(plain, tensors), frames=4)
    model = split(by_frame(plain, tensors)) if before else by_frame(split(plain), tensors)
    seen = []
    for each in (model, *model.get_additional_models_with_key("multigpu")):
        layer = each.model.get_submodule("diffusion_model.time_embed.0")
        layer.register_forward_hook(lambda *_, each=each: seen.append(id(each.model)))
    assert relative_error(tiny.sample(model, frames=4), expected) < TOLERANCE
    assert len(set(seen)) == 2


def sample_two(model, other, guider=TwoModels):
    guider = guider(model, other)
    guider.set_conds(tiny.conditioning(1), tiny.conditioning(3))
    guider.set_cfg(2.0)
    sampler = comfy.samplers.sampler_object("euler")
    noise, sigmas = tiny.noise(4), torch.tensor([14.0, 2.0, 0.0])
    return guider.sample(noise, torch.zeros_like(noise), sampler, sigmas, disable_pbar=True)


@pytest.mark.parametrize("which", ["first", "second"])
def test_one_of_two_models_has_it(tensors, which):
    """Frame by frame as with the host's LoRA on that model alone."""
    import comfy.sd

    prepare = inspect.signature(Patcher.prepare_state).parameters
    if which == "second" and "model_options" not in prepare:
        pytest.skip("this host does not tell a model's callbacks the options of a call")

    def pair(with_lora):
        changed, other = with_lora(tiny.model()), tiny.model()
        return sample_two(*((changed, other) if which == "first" else (other, changed)))

    got = pair(lambda model: by_frame(model, tensors))
    for frame, strength in enumerate(RAMP):
        merged = pair(
            lambda model, s=strength: comfy.sd.load_lora_for_models(model, None, tensors, s, 0)[0]
        )
        assert relative_error(got[frame], merged[frame]) < TOLERANCE


def test_two_models_that_are_one_in_memory(tensors):
    plain = tiny.model()
    model = by_frame(plain, tensors)
    with pytest.raises(AnimateDiffError, match="one checkpoint in memory"):
        sample_two(model, plain)
    sample_two(model, model.clone())
