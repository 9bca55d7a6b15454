"""Workflows of AnimateDiff-Evolved, converted, run to their end on a server.

Those saved by the page are brought into API format as the page does it, with what the server says
of its nodes.
"""

import pytest
from adn_testing.ade import DATA, NAMES, PAIRS, is_page, shape, types_by_id
from adn_testing.ade import read as read_one
from adn_testing.page import to_api
from animatediff_native.convert import convert
from small_runs import LogLines, check_outputs, clip_length, shrink

from tools.client import PromptRejected

# Of other packs, and inside subgraphs: what these graphs need that the server does not have.
NOT_HERE = {
    "injected_i2v_ui": {
        "ADE_AnimateDiffLoRALoader",
        "ADE_ApplyAnimateLCMI2VModel",
        "ADE_InjectI2VIntoAnimateDiffModel",
        "ADE_LoadAnimateLCMI2VModel",
        "ADE_StandardStaticContextOptions",
        "ADE_UpscaleAndVAEEncode",
        "ADE_UseEvolvedSampling",
    },
    "context_stride_unknown_clip_ui": {"VHS_LoadVideo"},
    "noise_select_checkpoint_ui": {"CR Apply LoRA Stack"},
    "reroutes_ui": {"VHS_VideoCombine"},
    "subgraph_ui": {"6b6f1f0e-3c1d-4b0a-9d57-2e8c4a7f5b93"},
}
OTHER_ENDS = {"reroutes_ui"}  # they save the clip in a second way, which the server has
FIZZ = sorted(path.stem for path in (DATA.parent / "fizz").glob("*.json"))
FIZZ.remove("fizz_value_schedule")  # its numbers go into another pack's node
SHAPES = [  # those without nodes of other packs, and without subgraphs, which only the page opens
    "api_with_meta",
    "closed_loop_from_primitive",
    "context_length_null",
    "lora_loader_empty",
    "muted_loader",
    "muted_lora_in_chain",
    "noise_select_reroute",
    "not_a_number",
    "reroute_options",
    "wrapper_prompt",
    "wrapper_workflow_output",
]
OF_SDXL = {"sdxl_module_ui", "hotshot_module_ui"}  # the small checkpoint is of SD1.5
NOT_RUN = NOT_HERE.keys() - OTHER_ENDS | OF_SDXL
RUNNABLE = [name for name in NAMES if name not in NOT_RUN] + FIZZ + SHAPES
STILL = {"bypassed_loader_ui"}  # no motion module takes part
TWICE = {"second_pass_shares_model_ui"}  # two samplers share the model
MOST_SHARED = {  # what nearly all published workflows are made of
    "ADE_AnimateDiffLoaderGen1",
    "ADE_AnimateDiffLoRALoader",
    "ADE_AnimateDiffSamplingSettings",
    "ADE_AnimateDiffUniformContextOptions",
    "ADE_ApplyAnimateDiffModel",
    "ADE_ApplyAnimateDiffModelSimple",
    "ADE_LoadAnimateDiffModel",
    "ADE_LoopedUniformContextOptions",
    "ADE_MultivalDynamic",
    "ADE_StandardStaticContextOptions",
    "ADE_StandardUniformContextOptions",
    "ADE_UseEvolvedSampling",
}


def read(name):
    if name in SHAPES:
        return shape(name)
    return read_one(f"../fizz/{name}" if name in FIZZ else name)


@pytest.fixture(scope="module")
def declared(server):
    """The inputs of every node type that the server knows."""
    return {name: node["input"] for name, node in server.client.object_info().items()}


def converted(name, declared):
    """In API format, and what the conversion left."""
    result = convert(read(name))
    workflow = result.workflow
    return to_api(workflow, declared) if is_page(workflow) else workflow, result.left


def test_what_is_shared_most_is_among_them():
    given = [read(name) for name in RUNNABLE if name not in SHAPES]
    assert {node_type for one in given for node_type in types_by_id(one).values()} >= (
        MOST_SHARED
    )


@pytest.mark.parametrize("name", RUNNABLE)
def test_it_runs_to_its_end(server, files, declared, name):
    prompt, _ = converted(name, declared)
    prompt = {key: node for key, node in prompt.items() if node["class_type"] in declared}
    files.put(prompt)
    shrink(prompt, name)
    log = LogLines(server.base.log)
    outputs = server.client.run(prompt)
    assert check_outputs(server, prompt, outputs, clip_length(prompt))
    took_part = log.matching(r"AnimateDiff: .* 2[01] modules inserted in [1-9]")
    applied = [n for n in prompt.values() if n["class_type"] == "ADN_ApplyMotionModule"]
    runs = len(applied) * (2 if name in TWICE else 1)
    assert len(took_part) == runs and bool(applied) == (name not in STILL)


@pytest.mark.parametrize("name", PAIRS)
def test_both_formats_send_one_graph(declared, name):
    page, api = (converted(f"{name}_{kind}", declared)[0] for kind in ("ui", "api"))
    assert page == {
        key: {part: node[part] for part in ("class_type", "inputs")} for key, node in api.items()
    }


@pytest.mark.parametrize("name", NAMES)
def test_what_the_server_lacks_is_listed(declared, name):
    prompt, left = converted(name, declared)
    lacking = {node["class_type"] for node in prompt.values()} - declared.keys()
    assert lacking == NOT_HERE.get(name, set())
    theirs = {node_type for node_type in lacking if node_type.startswith("ADE_")}
    assert theirs <= {entry.type for entry in left}


@pytest.mark.parametrize("name", sorted(NOT_HERE))
def test_the_server_refuses_what_it_lacks_by_name(server, files, declared, name):
    prompt, _ = converted(name, declared)
    files.put(prompt)
    with pytest.raises(PromptRejected) as refused:
        server.client.run(prompt)
    assert any(node_type in str(refused.value) for node_type in NOT_HERE[name])
