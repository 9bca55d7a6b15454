"""Noise by frame: kinds and layers, against what each frame would get by itself."""

# torch is typed loosely.
# pyright: reportArgumentType=false

import copy

import pytest
import torch
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.samplers.frame_noise import (
    LARGEST_SEED,
    FrameNoise,
    NoiseKind,
    NoiseLayer,
    NoiseMix,
    read_seeds,
    same_noise,
)

FRAMES = 6
LATENT = {"samples": torch.zeros(FRAMES, 4, 8, 8)}


def draw(latent, seed, numbers=None):
    """The host's way: one stream per seed, where a number is a place in it."""
    generator = torch.Generator().manual_seed(seed)
    if numbers is None:
        return torch.randn(latent.shape, generator=generator)
    stream = [torch.randn(latent[:1].shape, generator=generator) for _ in range(max(numbers) + 1)]
    return torch.cat([stream[number] for number in numbers])


def noise(kind, seed=7, latent=None, **settings):
    return FrameNoise(draw, seed, NoiseKind(kind), **settings).generate_noise(latent or LATENT)


def alone(seed):
    return draw(LATENT["samples"][:1], seed)[0]


def test_independent_is_the_hosts():
    assert torch.equal(noise("independent"), draw(LATENT["samples"], 7))
    cut = {"samples": torch.zeros(3, 4, 8, 8), "batch_index": [4, 2, 4]}
    assert torch.equal(noise("independent", latent=cut), draw(cut["samples"], 7, [4, 2, 4]))


@pytest.mark.parametrize(
    ("seed", "seeds", "expected"),
    [
        (7, (), [7, 8, 9, 10, 11, 12]),
        (7, (3, 1, 4, 1, 5, 9), [3, 1, 4, 1, 5, 9]),
        (LARGEST_SEED, (), [LARGEST_SEED, 0, 1, 2, 3, 4]),
    ],
)
def test_seed_per_frame_is_a_run_of_one_frame(seed, seeds, expected):
    made = noise("seed per frame", seed, seeds=seeds)
    for frame, own in zip(made, expected, strict=True):
        assert torch.equal(frame, alone(own))


def test_seeds_go_by_the_numbers_that_a_latent_gives_its_frames():
    cut = {"samples": torch.zeros(2, 4, 8, 8), "batch_index": [5, 3]}
    assert torch.equal(noise("seed per frame", latent=cut)[0], alone(12))
    made = noise("seed per frame", latent=cut, seeds=(1, 2, 3, 4, 5, 6))
    assert torch.equal(made, torch.stack([alone(6), alone(4)]))
    with pytest.raises(AnimateDiffError, match=r"5 numbers.* 6 frames"):
        noise("seed per frame", latent=cut, seeds=(1, 2, 3, 4, 5))


@pytest.mark.parametrize("count", [1, 5, 7])
def test_seeds_for_another_number_of_frames(count):
    with pytest.raises(AnimateDiffError, match=rf"{count} numbers?,.* 6 frames"):
        noise("seed per frame", seeds=tuple(range(count)))


def test_constant_is_one_frame():
    for frame in noise("constant"):
        assert torch.equal(frame, alone(7))


@pytest.mark.parametrize("length", [1, 4, 6, 16])
def test_repeated_begins_again(length):
    own, made = noise("independent"), noise("repeated", context_length=length)
    for frame in range(FRAMES):
        assert torch.equal(made[frame], own[frame % length])


def test_none_is_zeros():
    assert not noise("none").any()


def test_common_is_a_share_of_the_variance():
    latent = {"samples": torch.zeros(200, 4, 16, 16)}
    for share in (0.0, 0.3, 1.0):
        made = noise("common", latent=latent, share=share).flatten(1)
        assert abs(made.var() - 1) < 0.05
        # of two frames: the covariance is the share
        pairs = (made[:-1] * made[1:]).mean()
        assert abs(pairs - share) < 0.05
    assert torch.equal(noise("common", share=0.0), noise("independent"))
    all_common = noise("common", share=1.0)
    assert torch.equal(all_common, all_common[:1].repeat(FRAMES, 1, 1, 1))


def test_common_noise_is_no_frames_own():
    """Else that frame would have another variance."""
    own, common = noise("independent").flatten(1), noise("common", share=1.0)[0].flatten()
    assert (own @ common / common.numel()).abs().max() < 0.3


def test_common_as_its_formula():
    own, common = noise("independent").double(), noise("common", share=1.0).double()
    expected = 0.3**0.5 * common + 0.7**0.5 * own
    assert torch.allclose(noise("common", share=0.3).double(), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("", ()), (" \n", ()), ("5", (5,)), ("5, 6,7\n8 9", (5, 6, 7, 8, 9)), ("0,", (0,))],
)
def test_seeds_as_text(text, seeds):
    assert read_seeds(text) == seeds
    assert read_seeds(str(LARGEST_SEED)) == (LARGEST_SEED,)


@pytest.mark.parametrize("word", ["x", "-1", "1.5", "5;6", str(LARGEST_SEED + 1), "1" * 5000])
def test_text_that_is_no_seed(word):
    with pytest.raises(AnimateDiffError, match="is no seed") as raised:
        read_seeds(f"5, {word}")
    assert len(raised.value.given) < 200


# Layers


class Fixed:
    """Any NOISE of another pack."""

    def __init__(self, noise, seed=11):
        self.noise, self.seed = noise, seed

    def generate_noise(self, input_latent):
        return self.noise.clone()


OLD, NEW = (draw(LATENT["samples"], seed) for seed in (21, 22))


