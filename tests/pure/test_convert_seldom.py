"""What stands in few files, and is converted all the same."""

import pytest
from adn_testing.ade import as_graph, only, read, reasons, shape
from adn_testing.sound import new_faults
from animatediff_native.convert import convert

APPLY, WINDOWS, SCHEDULE = "ADN_ApplyMotionModule", "ADN_ContextWindows", "ADN_NoiseSchedule"


def after(given):
    result = convert(given)
    assert new_faults(given, result.workflow) == set()
    return result, as_graph(result.workflow)


def test_windows_whose_length_is_not_in_the_file_have_the_usual_one():
    given = read("gen1_api")
    given["30"] = {"class_type": "ADE_AnimateDiffUniformContextOptions",
                   "inputs": {"context_schedule": "uniform"}}  # fmt: skip
    given["10"]["inputs"]["context_options"] = ["30", 0]
    result, graph = after(given)
    assert not result.left
    windows = only(graph, WINDOWS)["inputs"]
    assert (windows["context_length"], windows["context_overlap"]) == (16, 4)


@pytest.mark.parametrize(("pingpong", "made"), [(False, 0), (True, 1), ("false", 0), ("true", 1)])
def test_ping_pong_as_a_switch_and_as_a_word(pingpong, made):
    given = read("gen1_api")
    pictures = {"images": ["6", 0], "frame_rate": 8, "loop_count": 0, "format": "image/gif",
                "filename_prefix": "a", "pingpong": pingpong, "save_image": True}  # fmt: skip
    given["40"] = {"class_type": "ADE_AnimateDiffCombine", "inputs": pictures}
    result, graph = after(given)
    assert not result.left
    assert [node["type"] for node in graph.values()].count("ADN_PingPong") == made
    assert "40" not in graph


def test_a_combine_without_pictures_goes():
    given = read("gen1_api")
    given["40"] = {"class_type": "ADE_AnimateDiffCombine", "inputs": {"format": "image/gif"}}
    result, graph = after(given)
    assert not result.left and "40" not in graph
    assert any("no pictures were connected" in line for line in result.converted)


def test_a_group_node_knows_what_came_from_outside():
    given = shape("group_node")
    group = given["extra"]["groupNodes"]["Motion"]
    group["links"].append([None, 0, 1, 0, 99, "MODEL"])
    result = convert(given)
    assert not result.left and new_faults(given, result.workflow) == set()


@pytest.mark.parametrize(
    ("beta", "expected"),
    [
        ("sqrt_linear (AnimateDiff)", [(SCHEDULE, "linear (AnimateDiff)")]),
        ("lcm >> sqrt_linear",
         [("ModelSamplingDiscrete", "lcm"), (SCHEDULE, "linear (AnimateDiff)")]),
        ("autoselect", []),
        ("use existing", []),
    ],
)  # fmt: skip
@pytest.mark.parametrize("modules", ["none", "one in no step"])
def test_a_schedule_without_a_motion_module(beta, expected, modules):
    """Their Use Evolved Sampling sets it too where no module runs, but by itself none then."""
    given = read("gen1_api")
    apply = {"motion_model": ["31", 0], "start_percent": 0.6, "end_percent": 0.6}
    given["30"] = {"class_type": "ADE_ApplyAnimateDiffModel", "inputs": apply}
    module = {"model_name": "mm_sd_v15_v2.ckpt"}
    given["31"] = {"class_type": "ADE_LoadAnimateDiffModel", "inputs": module}
    evolved = {"model": ["1", 0], "beta_schedule": beta, "m_models": ["30", 0]}
    given["10"] = {"class_type": "ADE_UseEvolvedSampling", "inputs": evolved}
    if modules == "none":
        del given["30"], given["31"], evolved["m_models"]
    result, graph = after(given)
    kinds = [kind for kind, _ in expected]
    found = [n for n in graph.values() if n["type"] in (SCHEDULE, "ModelSamplingDiscrete")]
    assert [n["type"] for n in found] == kinds
    for node, (_, value) in zip(found, expected, strict=True):
        assert value in node["inputs"].values()
    assert not any("beta_schedule" in entry for entry in reasons(result).values())
