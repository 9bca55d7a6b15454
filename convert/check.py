"""Whether what a file holds is a workflow. What reads one can rely on all that is asked here."""

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ..motion.errors import AnimateDiffError

DEEPEST = 100  # lists and objects inside one another; a workflow has about ten
MOST_NODES = 10_000
LARGEST = 10**300  # still a float
VALUES = ("widgets_values", "inputs")  # where a node's values are, in either format


class Kind(NamedTuple):
    """What a value has to be, in words, and whether it is."""

    said: str
    fits: Callable[[Any], bool]


ANY = Kind("anything", lambda value: True)
TEXT = Kind("a text", lambda value: isinstance(value, str))
WHOLE = Kind("a whole number", lambda v: isinstance(v, int) and not isinstance(v, bool))
ID = Kind("a whole number or a text", lambda v: WHOLE.fits(v) or TEXT.fits(v))
NUMBERS_OF_LINKS = Kind(
    "a list of numbers of links",
    lambda v: isinstance(v, list) and all(x is None or ID.fits(x) for x in v),
)

# A list has values of one kind. In an object, "?" marks what can be missing or null, "*" all names.
INSIDE = {"nodes?": [{"type?": TEXT}]}
LINK = {"id": ID, "origin_id": ID, "origin_slot": WHOLE, "target_id": ANY, "target_slot": ANY}
BENDS = {
    "linkExtensions?": [{"id?": ID}],
    "reroutes?": [{"id?": ID, "parentId?": ID, "linkIds?": NUMBERS_OF_LINKS}],
}
PAGE = {
    **BENDS,
    "nodes": [
        {
            "id": ID,
            "type": TEXT,
            "inputs?": [{"name?": TEXT, "link?": ID}],
            "outputs?": [{"links?": NUMBERS_OF_LINKS}],
        }
    ],
    "state?": {},
    "definitions?": {"subgraphs?": [INSIDE]},
    "extra?": {
        "groupNodes?": {"*": INSIDE},
        **BENDS,
    },
}
SLOTS = [{"name?": TEXT, "linkIds?": NUMBERS_OF_LINKS}]
SUBGRAPH = {
    **BENDS,
    "id": ID,
    "nodes": PAGE["nodes"],
    "inputs?": SLOTS,
    "outputs?": SLOTS,
    "state?": {},
    "extra?": BENDS,
}
API = {"*": {"class_type": TEXT, "inputs": {}}}


def copied(workflow: Any) -> tuple[Any, list[str]]:
    """A copy that shares nothing with the given one, which can be as deep and large as it likes;
    and which nodes had a value that is no number in JSON (Python writes NaN). It is 1 in the copy;
    elsewhere such numbers, of places and sizes, are null."""
    whole = [workflow]
    odd: dict[str, None] = {}
    level: list[tuple[Any, str, bool]] = [(whole, "", False)]
    for _ in range(DEEPEST):
        inner = []
        for held, owner, values in level:
            for key, value in held.items() if isinstance(held, dict) else enumerate(held):
                if isinstance(value, (dict, list)):
                    held[key] = value.copy()
                    name = _named(value, key) or owner
                    inner.append((held[key], name, values or key in VALUES))
                elif isinstance(value, int) and abs(value) >= LARGEST:
                    raise malformed("it has a whole number of more than 300 digits", "smaller ones")
                elif isinstance(value, float) and not math.isfinite(value):
                    held[key] = 1.0 if values else None
                    odd |= {owner: None} if values else {}
        if not inner:
            return whole[0], [*odd]
        level = inner
    raise malformed("its lists and objects lie too deep in one another", f"at most {DEEPEST}")


def _named(held: Any, key: Any) -> str:
    """What a node is called in messages; nothing where it is none."""
    kind = held.get("type", held.get("class_type")) if isinstance(held, dict) else None
    if not isinstance(kind, str) or not ("class_type" in held or "widgets_values" in held):
        return ""
    return f"node {text_of(held.get('id', key))} ({kind[:100]})"


def text_of(value: Any) -> str:
    """An id as text; those that are none are refused later."""
    known = isinstance(value, str) or (isinstance(value, int) and abs(value) < LARGEST)
    return str(value)[:50] if known else "?"


