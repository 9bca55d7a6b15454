"""The animated model under the host's own samplers, conditionings and patches.

Every test compares with a property that only correct animation has: frames influence each
other (a changed frame changes its neighbours), where the plain model keeps them apart.
"""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import comfy.samplers
import comfy_extras.nodes_custom_sampler as custom
import pytest
import torch
from adn_testing import tiny
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.samplers.beta_schedule import BetaSchedule, set_beta_schedule
from comfy_api.torch_helpers import set_torch_compile_wrapper
from comfy_extras.nodes_freelunch import FreeU

pytestmark = pytest.mark.usefixtures("inference")
FRAMES = 8


@pytest.fixture(scope="module")
def plain():
    return tiny.model()


@pytest.fixture(scope="module")
def animated(plain):
    model = apply_motion_module(plain, tiny.motion_module("v3"), strength=0.7)
    set_beta_schedule(model, BetaSchedule.AUTO)
    return model


def frames_influence_each_other(sample) -> bool:
    """Whether changing the last frame's start changes the first frame's result."""
    start = torch.zeros(FRAMES, 4, 8, 8)
    changed = start.clone()
    changed[-1] += 3.0
    return not torch.equal(sample(start)[0], sample(changed)[0])


def assert_animates(sample_with, animated, plain):
    assert frames_influence_each_other(lambda latent: sample_with(animated, latent))
    assert not frames_influence_each_other(lambda latent: sample_with(plain, latent))
    assert torch.isfinite(sample_with(animated, torch.zeros(FRAMES, 4, 8, 8))).all()


@pytest.mark.parametrize("cfg", [1.0, 4.0])
@pytest.mark.parametrize("sampler", ["euler", "dpmpp_2m", "lcm", "uni_pc", "heun", "ddim"])
def test_stock_samplers(animated, plain, sampler, cfg):
    def run(model, latent):
        return tiny.sample(model, latent=latent, sampler=sampler, cfg=cfg, denoise=0.6)

    assert_animates(run, animated, plain)


@pytest.mark.parametrize("sampler", ["dpmpp_sde", "euler_ancestral"])
def test_samplers_with_step_noise(animated, sampler):
    """Their noise is drawn for the whole batch, so only the animated model is looked at."""

    def run(model, latent):
        return tiny.sample(model, latent=latent, sampler=sampler, denoise=0.6)

    assert frames_influence_each_other(lambda latent: run(animated, latent))


def ksampler_advanced(model, latent, stages):
    """KSamplerAdvanced nodes one after the other, each leaving its noise to the next."""
    import nodes

    latent = {"samples": latent}
    for i, (start, end) in enumerate(stages):
        latent = nodes.KSamplerAdvanced().sample(
            model,
            "enable" if i == 0 else "disable",
            7,
            steps=4,
            cfg=4.0,
            sampler_name="euler",
            scheduler="normal",
            positive=tiny.conditioning(1),
            negative=tiny.conditioning(3),
            latent_image=latent,
            start_at_step=start,
            end_at_step=end,
            return_with_leftover_noise="enable" if i < len(stages) - 1 else "disable",
        )[0]
    return latent["samples"]


def test_ksampler_advanced_in_two_stages(animated, plain):
    def run(model, latent):
        return ksampler_advanced(model, latent, [(0, 2), (2, 1000)])

    assert_animates(run, animated, plain)
    latent = torch.zeros(FRAMES, 4, 8, 8)
    once = ksampler_advanced(animated, latent, [(0, 1000)])
    # euler has no memory: only the scaling of the latent between the stages rounds
    assert torch.allclose(run(animated, latent), once, rtol=1e-3, atol=1e-4 * once.std())


def test_sampler_custom_advanced(animated, plain):
    def run(model, latent):
        guider = comfy.samplers.CFGGuider(model)
        guider.set_conds(tiny.conditioning(1), tiny.conditioning(3))
        guider.set_cfg(3.0)
        sigmas = comfy.samplers.calculate_sigmas(
            model.get_model_object("model_sampling"), "karras", 3
        )
        node = custom.SamplerCustomAdvanced
        execute = node.execute if hasattr(node, "execute") else node().sample  # V3, or V1 before
        result = execute(
            custom.Noise_RandomNoise(3),
            guider,
            comfy.samplers.sampler_object("euler"),
            sigmas,
            {"samples": latent},
        )
        return result[0]["samples"]

    assert_animates(run, animated, plain)


