"""Parts of a clip: which frames they have, what they keep, and the noise of the whole."""

from typing import Any

import pytest
import torch
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.samplers.clip_in_parts import ClipParts, part_of
from animatediff_native.samplers.frame_noise import FrameNoise, NoiseKind
from animatediff_native.samplers.free_noise import NoiseOrder, noise_order, part_order
from animatediff_native.samplers.windows import Schedule, WindowPlan

SPLITS = [
    (300, 128, 8),
    (129, 128, 8),
    (128, 128, 8),
    (16, 128, 8),
    (24, 16, 8),
    (50, 7, 6),
    (9, 2, 0),
]


@pytest.mark.parametrize(("total", "frames", "context"), SPLITS)
def test_parts_without_their_context_are_the_clip(total, frames, context):
    parts = ClipParts(total, frames, context)
    joined = []
    for part in range(parts.count):
        at = parts.of(part)
        assert len(at) == frames or part == parts.count - 1
        new = list(at)[context if part else 0 :]
        assert new, "no part is all context"
        joined += new
    assert joined == list(range(total))


@pytest.mark.parametrize("part", [-1, 3])
def test_a_part_that_is_not_there(part):
    with pytest.raises(
        AnimateDiffError, match=rf"part is {part}.*300 frames has 3 parts[\s\S]*0 to 2"
    ):
        ClipParts(300, 128, 8).of(part)


def test_a_part_that_is_all_context():
    with pytest.raises(AnimateDiffError, match="context_frames is 8, and frames is 8"):
        ClipParts(300, 8, 8)


PARTS = ClipParts(20, 8, 3)
WHOLE = {"samples": torch.arange(20.0)[:, None, None, None].repeat(1, 4, 2, 2)}


def numbers(latent):
    return latent["samples"][:, 0, 0, 0].tolist()


def finished(latent):
    return {**latent, "samples": latent["samples"] + 100}


def test_the_first_part_has_nothing_to_keep():
    made = part_of(WHOLE, PARTS, 0, None)
    assert numbers(made) == list(range(8)) and made["batch_index"] == list(range(8))
    assert "noise_mask" not in made


def test_the_next_part_begins_with_the_end_of_the_one_before():
    first = finished(part_of(WHOLE, PARTS, 0, None))
    made = part_of(WHOLE, PARTS, 1, first)
    assert numbers(made) == [105, 106, 107, 8, 9, 10, 11, 12]
    assert made["batch_index"] == list(range(5, 13))
    assert made["noise_mask"].shape == (8, 1, 2, 2)
    assert made["noise_mask"][:, 0, 0, 0].tolist() == [0, 0, 0, 1, 1, 1, 1, 1]
    last = part_of(WHOLE, PARTS, 3, finished(made))
    assert numbers(last) == [110, 111, 112, 18, 19]
    assert last["batch_index"] == list(range(15, 20))


def test_what_goes_in_stays():
    first = finished(part_of(WHOLE, PARTS, 0, None))
    before = first["samples"].clone()
    part_of(WHOLE, PARTS, 1, first)["samples"].zero_()
    assert torch.equal(first["samples"], before) and numbers(WHOLE) == list(range(20))


@pytest.mark.parametrize("rows", [1, 20])
def test_a_mask_that_is_there_stays_in_new_frames(rows):
    mask = torch.rand(rows, 1, 16, 16)
    latent = {**WHOLE, "noise_mask": mask.clone()}
    made = part_of(latent, PARTS, 1, WHOLE)["noise_mask"]
    assert made.shape == (8, 1, 16, 16) and not made[:3].any()
    expected = mask.expand(20, 1, 16, 16)[8:13]
    assert torch.equal(made[3:], expected) and torch.equal(latent["noise_mask"], mask)


def test_a_clip_of_one_part_stays_as_it_is():
    made = part_of(WHOLE, ClipParts(20, 20, 3), 0, None)
    assert made.keys() == WHOLE.keys() and made["samples"] is WHOLE["samples"]


