"""Where the nodes that a conversion made lie on the page, and where their files can be had."""

import copy

import pytest
from adn_testing.ade import NAMES, SHAPES, read, shape
from adn_testing.page_graphs import PageBuilder, checkpoint, loader, sampled, static_windows
from animatediff_native.convert import convert
from animatediff_native.motion.known_files import known_file

GAP, TITLE = 60, 30
ON_THE_PAGE = [name for name in NAMES if name.endswith("_ui")]


def box(node):
    (x, y), (width, height) = node["pos"], node["size"]
    height = 0 if node["flags"].get("collapsed") else height
    return x, y - TITLE, x + width, y + height


def distance(one, other):
    """Along the axis on which they are farther apart; negative where they overlap."""
    return max(one[0] - other[2], other[0] - one[2], one[1] - other[3], other[1] - one[3])


def parts(workflow):
    return [workflow, *(workflow.get("definitions") or {}).get("subgraphs", [])]


def made(given, written):
    """Per canvas: its nodes by id, and the ids of those that the conversion made."""
    for part in parts(written):
        same = [old for old in parts(given) if old.get("id") == part.get("id")]
        old = {node["id"]: node for node in same[0]["nodes"]} if same else {}
        nodes = {node["id"]: node for node in part["nodes"]}
        new = [key for key, n in nodes.items() if old.get(key, {}).get("type") != n["type"]]
        yield part, nodes, new


def assert_apart(given, written):
    for _, nodes, new in made(given, written):
        for key in new:
            for other in nodes.keys() - {key}:
                assert distance(box(nodes[key]), box(nodes[other])) >= GAP - 1, (key, other)


def leads_back(part):
    """Links that lead to the left, by the ids of the nodes at their ends."""
    nodes = {node["id"]: node for node in part["nodes"]}
    for link in filter(None, part["links"]):
        _, origin, _, target, *_ = link.values() if isinstance(link, dict) else link
        if origin in nodes and target in nodes and box(nodes[origin])[2] > box(nodes[target])[0]:
            yield origin, target


def backward(given, written):
    """Those of new nodes, unless they lead to one that was fed from behind before."""
    was = {target for part in parts(given) for _, target in leads_back(part)}
    for part, nodes, new in made(given, written):
        for origin, target in leads_back(part):
            if target in new or (origin in new and target not in was):
                yield nodes[origin]["type"], nodes[target]["type"]


@pytest.mark.parametrize("name", ON_THE_PAGE)
def test_new_nodes_lie_apart_and_from_left_to_right(name):
    given = read(name)
    written = convert(given).workflow
    assert_apart(given, written)
    if name != "reroutes_ui":  # whose wires lead to the left
        assert list(backward(given, written)) == []


@pytest.mark.parametrize("name", sorted(file.stem for file in SHAPES.glob("*.json")))
def test_so_they_do_in_subgraphs(name):
    given = shape(name)
    if isinstance(given, dict) and (given.get("definitions") or {}).get("subgraphs"):
        written = convert(given).workflow
        assert_apart(given, written)


def hand_made(columns, extra=0):
    """A checkpoint, a loader with windows, a sampler, in columns this far from one another; and
    more nodes below."""
    build = PageBuilder()
    build.add("Note", values=[""])
    model = checkpoint(build)
    windows = static_windows(build)
    animated = loader(build, model, context_options=("CONTEXT_OPTIONS", windows))
    sampled(build, animated)
    for _ in range(extra):
        build.add("Note", values=[""])
    page = build.page()
    places = [(0, -500), (0, 0), (columns, 300), (columns, 0), (2 * columns, 300), (2 * columns, 0)]
    places += [(300 * n, 1000) for n in range(extra)]
    for node, place in zip(page["nodes"], places, strict=True):
        node["pos"] = list(place)
    return page


def by_type(page):
    return {node["type"]: node for node in page["nodes"]}


def test_where_there_is_room_nothing_else_moves():
    given = hand_made(columns=1000)
    written = convert(given).workflow
    assert by_type(written)["KSampler"]["pos"] == [2000, 0]
    assert list(backward(given, written)) == []


