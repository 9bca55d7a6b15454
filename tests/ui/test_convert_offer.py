"""A workflow of AnimateDiff-Evolved dropped on the page: the offer to convert it."""

import json
import re

import pytest
from adn_testing.ade import SHAPES
from adn_testing.containers import mp4, png
from playwright.sync_api import expect

from .conversions import (
    CONVERT_OPEN,
    FOLDER,
    QUESTION,
    STAYS,
    choose,
    convert,
    in_front,
    notes,
    question,
    small,
    tabs,
    types,
    unknown,
    with_something_left,
)
from .small_clip import FRAMES, make_small

IN_A_DIALOG = "typeof app.extensionManager.dialog.showLoadWorkflowWarning === 'function'"
MISSING_NODES = "#global-missing-nodes, #global-load-workflow-warning"
ROUTE = "**/animatediff_native/convert"


@pytest.fixture
def offered(page):
    """Drops a workflow; there is the question, and no other dialog."""

    def drop(name):
        page.drop(FOLDER / f"{name}.json")
        found = question(page)
        expect(page.dialogs).to_have_count(1)
        return found

    return drop


@pytest.fixture
def listed(page):
    """Whether the page's own list of missing nodes is there, with these types in it. Newer pages
    have it beside the canvas, which is no business of ours."""

    def look(*types):
        if page.tab.evaluate(IN_A_DIALOG):
            expect(page.dialogs).to_have_count(1)
            expect(page.dialogs.locator(MISSING_NODES)).to_have_count(1)
            for node_type in types:
                expect(page.dialogs).to_contain_text(node_type)

    return look


def test_what_is_converted_runs(page, standins, offered):
    found = offered("gen2_simple_ui")
    expect(found).to_contain_text("Will be converted (5)")
    expect(found.get_by_role("listitem")).to_have_count(5)
    page.picture("offer")
    convert(page)
    page.picture("converted")
    expect(page.dialogs).to_have_count(0)
    assert unknown(page) == [] and notes(page) == []
    make_small(page, standins)
    run_to_a_clip(page)


def run_to_a_clip(page):
    page.look_at("SaveAnimatedWEBP")
    page.run()
    animation = page.tab.locator(".dom-widget img")
    expect(animation).to_be_visible()
    frames = animation.evaluate(
        """async shown => {
            const { body } = await fetch(shown.src);
            const decoder = new ImageDecoder({ data: body, type: "image/webp" });
            await decoder.completed;
            return decoder.tracks.selectedTrack.frameCount;
        }"""
    )
    assert frames == FRAMES


def accept(page, said=False):
    """said: the page may say something of this file itself, under the question: older ones list
    missing nodes of API format, newer ones cannot open a workflow inside other JSON."""
    convert(page)
    while said and (count := page.dialogs.count()):
        page.tab.keyboard.press("Escape")
        expect(page.dialogs).to_have_count(count - 1)
    expect(page.dialogs).to_have_count(0)
    page.tab.wait_for_function("() => !app.extensionManager.spinner")
    assert unknown(page) == []


def test_a_picture_of_that_time_becomes_a_clip(page, standins):
    """A PNG whose tEXt chunk has the workflow, as ComfyUI wrote it in 2023 and does now."""
    given = small("gen2_simple_ui", standins)
    page.drop_bytes("old.png", png(workflow=given, prompt={}), "image/png")
    accept(page)
    page.picture("converted_picture")
    run_to_a_clip(page)


@pytest.mark.parametrize(("make", "kind"), [(png, "image/png"), (mp4, "video/mp4")])
def test_api_format_in_a_file_is_offered_too(page, make, kind):
    given = json.loads((FOLDER / "gen1_api.json").read_text(encoding="utf-8"))
    page.drop_bytes(f"old.{kind[-3:]}", make(prompt=given), kind)
    accept(page, said=make is png)
    assert "ADN_ApplyMotionModule" in types(page)


def assert_api_is_open(page, name, before):
    """The converted workflow has its name, and what newer pages made of the file is gone."""
    assert "ADN_ApplyMotionModule" in types(page) and page.exported()
    assert re.fullmatch(rf"{name}(_\d+)? \(AnimateDiff Native\)", in_front(page))
    assert sorted(tabs(page)) == sorted([*before, in_front(page)])


def test_api_format_is_offered_too(page, mode):
    before = tabs(page)
    page.drop_bytes("api.json", (FOLDER / "gen1_api.json").read_bytes(), "application/json")
    question(page)
    page.picture(f"api format is offered, {mode}")
    accept(page, said=True)
    assert_api_is_open(page, "api", before)


def test_api_format_is_offered_where_the_page_opens_it(page, tmp_path):
    before = tabs(page)
    file = tmp_path / "opened by the page.json"
    file.write_bytes((FOLDER / "gen1_api.json").read_bytes())
    page.tab.locator("#comfy-file-input").set_input_files(file)
    accept(page, said=True)
    assert_api_is_open(page, "opened by the page", before)


