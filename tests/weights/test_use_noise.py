"""Noise by frame under the host's samplers: the host's bits, and what reaches the sampling."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import comfy.sample
import comfy.samplers
import comfy_extras.nodes_custom_sampler as custom
import pytest
import torch
from adn_testing import probes, tiny
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.nodes.free_noise import FreeNoise
from animatediff_native.samplers.frame_noise import NoiseKind, NoiseLayer, NoiseMix
from animatediff_native.samplers.noise_run import KEY, frame_noise, use_noise
from animatediff_native.samplers.windows import WindowPlan
from comfy.patcher_extension import WrappersMP

import nodes

pytestmark = pytest.mark.usefixtures("inference")
FRAMES, SEED = 6, 7
LATENT = {"samples": torch.zeros(FRAMES, 4, 8, 8)}
PER_FRAME = frame_noise(seed=40, kind=NoiseKind.SEED_PER_FRAME)


def prompts():
    return tiny.conditioning(1), tiny.conditioning(3)


def ksampler(model, latent=LATENT, **settings):
    denoise = settings.get("denoise", 1.0)
    return nodes.KSampler().sample(
        model, SEED, 2, 4.0, settings.get("sampler", "euler"), "normal", *prompts(), latent, denoise
    )[0]["samples"]


def ksampler_advanced(model, latent=LATENT, add_noise="enable"):
    return nodes.KSamplerAdvanced().sample(
        model, add_noise, SEED, 2, 4.0, "euler", "normal", *prompts(), latent, 0, 10000, "disable"
    )[0]["samples"]


def execute(node, *args):
    """A node of the host's, which older ones have in the old form."""
    return (node.execute if hasattr(node, "execute") else getattr(node(), node.FUNCTION))(*args)


def sampler_custom(model, latent=LATENT, add_noise=True):
    sampling = model.get_model_object("model_sampling")
    sigmas = comfy.samplers.calculate_sigmas(sampling, "normal", 2)
    sampler = comfy.samplers.sampler_object("euler")
    return execute(
        custom.SamplerCustom, model, add_noise, SEED, 4.0, *prompts(), sampler, sigmas, latent
    )[0]["samples"]


def sampler_custom_advanced(model, latent=LATENT, noise=None):
    guider = comfy.samplers.CFGGuider(model)
    guider.set_conds(*prompts())
    guider.set_cfg(4.0)
    sampling = model.get_model_object("model_sampling")
    sigmas = comfy.samplers.calculate_sigmas(sampling, "normal", 2)
    sampler = comfy.samplers.sampler_object("euler")
    noise = noise or custom.Noise_RandomNoise(SEED)
    return execute(custom.SamplerCustomAdvanced, noise, guider, sampler, sigmas, latent)[0][
        "samples"
    ]


SAMPLERS = [ksampler, ksampler_advanced, sampler_custom, sampler_custom_advanced]


@pytest.fixture(scope="module")
def plain():
    return probes.trivial()


def seen(model) -> list[torch.Tensor]:
    """The noise of each of a model's runs, behind every wrapper of ours."""
    noted = []

    def note(executor, noise, *args, **kwargs):
        noted.append(noise.clone())
        return executor(noise, *args, **kwargs)

    model.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, "probe", note)
    return noted


@pytest.mark.parametrize("numbers", [None, [3, 1, 4, 1, 5, 0]])
def test_independent_noise_is_the_hosts(numbers):
    latent = dict(LATENT) if numbers is None else {**LATENT, "batch_index": numbers}
    ours = frame_noise(seed=SEED).generate_noise(latent)
    assert torch.equal(ours, custom.Noise_RandomNoise(SEED).generate_noise(latent))


def test_a_frames_seed_is_that_of_a_run_of_one_frame():
    made = PER_FRAME.generate_noise(LATENT)
    for frame in range(FRAMES):
        alone = custom.Noise_RandomNoise(40 + frame).generate_noise(
            {"samples": LATENT["samples"][:1]}
        )
        assert torch.equal(made[frame : frame + 1], alone)


