"""JSON that is no workflow, or not quite."""

import copy
import random
from typing import Any

from .ade import read
from .ade_graphs import Builder, as_page

LOADER = {"class_type": "ADE_AnimateDiffLoaderGen1", "inputs": {"model": ["9", 0]}}


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


def page(**changes: Any) -> dict[str, Any]:
    """A workflow of one loader; the changes are to its node."""
    node = {"id": 1, "type": "ADE_AnimateDiffLoaderGen1", "inputs": [], "outputs": [], **changes}
    node = {name: value for name, value in node.items() if value is not ...}
    return {"nodes": [node], "links": []}


def page_with(**changes: Any) -> dict[str, Any]:
    """Changes to the workflow around it."""
    return {**page(), **changes}


def loop(*types: str, name: str = "model") -> dict[str, Any]:
    """Nodes each of which takes what the next one gives."""
    keys = [str(number) for number in range(len(types))]
    return {key: {"class_type": types[int(key)], "inputs": {name: [keys[int(key) - 1], 0]}}
            for key in keys}  # fmt: skip


REFUSED: dict[str, Any] = {
    "null": None, "a number": 3, "a text": "x", "a list": [1], "nothing": {}, "names only": {"a": 1},
    "nodes are a number": {"nodes": 3, "links": []},
    "a node is null": {"nodes": [None], "links": []},
    "a node without an id": page(id=...),
    "a node without a type": page(type=...),
    "a type that is a list": page(type=["x"]),
    "an id that is a list": page(id=[1]),
    "an id that is null": page(id=None),
    "an id that is a fraction": page(id=1.5),
    "an id that is true": page(id=True),
    "two nodes of one id": page_with(nodes=[{"id": 1, "type": "ADE_X"}, {"id": "1", "type": "ADE_X"}]),
    "inputs are a number": page(inputs=3),
    "an input is a number": page(inputs=[3]),
    "an input's name is a list": page(inputs=[{"name": [], "link": None}]),
    "an input's link is a list": page(inputs=[{"name": "model", "link": [1]}]),
    "outputs are a text": page(outputs="abc"),
    "an output is null": page(outputs=[None]),
    "an output's links are a number": page(outputs=[{"links": 3}]),
    "an output's link is an object": page(outputs=[{"links": [{}]}]),
    "values are a number": page(widgets_values=3),
    "values are a text": page(widgets_values="text"),
    "links are null": page_with(links=None),
    "a link is a number": page_with(links=[3]),
    "a link has three members": page_with(links=[[1, 1, 0]]),
    "a link's slot is a text": page_with(links=[[1, 1, "x", 1, 0, "*"]]),
    "a link's number is a list": page_with(links=[[[], 1, 0, 1, 0, "*"]]),
    "a link without an origin": page_with(links=[{"id": 1, "origin_slot": 0, "target_id": 1, "target_slot": 0}]),
    "state is a list": page_with(state=[1]),
    "definitions are a list": page_with(definitions=[1]),
    "a subgraph is a number": page_with(definitions={"subgraphs": [3]}),
    "a group node is a text": page_with(extra={"groupNodes": {"a": "b"}}),
    "bends are numbers": page_with(extra={"reroutes": [1]}),
    "a type is null in API format": {"1": {"class_type": None, "inputs": {}}},
    "a type is a list in API format": {"1?": {"class_type": ["x"], "inputs": {}}},
    "inputs are a list in API format": {"1": {"class_type": "ADE_X", "inputs": []}},
    "a loader feeds itself": loop("ADE_AnimateDiffLoaderGen1"),
    "loaders feed each other": loop("ADE_AnimateDiffLoaderGen1", "ADE_UseEvolvedSampling"),
    "a loop through a reroute": loop("ADE_AnimateDiffLoaderGen1", "Reroute"),
    "MotionLoRAs in a ring": loop(*["ADE_AnimateDiffLoRALoader"] * 3, name="prev_motion_lora"),
    "contexts in a ring": loop(*["ADE_StandardStaticContextOptions"] * 2, name="prev_context"),
    "too deep": page(properties=nested(101)),
    "much too deep": nested(100_000),
    "a number of 400 digits": page(order=10**400),
}  # fmt: skip


def by_name() -> dict[str, Any]:
    """A wire by name that ends where it begins, which is no node's own loop."""
    build = Builder()
    get = build.add("GetNode", Constant="a")
    build.add("SetNode", MODEL=build.loader(get), Constant="a")
    return build.graph


REFUSED["a loop through a wire by name"] = by_name()
REFUSED["the same on the page"] = as_page(by_name())

CONVERTED: dict[str, Any] = {
    "a link from a node that is not there": {**read("gen1_api"), "99": LOADER},
    "a link that no node has": page_with(links=[[7, 8, 0, 9, 0, "MODEL"], None, []]),
    "a place that is none": page(pos="here"),
    "a title that is none": page(title=[1]),
    "a mode that is none": page(mode={}),
    "a loop of other nodes": {**read("gen1_api"), **{
        f"o{key}": {"class_type": "LatentUpscale", "inputs": {"samples": [f"o{1 - key}", 0]}}
        for key in (0, 1)}},
    "wires in a ring": {**read("gen1_api"), **{
        f"r{key}": {"class_type": "Reroute", "inputs": {"": [f"r{1 - key}", 0]}} for key in (0, 1)}},
    "strengths that are texts": {**read("gen1_api"), "50": {
        "class_type": "ADE_AnimateDiffLoRALoader", "inputs": {"name": 3, "strength": "much"}}},
    "an id of 5,000 digits": {**read("gen1_api"), "9" * 5000: LOADER},
    "a seed that is not a number": {**read("gen1_api"), "60": {
        "class_type": "KSampler", "inputs": {"seed": float("nan"), "model": ["10", 0]}}},
    "half a sign": page(title="\ud83c"),
}  # fmt: skip

STRANGE: list[Any] = [
    None, True, False, 0, -1, 2, 16, 2**64, 10**299, 1.5, float("nan"), float("inf"), "", "x", "0",
    "\ud800", "9" * 5000, "0:" * 20, [], {}, [[]], [1, 2], ["1", 0], ["5", 0], ["10", -1], {"0": 1},
    [None], [None] * 5, {"nodes": [None]}, nested(90),
]  # fmt: skip


def damaged(workflow: Any, chance: random.Random) -> Any:
    """One to four of its values replaced, taken out, or taken from another place in it."""
    whole = [copy.deepcopy(workflow)]
    for _ in range(chance.choice([1, 1, 2, 4])):
        held, key = chance.choice(list(_places(whole)))
        drawn = chance.random()
        if drawn < 0.1 and isinstance(held, dict):
            del held[key]
        elif drawn < 0.3:
            other, where = chance.choice(list(_places(whole)))
            held[key] = copy.deepcopy(other[where])
        else:
            held[key] = copy.deepcopy(chance.choice(STRANGE))
    return whole[0]


def _places(value: Any) -> Any:
    """Every list or object with every key it has, from outside to inside."""
    waiting = [value]
    while waiting:
        held = waiting.pop()
        for key in list(held) if isinstance(held, dict) else range(len(held)):
            yield held, key
            if isinstance(held[key], (dict, list)):
                waiting.append(held[key])
