"""What a conversion makes of strengths plugged into a loader of the incumbent."""

from animatediff_native.convert import convert

from .ade import as_graph, only, reasons
from .ade_graphs import Builder, both_formats

APPLY, MULTIVAL = "ADN_ApplyMotionModule", "ADE_MultivalDynamic"
NEUTRAL = {"strength": 1.0, "outside": 0.0, "keyframes": "", "step_keyframes": "", "blocks": "",
           "stretch_area": False}  # fmt: skip


def strengths(build: Builder, **options):
    """Of both formats: what Apply has of strength, and Motion Strengths, the first first, without
    what is neutral in them; and what was left. The same in both."""
    graph = build.sampled(build.loader(build.model, **options))
    found = [strengths_of(given) for given in both_formats(graph)]
    assert found[0] == found[1]
    return found[0]


def strengths_of(given):
    result = convert(given)
    graph = as_graph(result.workflow)
    assert not any(node["type"].startswith("ADE_") for node in graph.values())
    inputs = only(graph, APPLY)["inputs"]
    chain, link = [], inputs.get("motion_strength")
    while link is not None:
        node = graph[link[0]]["inputs"]
        link = node.get("previous")
        plain = {name: value for name, value in node.items() if value != NEUTRAL.get(name)}
        chain.insert(0, {name: plain[name] for name in plain if name != "previous"})
    return inputs["strength"], chain, reasons(result)


def multival(build: Builder, number: float = 1.0, **inputs):
    return build.add(MULTIVAL, float_val=number, **inputs)


def mask(build: Builder):
    return build.add("LoadImageMask", image="mask.png", channel="red")
