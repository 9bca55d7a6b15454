"""The shipped workflows as the page shows them: nothing is covered, before a run and after it."""

import json
from itertools import combinations

import pytest

from tools import workflow

TITLE_BAR = 30
# What the page of ComfyUI 0.3.75 covers at its left and top, with tabs, announcement and Run button.
TOOLBARS = (60, 134)
GAP = 10  # pixels
# Heights of nodes that show something: previews while sampling, samples of a training, a square
# clip, a plot.
SHOWING = {
    "KSampler": 486,
    "ADN_TrainMotionLora": 814,
    "LoadVideo": 426,
    "SaveVideo": 510,
    "SaveAnimatedWEBP": 558,
    "ADN_FrameGuidance": 340,
    "ADN_FrameStrengths": 340,
    "ADN_MotionStrength": 508,
}


@pytest.fixture(params=workflow.TITLES)
def page(request):
    return json.loads(workflow.page_file(request.param).read_text(encoding="utf-8"))


def box(node: dict) -> tuple:
    """x, y, width, height, with the title and what the node comes to show."""
    (x, y), (width, height) = node["pos"], node["size"]
    height = max(height, SHOWING.get(node["type"], 0))
    return x, y - TITLE_BAR, width, height + TITLE_BAR


def overlap(a, b) -> bool:
    return all(a[i] < b[i] + b[i + 2] and b[i] < a[i] + a[i + 2] for i in (0, 1))


def contains(outer, inner) -> bool:
    return all(
        outer[i] <= inner[i] and inner[i] + inner[i + 2] <= outer[i] + outer[i + 2] for i in (0, 1)
    )


def test_nothing_overlaps(page):
    nodes = [box(node) for node in page["nodes"]]
    groups = [group["bounding"] for group in page["groups"]]
    assert not any(overlap(a, b) for a, b in combinations(nodes, 2))
    assert not any(overlap(a, b) for a, b in combinations(groups, 2))
    for group in groups:
        assert all(contains(group, node) or not overlap(group, node) for node in nodes)
        assert any(contains(group, node) for node in nodes)


def test_it_opens_beside_the_toolbars(page):
    """All workflows at one place, with the note's title and those of the groups in view."""
    drawn = [box(node) for node in page["nodes"]] + [group["bounding"] for group in page["groups"]]
    corner = [min(one[i] for one in drawn) for i in (0, 1)]
    (note,) = [node for node in page["nodes"] if node["type"] == "MarkdownNote"]
    assert corner == list(box(note)[:2])
    view = page["extra"]["ds"]
    for toolbar, first, moved in zip(TOOLBARS, corner, view["offset"], strict=True):
        assert GAP <= (first + moved) * view["scale"] - toolbar <= 3 * GAP