def areas():
    left = {"area": (8, 4, 0, 0), "strength": 1.0}
    right = {"area": (8, 4, 0, 4), "strength": 1.0}
    return tiny.conditioning(1, **left) + tiny.conditioning(2, **right)


def masked():
    mask = torch.zeros(1, 8, 8)
    mask[:, :, :4] = 1.0
    return tiny.conditioning(1, mask=mask) + tiny.conditioning(2, mask=1 - mask)


def scheduled():
    return tiny.conditioning(1, start_percent=0.0, end_percent=0.5) + tiny.conditioning(
        2, start_percent=0.5, end_percent=1.0
    )


@pytest.mark.parametrize("positive", [areas, masked, scheduled])
@pytest.mark.parametrize("cfg", [1.0, 4.0])
def test_several_conditionings(animated, plain, positive, cfg):
    def run(model, latent):
        return tiny.sample(model, latent=latent, positive=positive(), cfg=cfg, denoise=0.6)

    assert_animates(run, animated, plain)


def test_a_noise_mask_keeps_what_it_masks(animated):
    latent = tiny.noise(FRAMES, seed=9)
    mask = torch.ones(1, 1, 8, 8)
    mask[..., :4] = 0.0
    result = tiny.sample(animated, latent=latent, noise_mask=mask)
    assert torch.allclose(result[..., :4], latent[..., :4], atol=1e-5)
    assert not torch.allclose(result[..., 4:], latent[..., 4:], atol=1e-2)


def test_video_to_video_stays_near_its_input(animated):
    """SDEdit: less denoising leaves more of the clip."""
    latent = tiny.noise(FRAMES, seed=9)

    def distance(denoise):
        return (tiny.sample(animated, latent=latent, denoise=denoise) - latent).abs().mean()

    assert distance(0.2) < distance(0.9)


def test_inpainting_checkpoint(plain):
    """Nine input channels: mask and masked image beside the latent."""
    inpainting = tiny.model(in_channels=9)
    animated = apply_motion_module(inpainting, tiny.motion_module("v3"), strength=0.7)
    extra = {
        "concat_latent_image": tiny.noise(FRAMES, seed=4),
        "concat_mask": torch.ones(FRAMES, 1, 8, 8),
    }

    def run(model, latent):
        return tiny.sample(model, latent=latent, positive=tiny.conditioning(1, **extra),
                           negative=tiny.conditioning(3, **extra), denoise=0.6)  # fmt: skip

    assert_animates(run, animated, inpainting)


def test_freeu(animated, plain):
    def freeu(model):
        if hasattr(FreeU, "execute"):
            return FreeU.execute(model, 1.1, 1.2, 0.9, 0.2)[0]
        return FreeU().patch(model, 1.1, 1.2, 0.9, 0.2)[0]

    with_freeu = tiny.sample(freeu(animated))
    assert not torch.equal(with_freeu, tiny.sample(animated))
    module = tiny.motion_module("v3")
    before = apply_motion_module(freeu(plain), module)
    after = freeu(apply_motion_module(plain, module))
    assert torch.equal(tiny.sample(before), tiny.sample(after))


@pytest.mark.parametrize("version", ["v1", "v3"])
def test_torch_compile(plain, version):
    """The core's wrapper, before and after ours; the eager backend runs the same kernels.

    Tolerance: dynamo traces into the same operations, whose fusing may round differently.
    """
    module = tiny.motion_module(version)
    expected = tiny.sample(apply_motion_module(plain, module))
    stock = tiny.sample(plain)
    compiled = plain.clone()
    set_torch_compile_wrapper(compiled, backend="eager")
    after = apply_motion_module(compiled, module)
    before = apply_motion_module(plain, module)
    set_torch_compile_wrapper(before, backend="eager")
    for model, wanted in (
        (after, expected),
        (compiled, stock),
        (before, expected),
        (after, expected),
    ):
        assert torch.allclose(tiny.sample(model), wanted, rtol=1e-4, atol=1e-4 * wanted.std())
