"""Prompt Schedule with the host's own text encoder and conditioning nodes."""

# The host and torch are typed loosely.
# pyright: reportArgumentType=false, reportCallIssue=false, reportAttributeAccessIssue=false

import logging
import math
from itertools import pairwise

import comfy_extras.nodes_hooks as hook_nodes
import pytest
import torch
from adn_testing import control, probes, tiny, tiny_clip
from animatediff_native.motion.errors import AnimateDiffError
from animatediff_native.nodes.motion_lora import MakeFrameStrengths
from animatediff_native.nodes.motion_module import ApplyMotionModule
from animatediff_native.nodes.prompt_schedule import PromptSchedule

import nodes

pytestmark = pytest.mark.usefixtures("inference")
TWO = '0: "a red barn"\n8: "a blue barn"'


@pytest.fixture(scope="module")
def clip():
    return tiny_clip.clip()


def schedule(clip, text, frames=12, interpolation="linear", prefix="", suffix="", **inputs):
    return PromptSchedule.execute(clip, text, frames, prefix, suffix, interpolation, **inputs)


def encode(clip, text):
    return nodes.CLIPTextEncode().encode(clip, text)[0]


def test_one_prompt_is_what_clip_text_encode_gives(clip):
    ((embedding, settings),) = schedule(clip, "0: a (red:1.3) barn")[0]
    ((expected, stock),) = encode(clip, "a (red:1.3) barn")
    assert all(torch.equal(frame, expected[0]) for frame in embedding)
    assert all(torch.equal(frame, stock["pooled_output"][0]) for frame in settings["pooled_output"])
    assert set(settings) == set(stock)


def test_frames_between_two_prompts(clip):
    ((embedding, _),) = schedule(clip, TWO)[0]
    a, b = (encode(clip, f"a {colour} barn")[0][0] for colour in ("red", "blue"))
    assert torch.equal(embedding[:8], torch.lerp(a, b, torch.arange(8).reshape(-1, 1, 1) / 8))
    assert torch.equal(embedding[8:], b.expand(4, -1, -1))


def test_clip_skip(clip):
    (skipped,) = nodes.CLIPSetLastLayer().set_last_layer(clip, -2)
    ((embedding, _),) = schedule(skipped, "0: a barn")[0]
    assert torch.equal(embedding[0], encode(skipped, "a barn")[0][0][0])
    assert not torch.equal(embedding[0], encode(clip, "a barn")[0][0][0])


@pytest.mark.parametrize("scheduled", [False, True])
@pytest.mark.parametrize("how", ["linear", "compound"])
def test_hooks_stay(clip, scheduled, how):
    """Entry by entry as CLIP Text Encode has them, with the ranges of their keyframes."""
    group = tiny_clip.hooks({0.0: 1.0, 0.5: 0.3})
    (hooked,) = hook_nodes.SetClipHooks().apply_hooks(clip, scheduled, True, group)
    found = schedule(hooked, TWO, 10, how)[0]
    red, blue = encode(hooked, "a red barn"), encode(hooked, "a blue barn")
    assert len(found) == len(red) == (2 if scheduled else 1)
    for (embedding, settings), (a, stock), (b, _) in zip(found, red, blue, strict=True):
        assert torch.equal(embedding[0], a[0]) and torch.equal(embedding[8], b[0])
        assert settings["hooks"] is group and set(settings) == set(stock)
        for name in ("clip_start_percent", "clip_end_percent"):
            assert settings.get(name) == stock.get(name)
    if scheduled:
        assert not torch.equal(found[0][0], found[1][0])


def test_hooks_are_sampled_as_after_clip_text_encode(clip):
    (hooked,) = hook_nodes.SetClipHooks().apply_hooks(
        clip, True, True, tiny_clip.hooks({0.0: 1.0, 0.5: 0.3})
    )
    model = tiny.model()
    stock = tiny.sample(model, frames=4, positive=encode(hooked, "a barn"))
    ours = tiny.sample(model, frames=4, positive=schedule(hooked, "0: a barn", 4)[0])
    assert torch.allclose(ours, stock, atol=1e-5)  # attention to one context per frame