def test_frames_by_their_own_seed_are_the_pictures_of_these_seeds(plain):
    """Without motion no frame knows another."""
    clip = ksampler(use_noise(plain, PER_FRAME))
    for frame in (0, 4):
        picture = nodes.KSampler().sample(
            plain, 40 + frame, 2, 4.0, "euler", "normal", *prompts(),
            {"samples": LATENT["samples"][:1]},
        )[0]["samples"]  # fmt: skip
        assert torch.allclose(clip[frame], picture[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_hosts_noise_in_place_of_itself_changes_no_bit(plain, sampler):
    for noise in (frame_noise(seed=SEED), custom.Noise_RandomNoise(SEED)):
        assert torch.equal(sampler(use_noise(plain, noise)), sampler(plain))


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_every_sampler_takes_the_noise(plain, sampler):
    model = use_noise(plain, PER_FRAME)
    noted = seen(model)
    result = sampler(model)
    assert torch.equal(noted[0].cpu(), PER_FRAME.generate_noise(LATENT))
    assert torch.equal(result, sampler_custom_advanced(plain, noise=PER_FRAME))


@pytest.mark.parametrize(
    "run",
    [
        lambda model: ksampler_advanced(model, add_noise="disable"),
        lambda model: sampler_custom(model, add_noise=False),
        lambda model: sampler_custom_advanced(model, noise=custom.Noise_EmptyNoise()),
    ],
)
def test_a_sampler_that_adds_no_noise_is_left_alone(plain, run):
    """Also with latents that Noise for KSampler would refuse."""
    model = use_noise(plain, PER_FRAME)
    noted = seen(model)
    assert torch.equal(run(model), run(plain))
    assert not noted[0].any()


def test_two_stages_are_noised_once(plain):
    """The second stage goes on from what is left."""

    def stages(model):
        latent = LATENT
        for add, start, end, left in (
            ("enable", 0, 2, "enable"),
            ("disable", 2, 9, "disable"),
        ):
            latent = nodes.KSamplerAdvanced().sample(
                model, add, SEED, 4, 4.0, "euler", "normal", *prompts(), latent, start, end, left
            )[0]
        return latent["samples"]

    model = use_noise(plain, frame_noise(seed=SEED))
    assert torch.equal(stages(model), stages(plain))


@pytest.mark.parametrize("sampler", ["euler", "euler_ancestral", "dpmpp_2m_sde"])
def test_over_a_clip_and_with_noise_at_the_steps(plain, sampler):
    latent = {"samples": tiny.noise(FRAMES, seed=9)}
    model = use_noise(plain, frame_noise(seed=SEED))
    settings = {"denoise": 0.6, "sampler": sampler}
    assert torch.equal(ksampler(model, latent, **settings), ksampler(plain, latent, **settings))


def test_in_windows_it_is_the_clips_noise():
    animated = apply_motion_module(tiny.model(), tiny.motion_module("v3"), strength=0.7)
    windowed = probes.windowed(animated, WindowPlan(4, 2))
    made = ksampler(use_noise(windowed, PER_FRAME))
    assert torch.equal(made, sampler_custom_advanced(windowed, noise=PER_FRAME))
    other_way = probes.windowed(use_noise(animated, PER_FRAME), WindowPlan(4, 2))
    assert torch.equal(made, ksampler(other_way))


def test_free_noise_before_the_sampler_still_orders_the_frames(plain):
    latent = {"samples": torch.zeros(12, 4, 8, 8)}
    shuffled = FreeNoise.execute(latent, 4, 1, 3)[0]
    order = shuffled["batch_index"]
    model = use_noise(plain, frame_noise(seed=99))
    noted = seen(model)
    ksampler(model, shuffled)
    noise = noted[0]
    for frame, number in enumerate(order):
        assert torch.equal(noise[frame], noise[order.index(number)])
    assert len({frame.numpy().tobytes() for frame in noise.cpu()}) == len(set(order)) < 12


def test_layers_with_the_hosts_noise():
    host = custom.Noise_RandomNoise(SEED)
    layered = NoiseLayer(host, PER_FRAME, NoiseMix.ADD, 0.5, first_frame=-2)
    made = layered.generate_noise(LATENT)
    own, added = host.generate_noise(LATENT), PER_FRAME.generate_noise(LATENT)
    assert layered.seed == SEED
    assert torch.equal(made[:4], own[:4])
    assert torch.equal(made[4:], own[4:] + 0.5 * added[4:])


def test_as_a_noised_latent(plain):
    """The host's AddNoise, then a sampler that adds none."""
    sampling = plain.get_model_object("model_sampling")
    sigmas = comfy.samplers.calculate_sigmas(sampling, "normal", 2)
    latent = {"samples": tiny.noise(FRAMES, seed=9)}
    noisy = execute(custom.AddNoise, plain, PER_FRAME, sigmas, latent)[0]["samples"]
    scale = plain.model.latent_format.scale_factor
    expected = latent["samples"] * scale + sigmas[0] * PER_FRAME.generate_noise(latent)
    assert torch.allclose(noisy * scale, expected, atol=1e-4)


def test_the_last_noise_decides_and_the_model_that_goes_in_stays(plain):
    first = use_noise(plain, frame_noise(seed=1))
    second = use_noise(first, PER_FRAME)
    assert KEY not in plain.wrappers.get(WrappersMP.OUTER_SAMPLE, {})
    assert len(second.wrappers[WrappersMP.OUTER_SAMPLE][KEY]) == 1
    for model, noise in ((first, frame_noise(seed=1)), (second, PER_FRAME)):
        noted = seen(model)
        ksampler(model)
        assert torch.equal(noted[0].cpu(), noise.generate_noise(LATENT))
    assert not plain.wrappers.get(WrappersMP.OUTER_SAMPLE)


def test_other_wrappers_stay_in_their_order(plain):
    model, order = plain.clone(), []

    def noting(name):
        def note(executor, *args, **kwargs):
            order.append(name)
            return executor(*args, **kwargs)

        return note

    for key, name in (("a", "a1"), ("b", "b"), ("a", "a2"), (None, "unnamed")):
        model.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, key, noting(name))
    ksampler(model)
    expected, order[:] = order[:], []
    ksampler(use_noise(model, PER_FRAME))
    assert order == expected


class Wrong:
    seed = 0

    def generate_noise(self, input_latent):
        return torch.ones(2, 4, 8, 8)


def test_noise_of_another_size(plain):
    with pytest.raises(AnimateDiffError, match="is 2 x 4 x 8 x 8, and the latent 6 x 4 x 8 x 8"):
        ksampler(use_noise(plain, Wrong()))


@pytest.mark.parametrize("noise", [custom.Noise_RandomNoise(1), PER_FRAME])
def test_a_latent_that_is_no_clip_of_frames(plain, noise):
    """As a video model has it; the host packs latents of several parts into 3 dimensions."""
    calls = []
    guider = comfy.samplers.CFGGuider(use_noise(plain, noise))
    guider.set_conds(*prompts())
    guider.model_patcher.add_wrapper_with_key(
        WrappersMP.OUTER_SAMPLE, "probe", lambda *args, **kwargs: calls.append(args)
    )
    for dims, shape in ((5, (1, 4, 6, 8, 8)), (3, (1, 1, 64))):
        latent = torch.zeros(shape)
        with pytest.raises(AnimateDiffError, match=f"the latent has {dims} dimensions"):
            guider.sample(
                torch.ones(shape), latent, comfy.samplers.sampler_object("euler"),
                torch.tensor([14.6, 0.0]), seed=1,
            )  # fmt: skip
    assert calls == []
