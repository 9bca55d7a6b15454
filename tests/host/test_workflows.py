"""The shipped workflows, held against the nodes of the host and against each other."""

import asyncio
import importlib
import json
from types import ModuleType

import pytest
from adn_testing.page import DYNAMIC_COMBO, input_specs
from adn_testing.page import NOTES as FRONTEND_ONLY
from adn_testing.page import to_api as page_to_api
from animatediff_native.motion import known_files

from tools import workflow

NAMES = list(workflow.TITLES)
MODEL_FOLDERS = {
    "ckpt_name": "models/checkpoints",
    "motion_module": "models/animatediff_models",
    "motion_lora": "models/animatediff_motion_lora",
    "domain_adapter": "models/loras",
    "lora": "models/loras",
    "lora_name": "models/loras",
    "control_net_name": "models/controlnet",
    "sparsectrl": "models/controlnet",
    "camera_control": "models/animatediff_models",
}
FILE_INPUTS = MODEL_FOLDERS.keys() | {"image", "file"}
HOST_NODES = (
    "nodes",
    "comfy_extras.nodes_canny",
    "comfy_extras.nodes_images",
    "comfy_extras.nodes_mask",
    "comfy_extras.nodes_model_merging",
    "comfy_extras.nodes_preview_any",
    "comfy_extras.nodes_primitive",
    "comfy_extras.nodes_video",
)
OWN_NODES = (
    "motion_module",
    "motion_strength",
    "module_settings",
    "context_windows",
    "continue_clip",
    "free_noise",
    "noise",
    "noise_schedule",
    "ping_pong",
    "free_init",
    "free_long",
    "views",
    "frame_lora",
    "frame_control",
    "frame_prompt",
    "frame_guidance",
    "prompt_schedule",
    "motion_lora",
    "domain_adapter",
    "sparse_ctrl",
    "clip_condition",
    "image_motion",
    "camera",
    "trajectory",
    "follow_trajectory",
    "reference_motion",
    "space_time",
    "training",
)
ANY = "*"  # an input that takes whatever comes


def classes_of(module: ModuleType) -> dict:
    """Node classes by id, from either of the host's two ways to register them."""
    if hasattr(module, "NODE_CLASS_MAPPINGS"):
        return dict(module.NODE_CLASS_MAPPINGS)

    async def gather():
        extension = await module.comfy_entrypoint()
        return await extension.get_node_list()

    return {node.GET_SCHEMA().node_id: node for node in asyncio.run(gather())}


@pytest.fixture(scope="module")
def classes(tmp_path_factory):
    """The nodes that workflows may use: the host's, and ours."""
    # before `nodes`, which puts comfy/ first on sys.path, where utils.py hides the package utils
    importlib.import_module("utils.extra_config")
    folder_paths = importlib.import_module("folder_paths")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folder_paths, "input_directory", str(tmp_path_factory.mktemp("input")))
        for folder in ("animatediff_models", "animatediff_motion_lora"):
            empty = ([str(tmp_path_factory.mktemp(folder))], set())
            patch.setitem(folder_paths.folder_names_and_paths, folder, empty)
        found = {}
        for name in HOST_NODES:
            found |= classes_of(importlib.import_module(name))
        for name in OWN_NODES:
            ours = importlib.import_module(f"animatediff_native.nodes.{name}").NODES
            found |= {node.GET_SCHEMA().node_id: node for node in ours}
        yield found


def read(name: str) -> dict:
    """As the page saves it."""
    return json.loads(workflow.page_file(name).read_text(encoding="utf-8"))


@pytest.fixture(params=NAMES)
def ui(request):
    return read(request.param)


@pytest.fixture(params=NAMES)
def api(request):
    return workflow.load(request.param)


def specs_of(node_class, *sections: str) -> dict:
    """(type or options, settings) of every input of a node, by name."""
    return input_specs(node_class.INPUT_TYPES(), *sections)


def is_link(value) -> bool:
    return isinstance(value, list)


def to_api(ui: dict, classes: dict) -> dict:
    """What the page sends to the server for a saved workflow."""
    return page_to_api(ui, {name: node.INPUT_TYPES() for name, node in classes.items()})


def test_every_workflow_has_both_forms():
    for folder, shipped in (
        (workflow.WORKFLOWS, [workflow.page_file(name) for name in NAMES]),
        (workflow.API_WORKFLOWS, [workflow.API_WORKFLOWS / f"{name}.json" for name in NAMES]),
    ):
        assert sorted(folder.glob("*.json")) == sorted(shipped)


@pytest.mark.parametrize("name", NAMES)
def test_both_forms_are_one_graph(name, classes):
    api = workflow.load(name)
    bare = {key: {k: v for k, v in node.items() if k != "_meta"} for key, node in api.items()}
    assert to_api(read(name), classes) == bare


