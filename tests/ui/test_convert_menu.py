"""Conversion by the page's File menu, of files and of the workflow that is open."""

import json

import pytest
from adn_testing.containers import mp4, png, webp
from playwright.sync_api import expect

from .conversions import (
    CONVERT_OPEN,
    COVERED,
    FOLDER,
    STAYS,
    choose,
    choose_files,
    convert,
    in_front,
    notes,
    payload,
    question,
    tabs,
    types,
    unknown,
    with_something_left,
)


def stored(name):
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def file_of(kind):
    """A file that somebody has, of each kind."""
    page, api = stored("gen2_simple_ui"), stored("gen1_api")
    return {
        "page": payload("a walk.json", json.dumps(page).encode(), "application/json"),
        "api": payload("a walk.json", json.dumps(api).encode(), "application/json"),
        "png": payload("a walk.png", png(workflow=page, prompt={}), "image/png"),
        "webp": payload("a walk.webp", webp(workflow=page, prompt={}), "image/webp"),
        "mp4": payload("a walk.mp4", mp4(workflow=page, prompt={}), "video/mp4"),
    }[kind]


@pytest.mark.parametrize("kind", ["page", "api", "png", "webp", "mp4"])
def test_files_of_every_kind(page, mode, kind):
    before = page.opened_path()
    choose_files(page, file_of(kind))
    listed = question(page).get_by_role("listitem")
    expect(listed.first).to_contain_text("→ Load Motion Module")
    page.picture(f"conversion by the menu, {kind}, {mode}")
    convert(page)
    assert "ADN_ApplyMotionModule" in types(page) and unknown(page) == []
    assert in_front(page).startswith("a walk (AnimateDiff Native)")
    assert page.opened_path() != before and before.rpartition("/")[2][:-5] in tabs(page)
    expect(page.dialogs).to_have_count(0)
    if kind != "api":
        assert page.tab.evaluate(COVERED) == []


def test_what_was_refused_can_be_asked_for_again(page, mode):
    page.drop(FOLDER / "gen1_ui.json")
    name = in_front(page)
    question(page).get_by_role("button", name="Cancel").click()
    page.tidy()
    choose(page, CONVERT_OPEN)
    expect(question(page)).to_contain_text(f'"{name}" was made')
    page.tab.keyboard.press("Escape")
    expect(page.dialogs).to_have_count(0)
    choose(page, CONVERT_OPEN)
    convert(page)
    assert in_front(page) == f"{name} (AnimateDiff Native)" and name in tabs(page)
    assert unknown(page) == []


def test_what_cannot_be_converted_is_said_with_the_reason(page, mode):
    before = page.opened_path()
    choose_files(page, FOLDER / "injected_i2v_ui.json")
    told = page.dialogs.filter(has_text="Nothing can be converted")
    expect(told).to_contain_text("ADE_InjectI2VIntoAnimateDiffModel")
    expect(told.get_by_role("button", name="Convert")).to_have_count(0)
    page.picture(f"nothing can be converted, {mode}")
    told.get_by_role("button", name="Close").click()
    expect(page.dialogs).to_have_count(0)
    assert page.opened_path() == before


def test_a_file_without_a_workflow_is_said_in_words(page):
    choose_files(page, payload("red.png", png(parameters="a red barn"), "image/png"))
    told = page.dialogs.filter(has_text="Not converted")
    expect(told).to_contain_text("red: this picture or video has no workflow in it")
    told.get_by_role("button", name="Close").click()


def test_a_workflow_of_our_own_is_said_to_need_nothing(page):
    choose(page, CONVERT_OPEN)
    told = page.dialogs.filter(has_text="Not converted")
    expect(told).to_contain_text("no node of ComfyUI-AnimateDiff-Evolved")
    told.get_by_role("button", name="Close").click()


def test_several_files_are_asked_about_one_by_one(page):
    choose_files(
        page,
        payload("first.png", png(parameters="no workflow"), "image/png"),
        payload("second.json", json.dumps(stored("gen1_ui")).encode(), "application/json"),
    )
    page.dialogs.filter(has_text="first").get_by_role("button", name="Close").click()
    convert(page)
    assert in_front(page) == "second (AnimateDiff Native)"


def test_what_is_left_is_in_a_note_above(page, mode):
    data = json.dumps(with_something_left()).encode()
    choose_files(page, payload("left.json", data, "application/json"))
    expect(question(page)).to_contain_text("Will not: no equivalent (1)")
    convert(page)
    ((title, text),) = notes(page)
    assert title == "What was converted" and STAYS in text
    assert page.tab.evaluate(COVERED) == []
    page.picture(f"what was converted, {mode}")


def test_the_keyboard_is_enough(page):
    """The button that goes on has the focus, and the page's shortcuts rest."""
    choose_files(page, FOLDER / "gen1_ui.json")
    dialog = question(page)
    expect(dialog.get_by_role("button", name="Convert", exact=True)).to_be_focused()
    page.tab.keyboard.press("Shift+Tab")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    page.tab.keyboard.press("Enter")
    expect(page.dialogs).to_have_count(0)