def with_area(conditioning):
    return nodes.ConditioningSetArea().append(conditioning, 32, 64, 0, 16, 0.8)[0]


def with_mask(conditioning):
    mask = torch.zeros(1, 64, 64)
    mask[:, :32] = 1
    return nodes.ConditioningSetMask().append(conditioning, mask, "default", 1.0)[0]


def with_range(conditioning):
    return nodes.ConditioningSetTimestepRange().set_range(conditioning, 0.0, 0.6)[0]


def combined(conditioning):
    return nodes.ConditioningCombine().combine(with_mask(conditioning), tiny.conditioning(7))[0]


@pytest.mark.parametrize("then", [with_area, with_mask, with_range, combined])
def test_conditioning_nodes_behind_it(clip, then):
    model = tiny.model()
    stock = tiny.sample(model, frames=4, positive=then(encode(clip, "a barn")))
    ours = tiny.sample(model, frames=4, positive=then(schedule(clip, "0: a barn", 4)[0]))
    assert torch.allclose(ours, stock, atol=1e-5)


def test_a_controlnet_behind_it(clip):
    """The host's own ControlNet, whose input the prompt is too."""
    hints = torch.rand(4, 64, 64, 3, generator=torch.Generator().manual_seed(4))

    def sampled(positive):
        net = control.control_lora(4)
        conds = positive, tiny.conditioning(3)
        node = nodes.ControlNetApplyAdvanced()
        both = node.apply_controlnet(*conds, net, hints, 0.7, 0.0, 1.0)
        return tiny.sample(tiny.model(), frames=4, positive=both[0], negative=both[1])

    ours, stock = sampled(schedule(clip, "0: a barn", 4)[0]), sampled(encode(clip, "a barn"))
    assert torch.allclose(ours, stock, atol=1e-5)


def words(count):
    return " ".join(f"castle{'s' * (i % 2)}" for i in range(count))


