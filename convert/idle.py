"""Nodes of AnimateDiff-Evolved that take no part in any run: muted, bypassed, or leading nowhere.
They are converted like others, but that something of them has no equivalent is no loss."""

from .graph import ACTIVE, MUTED, Graph, Node
from .options import Job
from .their_nodes import ENDS, is_theirs


def idle_nodes(graph: Graph) -> set[str]:
    """Those that are off or unused, and those that serve only such."""
    theirs = [node for node in graph.nodes.values() if is_theirs(node.type)]
    waiting = {node.id: len(takers(graph, node)) for node in theirs}
    free = [node for node in theirs if _is_off(graph, node)]
    idle: set[str] = set()
    while free:
        node = free.pop()
        if node.id in idle:
            continue
        idle.add(node.id)
        for source in _origins(graph, node):
            if source.id in waiting:
                waiting[source.id] -= 1
                if not waiting[source.id]:
                    free.append(source)
    return idle


def _is_off(graph: Graph, node: Node) -> bool:
    return node.mode != ACTIVE or (node.type not in ENDS and not takers(graph, node))


def takers(graph: Graph, node: Node) -> set[str]:
    """Who takes the outputs of a node, wires left out."""
    found: set[str] = set()
    seen: set[str] = set()
    waiting = graph.users(node)
    while waiting:
        user = waiting.pop()
        if user.id in seen:
            continue
        seen.add(user.id)
        if user.is_wire:
            waiting += graph.users(user)
        else:
            found.add(user.id)
    return found


def _origins(graph: Graph, node: Node) -> list[Node]:
    """The nodes that one takes from, each once."""
    found = {}
    for _, link in node.links():
        origin = graph.nodes.get(graph.wired(link).node)
        if origin is not None and not origin.is_wire:
            found[origin.id] = origin
    return list(found.values())


def remove_unusable(job: Job) -> None:
    """Take out loaders without a model that are muted, or that nothing takes: nothing can become of
    them, and no run misses them."""
    for node in list(job.graph.nodes.values()):
        loads = is_theirs(node.type) and node.input_kinds.get("model") == "MODEL"
        if not loads or node.link("model") is not None:
            continue
        if node.mode == MUTED or not takers(job.graph, node):
            job.report.became(node, "nothing: it had no model, and took part in no run")
            job.graph.remove(node)