def test_what_is_in_the_way_moves_aside_with_all_behind_it():
    given = hand_made(columns=300)
    given["groups"] = [{"title": "Sampling", "bounding": [580, -80, 400, 600]}]
    before = copy.deepcopy(given)
    written = convert(given).workflow
    assert given == before
    now = by_type(written)
    assert now["CheckpointLoaderSimple"]["pos"] == [0, 0] and now["Note"]["pos"] == [0, -500]
    moved = now["KSampler"]["pos"][0] - 600
    assert moved == 200 + GAP + 340 + GAP + 340 + GAP - 600
    assert now["EmptyLatentImage"]["pos"] == [600 + moved, 300]
    (group,) = written["groups"]
    assert group["bounding"][0] + group["bounding"][2] == 580 + 400 + moved
    assert list(backward(given, written)) == []


def test_a_large_arrangement_stays_where_it_is():
    given = hand_made(columns=300, extra=30)
    written = convert(given).workflow
    places = {node["id"]: node["pos"] for node in given["nodes"]}
    stayed = [node for node in written["nodes"] if node["id"] in places]
    assert len(stayed) == 34
    assert all(node["pos"] == places[node["id"]] for node in stayed)
    assert_apart(given, written)


def test_bends_of_wires_move_with_the_nodes():
    given = hand_made(columns=300)
    latent = next(link[0] for link in given["links"] if link[5] == "LATENT")
    bends = [{"id": 1, "pos": [290, 20], "linkIds": [latent]},
             {"id": 2, "parentId": 1, "pos": [700, 20], "linkIds": [latent]}]  # fmt: skip
    given["extra"] = {"reroutes": bends}
    written = convert(given).workflow
    moved = by_type(written)["KSampler"]["pos"][0] - 600
    assert [bend["pos"][0] for bend in written["extra"]["reroutes"]] == [290, 700 + moved]


def test_a_group_goes_on_holding_what_stands_for_its_nodes():
    given = hand_made(columns=1000)
    given["groups"] = [{"title": "AnimateDiff", "bounding": [980, -80, 240, 520]}]
    written = convert(given).workflow
    left, top, width, height = written["groups"][0]["bounding"]
    now = by_type(written)
    for kind in ("ADN_LoadMotionModule", "ADN_ApplyMotionModule"):
        x, y, right, bottom = box(now[kind])
        assert left <= x and top <= y and right <= left + width and bottom <= top + height


def test_it_comes_out_the_same_every_time():
    given = hand_made(columns=300)
    assert convert(given).workflow == convert(copy.deepcopy(given)).workflow


def models(node):
    return node["properties"].get("models")


def test_loaders_say_where_their_file_can_be_had():
    now = by_type(convert(hand_made(columns=300)).workflow)
    known = known_file("mm_sd_v15_v2.ckpt")
    assert known and models(now["ADN_LoadMotionModule"]) == [known.record()]
    assert models(now["ADN_ApplyMotionModule"]) is None


def test_what_the_file_says_of_its_models_is_kept():
    given = hand_made(columns=300)
    mine = {"name": "mm_sd_v15_v2.ckpt", "url": "https://example.com/mm.ckpt", "directory": "mine"}
    (theirs,) = [n for n in given["nodes"] if n["type"].startswith("ADE_AnimateDiffLoader")]
    theirs["properties"] = {"models": [mine]}
    now = by_type(convert(given).workflow)
    assert models(now["ADN_LoadMotionModule"]) == [mine]


@pytest.mark.parametrize("odd", [None, 7, "x", {}, [], [7, {"name": 7}], [None]])
def test_odd_properties_and_places_do_no_harm(odd):
    given = hand_made(columns=300)
    for node in given["nodes"]:
        node["properties"] = {"models": odd}
        node["size"] = node["pos"] = odd
        node["flags"] = odd
    given["groups"] = [odd, {"bounding": odd}]
    given["extra"] = {"reroutes": [{"id": 1, "pos": odd, "linkIds": [2]}]}
    written = convert(given).workflow
    assert "ADN_ApplyMotionModule" in by_type(written)
