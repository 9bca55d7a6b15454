"""Keyframes and blocks of the incumbent, as Motion Strength."""

import pytest
from adn_testing.ade_graphs import Builder
from adn_testing.ade_strengths import mask, multival, strengths
from animatediff_native.motion.keyframes import read_step_keyframes

KEYFRAME, BLOCK = "ADE_AnimateDiffKeyframe", "ADE_ADBlockCombo"


@pytest.fixture
def build():
    return Builder()


def keyframes(build: Builder, *keys: dict):
    """A chain of them; numbers become multivals."""
    last = {}
    for key in keys:
        values = {k: multival(build, v) if isinstance(v, float) else v for k, v in key.items()}
        values["start_percent"] = key.get("start_percent", 0.0)
        last = {"prev_ad_keyframes": build.add(KEYFRAME, **values, **last)}
    return last["prev_ad_keyframes"]


EFFECT, SCALE, AT = "effect_multival", "scale_multival", "start_percent"


@pytest.mark.parametrize(
    ("keys", "apply", "chain"),
    [
        ([{EFFECT: 0.9, SCALE: 1.2}], 0.9, [("attention", 1.2, "")]),
        ([{EFFECT: 1.0}, {AT: 0.6, EFFECT: 0.0}], 1.0, [("output", 1.0, "0: 1 hold, 0.6: 0")]),
        ([{AT: 0.4, SCALE: 1.5}], 1.0, [("attention", 1.0, "0: 1 hold, 0.4: 1.5")]),
        # what is missing stays as it was, unless that is switched off
        (
            [{EFFECT: 0.5}, {AT: 0.2, SCALE: 2.0}, {AT: 0.5, "inherit_missing": False}],
            1.0,
            [
                ("output", 1.0, "0: 0.5 hold, 0.5: 1"),
                ("attention", 1.0, "0: 1 hold, 0.2: 2 hold, 0.5: 1"),
            ],
        ),
        # at the very start, the last one counts, whatever it guarantees
        ([{EFFECT: 0.5, "guarantee_steps": 16}, {EFFECT: 0.7}], 0.7, []),
        # they are taken in the order of their percents
        ([{AT: 0.5, EFFECT: 0.3}, {EFFECT: 0.6}], 1.0, [("output", 1.0, "0: 0.6 hold, 0.5: 0.3")]),
    ],
)
def test_keyframes(build, keys, apply, chain):
    found = strengths(build, ad_keyframes=keyframes(build, *keys))
    shown = [(n["kind"], n.get("strength", 1.0), n.get("step_keyframes", "")) for n in found[1]]
    assert (found[0], shown, found[2]) == (apply, chain, {})
    for node in found[1]:
        if node.get("step_keyframes"):
            read_step_keyframes(node["step_keyframes"])


def test_keyframes_multiply_what_the_loader_has(build):
    keys = keyframes(build, {SCALE: 1.0}, {AT: 0.5, SCALE: 2.0})
    _, chain, left = strengths(build, scale_multival=multival(build, 1.2), ad_keyframes=keys)
    steps = "0: 1 hold, 0.5: 2"
    assert chain == [{"kind": "attention", "strength": 1.2, "step_keyframes": steps}] and not left


def test_keyframes_of_one_area(build):
    """Numbers by percent times an area that is the same in all of them."""
    area = mask(build)
    values = [multival(build, number, mask_optional=area) for number in (1.0, 0.5)]
    keys = [{AT: at, EFFECT: value} for at, value in zip((0.0, 0.3), values, strict=True)]
    _, chain, left = strengths(build, ad_keyframes=keyframes(build, *keys))
    steps = "0: 1 hold, 0.3: 0.5"
    assert chain == [{"kind": "output", "area": tuple(area), "step_keyframes": steps}] and not left


def test_keyframes_of_different_areas_are_listed(build):
    values = [multival(build, mask_optional=mask(build)) for _ in range(2)]
    keys = [{AT: at, EFFECT: value} for at, value in zip((0.0, 0.3), values, strict=True)]
    apply, chain, left = strengths(build, ad_keyframes=keyframes(build, *keys))
    assert (apply, chain, len(left)) == (1.0, [], 2)


