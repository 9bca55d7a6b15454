"""Converting a workflow of either format."""

from typing import Any

from ..motion.errors import AnimateDiffError
from .api_format import read_api, write_api
from .check import copied, is_api, is_page, malformed
from .combine import convert_combine
from .containers import unwrapped, without_more
from .downloads import note_downloads
from .everywhere import empty_givers, given_to_all
from .fizz_nodes import PROMPTS as FIZZ_PROMPTS
from .fizz_nodes import is_fizz
from .graph import Graph, Node
from .groups import open_groups
from .helpers import convert_helpers
from .i2v import convert_encoded
from .idle import idle_nodes, remove_unusable
from .loaders import convert_loaders
from .look_alikes import set_apart, theirs_or_others
from .model_paths import supersede
from .options import Job
from .place import place
from .promoted import show_again, shown_values
from .prompts import convert_prompts
from .report import Conversion, Report
from .sparse_controls import convert_sparse, is_sparse
from .their_nodes import ENDS, LAYOUTS, is_theirs
from .ui_read import read_ui, theirs_unread
from .ui_write import write_ui
from .values_of import convert_values
from .wires import GET, SET, WIRES

SCRIPT = "AnimateDiff Script"


def convert(held: Any) -> Conversion:
    """The workflow with our nodes in place of AnimateDiff-Evolved's; the given one stays as it is.
    held: what a file holds, which may be more than a workflow (see containers).

    AnimateDiffError where it is no workflow, or has no node of theirs: nothing else, whatever JSON
    it is given.
    """
    workflow, odd = copied(unwrapped(held))
    workflow = without_more(workflow)
    page = is_page(workflow)
    if not page and not is_api(workflow):
        raise AnimateDiffError(
            "this is not a workflow of ComfyUI.",
            "a file saved by the page (Save), or in API format (Export API)",
            "open it in ComfyUI and save it again.",
        )
    report = Report()
    if page:
        workflow = open_groups(workflow, report)
        graph, scopes = read_ui(workflow)
        unread = [*theirs_unread(workflow, scopes)]
    else:
        graph, scopes, unread = read_api(workflow), [], []
    set_apart(graph.nodes.values())
    _require_theirs(graph, unread)
    for node in odd:
        report.note(f"{node}: a value was saved as NaN, which is no number; it is 1 now.")
    before = {*graph.nodes}
    _convert(Job(graph, report))
    if page:
        note_downloads(graph, scopes)
        place(graph, scopes, before)
    for node in unread:
        report.leave(node, "it is inside a subgraph or group node: unpack that, then convert again")
    return report.about(write_ui(graph, scopes, report.made) if page else write_api(graph))


def _require_theirs(graph: Graph, unread: list[Node]) -> None:
    found, others = theirs_or_others(graph.nodes.values())
    if not unread and not found and others:
        raise AnimateDiffError(
            f"the nodes of this workflow ({', '.join(others)[:200]}) are those of ArtVentureX's "
            "comfyui-animatediff, another pack.",
            "nodes of ComfyUI-AnimateDiff-Evolved, whose ids begin with ADE_",
            "run it with that pack, or begin with a template of AnimateDiff Native.",
        )
    others = any(_is_of_others(node) for node in graph.nodes.values())
    if not unread and not found and not others:
        raise AnimateDiffError(
            "this workflow has no node of ComfyUI-AnimateDiff-Evolved.",
            "at least one node whose id begins with ADE_, a schedule of prompts of FizzNodes, or a "
            "SparseCtrl of Advanced-ControlNet",
            "use it as it is: there is nothing to convert.",
        )
    for node in filter(lambda node: is_theirs(node.type), graph.looped()):
        raise malformed(
            f"{node} is fed by its own output",
            "links that lead from inputs to results only",
            "open it in ComfyUI and cut the loop.",
        )


def _is_of_others(node: Node) -> bool:
    """Whether it is converted though it is another pack's."""
    return is_sparse(node.type) or (node.type in FIZZ_PROMPTS and is_fizz(node))


def _convert(job: Job) -> None:
    idle = idle_nodes(job.graph)
    remove_unusable(job)
    shown = shown_values(job.graph)
    before = list(job.graph.nodes.values())
    users = {node.id: job.graph.users(node) for node in before if is_theirs(node.type)}
    wires = {node.id for node in before if node.type in WIRES and job.graph.is_used(node)}
    supersede(job)
    convert_loaders(job)
    convert_prompts(job)
    convert_sparse(job)
    convert_helpers(job)
    convert_combine(job)
    show_again(job, shown)
    _remove_spent(job, users, wires)
    convert_values(job)
    convert_encoded(job)
    _remove_spent(job, users, wires)
    for node in job.graph.nodes.values():
        if is_theirs(node.type) and not job.report.knows(node):
            job.report.leave(node, _why_it_stays(job.graph, node))
    job.report.forget(idle, job.graph.nodes)


def _why_it_stays(graph: Graph, node: Node) -> str:
    users = graph.users(node)
    if users and users[0].type == SCRIPT:
        return (
            f"it serves {users[0]} of Efficiency Nodes, which calls AnimateDiff-Evolved itself and "
            "cannot be converted: load and sample without a script, then convert"
        )
    if node.problem or node.type not in LAYOUTS or not users:
        return node.problem or "it has no equivalent, and stays as it is"
    return f"it serves {users[0]}, and stays with it"


def _remove_spent(job: Job, users: dict[str, list[Node]], wires: set[str]) -> None:
    """Take out what only served nodes that are gone: a server refuses a workflow with any node
    that it does not know, connected or not. wires: those that led somewhere."""
    graph = job.graph
    asked = list(graph.nodes.values())
    while spent := [node for node in asked if _is_spent(graph, node, wires)]:
        freed: set[str] = set()
        for node in spent:
            _say_why(job, node, users.get(node.id, []))
            freed.update(source.id for source in graph.sources(node))
            graph.remove(node)
            for giver in empty_givers(graph, users.get(node.id, [])):
                job.report.became(giver, "nothing: what it gave to others is connected to them")
                graph.remove(giver)
            if node.type == GET and not graph.named(GET, node):
                freed.update(end.id for end in graph.named(SET, node))
        asked = graph.present(freed)


def _is_spent(graph: Graph, node: Node, wires: set[str]) -> bool:
    if node.type in ENDS:
        return False
    if graph.is_used(node):
        return is_theirs(node.type) and given_to_all(graph, node)
    return node.id in wires if node.type in WIRES else is_theirs(node.type)


def _say_why(job: Job, node: Node, users: list[Node]) -> None:
    if node.type in WIRES or job.report.was_replaced(node):
        return
    refused = [user for user in users if user.id in job.report.dropped]
    if not users:
        job.report.became(node, "nothing: it was connected to nothing")
    elif job.report.knows(node):
        return
    elif len(refused) == len(users):
        job.report.drop(node, f"it only served {refused[0]}, and was taken out with it")
    else:
        job.report.became(node, "in the nodes that it served")
