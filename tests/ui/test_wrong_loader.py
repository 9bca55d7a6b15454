"""A SparseCtrl model in ComfyUI's own ControlNet loaders: the page says what to take instead."""

import json

import pytest
from playwright.sync_api import expect

from .comfy_page import ComfyPage

RGB, SCRIBBLE = "v3_sd15_sparsectrl_rgb.safetensors", "v3_sd15_sparsectrl_scribble.safetensors"
OTHER = "no_controlnet.safetensors"
ADVICE = "Take Load SparseCtrl in its place"
ERRORS = """() => {
    window.failed = [];
    app.api.addEventListener("execution_error", ({ detail }) => failed.push(detail.node_type));
}"""


@pytest.fixture
def no_controlnets(server, standins):
    """Files that no loader of the host's reads as a ControlNet; as it does not read the RGB model."""
    folder = server.base.path / "models" / "controlnet"
    folder.mkdir(exist_ok=True)
    paths = [folder / name for name in (RGB, SCRIBBLE, OTHER)]
    for path in paths:
        path.symlink_to(standins.motion_module)
    yield
    for path in paths:
        path.unlink()


def failing(page: ComfyPage, nodes: dict, node_type: str) -> None:
    """Runs a graph in API format until that node has failed."""
    before = page.opened_path()
    page.drop_bytes("wrong_loader.json", json.dumps(nodes).encode(), "application/json")
    page.wait_until_opened(before)
    page.tab.evaluate(ERRORS)
    page.run()
    page.tab.wait_for_function("type => failed.includes(type)", arg=node_type)


def shown(source: str) -> dict:
    return {"class_type": "PreviewAny", "inputs": {"source": [source, 0]}}


def loader(name: str) -> dict:
    return {"class_type": "ControlNetLoader", "inputs": {"control_net_name": name}}


@pytest.mark.usefixtures("no_controlnets")
def test_the_loader_that_fails_on_it(page: ComfyPage):
    failing(page, {"1": loader(RGB), "2": shown("1")}, "ControlNetLoader")
    advice = page.toasts.filter(has_text=ADVICE)
    expect(advice).to_have_count(1)
    expect(advice).to_contain_text(f"'{RGB}' is a SparseCtrl model")


@pytest.mark.usefixtures("no_controlnets")
def test_a_node_that_fails_on_what_the_loader_made_of_it(page: ComfyPage, standins):
    """As the sampler does with the scribble model."""
    checkpoint = {"ckpt_name": standins.checkpoint.name}
    nodes = {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": checkpoint},
        "2": {
            "class_type": "DiffControlNetLoader",
            "inputs": {"model": ["1", 0], "control_net_name": SCRIBBLE},
        },
        "3": {
            "class_type": "SetUnionControlNetType",
            "inputs": {"control_net": ["2", 0], "type": "auto"},
        },
        "4": shown("3"),
        "5": loader(RGB),  # whose output nobody takes
    }
    failing(page, nodes, "SetUnionControlNetType")
    expect(page.toasts.filter(has_text=ADVICE)).to_have_count(1)
    expect(page.toasts.filter(has_text=SCRIBBLE)).to_have_count(1)


@pytest.mark.usefixtures("no_controlnets")
def test_any_other_file_is_no_business_of_ours(page: ComfyPage):
    failing(page, {"1": loader(OTHER), "2": shown("1")}, "ControlNetLoader")
    page.problems().wait_for()
    expect(page.toasts.filter(has_text="SparseCtrl")).to_have_count(0)