def test_as_many_chunks_as_the_longest_prompt_needs(clip):
    """200, 280 and 350 words are 3, 4 and 5 chunks: not 60, which all three divide."""
    text = "\n".join(f"{i}: {words(n)}" for i, n in enumerate((200, 280, 350)))
    own = [encode(clip, words(n))[0][0] for n in (200, 280, 350)]
    assert [e.shape[1] // 77 for e in own] == [3, 4, 5]
    ((embedding, _),) = schedule(clip, text, 3)[0]
    empty = encode(clip, "")[0][0]
    assert embedding.shape == (3, 5 * 77, tiny.CONTEXT_DIM)
    for frame, e in zip(embedding, own, strict=True):
        filled = torch.cat([e, empty.repeat(1, 5 - e.shape[1] // 77, 1)], dim=1)
        assert torch.equal(frame, filled[0])


def test_filling_up_is_what_the_host_would_have_encoded(clip):
    """The host fills up a prompt with the tokens of the empty one (CLIPTextEncodeSDXL does)."""
    tokens = clip.tokenize(words(100))
    tokens["l"] += clip.tokenize("")["l"]
    expected = clip.encode_from_tokens(tokens)
    ((embedding, _),) = schedule(clip, f"0: {words(100)}\n1: {words(200)}", 2)[0]
    assert torch.allclose(embedding[:1], expected, atol=1e-5)


def test_formulas_by_frame(clip):
    text = "0: (smile:`0.5+0.5*sin(t/12)`)\n8: (frown:`t/10`)"
    ((embedding, _),) = schedule(clip, text)[0]
    for frame in (0, 3, 8, 11):
        weight = 0.5 + 0.5 * math.sin(frame / 12)
        a = encode(clip, f"(smile:{weight})")[0][0]
        b = encode(clip, f"(frown:{frame / 10})")[0][0]
        expected = torch.lerp(a, b, min(frame / 8, 1.0))
        assert torch.allclose(embedding[frame], expected[0], atol=1e-6)


def test_each_text_is_encoded_once(clip, monkeypatch):
    seen = []
    tokenize = clip.tokenize
    monkeypatch.setattr(clip, "tokenize", lambda text: (seen.append(text), tokenize(text))[1])
    schedule(clip, "0: a `t//4` --neg fog\n12: a `t//4`\n24: b", 24)
    assert sorted(seen) == sorted({*(f"a {n}" for n in range(6)), "b", "fog", ""})


def test_the_negative_part(clip):
    out = schedule(clip, "0: a cat --neg fog\n8: a dog", prefix="best --neg worst")
    ((positive, _),), ((negative, _),) = out[0], out[2]
    assert torch.equal(positive[0], encode(clip, "best, a cat")[0][0][0])
    assert torch.equal(negative[0], encode(clip, "worst, fog")[0][0][0])
    assert torch.equal(negative[8], encode(clip, "worst")[0][0][0])
    assert out[1].splitlines()[0] == "- 0: best, a cat --neg worst, fog"


@pytest.mark.parametrize("text", [TWO, "0: a --neg fog\n8: b --neg fog"])
def test_a_negative_part_for_all_frames_is_one_entry(clip, text):
    ((negative, settings),) = schedule(clip, text)[2]
    ((expected, stock),) = encode(clip, "fog" if "fog" in text else "")
    assert torch.equal(negative, expected) and set(settings) == set(stock)


@pytest.mark.parametrize("node", [PromptSchedule, MakeFrameStrengths])
def test_clips_of_an_hour_can_be_asked_for(node):
    inputs = {each.id: each for each in node.GET_SCHEMA().inputs}
    assert all(inputs[name].max == 100_000 for name in ("frames", "first_frame", "total_frames"))


def test_the_latent_says_how_many_frames(clip):
    latent = {"samples": torch.zeros(24, 4, 8, 8)}
    out = schedule(clip, TWO, 48, latent=latent)
    assert out[0][0][0].shape[0] == 24
    values = MakeFrameStrengths.execute("0:(0.0), -1:(1.0)", 48, latent)[0]
    assert len(values) == 24 and values[-1] == 1


@pytest.mark.parametrize("how", ["linear", "hold", "compound", "compound slerp"])
def test_parts_give_the_whole(clip, how):
    text = f"0: a `t//4`\n40%: {words(90)} --neg fog\n60%: b --neg fog\n-1: c\n+9: d"
    whole = schedule(clip, text, 24, how)
    for output in (0, 2):
        parts = [
            schedule(clip, text, 8, how, first_frame=first, total_frames=24)[output][0][0]
            for first in (0, 8, 16)
        ]
        assert torch.allclose(torch.cat(parts), whole[output][0][0], atol=1e-6)
    values = MakeFrameStrengths.execute("0: 0, -1: 23", 8, None, 8, 24)[0]
    assert values == pytest.approx(list(range(8, 16)))


def ade_schedule(clip, keys, frames, slerp):
    """The other pack's blending as a slow loop. keys: (frame, prompt, hold) in order."""

    def cond(text):
        ((tensor, settings),) = encode(clip, text)
        missing = longest - tensor.shape[1]
        zeros = (torch.zeros(1, n, tensor.shape[2]) for n in (missing // 2, missing - missing // 2))
        before, behind = zeros
        return torch.cat([before, tensor, behind], dim=1).double(), settings["pooled_output"]

    longest = max(encode(clip, text)[0][0].shape[1] for _, text, _ in keys)
    conds, pools = [None] * frames, [None] * frames
    first, text, _ = keys[0]
    for frame in range(min(first + 1, frames)):
        conds[frame], pools[frame] = cond(text)
    for (begin, old, hold), (end, new, _) in pairwise(keys):
        carried, (target, pool) = cond(old)[0], cond(new)
        for frame in range(begin + 1, min(end + 1, frames)):
            if hold and frame < end:
                conds[frame], pools[frame] = cond(old)
                continue
            w = (frame - begin) / (end - begin)
            cosine = (carried / carried.norm() * (target / target.norm())).sum()
            if slerp and abs(cosine) <= 0.9995:
                angle = torch.acos(cosine)
                carried = carried * torch.sin((1 - w) * angle) + target * torch.sin(w * angle)
                carried = carried / torch.sin(angle)
            else:
                carried = carried * (1 - w) + target * w
            conds[frame], pools[frame] = carried, pool
    last = next(i for i in reversed(range(frames)) if conds[i] is not None)
    for frame in range(last + 1, frames):
        conds[frame], pools[frame] = conds[last], pools[last]
    return torch.cat(conds), torch.cat(pools)


@pytest.mark.parametrize("slerp", [False, True])
@pytest.mark.parametrize("beyond", [False, True])
def test_compound_is_the_other_packs_blending(clip, slerp, beyond):
    long = words(100)
    keys = [(2, "a red barn", False), (9, long, False), (12, "snow", True), (16, "a blue barn", False)]
    keys += [(17, "fog", False), (40 if beyond else 21, "night", False)]
    text = "\n".join(f'"{frame}{":" * hold}": "{prompt}",' for frame, prompt, hold in keys)
    ((embedding, settings),) = schedule(clip, text, 24, "compound slerp" if slerp else "compound")[0]
    expected, pooled = ade_schedule(clip, keys, 24, slerp)
    assert (embedding - expected).abs().max() < 1e-4 * expected.abs().max()
    assert torch.equal(settings["pooled_output"], pooled)
    ((linear, _),) = schedule(clip, text, 24, "linear")[0]
    assert (linear[5] - expected[5]).abs().max() > 0.01, "it is not the same as linear"


@pytest.mark.parametrize("clips", [1, 2])
def test_another_length_than_the_clip_is_named_before_sampling(clip, clips):
    """Also without Context Windows, where the host repeats or cuts without a word."""
    module = tiny.motion_module()
    model = ApplyMotionModule.execute(tiny.model(), module, 1.0, "auto", 0.0, 1.0, clips=clips)[0]
    right = schedule(clip, TWO, 12)[0]
    assert torch.isfinite(tiny.sample(model, frames=12 * clips, positive=right, steps=1)).all()
    for frames in (8, 16):
        wrong = schedule(clip, TWO, frames)[0]
        with pytest.raises(AnimateDiffError, match=rf"for {frames} frames.* 12 frames"):
            tiny.sample(model, frames=12 * clips, positive=wrong, steps=1)


def test_the_node_shows_a_picture(clip):
    """One: no page draws a text beside it, and the notes are warnings, which the node shows."""
    out = schedule(clip, TWO)
    assert len(out.ui.as_dict()["images"]) == 1 and "text" not in out.ui.as_dict()
    assert out[1].splitlines()[1] == "- 1 to 7: changing to the next"


def test_a_new_node_runs_with_what_it_has(clip):
    defaults = {one.id: one.default for one in PromptSchedule.define_schema().inputs[1:5]}
    ((embedding, _),) = PromptSchedule.execute(clip, **defaults)[0]
    assert len(embedding) == 16
    assert torch.equal(embedding[15], encode(clip, "a castle in autumn")[0][0][0])


def test_frames_are_not_needed_where_the_latent_is(clip):
    latent = {"samples": torch.zeros(5, 4, 8, 8)}
    ((embedding, _),) = PromptSchedule.execute(clip, "0: a barn", latent=latent)[0]
    assert len(embedding) == 5


def test_a_warning_goes_to_the_log_and_into_the_text(clip, caplog):
    with caplog.at_level(logging.WARNING):
        out = schedule(clip, "0: a lake <lora:v2_lora_ZoomIn:0.8>")
    assert "<lora:v2_lora_ZoomIn:0.8>" in caplog.text and "Load MotionLoRA" in caplog.text
    assert "Load MotionLoRA" in out[1]
    assert torch.equal(out[0][0][0][0], encode(clip, "a lake")[0][0][0])


def test_a_plain_model_too(clip):
    positive = schedule(clip, TWO, 6)[0]
    assert torch.isfinite(tiny.sample(probes.trivial(), frames=6, positive=positive, steps=1)).all()