def test_api_format_that_was_refused_can_still_be_converted(page):
    """Newer pages show it without links: what was in the file is converted."""
    name = "api once more"
    page.drop_bytes(f"{name}.json", (FOLDER / "gen1_api.json").read_bytes(), "application/json")
    question(page).get_by_role("button", name="Cancel").click()
    page.tidy()
    if unknown(page):
        choose(page, CONVERT_OPEN)
        accept(page)
        sent = page.exported()
        kinds = {node["class_type"]: node["inputs"] for node in sent.values()}
        assert isinstance(kinds["KSampler"]["model"], list)


def test_a_workflow_in_other_json_is_offered_too(page):
    given = json.loads((FOLDER / "gen1_ui.json").read_text(encoding="utf-8"))
    wrapped = json.dumps({"workflow": given, "output": {}}).encode()
    page.drop_bytes("wrapped.json", wrapped, "application/json")
    accept(page, said=True)


def test_a_picture_without_their_nodes_is_none_of_our_business(page):
    page.drop_bytes("plain.png", png(parameters="a red barn"), "image/png")
    page.tab.wait_for_timeout(1500)
    expect(page.dialogs.filter(has_text=QUESTION)).to_have_count(0)


def test_a_converted_subgraph_runs(page, standins, tmp_path):
    """The page reads the borders that the conversion wrote."""
    file = tmp_path / "subgraph.json"
    file.write_text(json.dumps(small("subgraph", standins, SHAPES)), encoding="utf-8")
    page.drop(file)
    accept(page)
    sent = page.exported()
    types = [node["class_type"] for node in sent.values()]
    assert "ADN_ApplyMotionModule" in types
    page.picture("converted_subgraph")
    run_to_a_clip(page)


def test_a_refused_offer_changes_nothing(page, offered, listed):
    found = offered("gen1_ui")
    before = page.opened_path()
    found.get_by_role("button", name="Cancel").click()
    expect(found).to_have_count(0)
    listed("ADE_AnimateDiffLoaderGen1")
    assert page.opened_path() == before
    assert unknown(page) == ["ADE_AnimateDiffLoaderGen1"]


def test_a_question_that_is_closed_is_refused(page, offered, listed):
    found = offered("gen1_ui")
    page.tab.keyboard.press("Escape")
    expect(found).to_have_count(0)
    listed("ADE_AnimateDiffLoaderGen1")


def test_nothing_is_offered_where_nothing_would_be_converted(page, listed):
    with page.tab.expect_response(ROUTE) as answer:
        page.drop(FOLDER / "injected_i2v_ui.json")
    assert answer.value.json()["converted"] == []
    listed("ADE_InjectI2VIntoAnimateDiffModel")
    page.tab.wait_for_timeout(500)
    expect(page.dialogs.filter(has_text=QUESTION)).to_have_count(0)
    expect(page.toasts).to_have_count(0)


def test_what_is_left_is_listed_and_asked_about_once(page, tmp_path, listed):
    """The converted workflow, whose options stay, is not offered again."""
    file = tmp_path / "left.json"
    file.write_text(json.dumps(with_something_left()), encoding="utf-8")
    page.drop(file)
    found = question(page)
    expect(found).to_contain_text("Will not: no equivalent (1)")
    expect(found).to_contain_text(STAYS)
    convert(page)
    expect(page.toasts.filter(has_text="no equivalent")).to_have_count(1)
    ((_, text),) = notes(page)
    assert STAYS in text
    expect(found).to_have_count(0)
    listed()


def test_the_name_is_kept_and_the_workflow_too(page):
    """A second time, what was converted first stays as well."""
    page.drop(FOLDER / "gen1_ui.json")
    name = in_front(page)
    convert(page)
    assert in_front(page) == f"{name} (AnimateDiff Native)" and name in tabs(page)
    page.tidy()
    page.tab.evaluate("""async name => {
        const { workflow } = app.extensionManager;
        const tab = workflow.openWorkflows.find(tab => tab.filename === name);
        await app.loadGraphData(tab.activeState, true, true, tab);
    }""", name)  # fmt: skip
    convert(page)
    assert in_front(page) == f"{name} (AnimateDiff Native) 2"


def test_the_toast_ends_by_itself(page, offered):
    offered("gen1_ui")
    convert(page)
    expect(page.toasts).to_have_count(0)


def test_a_server_that_cannot_convert_is_told(page, listed):
    refusal = json.dumps({"error": "too large"})
    page.tab.route(ROUTE, lambda route: route.fulfill(
        status=413, content_type="application/json", body=refusal))  # fmt: skip
    try:
        page.drop(FOLDER / "gen1_ui.json")
        expect(page.toasts).to_contain_text("too large")
        listed("ADE_AnimateDiffLoaderGen1")
    finally:
        page.tab.unroute(ROUTE)
