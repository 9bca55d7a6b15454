"""Prompt schedules: what is read, what is refused, and what every frame gets."""

import pytest
import torch
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.samplers.prompt_frames import per_frame, same_length
from animatediff_native.samplers.prompt_schedule import (
    Blend,
    Interpolation,
    blends,
    read_schedule,
    schedule_text,
    with_common_parts,
)

LINEAR, HOLD = Interpolation.LINEAR, Interpolation.HOLD

SAME = {
    "lines": '0: "a castle"\n8: "a ruin: overgrown"',
    "without quotes": "0: a castle\n\n8: a ruin: overgrown\n",
    "single quotes": "0: 'a castle'\n8: 'a ruin: overgrown'",
    "JSON without its braces": '"0": "a castle",\n"8": "a ruin: overgrown"',
    "in any order": '8: "a ruin: overgrown"\n0: "a castle"',
    "JSON": '{"0": "a castle", "8": "a ruin: overgrown"}',
    "JSON over lines": '{\n  "8": "a ruin: overgrown",\n  "0": "a castle"\n}',
}


@pytest.mark.parametrize("name", SAME)
def test_forms(name):
    keys = read_schedule(SAME[name], 16)
    assert [(k.frame, k.prompt) for k in keys] == [(0, "a castle"), (8, "a ruin: overgrown")]


def test_lines_are_remembered():
    assert [k.line for k in read_schedule(SAME["without quotes"], 16)] == [1, 3]
    assert [k.line for k in read_schedule(SAME["JSON over lines"], 16)] == [3, 2]


REFUSED = {
    "empty": ("  \n ", "is empty"),
    "empty JSON": ("{}", "is empty"),
    "no colon": ('0: "a"\njust words', "line 2 .*'just words'"),
    "no number": ('0: "a"\nsoon: "b"', "line 2"),
    "open quote": ('0: "a"\n8: "b', "line 2 .*not closed"),
    "lone quote": ('0: "', "line 1 .*not closed"),
    "beyond the clip": ('0: "a"\n16: "b"', "line 2 .*frame 16.*clip has 16 frames"),
    "negative": ('-1: "a"', "line 1 .*frame -1"),
    "twice": ('0: "a"\n\n0: "b"', "lines 1 and 3 .*frame 0"),
    "JSON beyond the clip": ('{"0": "a",\n "99": "b"}', "line 2 .*frame 99"),
    "JSON twice": ('{"0": "a",\n"0": "b"}', "lines 1 and 2"),
    "JSON comma": ('{"0": "a"\n"8": "b"}', "line 2 .*JSON"),
    "JSON unclosed": ('{"0": "a",', "line 1 .*JSON"),
    "JSON key": ('{"0": "a",\n"x": "b"}', "line 2 .*'x' is not a frame"),
    "JSON number": ('{"0": "a",\n"8": 3}', "line 2 .*not text"),
    "JSON nested": ('{"0": {"1": "a"}}', "line 1 .*not text"),
    "JSON behind its end": ('{"0": "a"}\n8: "b"', "line 2 .*JSON"),
    "a number beyond all clips": (f'0: "a"\n{"9" * 5000}: "b"', "line 2 .*frame number"),
    "JSON key beyond all clips": (f'{{"{"9" * 5000}": "b"}}', "line 1 .*is not a frame number"),
    "JSON number of any length": (f'{{"0": {"9" * 5000}}}', "line 1 .*not text"),
    "JSON of brackets": ('{"0": ' + "[" * 100_000, "line 1 .*brackets"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_name_the_line(name):
    text, message = REFUSED[name]
    with pytest.raises(AnimateDiffError, match=message):
        read_schedule(text, 16)


@pytest.mark.parametrize("text", ['0: "a' + " " * 3_000 + "b", "x" * 1_000_000])
def test_a_long_line_is_quoted_in_part_and_at_once(text):
    with pytest.raises(AnimateDiffError, match="line 1") as caught:
        read_schedule(text, 16)
    assert len(str(caught.value)) < 400


def keys_at(*frames):
    return read_schedule("\n".join(f"{frame}: p{frame}" for frame in frames), 100)


def test_linear():
    found = blends(keys_at(0, 4, 6), 8, LINEAR)
    assert found == [
        Blend(0, 1, 0.0), Blend(0, 1, 0.25), Blend(0, 1, 0.5), Blend(0, 1, 0.75),
        Blend(1, 2, 0.0), Blend(1, 2, 0.5), Blend(2, 2, 0.0), Blend(2, 2, 0.0)]  # fmt: skip


def test_hold():
    found = blends(keys_at(0, 4), 6, HOLD)
    assert [(b.before, b.after, b.share) for b in found] == [(0, 0, 0)] * 4 + [(1, 1, 0)] * 2


@pytest.mark.parametrize("how", Interpolation)
def test_the_first_prompt_holds_before_its_frame(how):
    assert all(b.before == 0 and b.share == 0 for b in blends(keys_at(3, 9), 10, how)[:4])


def test_embeddings_between_keys():
    a, b = torch.zeros(1, 2, 3), torch.ones(1, 2, 3)
    frames = per_frame([a, b], blends(keys_at(0, 4), 6, LINEAR))
    assert frames.shape == (6, 2, 3)
    assert frames[:, 0, 0].tolist() == [0, 0.25, 0.5, 0.75, 1, 1]


def test_at_a_key_the_embedding_is_its_own():
    generator = torch.Generator().manual_seed(0)
    embeddings = [torch.randn(1, 4, 8, generator=generator) for _ in range(3)]
    frames = per_frame(embeddings, blends(keys_at(0, 5, 9), 12, LINEAR))
    for frame, own in zip((0, 5, 9), embeddings, strict=True):
        assert torch.equal(frames[frame], own[0])


def test_prompts_of_different_length_keep_their_meaning():
    """Attention to a repeated context is attention to the context."""
    generator = torch.Generator().manual_seed(0)
    short, long = (torch.randn(1, n, 8, generator=generator) for n in (2, 3))
    padded = same_length([short, long])
    assert [p.shape[1] for p in padded] == [6, 6]
    q = torch.randn(1, 5, 8, generator=generator)
    attend = torch.nn.functional.scaled_dot_product_attention
    # fp32 sums of another length
    assert torch.allclose(attend(q, short, short), attend(q, padded[0], padded[0]), atol=1e-6)


def test_common_parts():
    keys = with_common_parts(keys_at(0, 4), "best", " ")
    assert [k.prompt for k in keys] == ["best, p0", "best, p4"]


def test_the_schedule_as_text():
    """A list in Markdown, which is as easily read where it is not rendered."""
    keys = keys_at(2, 5)
    assert schedule_text(keys, 9, LINEAR).splitlines() == [
        "- 0 to 2: p2",
        "- 3 to 4: changing to the next",
        "- 5: p5",
        "- 6 to 8: held",
    ]
    assert schedule_text(keys, 9, HOLD).splitlines()[1] == "- 3 to 4: held"
    assert schedule_text(keys_at(0, 1), 2, LINEAR).splitlines() == ["- 0: p0", "- 1: p1"]


def test_a_prompt_of_several_lines_is_one_line_of_the_text():
    keys = read_schedule('{"0": "a castle\\nin spring"}', 1)
    assert schedule_text(keys, 1, HOLD) == "- 0: a castle in spring"
