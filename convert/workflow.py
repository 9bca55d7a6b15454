"""Converting a workflow of either format."""

import copy
from typing import Any

from ..motion.errors import AnimateDiffError
from .api_format import is_api, read_api, write_api
from .graph import WIRES, Graph, Node
from .helpers import convert_helpers
from .loaders import convert_loaders
from .options import Job
from .prompts import convert_prompts
from .report import Conversion, Report
from .their_nodes import ENDS, LAYOUTS, is_theirs
from .ui_read import is_ui, read_ui, theirs_inside
from .ui_write import write_ui


def convert(workflow: dict[str, Any]) -> Conversion:
    """The workflow with our nodes in place of AnimateDiff-Evolved's; the given one stays as it is.

    AnimateDiffError where it is no workflow, or has no node of theirs.
    """
    workflow = copy.deepcopy(workflow)
    page = isinstance(workflow, dict) and is_ui(workflow)
    if not page and not (isinstance(workflow, dict) and is_api(workflow)):
        raise AnimateDiffError(
            "this is not a workflow of ComfyUI.",
            "a file saved by the page (Save), or in API format (Export API)",
            "open it in ComfyUI and save it again.",
        )
    graph = read_ui(workflow) if page else read_api(workflow)
    inside = theirs_inside(workflow) if page else []
    if not inside and not any(is_theirs(node.type) for node in graph.nodes.values()):
        raise AnimateDiffError(
            "this workflow has no node of ComfyUI-AnimateDiff-Evolved.",
            "at least one node whose id begins with ADE_",
            "use it as it is: there is nothing to convert.",
        )
    report = Report()
    _convert(Job(graph, report))
    for node in inside:
        report.leave(node, "it is inside a subgraph or group node: unpack that, then convert again")
    written = write_ui(graph, workflow) if page else write_api(graph)
    return Conversion(written, report.converted, report.left, report.notes)


def _convert(job: Job) -> None:
    before = dict(job.graph.nodes)
    users = {node.id: job.graph.users(node) for node in before.values()}
    convert_loaders(job)
    convert_prompts(job)
    convert_helpers(job)
    _remove_spent(job, users)
    for node in job.graph.nodes.values():
        if is_theirs(node.type) and not job.report.knows(node):
            job.report.leave(node, _why_it_stays(job.graph, node))


def _why_it_stays(graph: Graph, node: Node) -> str:
    users = graph.users(node)
    if node.problem or node.type not in LAYOUTS or not users:
        return node.problem or "it has no equivalent, and stays as it is"
    return f"it serves {users[0]}, and stays with it"


def _remove_spent(job: Job, users: dict[str, list[Node]]) -> None:
    """Take out what only served nodes that are gone: a server refuses a workflow with any node
    that it does not know, connected or not."""
    graph = job.graph
    while spent := [node for node in graph.nodes.values() if _is_spent(graph, node, users)]:
        for node in spent:
            _say_why(job, node, users.get(node.id, []))
            graph.remove(node)


def _is_spent(graph: Graph, node: Node, users: dict[str, list[Node]]) -> bool:
    if node.type in ENDS or graph.users(node):
        return False
    if node.type in WIRES:
        return bool(users.get(node.id))
    return is_theirs(node.type)


def _say_why(job: Job, node: Node, users: list[Node]) -> None:
    if node.type in WIRES or _was_replaced(job, node):
        return
    refused = [user for user in users if user.id in job.report.dropped]
    if not users:
        job.report.note(f"{node} is connected to nothing, and was taken out.")
    elif job.report.knows(node):
        return
    elif len(refused) == len(users):
        job.report.drop(node, f"it only served {refused[0]}, and was taken out with it")
    else:
        job.report.converted.append(f"node {node.id}, {node.type} -> in the nodes that it served")


def _was_replaced(job: Job, node: Node) -> bool:
    return any(line.startswith(f"node {node.id}, {node.type} ->") for line in job.report.converted)