@pytest.mark.parametrize(
    ("previous", "said"),
    [
        (None, "previous is not connected"),
        ({"samples": torch.zeros(2, 4, 2, 2)}, "previous has 2 frames, and context_frames is 3"),
        ({"samples": torch.zeros(8, 4, 2, 3)}, "previous is 24x16 pixels, and latent 16x16 pixels"),
        ({"samples": torch.zeros(8, 4, 5, 2, 2)}, "5 dimensions"),
    ],
)
def test_a_part_before_that_does_not_fit(previous, said):
    with pytest.raises(AnimateDiffError, match=said):
        part_of(WHOLE, PARTS, 1, previous)


# the noise of the whole


@pytest.mark.parametrize("order", NoiseOrder)
@pytest.mark.parametrize("seed", [0, 7])
@pytest.mark.parametrize("stride", [1, 2])
def test_free_noise_of_parts_is_that_of_the_whole(order, seed, stride):
    """Also where parts overlap, and where the last one is short."""
    plan = WindowPlan(16, 4, stride, Schedule.LOOPED)
    for total, frames, context in ((300, 128, 8), (100, 20, 12), (70, 64, 0), (20, 16, 4)):
        whole = noise_order(plan, total, order, seed)
        parts = ClipParts(total, frames, context)
        for part in map(parts.of, range(parts.count)):
            assert part_order(plan, part, order, seed, total) == whole[part.start : part.stop]


@pytest.mark.parametrize("order", NoiseOrder)
def test_free_noise_of_a_clip_that_may_go_on(order):
    """Without total_frames a part has what it has in any longer clip, up to where that closes."""
    plan = WindowPlan(16, 4, 1, Schedule.LOOPED)
    whole = noise_order(plan, 400, order, 3)
    for first, frames in ((10, 5), (10, 40), (100, 1), (100, 200)):
        part = range(first, first + frames)
        assert part_order(plan, part, order, 3) == whole[first : first + frames]


@pytest.mark.parametrize("order", NoiseOrder)
def test_free_noise_without_an_offset_is_as_it_was(order):
    plan = WindowPlan(16, 4, 1, Schedule.LOOPED)
    for frames in (8, 16, 20, 100):
        assert part_order(plan, range(frames), order, 3) == noise_order(plan, frames, order, 3)


def test_a_part_beyond_the_whole():
    with pytest.raises(
        AnimateDiffError, match="frames 90 to 105 of a whole, and total_frames is 100"
    ):
        part_order(WindowPlan(), range(90, 106), NoiseOrder.ANY, 0, 100)


def draw(latent, seed, places=None):
    """The host's way: one stream per seed, where a number is a place in it."""
    generator = torch.Generator().manual_seed(seed)
    count = latent.shape[0] if places is None else max(places) + 1
    stream = [torch.randn(latent[:1].shape, generator=generator) for _ in range(count)]
    return torch.cat([stream[i] for i in (range(count) if places is None else places)])


@pytest.mark.parametrize("kind", NoiseKind)
@pytest.mark.parametrize("seeds", [(), tuple(range(50, 70))])
@pytest.mark.parametrize("numbered", [False, True], ids=["plain", "numbered by Continue Clip"])
def test_noise_by_frame_of_parts_is_that_of_the_whole(kind, seeds, numbered):
    settings = {"seed": 7, "kind": kind, "seeds": seeds, "context_length": 6}
    whole = FrameNoise(draw, **settings).generate_noise({"samples": torch.zeros(20, 4, 2, 2)})
    for part in map(PARTS.of, range(PARTS.count)):
        latent: dict[str, Any] = {"samples": torch.zeros(len(part), 4, 2, 2)}
        if numbered and part.start:
            latent["batch_index"] = list(part)
        noise = FrameNoise(draw, **settings, first_frame=part.start)
        if seeds and not part.start and kind is NoiseKind.SEED_PER_FRAME:
            latent["batch_index"] = list(part)  # as Continue Clip numbers them
        made = noise.generate_noise(latent)
        assert torch.equal(made, whole[part.start : part.stop])