@pytest.mark.parametrize(("steps", "at", "listed"), [(1, 0.5, False), (3, 0.5, True), (1, 0.2, True)])
def test_guaranteed_steps(build, steps, at, listed):
    """One step is what any keyframe has; two keyframes at one percent take a step each."""
    keys = keyframes(
        build, {AT: 0.2, EFFECT: 0.5, "guarantee_steps": steps}, {AT: at, EFFECT: 0.7}
    )
    *_, left = strengths(build, ad_keyframes=keys)
    assert bool(left) == listed


def test_blocks(build):
    both = build.add(BLOCK, effect=multival(build, 0.5), scale=multival(build, 1.2))
    off = build.add(BLOCK, effect=multival(build, 0.0))
    blocks = build.add("ADE_PerBlock_SD15_LowLevel", down_0__1=both, mid=off, up_3__2=off)
    apply, chain, left = strengths(build, per_block=blocks)
    assert (apply, left) == (1.0, {})
    assert chain == [
        {"kind": "output", "blocks": "down.0.1: 0.5, mid: 0, up.3.2: 0"},
        {"kind": "attention", "blocks": "down.0.1: 1.2"},
    ]


@pytest.mark.parametrize(
    ("node", "sockets", "text"),
    [
        ("ADE_PerBlockHighLevel", ("down", "up"), "down: 0.5, up: 0.5"),
        ("ADE_PerBlock_SD15_MidLevel", ("down_0", "up_3"), "down.0: 0.5, up.3: 0.5"),
    ],
)
def test_blocks_of_several_sizes(build, node, sockets, text):
    block = build.add(BLOCK, effect=multival(build, 0.5))
    blocks = build.add(node, **dict.fromkeys(sockets, block))
    _, chain, left = strengths(build, effect_multival=multival(build, 0.9), per_block=blocks)
    assert chain == [{"kind": "output", "strength": 0.9, "blocks": text}] and not left


def test_blocks_of_a_list(build):
    values = build.add("ADE_ValueScheduling", values="0: = 0.5, 20 = 1.5", max_length=0)
    blocks = build.add("ADE_PerBlock_SD15_FromFloats", scale_21_floats=[values[0], 1])
    _, chain, left = strengths(build, per_block=blocks)
    named = dict(part.split(": ") for part in chain[0]["blocks"].split(", "))
    assert chain[0]["kind"] == "attention" and not left
    assert len(named) == 21 and named["down.0.0"] == named["mid"] == "0.5"
    assert named["up.3.2"] == "1.5"


def test_blocks_that_cannot_be_said_are_listed(build):
    uneven = build.add("ADE_ADBlockIndiv", scale_0=multival(build, 1.2))
    areas = build.add(BLOCK, effect=multival(build, mask_optional=mask(build)))
    even = build.add(
        "ADE_ADBlockIndiv", scale_0=multival(build, 1.2), scale_1=multival(build, 1.2)
    )
    blocks = build.add("ADE_PerBlockHighLevel", down=uneven, mid=areas, up=even)
    _, chain, left = strengths(build, per_block=blocks)
    assert chain == [{"kind": "attention", "blocks": "up: 1.2"}]
    assert left.keys() == {uneven[0], areas[0]} and "two attentions" in left[uneven[0]]


def test_blocks_that_change_while_it_samples_are_listed(build):
    half = build.add("ADE_PerBlockHighLevel", up=build.add(BLOCK, effect=multival(build, 0.5)))
    none = build.add("ADE_PerBlockHighLevel", up=build.add(BLOCK, effect=multival(build, 0.0)))
    keys = keyframes(build, {"per_block_replace": half}, {AT: 0.5, "per_block_replace": none})
    *_, left = strengths(build, ad_keyframes=keys)
    assert len(left) == 2 and all("per_block_replace" in reason for reason in left.values())


def test_blocks_of_a_keyframe_at_the_start_replace_the_loaders_own(build):
    blocks = [
        build.add("ADE_PerBlockHighLevel", up=build.add(BLOCK, effect=multival(build, number)))
        for number in (0.5, 0.25)
    ]
    keys = keyframes(build, {"per_block_replace": blocks[1]})
    _, chain, left = strengths(build, per_block=blocks[0], ad_keyframes=keys)
    assert chain == [{"kind": "output", "blocks": "up: 0.25"}] and not left
