"""Converted schedules of prompts through our node, against what the nodes of their packs give out,
frame by frame in slow loops, on a text encoder that makes numbers of any text."""

import zlib
from itertools import pairwise
from types import SimpleNamespace

import pytest
import torch
from adn_testing.ade import as_graph
from adn_testing.fizz import NODE, fizz_frames, with_schedule
from animatediff_native.convert import convert
from animatediff_native.nodes.prompt_schedule import PromptSchedule

TOLERANCE = 1e-5  # of float32, in numbers of size 1
LATENTS = "ADE_PromptSchedulingLatents"


def encoded(text: str) -> torch.Tensor:
    generator = torch.Generator().manual_seed(zlib.crc32(" ".join(text.split()).encode()))
    return torch.randn(1, 77, 8, generator=generator)


CLIP = SimpleNamespace(
    tokenize=lambda text: text,
    encode_from_tokens_scheduled=lambda text: [[encoded(text), {"pooled_output": encoded(text)[:, 0]}]],
)


def sampled(given: dict) -> tuple[torch.Tensor, torch.Tensor]:
    """What our node in the place of theirs gives out, for both sides."""
    graph = as_graph(convert(given).workflow)
    node = graph[graph["5"]["inputs"]["positive"][0]]
    assert node["type"] == "ADN_PromptSchedule"
    latent = {"samples": torch.zeros(graph["4"]["inputs"]["batch_size"], 4, 8, 8)}
    connected = {"clip": CLIP} | ({"latent": latent} if "latent" in node["inputs"] else {})
    given_out = PromptSchedule.execute(**{**node["inputs"], **connected}).result
    assert given_out is not None
    positive, _, negative = given_out
    return positive[0][0], negative[0][0]


@pytest.mark.parametrize(
    ("inputs", "frames"),
    [
        ({"text": '"0": "a", "8": "b", "12": "c"'}, 16),
        ({"text": '"4": "a --neg x", "8": "b"', "pre_text": "p --neg y", "app_text": "q0"}, 16),
        ({"text": '"0": "a", "40": "b",', "app_text": "0"}, 24),
        ({"text": '"-4": "a", "12": "b --neg c"'}, 16),
    ],
)
@pytest.mark.parametrize("most", [16, 120])
def test_fizz_nodes(inputs, frames, most):
    """max_frames as long as the clip and longer: ComfyUI takes the first of them."""
    most = max(most, frames)
    given = with_schedule("BatchPromptSchedule", max_frames=most, **inputs)
    given["4"]["inputs"]["batch_size"] = frames
    texts = [inputs.get(name, "") for name in ("text", "pre_text", "app_text")]
    rows = fizz_frames(texts[0], most, *texts[1:])[:frames]
    for ours, side in zip(sampled(given), zip(*rows, strict=True), strict=True):
        theirs = torch.cat([encoded(old) * w + encoded(new) * (1 - w) for old, new, w in side])
        assert (ours - theirs).abs().max() < TOLERANCE


def test_fizz_nodes_from_a_frame_to_another():
    inputs = {"text": '"0": "a", "31": "b"', "max_frames": 32, "start_frame": 8, "end_frame": 24}
    ours, _ = sampled(with_schedule("BatchPromptSchedule", **inputs))
    theirs = [row[0] for row in fizz_frames(inputs["text"], 32)[8:24]]
    assert len(ours) == 16
    for frame, (old, new, weight) in zip(ours, theirs, strict=True):
        assert (frame - encoded(old) * weight - encoded(new) * (1 - weight)).abs().max() < TOLERANCE


def test_fizz_nodes_with_weights():
    """Formulas are computed for every frame, and so is each prompt."""
    text = '"0": "(a:`pw_a`) (b:`t/max_f`)"'
    given = with_schedule("BatchPromptSchedule", text=text, max_frames=16, pw_a=0.8)
    ours, _ = sampled(given)
    for frame in range(16):
        assert torch.equal(ours[frame : frame + 1], encoded(f"(a:0.8) (b:{frame / 15})"))


def compounded(keys: list[tuple[int, str, bool]], frames: int, mix) -> torch.Tensor:
    """As AnimateDiff-Evolved fills its list, key by key. keys: frame, prompt, hold."""
    found: list = [None] * frames
    first = keys[0]
    for frame in range(min(frames, first[0] + 1)):
        found[frame] = encoded(first[1])
    for (start, old, hold), (end, new, _) in pairwise(keys):
        blend = encoded(old)
        for frame in range(start, end + 1):
            share = (frame - start) / (end - start)
            blend = encoded(old) if hold and frame < end else blend
            blend = mix(blend, encoded(new), share) if not hold or frame == end else blend
            if frame < frames:
                found[frame] = blend
    for frame in range(1, frames):
        found[frame] = found[frame - 1] if found[frame] is None else found[frame]
    return torch.cat(found)


def lerp(old: torch.Tensor, new: torch.Tensor, share: float) -> torch.Tensor:
    return old * (1 - share) + new * share


def slerp(old: torch.Tensor, new: torch.Tensor, share: float) -> torch.Tensor:
    a, b = old.double(), new.double()
    cosine = (a * b).sum() / a.norm() / b.norm()
    if cosine.abs() > 0.9995:
        return lerp(old, new, share)
    angle = torch.acos(cosine)
    sines = torch.sin((1 - share) * angle), torch.sin(share * angle)
    return ((a * sines[0] + b * sines[1]) / torch.sin(angle)).float()


@pytest.mark.parametrize(("interpolation", "mix"), [("lerp", lerp), ("slerp", slerp)])
@pytest.mark.parametrize(
    ("prompts", "keys"),
    [
        ('0 = "a", 8 = "b", 15 = "c"', [(0, "a", False), (8, "b", False), (15, "c", False)]),
        ('"4": "a", "-1": "b"', [(4, "a", False), (15, "b", False)]),
        ('0: = "a", .5: = "b", 12 = "c"', [(0, "a", True), (8, "b", True), (12, "c", False)]),
        (
            '0:5 = "a", 8:12 = "b", 1. = "c"',
            [*((i, "a", False) for i in range(5)), *((i, "b", False) for i in range(8, 12)), (15, "c", False)],
        ),
        ('0 = "a", 40 = "b"', [(0, "a", False), (40, "b", False)]),
        ('0 = "a", 1 = "b", 2 = "c"', [(0, "a", False), (1, "b", False), (2, "c", False)]),
    ],
)  # fmt: skip
def test_animatediff_evolved(prompts, keys, interpolation, mix):
    given = with_schedule("BatchPromptSchedule")
    given[NODE] = {"class_type": LATENTS, "inputs": {
        "prompts": prompts, "clip": ["1", 1], "latent": ["4", 0], "tensor_interp": interpolation}}  # fmt: skip
    ours, _ = sampled(given)
    assert (ours - compounded(keys, 16, mix)).abs().max() < TOLERANCE


def test_one_frame_of_a_schedule_of_animatediff_evolved():
    """The frames before it count too, since blends go on from one another."""
    given = with_schedule("BatchPromptSchedule")
    given[NODE] = {"class_type": LATENTS, "inputs": {
        "prompts": '0 = "a", 8 = "b", 15 = "c"', "clip": ["1", 1], "latent": ["4", 0]}}  # fmt: skip
    whole, _ = sampled(given)
    given["30"] = {"class_type": "ADE_ConditionExtraction", "inputs": {"conditioning": [NODE, 0], "index": 11}}
    given["5"]["inputs"]["positive"] = ["30", 0]
    one, _ = sampled(given)
    assert one.shape[0] == 1 and (one[0] - whole[11]).abs().max() < TOLERANCE
