"""A template whose files are not there: the page says where to put them and offers to get them."""

import re

import pytest
from playwright.sync_api import expect

from tools import workflow

# Older pages have a dialog, which the other tests turn off, and load .safetensors and .sft only.
WARN = """async (on) => {
    const { setting } = app.extensionManager;
    try { await setting.set("Comfy.Workflow.ShowMissingModelsWarning", on); } catch {}
}"""


@pytest.fixture
def warned(page):
    page.tab.evaluate(WARN, True)
    yield page
    page.tab.evaluate(WARN, False)


def files_of(name):
    inputs = [value for node in workflow.load(name).values() for value in node["inputs"].values()]
    ends = (".safetensors", ".ckpt")
    return sorted({x for x in inputs if isinstance(x, str) and x.endswith(ends)})


@pytest.mark.parametrize("name", ["text_to_video", "motion_lora", "two_controlnets"])
def test_missing_files_are_offered(warned, name):
    warned.drop(workflow.page_file(name))
    told = warned.problems()
    for file in files_of(name):
        expect(told).to_contain_text(file)
    if warned.dialogs.count():
        ready = told.get_by_role("button", name=re.compile("Download")).and_(
            warned.tab.locator(":enabled")
        )
        expect(ready).to_have_count(sum(x.endswith(".safetensors") for x in files_of(name)))
    else:
        expect(told.get_by_role("button", name=re.compile("Download all"))).to_be_visible()
        for folder in {"animatediff_models", "checkpoints"}:
            expect(told).to_contain_text(folder)
