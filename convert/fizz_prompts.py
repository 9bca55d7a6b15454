"""FizzNodes' schedules of prompts by frame, in place of which Prompt Schedule stands.

One node for both sides: what its prompts have behind --neg is our node's third output.
"""

import re
from typing import Any

from .fizz_keys import fizz_keys, from_zero
from .fizz_nodes import BATCH_FLOW_END, BATCH_LATENTS, FLOW_END, PROMPT, WEIGHTS
from .fizz_options import value
from .fizz_place import LINKED, encoded, made
from .fizz_single import one_frame
from .fizz_text import NEGATIVE, PLACES, has_formula, put_around
from .graph import ACTIVE, Link, Node
from .host_nodes import REGEX_REPLACE
from .options import Job, is_number
from .prompt_clips import Part, frame_inputs, is_known, text_encoder
from .prompt_text import Key, Unreadable, one_prompt, our_schedule, seen
from .texts import texts_before

AROUND = (("pre_text", "prefix"), ("app_text", "suffix"))
_AT_AN_END = re.compile(r"^\s*,|,\s*([\"']|$)|:\s*[\"']\s*,", re.MULTILINE)  # commas of a prompt


def convert_fizz(job: Job, node: Node) -> None:
    inputs: dict[str, Any] = {**_clip(job, node), "interpolation": "linear"}
    frames = frames_of(job, node)
    known = frames if isinstance(frames, int) else None
    try:
        keys = fizz_keys(job, node, text_of(job, node), known)
    except Unreadable:
        link = node.link("text")
        if link is None:
            raise
        _read_when_it_runs(job, node, inputs | {"text": link}, frames)
        return
    keys, linked = _linked(job, node, keys)
    convert = one_frame if node.type in (PROMPT, FLOW_END) else _batch
    convert(job, node, inputs | linked, keys, frames)


def _linked(job: Job, node: Node, keys: list[Key]) -> tuple[list[Key], dict[str, Any]]:
    """Texts that other nodes make to stand around the prompts, as inputs: for their places in the
    keys, but where they could have a negative part."""
    around = {name: value(job, node, name) for name, _ in AROUND}
    linked = {name: text for name, text in around.items() if isinstance(text, Link)}
    before = (text for link in linked.values() for text in texts_before(job.graph, link))
    if not any(NEGATIVE in text for text in before):
        return keys, {"linked": linked} if linked else {}
    _list_comma(job, node)
    for name in linked:
        keys = [key._replace(text=key.text.replace(PLACES[name], "").strip()) for key in keys]
    return keys, {ours: linked[theirs] for theirs, ours in AROUND if theirs in linked}


def _clip(job: Job, node: Node) -> dict[str, Any]:
    """Its text encoder, which a node that is off can do without."""
    try:
        return {"clip": text_encoder(job, node)}
    except Unreadable:
        if node.mode == ACTIVE:
            raise
    return {}


def text_of(job: Job, node: Node) -> str:
    text = value(job, node, "text")
    if isinstance(text, Link):
        raise Unreadable("its prompts are not in the file")
    text = text if isinstance(text, str) else ""
    return text.removesuffix(",") if node.type in (FLOW_END, BATCH_FLOW_END) else text


def frames_of(job: Job, node: Node) -> int | Link | None:
    """How many frames a schedule is for."""
    if node.type == BATCH_LATENTS:
        return job.frames(node.link("num_latents"))
    frames = value(job, node, "max_frames")
    return max(1, int(frames)) if is_number(frames) else frames


def _batch(job: Job, node: Node, inputs: dict, keys: list[Key], frames: int | Link | None) -> None:
    part = _part(job, node, keys, frames)
    keys, shift = from_zero(keys)
    part = part._replace(start=part.start + shift, total=part.total + shift)
    constant = one_prompt(keys) and not has_formula(keys[0].text)
    if constant and not is_known(job, node, part) and not inputs.keys() & LINKED:
        encoded(job, node, inputs, keys[0].text)
        return
    inputs |= frame_inputs(job, node, part, constant)
    end = None if "latent" in inputs else inputs["frames"]
    end = end + inputs.get("first_frame", 0) if isinstance(end, int) else None
    made(job, node, inputs | {"text": our_schedule(seen(keys, end))})