def layered(mix="replace", old=OLD, new=NEW, latent=None, **settings):
    layer = NoiseLayer(Fixed(old), Fixed(new, 12), NoiseMix(mix), **settings)
    assert layer.seed == 11
    return layer.generate_noise(latent or LATENT)


MIXES = {
    "replace": lambda old, new, w, b: new,
    "add": lambda old, new, w, b: old + new * w,
    "weighted": lambda old, new, w, b: old * (1.0 - w * b) + new * w,
    "normalized": lambda old, new, w, b: ((1 - w) * old + w * new) / (w**2 + (1 - w) ** 2) ** 0.5,
}


@pytest.mark.parametrize("weight", [0.5, 0.0, -2.0, 1.0])
@pytest.mark.parametrize("mix", MIXES)
def test_mixes(mix, weight):
    expected = MIXES[mix](OLD.double(), NEW.double(), weight, 0.7)
    made = layered(mix, weight=weight, balance=0.7)
    assert torch.allclose(made.double(), expected, atol=1e-5)


def test_normalized_alone_keeps_the_variance():
    latent = {"samples": torch.zeros(100, 4, 16, 16)}
    old, new = (draw(latent["samples"], seed) for seed in (1, 2))
    for weight in (0.2, 0.5, 0.9):
        made = layered("normalized", old, new, latent, weight=weight)
        assert abs(made.var() - 1) < 0.03
    assert layered("weighted", old, new, latent, weight=0.5).var() < 0.6


@pytest.mark.parametrize("mix", MIXES)
def test_a_layer_that_changes_nothing_keeps_every_bit(mix):
    assert torch.equal(layered(mix, area=torch.zeros(1, 64, 64)), OLD)
    if mix != "replace":
        assert torch.equal(layered(mix, weight=0.0), OLD)


@pytest.mark.parametrize(
    ("first", "last", "frames"),
    [(0, -1, range(6)), (2, 3, [2, 3]), (-2, -1, [4, 5]), (5, 5, [5]), (-6, 0, [0]), (1, -5, [1])],
)
def test_frames_of_a_layer(first, last, frames):
    made = layered(first_frame=first, last_frame=last)
    for frame in range(FRAMES):
        assert torch.equal(made[frame], (NEW if frame in frames else OLD)[frame])


@pytest.mark.parametrize(
    ("first", "last", "message"),
    [
        (6, -1, "first_frame of Noise Layer is 6, and the clip has 6 frames"),
        (-7, -1, "first_frame of Noise Layer is -7, and the clip has 6 frames"),
        (0, 20, "last_frame of Noise Layer is 20, and the clip has 6 frames"),
        (4, 2, "first_frame of Noise Layer is frame 4, and last_frame is frame 2"),
        (-1, 3, "first_frame of Noise Layer is frame 5, and last_frame is frame 3"),
    ],
)
def test_frames_outside_of_the_clip(first, last, message):
    with pytest.raises(AnimateDiffError, match=message):
        layered(first_frame=first, last_frame=last)


def test_an_area_of_any_size():
    """Left half: white. Scaled bilinearly, its middle is its middle."""
    half = torch.zeros(1, 16, 16)
    half[..., :8] = 1.0
    made = layered(area=half)
    assert torch.equal(made[..., :4], NEW[..., :4])
    assert torch.equal(made[..., 4:], OLD[..., 4:])
    grey = layered("add", weight=0.4, area=torch.full((3, 5), 0.25))
    assert torch.allclose(grey, OLD + 0.25 * 0.4 * NEW, atol=1e-6)


def test_an_area_per_frame_is_of_the_clips_frames():
    areas = torch.linspace(0, 1, FRAMES)[:, None, None].repeat(1, 32, 32)
    made = layered(area=areas, first_frame=2, last_frame=-2)
    for frame in range(FRAMES):
        m = frame / 5 if 2 <= frame <= 4 else 0.0
        assert torch.allclose(made[frame], (1 - m) * OLD[frame] + m * NEW[frame], atol=1e-6)


def test_an_area_of_another_clip():
    with pytest.raises(AnimateDiffError, match=r"area of Noise Layer has 4 masks, and the clip has 6 frames"):
        layered(area=torch.ones(4, 8, 8))


def test_layers_over_layers_leave_what_is_beneath():
    before = OLD.clone()
    once = NoiseLayer(Fixed(OLD), Fixed(NEW), first_frame=3)
    twice = NoiseLayer(once, Fixed(torch.ones_like(OLD)), NoiseMix.ADD, 0.5, last_frame=0)
    made = twice.generate_noise(LATENT)
    assert torch.allclose(made[0], OLD[0] + 0.5)
    assert torch.equal(made[1:3], OLD[1:3]) and torch.equal(made[3:], NEW[3:])
    assert torch.equal(OLD, before)
    assert torch.equal(copy.deepcopy(twice).generate_noise(LATENT), made)


@pytest.mark.parametrize("kind", NoiseKind)
def test_a_video_models_latent_is_refused(kind):
    video = {"samples": torch.zeros(1, 4, 6, 8, 8)}
    with pytest.raises(AnimateDiffError, match="the latent has 5 dimensions"):
        noise(kind, latent=video)
    with pytest.raises(AnimateDiffError, match="the latent has 5 dimensions"):
        layered(latent=video)


def test_frames_that_have_one_noise():
    assert same_noise(OLD) == [0, 1, 2, 3, 4, 5]
    assert same_noise(OLD[[0, 1, 0, 3, 1, 1]]) == [0, 1, 0, 3, 1, 1]
    nearly = OLD[[0, 0]]
    nearly[1, -1, -1, -1] += 1e-3
    assert same_noise(nearly) == [0, 1]
    assert same_noise(OLD[[2, 2]].to(torch.bfloat16)) == [0, 0]
