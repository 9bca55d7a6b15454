"""Nodes that schedule prompts: the incumbent's, and FizzNodes', which stand in the same files."""

from itertools import pairwise

from .graph import Link, Node
from .options import Job
from .our_nodes import PROMPTS
from .prompt_text import Key, Unreadable, fizz_schedule, our_schedule, their_schedule, within
from .their_nodes import FIZZ, FIZZ_LATENTS, PROMPTS_LATENTS
from .their_nodes import PROMPTS as THEIR_PROMPTS

FIZZ_NODES = (FIZZ, FIZZ_LATENTS)
NEGATIVE = "--neg"  # FizzNodes: what stands behind it belongs to the second output
WEIGHTS = ("pw_a", "pw_b", "pw_c", "pw_d")


def convert_prompts(job: Job) -> None:
    """Every schedule whose texts are in the file; the others stay as they are."""
    for node in list(job.graph.nodes.values()):
        if node.type not in (THEIR_PROMPTS, PROMPTS_LATENTS, *FIZZ_NODES):
            continue
        try:
            if node.problem:
                raise Unreadable(node.problem)
            _convert(job, node)
        except Unreadable as problem:
            job.report.leave(node, f"{problem}; the node stays as it is")


def _convert(job: Job, node: Node) -> None:
    fizz = node.type in FIZZ_NODES
    text = job.value(node, "text" if fizz else "prompts")
    clip = node.link("clip")
    if not isinstance(text, str) or clip is None:
        raise Unreadable("its prompts or its clip are not in the file")
    _require_constant(job, node)
    frames = _frames(job, node)
    known = frames if isinstance(frames, int) else None
    keys = _keys(text, fizz, known)
    inside, beyond = within(keys, known)
    if not inside:
        raise Unreadable(f"its first prompt is at frame {keys[0].frame}, beyond the clip")
    if beyond:
        reason = f"the prompt of frame {beyond[0]} is beyond the clip; the one before it is held"
        job.report.leave(node, reason)
    longest = max(key.frame for key in inside) + 1
    _replace(job, node, clip, inside, frames or longest)


def _keys(text: str, fizz: bool, frames: int | None) -> list[Key]:
    """What a schedule says. Python has limits to digits, and JSON to how deep it can be."""
    try:
        keys = fizz_schedule(text) if fizz else their_schedule(text, frames)
    except (OverflowError, RecursionError, ValueError):
        raise Unreadable("its prompts cannot be read") from None
    if not keys:
        raise Unreadable("it has no prompts")
    return keys


def _require_constant(job: Job, node: Node) -> None:
    if job.option(node, "values_replace"):
        raise Unreadable("values_replace puts numbers into its prompts")
    if job.value(node, "tensor_interp") == "slerp":
        job.report.leave(node, "tensor_interp slerp has no equivalent; prompts change linearly")
    for name in WEIGHTS:
        if node.link(name):
            job.report.note(f"{node}: {name} is in none of its prompts, and was not taken over.")


def _frames(job: Job, node: Node) -> int | Link | None:
    """How many frames a schedule is for: what it says, or the length of the clip."""
    latents = node.link("latent") or node.link("num_latents")
    said = job.value(node, "max_length") or job.value(node, "max_frames")
    if latents:
        said = job.frames(latents)
        if said is None:
            raise Unreadable("the length of its latent is not in the file")
    if said:
        return said
    lengths = job.clip_lengths()
    if len(lengths) == 1:
        return next(iter(lengths))
    job.report.note(f"{node} has no length: set frames to the length of the clip.")
    return None


def _replace(job: Job, node: Node, clip: Link, keys: list[Key], frames: int | Link) -> None:
    graph = job.graph
    latents = node.link("latent") or node.link("num_latents")
    common = {"clip": clip, "frames": frames, "interpolation": "linear"}
    if node.type not in FIZZ_NODES:
        if any(not a.hold and b.frame - a.frame > 1 for a, b in pairwise(keys)):
            job.report.note(
                f"{node}: prompts now change linearly; the incumbent's change faster at first."
            )
        common |= {"text": our_schedule(keys), **_around(node, "prepend_text", "append_text")}
        made = [graph.add(PROMPTS, common, node, title=job.title(node), mode=node.mode)]
    else:
        made = _fizz(job, node, keys, common)
    outputs = {output: Link(ours.id, 0) for output, ours in enumerate(made)}
    if latents:
        outputs[_latent_output(node, len(made))] = latents
        job.lengths = None  # a clip's latent may go on from here
    job.replace(node, outputs, *made)


def _around(node: Node, before: str, behind: str) -> dict[str, str | Link]:
    names = ((before, "prefix"), (behind, "suffix"))
    return {ours: node.inputs[theirs] for theirs, ours in names if node.inputs.get(theirs)}


def _fizz(job: Job, node: Node, keys: list[Key], common: dict) -> list[Node]:
    """One node for the prompts and, where the second output is used, one for the negative ones."""
    around = {name: node.inputs.get(name) or "" for name in ("pre_text", "app_text")}
    linked = {name: v for name, v in around.items() if isinstance(v, Link)}
    common |= _around(Node("", "", linked), "pre_text", "app_text")
    made = []
    for output in range(2 if _negative_used(job, node) else 1):
        texts = [_joined(around, key.text, output) for key in keys]
        schedule = [key._replace(text=text) for key, text in zip(keys, texts, strict=True)]
        title = job.title(node) if output == 0 else "Negative Prompts"
        inputs = {**common, "text": our_schedule(schedule)}
        pos = (node.pos[0], node.pos[1] + output * 340)
        made.append(job.graph.add(PROMPTS, inputs, node, title=title, mode=node.mode, pos=pos))
    return made


def _joined(around: dict, text: str, output: int) -> str:
    parts = (around["pre_text"], text, around["app_text"])
    parts = ([*p.split(NEGATIVE), ""][output].strip() for p in parts if isinstance(p, str))
    return " ".join(part for part in parts if part)


def _negative_used(job: Job, node: Node) -> bool:
    """Whether the second output is one of prompts, and taken; the first versions had none."""
    users = list(job.graph.consumers(Link(node.id, 1)))
    if node.type == FIZZ or not users:
        return bool(users)
    return _latent_output(node, 0) == 2


def _latent_output(node: Node, made: int) -> int:
    """By which output the latent goes on, in the node's versions."""
    if node.type == PROMPTS_LATENTS:
        return 1
    return 2 if made > 1 or "print_output" in node.inputs else 1