def is_page(workflow: Any) -> bool:
    """Whether this is the format of the page; an error where it is, with parts of another shape."""
    if not isinstance(workflow, dict):
        return False
    nodes, links = workflow.get("nodes"), workflow.get("links")
    if not isinstance(nodes, list) or not isinstance(links, list):
        return False
    if not all(isinstance(node, dict) and "id" in node for node in nodes):
        return False
    _count(len(nodes))
    _check(workflow, PAGE, "")
    _check_links(links)
    _unique(str(node["id"]) for node in nodes)
    return True


def is_inside(subgraph: dict[str, Any]) -> bool:
    """Whether a definition of a subgraph can be read; one that cannot is left as it is."""
    try:
        _check(subgraph, SUBGRAPH, "")
        if not isinstance(subgraph.get("links"), list):
            return False
        _check_links(subgraph["links"])
        _unique(str(node["id"]) for node in subgraph["nodes"])
    except AnimateDiffError:
        return False
    return True


def _check_links(links: list[Any]) -> None:
    for index, link in enumerate(links):
        if link:  # old pages saved null for a link that was cut
            _check(link_parts(link) if isinstance(link, list) else link, LINK, f"links[{index}]")


def is_api(workflow: Any) -> bool:
    """Whether every entry is a node of API format; an error where one has another shape."""
    if not isinstance(workflow, dict) or not workflow:
        return False
    for node in workflow.values():
        if not (isinstance(node, dict) and "class_type" in node):
            return False
        if not isinstance(node.get("inputs"), dict):
            return False
    _count(len(workflow))
    _check(workflow, API, "")
    return True


def link_parts(link: dict[str, Any] | list[Any]) -> dict[str, Any]:
    """A link of the page by the names of the newer schema; the older one has a list."""
    return link if isinstance(link, dict) else dict(zip(LINK, link, strict=False))


def text(value: Any) -> str:
    """What is only shown: nothing where it is no text."""
    return value if isinstance(value, str) else ""


def _check(value: Any, kind: Any, where: str) -> None:
    if isinstance(kind, Kind):
        if not kind.fits(value):
            raise malformed(f"{where} is {_said(value)}", kind.said)
    elif isinstance(kind, list):
        if not isinstance(value, list):
            raise malformed(f"{where} is {_said(value)}", "a list")
        for index, item in enumerate(value):
            _check(item, kind[0], f"{where}[{index}]")
    elif not isinstance(value, dict):
        raise malformed(f"{where} is {_said(value)}", "an object with names")
    else:
        _check_object(value, kind, where)


def _check_object(value: dict[str, Any], kinds: dict[str, Any], where: str) -> None:
    if "*" in kinds:
        for name, inside in value.items():
            _check(inside, kinds["*"], f"{where}.{name[:50]}" if where else f"node {name[:50]}")
        return
    for name, kind in kinds.items():
        plain = name.removesuffix("?")
        inside = f"{where}.{plain}" if where else plain
        if value.get(plain) is not None:
            _check(value[plain], kind, inside)
        elif plain == name and kind is not ANY:
            raise malformed(f"{inside} is missing", getattr(kind, "said", "a list or an object"))
        elif plain == name and plain not in value:
            raise malformed(f"{inside} is missing", "a part that every link has")


def _count(nodes: int) -> None:
    if nodes > MOST_NODES:
        raise malformed(f"it has {nodes} nodes", f"at most {MOST_NODES}", "split it into several.")


def _unique(ids: Iterable[str]) -> None:
    seen: set[str] = set()
    for key in ids:
        if key in seen:
            raise malformed(f"two nodes have the id {key[:50]}", "an id of its own for each")
        seen.add(key)


def _said(value: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
    return "null" if value is None else names.get(type(value)) or f"{value:.6g}"


def malformed(
    problem: str, expected: str, remedy: str = "open it in ComfyUI and save it again."
) -> AnimateDiffError:
    """The error about a workflow whose parts are not what they have to be."""
    return AnimateDiffError(f"this workflow cannot be read: {problem}.", expected, remedy)
