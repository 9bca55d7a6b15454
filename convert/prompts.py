"""Nodes that schedule prompts: the incumbent's, and FizzNodes', which stand in the same files."""

from typing import Any

from .fizz_nodes import BATCH_STRING, HELPERS, IMAGES, SDXL, STRING, is_fizz
from .fizz_nodes import PROMPTS as FIZZ_PROMPTS
from .fizz_prompts import convert_fizz
from .fizz_single import convert_string
from .graph import Link, Node
from .options import Job
from .our_nodes import PROMPTS
from .prompt_clips import Part, frame_inputs, text_encoder
from .prompt_text import (
    Key,
    Unreadable,
    foreign_mark,
    instruction,
    one_prompt,
    our_schedule,
    seen,
    their_schedule,
)
from .texts import held_text
from .their_nodes import PROMPTS as THEIR_PROMPTS
from .their_nodes import PROMPTS_LATENTS

INTERPOLATIONS = {"lerp": "compound", "slerp": "compound slerp"}
UNKNOWN = 1000  # frames, to read a schedule for a clip whose length only its latent knows
AROUND = (("prepend_text", "prefix"), ("append_text", "suffix"))


def convert_prompts(job: Job) -> None:
    """Every schedule of prompts whose texts are in the file; the others stay as they are."""
    for node in list(job.graph.nodes.values()):
        convert = _converter(node)
        if convert is None:
            continue
        try:
            if node.problem:
                raise Unreadable(node.problem)
            convert(job, node)
        except Unreadable as problem:
            if not _connected(job, node):
                job.report.became(node, "nothing: it was connected to nothing")
                job.graph.remove(node)
                continue
            job.report.leave(node, f"{problem}; the node stays as it is")
    remove_spent(job, HELPERS)


def _converter(node: Node) -> Any:
    if node.type in (THEIR_PROMPTS, PROMPTS_LATENTS):
        return _convert
    if node.type in FIZZ_PROMPTS:
        return convert_fizz
    if node.type in (STRING, BATCH_STRING):
        return convert_string
    return _refuse if node.type in (IMAGES, *SDXL) else None


def _refuse(job: Job, node: Node) -> None:
    if node.type == IMAGES:
        raise Unreadable("pictures by frame have no equivalent")
    raise Unreadable("prompts for SDXL have no equivalent, nor are its motion modules run here")


def _connected(job: Job, node: Node) -> bool:
    return job.graph.is_used(node)


def remove_spent(job: Job, types: tuple[str, ...]) -> None:
    """Take out nodes of FizzNodes that only served others which are gone."""
    asked = [node for node in job.graph.nodes.values() if node.type in types and is_fizz(node)]
    while spent := [node for node in asked if not job.graph.is_used(node)]:
        for node in spent:
            asked.remove(node)
            job.report.became(node, "in the nodes that it served")
            job.graph.remove(node)


def _convert(job: Job, node: Node) -> None:
    """A schedule of the incumbent's."""
    text, clip = _value(job, node, "prompts"), text_encoder(job, node)
    if not isinstance(text, str):
        raise Unreadable("its prompts are not in the file")
    if job.option(node, "values_replace"):
        raise Unreadable("values_replace puts numbers into its prompts")
    latents = node.link("latent") if node.type == PROMPTS_LATENTS else None
    frames = job.frames(latents) if latents else job.number(node, "max_length")
    frames = frames if isinstance(frames, int) and frames > 0 else None
    keys = _keys(text, frames or (UNKNOWN if latents else None))
    around = {ours: _value(job, node, theirs) for theirs, ours in AROUND}
    keys, inputs = _with_texts(keys, around)
    mark = foreign_mark([*(key.text for key in keys), *filter(_is_text, around.values())])
    if mark or "`" in text:
        job.report.leave(node, instruction(mark or "`"))
    least = max(key.frame for key in keys) + 1
    part = Part(None if latents else frames or least, least, latents=latents)
    inputs |= frame_inputs(job, node, part, one_prompt(keys))
    interpolation = INTERPOLATIONS.get(job.constant(node, "tensor_interp"), "compound")
    inputs |= {"clip": clip, "interpolation": interpolation}
    if latents and frames is None and _is_relative(text):  # our node reads it as it is
        inputs |= {"text": text, "frames": 16}
    else:
        known = inputs["frames"] if "latent" not in inputs else frames
        inputs["text"] = our_schedule(seen(keys, known if isinstance(known, int) else None))
    made = job.graph.add(PROMPTS, inputs, node, title=job.title(node), mode=node.mode)
    outputs = {0: Link(made.id, 0)}
    if latents:
        outputs[1] = latents
        job.lengths = None  # a clip's latent may go on from here
    job.replace(node, outputs, made)


def _value(job: Job, node: Node, name: str) -> Any:
    """A text of a node: its own, or one that is connected. Texts around the prompts have a widget
    that the page does not send while it is a socket."""
    value = job.value(node, name)
    if isinstance(value, Link):
        text = held_text(job.graph, value)
        return value if text is None else text
    return "" if name != "prompts" and name in node.sockets else value


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_relative(text: str) -> bool:
    """Whether its frames count from the clip's length."""
    return [key.frame for key in _keys(text, UNKNOWN)] != [key.frame for key in _keys(text, 10**6)]


def _keys(text: str, frames: int | None) -> list[Key]:
    """What a schedule says. Python has limits to digits."""
    try:
        keys = their_schedule(text, frames)
    except (OverflowError, RecursionError, ValueError):
        raise Unreadable("its prompts cannot be read") from None
    if not keys:
        raise Unreadable("it has no prompts")
    return keys


def _with_texts(keys: list[Key], around: dict[str, Any]) -> tuple[list[Key], dict[str, Any]]:
    """The texts around the prompts as inputs of our node, which puts a comma between; in the
    prompts themselves where the incumbent has it otherwise."""
    before, behind = around["prefix"], around["suffix"]
    before = before.strip() if isinstance(before, str) else before
    behind = behind.strip() if isinstance(behind, str) else behind
    while isinstance(before, str) and before.endswith(","):
        before = before[:-1].strip()
    while isinstance(behind, str) and behind.startswith(","):
        behind = behind[1:].strip()
    plain = all(_is_plain(key.text) for key in keys)
    if plain or isinstance(before, Link) or isinstance(behind, Link):
        named = {"prefix": before, "suffix": behind}
        return keys, {name: text for name, text in named.items() if text}
    return [key._replace(text=_joined(before, key.text, behind)) for key in keys], {}


def _is_plain(text: str) -> bool:
    return text not in ("", ",") and text[0] != "," and text[-1] != ","


def _joined(before: str, text: str, behind: str) -> str:
    if before:
        text = f"{before}{text}" if text.startswith(",") else f"{before}, {text}"
    if behind:
        text = f"{text} {behind}" if text.endswith(",") else f"{text}, {behind}"
    return text
