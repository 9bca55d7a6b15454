"""Noise along a Path and Follow Trajectory as nodes: with the host's text encoder and samplers."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false
# pyright: reportOptionalSubscript=false

import comfy.sample
import comfy.samplers
import numpy as np
import pytest
import torch
from adn_testing import tiny, tiny_clip
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.nodes.follow_trajectory import FollowTrajectory, TrajectoryNoise
from animatediff_native.samplers.noise_run import frame_noise, use_noise
from animatediff_native.trajectories.trajectory import Trajectory

import nodes

pytestmark = pytest.mark.usefixtures("inference")
FRAMES, SEED = 4, 7
PROMPT = "a (red ball:1.2) on grass"
LATENT = {"samples": torch.zeros(FRAMES, 4, 8, 8)}


def going(paths=1):
    """From left to right, one beneath the other."""
    x = np.linspace(0.2, 0.8, FRAMES)[:, None].repeat(paths, 1)
    y = np.broadcast_to(np.linspace(0.3, 0.7, paths), (FRAMES, paths))
    shown = np.ones((FRAMES, paths), bool)
    return Trajectory(np.stack([x, y], axis=2), shown, np.full((paths, 2), 0.4), 64, 64)


@pytest.fixture(scope="module")
def plain():
    return tiny.model_that_ran()


@pytest.fixture(scope="module")
def clip():
    return tiny_clip.clip()


def encoded(clip, text):
    return clip.encode_from_tokens_scheduled(clip.tokenize(text))


def follow(model, clip, path=None, prompt=PROMPT, subject="red ball", strength=0.8, outside=0.01,
           start=0.0, end=0.5, **more):  # fmt: skip
    path = going() if path is None else path
    values = (model, path, clip, prompt, subject, strength, outside, start, end)
    return FollowTrajectory.execute(*values, **more).result[0]


def sampled(model, clip, prompt=PROMPT):
    return tiny.sample(
        model, FRAMES, 2, positive=encoded(clip, prompt), negative=encoded(clip, "")
    )  # fmt: skip


def ksampler(model, latent=LATENT):
    positive, negative = tiny.conditioning(1), tiny.conditioning(3)
    return nodes.KSampler().sample(
        model, SEED, 2, 4.0, "euler", "normal", positive, negative, latent, 1.0
    )[0]["samples"]


def test_the_subject_of_an_encoded_prompt_follows(plain, clip):
    expected = sampled(plain, clip)
    got = sampled(follow(plain, clip), clip)
    assert not torch.allclose(got, expected, rtol=1e-2)
    assert torch.equal(sampled(follow(plain, clip, strength=0, outside=1), clip), expected)
    long = torch.cat([encoded(clip, PROMPT)[0][0], torch.zeros(1, 9, tiny.CONTEXT_DIM)], dim=1)
    with pytest.raises(AnimateDiffError, match=r"has 86 tokens, and that .* 77"):
        tiny.sample(follow(plain, clip), FRAMES, 1, positive=[[long, {}]])


def test_two_paths_with_a_line_each(plain, clip):
    both = follow(plain, clip, going(2), subject="red ball\ngrass")
    assert not torch.equal(sampled(both, clip), sampled(follow(plain, clip, going(2)), clip))
    with pytest.raises(AnimateDiffError, match="2 lines, and the trajectory 1 path"):
        follow(plain, clip, subject="red ball\ngrass")


def test_what_is_wrong_is_said_before_sampling(plain, clip):
    for settings, words in (
        ({"subject": ""}, "subject of Follow Trajectory is empty"),
        ({"subject": "cube"}, "'cube' is not in the prompt"),
        ({"start": 0.5, "end": 0.5}, "start_percent is 0.5"),
    ):
        with pytest.raises(AnimateDiffError, match=words):
            follow(plain, clip, **settings)
    with pytest.raises(AnimateDiffError, match="without a text encoder"):
        follow(plain, None)


def test_without_paths_nothing_is_asked(plain, clip, caplog):
    nothing = Trajectory(np.zeros((1, 0, 2)), np.zeros((1, 0), bool), np.zeros((0, 2)), 64, 64)
    with caplog.at_level("INFO"):
        model = follow(plain, clip, nothing, prompt="", subject="")
    assert "no points" in caplog.text
    assert torch.equal(sampled(model, clip), sampled(plain, clip))


def noise(strength=1.0, mix=1.0, **more):
    return TrajectoryNoise.execute(SEED, going(), strength, mix, **more).result[0]


def test_noise_for_ksampler(plain):
    """Without strength it is KSampler's own, to the bit."""
    expected = ksampler(plain)
    assert torch.equal(ksampler(use_noise(plain, noise(0.0))), expected)
    own = noise()
    got = ksampler(use_noise(plain, own))
    assert not torch.equal(got, expected)
    made = own.generate_noise(LATENT)
    positive, negative = tiny.conditioning(1), tiny.conditioning(3)
    by_hand = comfy.sample.sample(
        plain, made, 2, 4.0, "euler", "normal", positive, negative, LATENT["samples"],
        seed=SEED, disable_pbar=True,
    )  # fmt: skip
    assert torch.equal(got, by_hand)


def test_noise_for_sampler_custom_advanced(plain):
    import comfy_extras.nodes_custom_sampler as custom

    guider = comfy.samplers.CFGGuider(plain)
    guider.set_conds(tiny.conditioning(1), tiny.conditioning(3))
    guider.set_cfg(4.0)
    sampling = plain.get_model_object("model_sampling")
    sigmas = comfy.samplers.calculate_sigmas(sampling, "normal", 2)
    sampler = comfy.samplers.sampler_object("euler")
    node = custom.SamplerCustomAdvanced
    run = node.execute if hasattr(node, "execute") else getattr(node(), node.FUNCTION)
    got = run(noise(), guider, sampler, sigmas, LATENT)[0]["samples"]
    assert torch.equal(got, ksampler(use_noise(plain, noise())))


def test_noise_over_another_and_over_what_free_noise_shares(plain):
    beneath = frame_noise(seed=3)
    assert torch.equal(
        noise(0.0, noise=beneath).generate_noise(LATENT), beneath.generate_noise(LATENT)
    )
    shared = {**LATENT, "batch_index": [0, 1, 0, 1]}
    made = noise(mix=0.0).generate_noise(shared)
    plain_noise = comfy.sample.prepare_noise(LATENT["samples"], SEED, [0, 1, 0, 1])
    apart = (made != plain_noise).any(1)
    assert 0 < apart.float().mean() < 0.5 and not torch.equal(made[0], made[2])
    ksampler(use_noise(plain, noise()), shared)
