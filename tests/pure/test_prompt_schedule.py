"""Prompt schedules: what is read, what is refused, and what every frame gets."""

import math
import re

import pytest
import torch
from animatediff_native.motion.clip_part import ClipPart, clip_part
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.samplers.prompt_frames import (
    between_zeros,
    compounded,
    per_frame,
    same_length,
)
from animatediff_native.samplers.prompt_schedule import (
    Blend,
    Interpolation,
    blends,
    read_schedule,
    schedule_of,
    schedule_text,
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
    "one line": '"0": "a castle", "8": "a ruin: overgrown"',
    "one line, no quotes": "0: a castle, 8: a ruin: overgrown",
    "keys without quotes": '0: "a castle", 8: "a ruin: overgrown"',
    "a comma at the end": '0: "a castle",\n8: "a ruin: overgrown",',
    "JSON, a comma at the end": '{"0": "a castle", "8": "a ruin: overgrown",}',
    "no brace at the end": '{"0": "a castle", "8": "a ruin: overgrown"',
    "no brace at the beginning": '"0": "a castle", "8": "a ruin: overgrown"}',
    "Python": "{'0': 'a castle', '8': 'a ruin: overgrown'}",
    "no comma": '{"0": "a castle"\n"8": "a ruin: overgrown"}',
    "no comma in a line": '"0": "a castle" "8": "a ruin: overgrown"',
    "equal signs": '0 = "a castle",\n8 = "a ruin: overgrown"',
    "colon and equal sign": '0: = "a castle"\n8: = "a ruin: overgrown"',
    "typographic": "“0”: “a castle”, “8”: “a ruin: overgrown”",
    "full width": '0："a castle"，8："a ruin: overgrown"',
    "semicolons": "0: a castle; 8: a ruin: overgrown",
    "Windows": '\ufeff0: "a castle"\r\n8: "a ruin: overgrown"\r\n',
    "comments": '# start\n0: "a castle" # one\n// two\n8: /* x */a ruin: overgrown // y\n/* 9: z\n*/',
    "below its key": '0:\n"a castle"\n8:\n"a ruin: overgrown"',
    "percent": "0%: a castle\n50%: a ruin: overgrown",
    "shares": '0.0 = "a castle", 0.5 = "a ruin: overgrown"',
    "from the end": "-16: a castle\n-8: a ruin: overgrown",
    "formulas": '"max_f-16": "a castle", "max_f/2": "a ruin: overgrown"',
    "a step on": "0: a castle\n+8: a ruin: overgrown",
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
    "no key": ("just words", "line 1 .*'just words'.*frame number"),
    "words between": ('0: "a"\njust words\n8: "b"', "line 2 .*'just words'.*quotation marks"),
    "no number": ('0: "a"\nsoon: "b"', "line 2"),
    "open quote": ('0: "a"\n8: "b', "line 2 .*not closed"),
    "lone quote": ('0: "', "line 1 .*not closed"),
    "open over a key": ('0: "a\n8: "b"', "line 1 .*not closed"),
    "open in a line": ('0: "a, 8: "b"', "line 1 .*not closed"),
    "before the clip": ('-17: "a"', "line 1 .*'-17' lies before a clip of 16 frames"),
    "more than the clip": ('101%: "a"', "line 1 .*more than the clip"),
    "a formula that is none": ('"max_f/": "a"', "line 1 .*'max_f/' is not a frame number"),
    "twice": ('0: "a"\n\n0: "b"', "lines 1 and 3 .*frame 0"),
    "JSON twice": ('{"0": "a",\n"0": "b"}', "lines 1 and 2"),
    "JSON, no colon": ('{"0": "a",\n"8" "b"}', "line 2 .*JSON"),
    "JSON key": ('{"0": "a",\n"x": "b"}', "line 2 .*'x' is not a frame"),
    "JSON number": ('{"0": "a",\n"8": 3}', "line 2 .*not text"),
    "JSON nested": ('{"0": {"1": "a"}}', "line 1 .*not text"),
    "an object for a prompt": ('0: {"prompt": "a"}', "line 1 .*not text"),
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
    short, long = (torch.randn(1, n, 8, generator=generator) for n in (2, 6))
    padded = same_length([short, long], lambda: pytest.fail("nothing has to be filled up"))
    assert [p.shape[1] for p in padded] == [6, 6]
    q = torch.randn(1, 5, 8, generator=generator)
    attend = torch.nn.functional.scaled_dot_product_attention
    # fp32 sums of another length
    assert torch.allclose(attend(q, short, short), attend(q, padded[0], padded[0]), atol=1e-6)


def test_as_many_chunks_as_the_longest_needs():
    """What repetitions do not fill, the empty prompt does."""
    embeddings = [torch.full((1, 77 * chunks, 2), float(chunks)) for chunks in (2, 3, 5)]
    padded = same_length(embeddings, lambda: torch.zeros(1, 77, 2))
    assert [p.shape[1] for p in padded] == [385] * 3
    chunks = [p[0, ::77, 0].tolist() for p in padded]
    assert chunks == [[2, 2, 2, 2, 0], [3, 3, 3, 0, 0], [5] * 5]


def test_equal_lengths_stay_as_they_are():
    embeddings = [torch.randn(1, 77, 2) for _ in range(3)]
    for padded in (same_length(embeddings, lambda: pytest.fail()), between_zeros(embeddings)):
        assert all(torch.equal(a, b) for a, b in zip(embeddings, padded, strict=True))


def prompts(text, frames=32, **around):
    found = schedule_of(text, ClipPart(frames, 0, frames), **around)
    sides = found.positive, found.negative
    return [[p.at(0, frames - 1) for p in side] for side in sides], found.notes


AROUND = {
    "prefix and suffix": ("0: a", {"prefix": "best", "suffix": " "}, ["best, a"], [""]),
    "one comma": ("0: closed mouth", {"prefix": "best quality,"}, ["best quality, closed mouth"], [""]),
    "commas of both": ("0: ', a ,'", {"prefix": "b, ", "suffix": ", c"}, ["b, a, c"], [""]),
    "head and tail": ("masterpiece\n0: shut\n8: open\n4k, sharp", {}, ["masterpiece, shut, 4k, sharp", "masterpiece, open, 4k, sharp"], ["", ""]),
    "several lines": ("a,\nb\n0: c\nd\ne", {}, ["a, b, c, d, e"], [""]),
    "weights": ("(best:1.2)\n0: (a:1.1), b: c", {}, ["(best:1.2), (a:1.1), b: c"], [""]),
    "negative": ("0: a cat --neg fog", {}, ["a cat"], ["fog"]),
    "negative in quotes": ('0: "a cat --neg fog", 8: "b"', {}, ["a cat", "b"], ["fog", ""]),
    "negative behind quotes": ('0: "a cat" --neg "fog"', {}, ["a cat"], ["fog"]),
    "negative alone": ("0: --neg fog", {}, [""], ["fog"]),
    "other names": ("0: a --negative b\n1: a –neg b\n2: a --negative_prompt b\n3: a --no b\n4: a --neg: b", {}, ["a"] * 5, ["b"] * 5),
    "negative everywhere": ("h --neg hn\n0: a --neg b\nt --neg tn", {"prefix": "p --neg pn", "suffix": "s"}, ["p, h, a, t, s"], ["pn, hn, b, tn"]),
    "a line of AUTOMATIC1111": ("0: a\n1: b\nNegative prompt: c, d", {}, ["a", "b"], ["c, d"] * 2),
    "no flag": ("0: non--neg, x--neg y", {}, ["non--neg, x--neg y"], [""]),
    "colons and commas": ('0: "a, b: c", 8: (d, 9: e), f', {}, ["a, b: c", "(d, 9: e), f"], ["", ""]),
    "a ratio": ("0: a film, 16:9, wide", {}, ["a film, 16:9, wide"], [""]),
    "over lines": ('0: "a castle,\n in spring"\n8: b', {}, ["a castle,\n in spring", "b"], ["", ""]),
    "quotation marks": ('0: a "big" cat\n1: "a "big" cat"\n2: "big" cat', {}, ['a "big" cat', 'a "big" cat', '"big" cat'], [""] * 3),
    "an apostrophe": ("0: it's, 8: a cat's", {}, ["it's", "a cat's"], ["", ""]),
    "hashes": ("0: no. #1, C# a#b", {}, ["no. #1, C# a#b"], [""]),
    "nothing": ("0: ", {}, [""], [""]),
    "capitals": ("0: A CAT AND A DOG", {}, ["A CAT AND A DOG"], [""]),
}  # fmt: skip


@pytest.mark.parametrize("name", AROUND)
def test_what_stands_around_a_prompt(name):
    text, around, positive, negative = AROUND[name]
    assert prompts(text, **around) == ([positive, negative], [])


@pytest.mark.parametrize(
    ("text", "expected", "note"),
    [
        ("0: a lake <lora:v2_lora_ZoomIn:0.8>", "a lake", "line 1 .*<lora:v2_lora_ZoomIn:0.8>.*Load MotionLoRA"),
        ("0: <lora:a:1>, a lake, <lyco:b:1>, deep", "a lake, deep", "<lora:a:1>.*Load LoRA"),
        ("<lora:a:1>\n0: a lake", "a lake", "line 1 .*Load LoRA"),
        ("0: a BREAK b", "a, b", "line 1 .*BREAK means nothing"),
        ("0: a, AND b", "a, b", "AND means nothing"),
    ],
)  # fmt: skip
def test_what_is_left_out_is_said(text, expected, note):
    (positive, _), notes = prompts(text)
    assert positive == [expected]
    assert re.search(note, notes[0])
    assert notes[0] in schedule_text(schedule_of(text, ClipPart(2, 0, 2)).shown, 2, LINEAR, 0, notes)


@pytest.mark.parametrize(
    ("text", "quoted"),
    [("0: a\n8: a {red|blue} barn", "{red|blue}"), ("0: a\n8: __animal__ here", "__animal__"),
     ("0: a\n8: a [cat:dog:0.5]", "[cat:dog:0.5]"), ("0: a\n8: a [dog:0.5]", "[dog:0.5]"),
     ("0: a\n8: [cat|dog]", "[cat|dog]"), ("0: a\n8: a --steps 20", "--steps"), ("0: a\nSteps: 20, Seed: 1", "Steps: 20")],
)  # fmt: skip
def test_what_would_not_be_done_is_refused(text, quoted):
    with pytest.raises(AnimateDiffError) as caught:
        prompts(text)
    assert quoted in str(caught.value) and "line 2 of the prompt schedule" in str(caught.value)


def test_formulas_are_numbers_by_frame():
    found = schedule_of("0: (smile:`0.5+0.5*sin(t/12)`), `max_f`", ClipPart(32, 0, 32))
    (prompt,) = found.positive
    assert prompt.at(0, 31) == "(smile:0.5), 31"
    assert prompt.at(6, 31) == f"(smile:{0.5 + 0.5 * math.sin(0.5)}), 31"
    assert prompt.text == "(smile:`0.5+0.5*sin(t/12)`), `max_f`"


@pytest.mark.parametrize(
    ("text", "why"),
    [("0: a\n8: `2+`", "'2\\+' of line 2 .*no formula"), ("0: `pw_a`", "'pw_a' .*line 1 .*not known"),
     ("0: (a:`t)", "'`t\\)' of line 1 .*backtick is missing")],
)  # fmt: skip
def test_formulas_that_cannot_be_computed(text, why):
    with pytest.raises(AnimateDiffError, match=why):
        prompts(text)


def test_a_formula_without_a_value_names_the_frame():
    (prompt,) = schedule_of("0: `1/(t-3)`", ClipPart(8, 0, 8)).positive
    assert prompt.at(2, 7) == "-1.0"
    with pytest.raises(AnimateDiffError, match=r"line 1 .*divides by 0 at frame 3"):
        prompt.at(3, 7)


def test_keys_beyond_the_clip():
    """The frames are on their way there, and a note says so."""
    text = "0: a\n1117: b\n2400: c"
    found = schedule_of(text, ClipPart(720, 0, 720))
    assert blends(found.keys, 720, LINEAR)[719] == Blend(0, 1, 719 / 1117)
    assert "frame 1117" in found.notes[0] and "frame 719" in found.notes[0]
    said = schedule_text(found.keys, 720, LINEAR, 0, found.notes)
    assert said.splitlines()[:2] == ["- 0: a", "- 1 to 719: changing to the next"]
    assert not schedule_of(text, ClipPart(720, 0, 2401)).notes


def test_beyond_4096_frames():
    found = schedule_of("0: a\n7019: b", ClipPart(7020, 0, 7020))
    assert blends(found.keys, 7020, LINEAR)[7019] == Blend(1, 1, 0)


@pytest.mark.parametrize("how", [LINEAR, HOLD])
def test_parts_continue_each_other(how):
    text = "0: a\n50%: b\n-1: c"
    whole = blends(schedule_of(text, ClipPart(24, 0, 24)).keys, 24, how)
    parts = []
    for first in (0, 8, 16):
        part = clip_part(8, None, first, 24)
        parts += blends(schedule_of(text, part).keys, 8, how, first)
    assert parts == whole


def test_a_part_that_does_not_fit():
    with pytest.raises(AnimateDiffError, match=r"frames 90 to 105 .*total_frames is 100"):
        clip_part(16, None, 90, 100)
    assert clip_part(16, None, 90) == ClipPart(16, 90, 106)


def test_a_latent_says_how_many_frames():
    assert clip_part(16, {"samples": torch.zeros(24, 4, 8, 8)}) == ClipPart(24, 0, 24)


@pytest.mark.parametrize("text", ["0: = a\n8: b", '"0:": "a", "8": "b"', '0: "a" hold, 8: b'])
def test_a_key_that_is_held(text):
    found = blends(read_schedule(text, 16), 16, LINEAR)
    assert found[:8] == [Blend(0, 0, 0)] * 8


def test_a_range():
    """As AnimateDiff-Evolved has it: without its end, and the same prompt all along."""
    keys = read_schedule('0:4 = "a", 8:-2 = "b"', 16)
    assert [(k.frame, k.prompt, k.hold) for k in keys] == [
        (0, "a", True), (3, "a", False), (8, "b", True), (13, "b", False)]  # fmt: skip


def reference_compounded(a, b, shares, mix):
    """The recurrence, written out: c_j = mix(c_{j-1}, b, w_j)."""
    rows, carried = [], a
    for share in shares:
        carried = mix(carried, b, share)
        rows.append(carried)
    return torch.cat(rows)


def test_compound_keeps_the_product_of_what_is_left():
    generator = torch.Generator().manual_seed(1)
    a, b = (torch.randn(1, 4, 8, generator=generator) for _ in range(2))
    found = compounded([a, b], blends(keys_at(0, 8), 12, Interpolation.COMPOUND), 12)
    left = 1.0
    for frame in range(12):
        left *= 1 - min(frame / 8, 1)
        assert torch.allclose(found[frame], (a * left + b * (1 - left))[0], atol=1e-6)


@pytest.mark.parametrize("slerp", [False, True])
def test_compound_is_the_recurrence(slerp):
    def mix(x, y, w):
        if not slerp:
            return x * (1 - w) + y * w
        u, v = x.flatten() / x.norm(), y.flatten() / y.norm()
        angle = torch.acos(u @ v)
        if (u @ v).abs() > 0.9995:
            return x * (1 - w) + y * w
        return (x * torch.sin((1 - w) * angle) + y * torch.sin(w * angle)) / torch.sin(angle)

    generator = torch.Generator().manual_seed(2)
    a, b, c = (torch.randn(1, 4, 8, generator=generator).double() for _ in range(3))
    found = compounded([a, b, c], blends(keys_at(0, 8, 20), 24, Interpolation.COMPOUND), 24, slerp)
    first = reference_compounded(a, b, [i / 8 for i in range(8)], mix)
    second = reference_compounded(b, c, [i / 12 for i in range(13)], mix)
    expected = torch.cat([first, second, c.expand(3, -1, -1)])
    assert torch.allclose(found, expected, atol=1e-9)


def test_compound_begins_anew_where_the_old_prompt_is_another_text():
    a0, a1, b = (torch.full((1, 1, 1), value) for value in (1.0, 10.0, 0.0))
    found = compounded([a0, a1, b], [Blend(0, 0, 0), Blend(0, 2, 0.5), Blend(1, 2, 0.75)], 3)
    assert found.flatten().tolist() == [1, 0.5, 2.5]


def test_zeros_on_both_sides():
    short, long = torch.ones(1, 2, 1), torch.ones(1, 5, 1)
    assert between_zeros([short, long])[0].flatten().tolist() == [0, 1, 1, 0, 0]


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
