"""Continue Clip in the host's sampling: what is kept, and that the new frames see it."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import pytest
import torch
from adn_testing import tiny
from adn_testing.probes import windowed
from animatediff_native.motion.apply import apply_motion_module
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.nodes.continue_clip import ContinueClip
from animatediff_native.nodes.free_noise import FreeNoise
from animatediff_native.nodes.noise import FrameNoise, UseNoise
from animatediff_native.samplers.windows import Schedule, WindowPlan
from comfy.patcher_extension import WrappersMP

import nodes

pytestmark = pytest.mark.usefixtures("inference")
TOTAL, FRAMES, CONTEXT = 22, 12, 3
WHOLE = {"samples": torch.zeros(TOTAL, 4, 8, 8)}
SEED = 11


@pytest.fixture(scope="module")
def animated():
    return apply_motion_module(tiny.model(), tiny.motion_module("v3"), strength=0.7)


def part(number, previous=None, free_noise=False):
    """The part's latent, and where it begins."""
    latent, first, total, kept = ContinueClip.execute(WHOLE, number, FRAMES, CONTEXT, previous).args
    assert total == TOTAL and kept == (CONTEXT if number else 0)
    if free_noise:
        latent = FreeNoise.execute(latent, 6, 2, 5, "any", 1, first, total)[0]
    return latent, first


def sampled(model, latent, steps=2, sampler="euler", seed=SEED):
    """As KSampler does it, with the same seed for every part."""
    positive, negative = tiny.conditioning(1), tiny.conditioning(3)
    return nodes.common_ksampler(
        model, seed, steps, 4.0, sampler, "normal", positive, negative, latent
    )[0]


MODELS = {
    "one window": lambda model: model,
    "windows": lambda model: windowed(model, WindowPlan(6, 2)),
    "moving windows": lambda model: windowed(model, WindowPlan(6, 2, schedule=Schedule.UNIFORM)),
}


@pytest.mark.parametrize(
    ("how", "free_noise", "sampler"),
    [
        ("one window", False, "euler"),
        ("one window", True, "dpmpp_2m"),
        ("windows", True, "euler"),
        ("windows", False, "euler_ancestral"),
        ("moving windows", True, "euler"),
    ],
)
def test_the_context_comes_out_as_it_went_in(animated, how, free_noise, sampler):
    """Up to the rounding of the sampler's last step and of the latent's scale."""
    model = MODELS[how](animated)
    first = sampled(model, part(0, free_noise=free_noise)[0], sampler=sampler)
    latent, begins = part(1, first, free_noise)
    assert begins == FRAMES - CONTEXT
    second = sampled(model, latent, sampler=sampler)["samples"]
    kept, before = second[:CONTEXT], first["samples"][-CONTEXT:]
    assert torch.allclose(kept, before, rtol=0, atol=1e-5 * before.std())
    assert not torch.allclose(second[CONTEXT:], torch.zeros(()), atol=0.01 * before.std())


@pytest.mark.parametrize("how", MODELS)
def test_new_frames_see_the_context(animated, how):
    """The first windows hold both: another context gives other new frames beside it."""
    model = MODELS[how](animated)
    first = sampled(model, part(0)[0])
    other = {**first, "samples": first["samples"].flip(0)}
    one, two = (sampled(model, part(1, before)[0])["samples"] for before in (first, other))
    beside = slice(CONTEXT, CONTEXT + 2)
    assert (one[beside] - two[beside]).std() > 0.01 * one.std()


def test_without_motion_parts_are_the_whole():
    """No frame knows another, so parts with the clip's noise give the clip, frame by frame."""
    plain = tiny.model()
    whole = sampled(plain, WHOLE)["samples"]
    joined, previous = [], None
    for number in range(3):
        previous = sampled(plain, part(number, previous)[0])
        joined.append(previous["samples"][CONTEXT if number else 0 :])
    # batches of another size round differently
    assert torch.allclose(torch.cat(joined), whole, rtol=0, atol=1e-3 * whole.std())


def noise_of(latent, model=None, seed=SEED):
    """What a sampler hands to the host for this latent."""
    noted = []

    def note(executor, noise, *args, **kwargs):
        noted.append(noise.clone())
        return executor(noise, *args, **kwargs)

    model = (model or tiny.model()).clone()
    model.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, "probe", note)
    sampled(model, latent, steps=1, seed=seed)
    return noted[0]


@pytest.mark.parametrize("free_noise", [False, True])
def test_the_samplers_noise_of_parts_is_that_of_the_whole(free_noise):
    whole = FreeNoise.execute(WHOLE, 6, 2, 5)[0] if free_noise else WHOLE
    expected = noise_of(whole)
    previous = {"samples": torch.zeros(FRAMES, 4, 8, 8)}
    for number in range(3):
        latent, first = part(number, previous, free_noise)
        made = noise_of(latent)
        assert torch.equal(made, expected[first : first + len(made)])


@pytest.mark.parametrize("kind", ["independent", "common", "repeated", "seed per frame"])
def test_noise_by_frame_in_parts_through_ksampler(kind):
    """Seen by a wrapper inside Noise for KSampler's."""
    model = tiny.model()
    expected = FrameNoise.execute(3, kind, "", 6, 0.5)[0].generate_noise(WHOLE)
    previous = {"samples": torch.zeros(FRAMES, 4, 8, 8)}
    for number in range(3):
        latent, first = part(number, previous)
        noise = FrameNoise.execute(3, kind, "", 6, 0.5, first)[0]
        made = noise_of(latent, UseNoise.execute(model, noise)[0])
        assert torch.equal(made, expected[first : first + len(made)])


def test_nothing_is_sampled_before_a_part_that_cannot_be():
    with pytest.raises(AnimateDiffError, match="previous is not connected"):
        part(1)
    with pytest.raises(AnimateDiffError, match="has 3 parts"):
        part(3)


def test_the_schema_explains_itself():
    schema = ContinueClip.GET_SCHEMA()
    assert schema.node_id == "ADN_ContinueClip"
    assert [one.id for one in schema.inputs] == ["latent", "part", "frames", "context_frames", "previous"]  # fmt: skip
    assert all(one.tooltip for one in (*schema.inputs, *schema.outputs)) and schema.description
    assert schema.inputs[-1].optional