@pytest.mark.parametrize("name", NAMES)
def test_titles_agree(name):
    api = workflow.load(name)
    assert all(node["_meta"]["title"] for node in api.values())
    for node in read(name)["nodes"]:
        if node["type"] not in FRONTEND_ONLY and "title" in node:
            assert api[str(node["id"])]["_meta"]["title"] == node["title"]


def test_nodes_exist(ui, classes):
    assert {node["type"] for node in ui["nodes"]} <= classes.keys() | FRONTEND_ONLY
    for node in ui["nodes"]:
        if node["type"] not in FRONTEND_ONLY:
            assert node["properties"]["Node name for S&R"] == node["type"]


def test_inputs_are_the_nodes_own(api, classes):
    for node in api.values():
        node_class = classes[node["class_type"]]
        assert node["inputs"].keys() <= specs_of(node_class).keys(), node["class_type"]
        assert specs_of(node_class, "required").keys() <= node["inputs"].keys()


def test_values_are_allowed(api, classes):
    for node in api.values():
        specs = specs_of(classes[node["class_type"]])
        for name, value in node["inputs"].items():
            if not is_link(value):
                assert_allowed(value, *specs[name], where=f"{node['class_type']}.{name}")


def assert_allowed(value, kind, settings: dict, where: str) -> None:
    if isinstance(kind, list) or kind in ("COMBO", DYNAMIC_COMBO):
        options = kind if isinstance(kind, list) else settings["options"]
        if kind == DYNAMIC_COMBO:
            options = [option["key"] for option in options]
        assert where.split(".")[1] in FILE_INPUTS or value in options, where
        assert isinstance(value, str), where
        return
    types = {"INT": int, "FLOAT": (int, float), "STRING": str, "BOOLEAN": bool}
    assert isinstance(value, types[kind]), where
    assert isinstance(value, bool) == (kind == "BOOLEAN"), where
    if kind in ("INT", "FLOAT"):
        assert settings.get("min", value) <= value <= settings.get("max", value), where


def test_links_join_equal_types(api, classes):
    for node in api.values():
        specs = specs_of(classes[node["class_type"]])
        for name, value in node["inputs"].items():
            if is_link(value):
                origin = classes[api[value[0]]["class_type"]]
                fitting = (origin.RETURN_TYPES[value[1]], ANY)
                assert specs[name][0] in fitting, (node["class_type"], name)


def test_both_ends_know_a_link(ui):
    nodes = {node["id"]: node for node in ui["nodes"]}
    for number, origin, output, target, socket, kind in ui["links"]:
        assert number in nodes[origin]["outputs"][output]["links"]
        assert nodes[origin]["outputs"][output]["type"] == kind
        assert nodes[target]["inputs"][socket]["link"] == number
        assert nodes[target]["inputs"][socket]["type"] in (kind, ANY)
    outputs = [output for node in nodes.values() for output in node["outputs"]]
    inputs = [socket for node in nodes.values() for socket in node["inputs"]]
    leaving = [number for output in outputs for number in output["links"] or []]
    arriving = [socket["link"] for socket in inputs if socket["link"] is not None]
    numbers = sorted(link[0] for link in ui["links"])
    assert sorted(leaving) == sorted(arriving) == numbers


def test_the_last_ids_are_the_highest(ui):
    assert ui["version"] == 0.4
    assert ui["last_node_id"] == max(node["id"] for node in ui["nodes"])
    assert ui["last_link_id"] == max(link[0] for link in ui["links"])
    assert len({node["id"] for node in ui["nodes"]}) == len(ui["nodes"])


def test_notes_say_which_files_go_where(ui, classes):
    notes = [node["widgets_values"][0] for node in ui["nodes"] if node["type"] == "MarkdownNote"]
    text = "\n".join(notes)
    needed = {"models/checkpoints", "models/animatediff_models", "huggingface.co"}
    needed |= {"## Files", "## Settings", "**To begin:**"}
    for node in to_api(ui, classes).values():
        for name, value in node["inputs"].items():
            if is_file(name, value):
                needed |= {f"`{MODEL_FOLDERS[name]}`", f"`{value}`", known(value).page}
    assert {part for part in needed if part not in text} == set()


def known(name: str) -> known_files.KnownFile:
    found = known_files.known_file(name)
    assert found, f"{name}: an address in motion/known_files.py, or another file"
    return found


def test_loaders_say_where_their_file_can_be_had(ui, classes):
    """As the page wants it, to offer a download: what a loader names, and nothing else."""
    inputs = {key: node["inputs"] for key, node in to_api(ui, classes).items()}
    for node in ui["nodes"]:
        given = inputs.get(str(node["id"]), {})
        files = [known(value) for name, value in given.items() if is_file(name, value)]
        assert node["properties"].get("models", []) == [file.record() for file in files]
        for name, value in given.items():
            if is_file(name, value):
                assert f"models/{known(value).directory}" == MODEL_FOLDERS[name]


def is_file(name: str, value) -> bool:
    return name in MODEL_FOLDERS and not is_link(value)