def _part(job: Job, node: Node, keys: list[Key], frames: int | Link | None) -> Part:
    """Which frames it gives out, by start_frame and end_frame; 0 stands for its end."""
    start, end = value(job, node, "start_frame"), _end(job, node, frames)
    if not is_number(start) or not is_number(end):
        raise Unreadable("its start_frame or end_frame is not in the file")
    known = frames if isinstance(frames, int) else None
    start, end = int(start), int(end) or known
    if end is not None and start >= end:
        start = 0
    least = max(1, max(key.frame for key in keys) + 1)
    count = end - start if end is not None else None
    if node.type != BATCH_LATENTS:
        return Part(frames if count is None else count, least, start, known or 0)
    if count is not None and known is not None and count != known and not one_prompt(keys):
        reason = f"start_frame and end_frame left {count} prompts for {known} frames: ComfyUI began"
        job.report.leave(node, f"{reason} them anew, and here the schedule goes on")
    return Part(count, least, start, known or 0, node.link("num_latents"))


def _end(job: Job, node: Node, frames: int | Link | None) -> Any:
    """end_frame; 0 where it is what the number of frames is."""
    end = value(job, node, "end_frame")
    if not isinstance(end, Link) or not isinstance(frames, Link):
        return end
    return 0 if job.graph.source(end) == job.graph.source(frames) else end


def _read_when_it_runs(job: Job, node: Node, inputs: dict, frames: Any) -> None:
    """A schedule whose text another node makes, or whose text FizzNodes could not read either:
    our node reads it when it runs, or says why it cannot."""
    before = [*texts_before(job.graph, inputs["text"])]
    if any(value(job, node, name) for name in WEIGHTS) and any("`" in text for text in before):
        raise Unreadable("its prompts are not in the file, and weights go into them")
    inputs |= _around(job, node, inputs["text"], before)
    if node.type in (PROMPT, FLOW_END):
        frame = value(job, node, "current_frame")
        total = frames if isinstance(frames, int) else 0
        frame = int(frame) % total if is_number(frame) and total else frame
        inputs |= {"frames": 1, "first_frame": frame, "total_frames": total}
    else:
        part = _part(job, node, [Key(0, "")], frames)
        inputs |= frame_inputs(job, node, part, constant=True)
    made(job, node, inputs)


def _around(job: Job, node: Node, link: Link, before: list[str]) -> dict[str, Any]:
    """What stands around the prompts of a text that is made when it runs. before: the texts that
    these are made of."""
    found = {}
    for theirs, ours in AROUND:
        text = value(job, node, theirs)
        if isinstance(text, str):
            text = (text.removesuffix("0") if ours == "suffix" else text).strip()
        if text:
            found[ours] = text
    if not found or not isinstance(value(job, node, "text"), Link) or _has_commas(found, before):
        return found
    if any(isinstance(text, Link) or NEGATIVE in text for text in found.values()):
        _list_comma(job, node)
        return found
    ours = job.add(REGEX_REPLACE, {"string": link, **put_around(**found)}, node)
    return {"text": Link(ours.id, 0)}


def _has_commas(around: dict[str, Any], before: list[str]) -> bool:
    """Whether one comma is between prompts and what is around them as it is; a space before it
    makes no difference."""
    ends = [(around.get("prefix", ","), -1), (around.get("suffix", ","), 0)]
    there = all(isinstance(text, str) and text[place] == "," for text, place in ends)
    known = any(len(text.split()) > 1 for text in before)
    return there and known and not any(_AT_AN_END.search(text) for text in before)


def _list_comma(job: Job, node: Node) -> None:
    reason = "Prompt Schedule puts a comma between prompts and what comes from other nodes to stand"
    job.report.leave(node, f"{reason} around them, FizzNodes a space")
