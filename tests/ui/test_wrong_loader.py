"""A SparseCtrl model in ComfyUI's own ControlNet loaders: the page says what to take instead."""

import json

import pytest
from playwright.sync_api import expect

from .comfy_page import ComfyPage

RGB, SCRIBBLE = "v3_sd15_sparsectrl_rgb.safetensors", "v3_sd15_sparsectrl_scribble.safetensors"
OTHER = "no_controlnet.safetensors"
ADVICE = "Take Load SparseCtrl in its place"
ENDS = """() => {
    window.ends = [];
    app.api.addEventListener("execution_error", ({ detail }) => ends.push(detail.node_type));
    app.api.addEventListener("execution_success", () => ends.push("success"));
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


def run(page: ComfyPage, nodes: dict, end: str) -> None:
    """A graph in API format, until a node of this type has failed, or up to its success."""
    before = page.opened_path()
    page.drop_bytes("wrong_loader.json", json.dumps(nodes).encode(), "application/json")
    page.wait_until_opened(before)
    page.tab.evaluate(ENDS)
    page.run()
    page.tab.wait_for_function("end => ends.includes(end)", arg=end)


def shown(source: str) -> dict:
    return {"class_type": "PreviewAny", "inputs": {"source": [source, 0]}}


def loader(name: str) -> dict:
    return {"class_type": "ControlNetLoader", "inputs": {"control_net_name": name}}


def differential(standins) -> dict:
    """The host's other loader: it gives nothing where it cannot read a file, and goes on."""
    inputs = {"model": ["1", 0], "control_net_name": SCRIBBLE}
    return {
        "1": {
            "class_type": "CheckpointLoaderSimple",
            "inputs": {"ckpt_name": standins.checkpoint.name},
        },
        "2": {"class_type": "DiffControlNetLoader", "inputs": inputs},
    }


@pytest.mark.usefixtures("no_controlnets")
def test_the_loader_that_fails_on_it(page: ComfyPage):
    run(page, {"1": loader(RGB), "2": shown("1")}, "ControlNetLoader")
    advice = page.toasts.filter(has_text=ADVICE)
    expect(advice).to_have_count(1)
    expect(advice).to_contain_text(f"'{RGB}' is a SparseCtrl model")


@pytest.mark.usefixtures("no_controlnets")
def test_a_node_that_fails_on_what_the_loader_made_of_it(page: ComfyPage, standins):
    """As the sampler does with the scribble model."""
    nodes = {
        **differential(standins),
        "3": {
            "class_type": "SetUnionControlNetType",
            "inputs": {"control_net": ["2", 0], "type": "auto"},
        },
        "4": shown("3"),
        "5": loader(RGB),  # whose output nobody takes
    }
    run(page, nodes, "SetUnionControlNetType")
    expect(page.toasts.filter(has_text=ADVICE)).to_have_count(1)
    expect(page.toasts.filter(has_text=SCRIBBLE)).to_have_count(1)


@pytest.mark.usefixtures("no_controlnets")
def test_a_run_that_goes_through_without_its_motion(page: ComfyPage, standins):
    """Told once."""
    nodes = {**differential(standins), "3": shown("2")}
    run(page, nodes, "success")
    expect(page.toasts.filter(has_text=ADVICE)).to_have_count(1)
    page.tidy()
    run(page, nodes, "success")
    expect(page.toasts).to_have_count(0)


@pytest.mark.usefixtures("no_controlnets")
def test_any_other_file_is_no_business_of_ours(page: ComfyPage):
    run(page, {"1": loader(OTHER), "2": shown("1")}, "ControlNetLoader")
    page.problems().wait_for()
    expect(page.toasts.filter(has_text="SparseCtrl")).to_have_count(0)
