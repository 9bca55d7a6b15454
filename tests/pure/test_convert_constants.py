"""Values and numbers of frames that are in a file, but not where they are used."""

import pytest
from adn_testing.ade import as_graph, only, reasons, shape
from adn_testing.ade_graphs import Builder
from adn_testing.page_graphs import PageBuilder, checkpoint, loader, sampled
from adn_testing.sound import new_faults
from animatediff_native.convert import convert

WINDOWS = "ADN_ContextWindows"


def after(given):
    result = convert(given)
    assert new_faults(given, result.workflow) == set()
    return result, as_graph(result.workflow)


def origin(graph, node, name):
    """The node at the other end of an input."""
    return graph[node["inputs"][name][0]]


CONSTANTS = [
    ("PrimitiveNode", [True, "fixed"], "BOOLEAN"), ("PrimitiveBoolean", [True], "BOOLEAN"),
    ("easy boolean", [True], "BOOLEAN"), ("Bool Literal", [True], "BOOLEAN"),
]  # fmt: skip


@pytest.mark.parametrize(("node_type", "values", "kind"), CONSTANTS)
def test_a_switch_comes_from_a_constant(node_type, values, kind):
    build = PageBuilder()
    held = (build.add(node_type, kind, values), 0)
    options = build.add("ADE_LoopedUniformContextOptions", "CONTEXT_OPTIONS",
                        [16, 1, 4, False, "flat", False, 0, 1], 0, ("closed_loop",),
                        closed_loop=("BOOLEAN", held))  # fmt: skip
    model = loader(build, checkpoint(build), context_options=("CONTEXT_OPTIONS", (options, 0)))
    sampled(build, model)
    result, graph = after(build.page())
    assert only(graph, WINDOWS)["inputs"]["schedule"] == "looped" and not result.left


@pytest.mark.parametrize(("node_type", "values", "kind"), [
    ("PrimitiveNode", [1.3, "fixed"], "FLOAT"), ("FloatConstant", [1.3], "FLOAT"),
    ("PrimitiveFloat", [1.3], "FLOAT"), ("easy float", [1.3], "FLOAT"), ("Float Literal", [1.3], "FLOAT"),
    ("Constant Number", ["float", 1.3], "NUMBER"), ("Float", [1.3], "FLOAT"),
])  # fmt: skip
@pytest.mark.parametrize("wire", ["", "Reroute", "Reroute (rgthree)", "ReroutePrimitive|pysssss"])
def test_a_number_comes_from_a_constant_through_any_reroute(node_type, values, kind, wire):
    build = PageBuilder()
    held = (build.add(node_type, kind, values), 0)
    if wire:
        held = (build.add(wire, kind, value=("*", held)), 0)
    scale = build.add("ADE_MultivalDynamic", "MULTIVAL", [1.0], 0, ("float_val",),
                      float_val=("FLOAT", held))  # fmt: skip
    sampled(build, loader(build, checkpoint(build), scale_multival=("MULTIVAL", (scale, 0))))
    result, graph = after(build.page())
    assert only(graph, "ADN_MotionStrength")["inputs"]["strength"] == 1.3 and not result.left


@pytest.mark.parametrize(("node_type", "values"), [
    ("PrimitiveNode", [3, "randomize"]), ("RandomInt", [3]), ("Seed (rgthree)", [3]),
    ("GetImageSize", [3]), ("ImpactWildcardProcessor", ["x"]),
])  # fmt: skip
def test_what_is_computed_or_drawn_is_no_constant(node_type, values):
    build = PageBuilder()
    held = (build.add(node_type, "INT", values), 0)
    options = build.add("ADE_LoopedUniformContextOptions", "CONTEXT_OPTIONS",
                        [16, 1, 4, True, "flat", False, 0, 1], 0, ("closed_loop",),
                        closed_loop=("BOOLEAN", held))  # fmt: skip
    model = loader(build, checkpoint(build), context_options=("CONTEXT_OPTIONS", (options, 0)))
    sampled(build, model)
    result, _ = after(build.page())
    assert "closed_loop is connected" in str(reasons(result))


def test_a_link_to_a_constant_stays_one():
    result, graph = after(shape("context_length_null"))
    windows = only(graph, WINDOWS)
    assert origin(graph, windows, "context_length")["type"] == "PrimitiveNode"
    (record,) = [n for n in result.workflow["nodes"] if n["type"] == WINDOWS]
    assert None not in record["widgets_values"]


FRAMES = {
    "EmptyLatentImage": lambda b: b.add("EmptyLatentImage", width=8, height=8, batch_size=48),
    "scaled": lambda b: b.add("NNLatentUpscale", latent=FRAMES["EmptyLatentImage"](b)),
    "masked": lambda b: b.add("SetLatentNoiseMask", samples=FRAMES["EmptyLatentImage"](b)),
    "repeated": lambda b: b.add("RepeatLatentBatch", amount=3,
        samples=b.add("EmptyLatentImage", batch_size=16)),
    "joined": lambda b: b.add("LatentBatch", samples1=b.add("EmptyLatentImage", batch_size=16),
        samples2=b.add("EmptyLatentImage", batch_size=32)),
    "cut": lambda b: b.add("LatentFromBatch", length=48, batch_index=0,
        samples=b.add("EmptyLatentImage", batch_size=64)),
    "video": lambda b: b.add("VAEEncode", pixels=b.add("ImageScale",
        image=b.add("VHS_LoadVideo", frame_load_cap=48))),
    "pictures": lambda b: b.add("VAEEncode", pixels=b.add("RepeatImageBatch", amount=48,
        image=b.add("LoadImage", image="a.png"))),
    "sampled": lambda b: b.add("KSampler", latent_image=FRAMES["EmptyLatentImage"](b)),
    "linked": lambda b: b.add("EmptyLatentImage", batch_size=b.add("INTConstant", value=48)),
}  # fmt: skip


@pytest.mark.parametrize("name", FRAMES)
def test_frames_are_counted(name):
    assert frames_of(FRAMES[name]) == 48


@pytest.mark.parametrize("make", [
    lambda b: b.add("VAEEncode", pixels=b.add("VHS_LoadVideo", frame_load_cap=0)),
    lambda b: b.add("VAEEncode", pixels=b.add("VHS_SplitImages", images=b.add("LoadImage"))),
    lambda b: b.add("EmptyLatentImage", batch_size=b.add("GetImageSizeAndCount", image="x")),
    lambda b: b.add("LatentBatch", samples1=b.add("EmptyLatentImage", batch_size=16),
                    samples2=b.add("SomethingElse")),
    lambda b: b.add("VAEEncode", pixels=b.add("FILM VFI", frames=b.add("LoadImage"))),
])  # fmt: skip
def test_frames_that_are_not_in_the_file_are_not_made_up(make):
    assert frames_of(make) is None


def frames_of(make):
    """What a schedule of prompts for that latent gets as its length."""
    build = Builder()
    latent = make(build)
    clip = [build.model[0], 1]
    latents = {"text": '"0": "a"', "num_latents": latent}
    schedule = build.add("BatchPromptScheduleLatentInput", clip=clip, **latents)
    build.add("KSampler", positive=schedule)
    result = convert(build.sampled(build.loader(build.model)))
    made = [n for n in result.workflow.values() if n["class_type"] == "ADN_PromptSchedule"]
    frames = made[0]["inputs"]["frames"] if made and not result.left else None
    return None if frames == 1 else frames  # the latent that is connected says so when it runs
